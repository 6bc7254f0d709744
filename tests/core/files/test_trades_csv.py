"""Closed trades as CSV: every field, exactly, and none kept."""

import csv
import json
import tracemalloc
from collections import deque
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillbridge.files import TRADE_COLUMNS, BadFile, TradeWriter
from fillbridge_hooks import ExitReason, TradeResult

MOMENT = datetime(2024, 1, 2, tzinfo=UTC)
RENAMED = {"entry_timestamp": "entry_time_ns", "exit_timestamp": "exit_time_ns"}
TRADE = TradeResult(
    "T1",
    MOMENT,
    MOMENT,
    4800.25,
    4801.0,
    2,
    "LONG",
    75.0,
    42.4,
    7.6,
    25.0,
    ExitReason.TAKE_PROFIT,
    0.1,
    1.0,
    -0.25,
    0.875,
    symbol="ES",
    proposal_id="p,1",
    strategy=None,
    entry_time_ns=1703545200085275419,
    exit_time_ns=1703545200185275419,
    path_dependent=True,
    other_exit_reason=ExitReason.STOP_LOSS,
    other_exit_price=4799.5,
    pnl_net_low=-107.6,
    pnl_net_high=42.4,
    cost_complete=False,
)


def written(path, *trades):
    with TradeWriter(path) as writer:
        for trade in trades:
            writer.write(trade)
    assert writer.count == len(trades)
    return path.read_text(encoding="utf-8")


def test_the_columns_are_every_field_of_a_trade():
    fields = set(TradeResult.__struct_fields__) - set(RENAMED.values())
    assert sorted(TRADE_COLUMNS) == sorted(fields)
    assert TRADE_COLUMNS[:2] == ("proposal_id", "trade_id")


def test_a_trade_is_one_line(tmp_path):
    assert written(tmp_path / "trades.csv", TRADE).splitlines()[1] == (
        '"p,1",T1,ES,,LONG,2,1703545200085275419,1703545200185275419,4800.25,4801.0,75.0,42.4,'
        "7.6,25.0,TP,0.1,1.0,-0.25,0.875,true,SL,4799.5,-107.6,42.4,false"
    )


def test_a_run_without_trades_is_a_header(tmp_path):
    assert written(tmp_path / "trades.csv") == ",".join(TRADE_COLUMNS) + "\n"


@given(data=st.data())
def test_every_field_reads_back_as_it_was(tmp_path_factory, data):
    number = st.floats(allow_nan=False, allow_infinity=False)
    text = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"))
    reason = st.sampled_from(ExitReason)
    trade = TradeResult(
        *data.draw(st.tuples(text, *[st.just(MOMENT)] * 2, number, number, st.integers(1), text)),
        *data.draw(st.tuples(*[number] * 4, reason, *[number] * 4)),
        *data.draw(st.tuples(text, st.none() | text, st.none() | text)),
        *data.draw(st.tuples(st.integers(0, 2**62), st.integers(0, 2**62), st.booleans())),
        *data.draw(st.tuples(st.none() | reason, st.none() | number, number, number)),
        data.draw(st.booleans()),
    )
    path = tmp_path_factory.mktemp("trades") / "trades.csv"
    written(path, trade)
    with path.open(newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    for column in TRADE_COLUMNS:
        value, cell = getattr(trade, RENAMED.get(column, column)), row[column]
        if value is None or isinstance(value, str):
            assert cell == (value or "")
        else:
            assert json.loads(cell) == value


def test_trades_are_not_kept(tmp_path):
    with TradeWriter(tmp_path / "trades.csv") as writer:
        writer.write(TRADE)
        tracemalloc.start()
        for _ in range(20_000):
            writer.write(TRADE)
        size = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
    assert size < 20_000


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    path = tmp_path / "absent" / "trades.csv"
    with pytest.raises(BadFile) as caught, TradeWriter(path):
        pass
    assert str(caught.value) == (
        f"{path}: expected a file to write to, was not (No such file or directory)"
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device on this system")
@pytest.mark.parametrize("trades", [1, 1000])
def test_a_full_disk_is_named(trades):
    with pytest.raises(BadFile, match="/dev/full: expected a file to write to, was not"):
        written(Path("/dev/full"), *[TRADE] * trades)


def test_an_error_in_between_passes_and_what_was_written_stands(tmp_path):
    path = tmp_path / "trades.csv"

    def trades():
        yield TRADE
        raise LookupError("no more")

    with pytest.raises(LookupError), TradeWriter(path) as writer:
        deque(map(writer.write, trades()))
    assert len(path.read_text().splitlines()) == 2
