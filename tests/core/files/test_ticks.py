"""Trades of the tape from files."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillbridge.files import BadFile, read_ticks
from fillbridge_hooks import TradeTick

SECOND = 1_000_000_000


def ticks_of(path, instrument_of):
    return list(read_ticks(path, instrument_of, "ES"))


def test_trades_of_one_time_keep_the_order_of_the_file(write, instrument_of):
    path = write("ts_event,price,size\n5,2,1\n5,1,0\n5,3,2\n")
    assert ticks_of(path, instrument_of) == [
        TradeTick(5, 2.0, 1.0, "ES", 0, ""),
        TradeTick(5, 1.0, 0.0, "ES", 1, ""),
        TradeTick(5, 3.0, 2.0, "ES", 2, ""),
    ]


def test_the_optional_columns(write, instrument_of):
    path = write(
        "seq,symbol,ts_event,price,size,side\n7,,5,2,1,B\n9,ES,6,2,1,S\n2,GC,6,1.1,0.5,N\n"
    )
    assert ticks_of(path, instrument_of) == [
        TradeTick(5, 2.0, 1.0, "ES", 7, "B"),
        TradeTick(6, 2.0, 1.0, "ES", 9, "S"),
        TradeTick(6, 1.1, 0.5, "GC", 2, "N"),
    ]


def test_times_in_iso_8601(write, instrument_of):
    path = write("ts_event,price,size\n1970-01-01T00:00:01.000000005Z,2,1\n")
    assert ticks_of(path, instrument_of)[0].timestamp == SECOND + 5


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ("5,2,1,3,ES", "ts_event: expected rows sorted by time, so at least 6, was 5"),
        ("-5,2,1,3,ES", "ts_event: expected a time from 1970 to 2116, was '-5'"),
        ("soon,2,1,3,ES", "ts_event: expected integer nanoseconds UTC or ISO 8601, was 'soon'"),
        ("6,2.1,1,3,ES", "price: expected a multiple of the tick size 0.25, was 2.1"),
        ("6,nan,1,3,ES", "price: expected a finite number, was 'nan'"),
        ("6,,1,3,ES", "price: expected a number, was ''"),
        ("6,2,-1,3,ES", "size: expected a number >= 0, was '-1'"),
        ("6,2,inf,3,ES", "size: expected a finite number, was 'inf'"),
        ("6,2,x,3,ES", "size: expected a number, was 'x'"),
        ("6,2,1,2,ES", "seq: expected a number above 2, was 2"),
        ("6,2,1,1,ES", "seq: expected a number above 2, was 1"),
        ("6,2,1,-1,GC", "seq: expected a whole number >= 0, was '-1'"),
        ("6,2,1,1.5,ES", "seq: expected a whole number, was '1.5'"),
        ("6,2,1,,ES", "seq: expected a number, was ''"),
        ("6,2,1,3,NQ", "no instrument NQ"),
        ("6,2,1,3", "row: expected 5 values, was 4"),
    ],
)
def test_a_bad_row_is_named_with_its_rule(write, instrument_of, row, rule):
    path = write(f"ts_event,price,size,seq,symbol\n6,2,1,2,ES\n{row}\n")
    with pytest.raises(BadFile) as caught:
        ticks_of(path, instrument_of)
    assert str(caught.value) == f"{path}, line 3: {rule}"


@given(
    rows=st.lists(
        st.tuples(
            st.integers(0, 10**15),
            st.integers(-(10**6), 10**6),
            st.floats(0, 1e9),
            st.sampled_from(["B", "S", "N", ""]),
            st.integers(1, 1000),
        ),
        min_size=1,
    )
)
def test_what_was_written_is_read(tmp_path_factory, instrument_of, rows):
    ticks, time_ns, sequence = [], 0, -1
    for step, price, size, side, gap in rows:
        time_ns, sequence = time_ns + step, sequence + gap
        ticks.append(TradeTick(time_ns, price / 4, size, "ES", sequence, side))
    path = tmp_path_factory.mktemp("ticks") / "ticks.csv"
    lines = (
        f"{tick.sequence},{tick.timestamp},{tick.price!r},{tick.size!r},{tick.side}\n"
        for tick in ticks
    )
    path.write_text("seq,ts_event,price,size,side\n" + "".join(lines))
    assert ticks_of(path, instrument_of) == ticks
