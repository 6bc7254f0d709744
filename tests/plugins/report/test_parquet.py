"""``trades.parquet``: the same values as ``trades.csv``, under fixed types."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillbridge.files import TRADE_COLUMNS
from fillbridge_hooks import InvalidValue
from fillbridge_report.parquet import write_parquet
from fillbridge_report.schema import SCHEMA

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12)
MONEY = st.floats(allow_nan=False, allow_infinity=False)
TIME_NS = st.integers(-(2**63), 2**63 - 1)
REASON = st.sampled_from(["TP", "SL", "MANUAL", "TIMEOUT", "SHUTDOWN"])

BY_TYPE = {pa.string(): TEXT, pa.int64(): TIME_NS, pa.float64(): MONEY, pa.bool_(): st.booleans()}
TRADES = st.lists(
    st.fixed_dictionaries(
        {
            field.name: st.none() | BY_TYPE[field.type] if field.nullable else BY_TYPE[field.type]
            for field in SCHEMA
        }
        | {"exit_reason": REASON, "other_exit_reason": st.none() | REASON}
    ),
    max_size=5,
)


def test_the_columns_are_those_that_the_core_writes():
    assert tuple(SCHEMA.names) == TRADE_COLUMNS


@given(trades=TRADES)
def test_every_value_survives(tmp_path_factory, write_trades, trades):
    folder = tmp_path_factory.mktemp("parquet")
    write_parquet(write_trades(folder / "trades.csv", trades), folder / "trades.parquet")
    table = pq.read_table(folder / "trades.parquet")
    assert table.schema == SCHEMA
    assert table.to_pylist() == trades


@pytest.mark.parametrize("text", ["NA", "null", "NaN", "true", "-", " "])
def test_only_an_empty_field_is_null(tmp_path, write_trades, make_trade, text):
    trades_csv = write_trades(tmp_path / "trades.csv", [make_trade(proposal_id=text)])
    write_parquet(trades_csv, tmp_path / "trades.parquet")
    row = pq.read_table(tmp_path / "trades.parquet").to_pylist()[0]
    assert row["proposal_id"] == text
    assert row["strategy"] is None


def test_row_groups_are_filled_and_the_order_stays_over_many_blocks(
    tmp_path, write_trades, make_trade
):
    # Values with line breaks, so that some are cut by the end of a block.
    trades = [make_trade(trade_id=f"t{number}", strategy="\n" * 200) for number in range(100)]
    trades_csv = write_trades(tmp_path / "trades.csv", trades)
    target = tmp_path / "trades.parquet"
    write_parquet(trades_csv, target, block_bytes=2048, row_group_trades=30)
    metadata = pq.read_metadata(target)
    sizes = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
    assert len(sizes) > 1
    assert min(sizes[:-1]) >= 30
    assert pq.read_table(target).to_pylist() == trades


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("pnl_net,", "net,", "pnl_net"),
        ("1703514693000000001", "yesterday", "yesterday"),
        ("1703514693000000001", "", "entry_timestamp"),
    ],
)
def test_a_file_of_something_else_is_refused(tmp_path, write_trades, make_trade, old, new, named):
    trades_csv = write_trades(tmp_path / "trades.csv", [make_trade()])
    trades_csv.write_text(trades_csv.read_text().replace(old, new, 1))
    with pytest.raises(InvalidValue, match=named) as caught:
        write_parquet(trades_csv, tmp_path / "trades.parquet")
    assert caught.value.field == str(trades_csv)
