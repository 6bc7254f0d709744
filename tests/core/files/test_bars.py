"""Bars from files: what is read, what is refused and in which words."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillbridge.files import BadFile, bar_length_ns, read_bars
from fillbridge_hooks import BarData

HEADER = "ts,open,high,low,close,volume\n"
MINUTE = 60_000_000_000


def bars_of(path, instrument_of, symbol="ES"):
    return list(read_bars(path, instrument_of, symbol))


def test_other_columns_are_ignored_and_the_default_symbol_is_given(write, instrument_of):
    path = write("n,ts,close,low,high,open,volume\nx,60,2,1,3,1.25,7\nx,120,2,1.75,2,2,0\n")
    assert bars_of(path, instrument_of) == [
        BarData(60, 1.25, 3.0, 1.0, 2.0, 7.0, "ES"),
        BarData(120, 2.0, 2.0, 1.75, 2.0, 0.0, "ES"),
    ]


def test_iso_8601_and_integers_may_stand_in_one_file(write, instrument_of):
    path = write(HEADER + "1970-01-01T00:01:00Z,1,1,1,1,1\n120000000000,1,1,1,1,1\n")
    assert [bar.timestamp for bar in bars_of(path, instrument_of)] == [MINUTE, 2 * MINUTE]


def test_bars_of_several_symbols_share_a_time(write, instrument_of):
    text = "ts,symbol,open,high,low,close,volume\n"
    text += "60,ES,1,1,1,1,1\n60,GC,1.1,1.1,1.1,1.1,1\n120,,2,2,2,2,1\n120, GC ,1,1,1,1,1\n"
    bars = bars_of(write(text), instrument_of)
    assert [(bar.timestamp, bar.symbol, bar.open) for bar in bars] == [
        (60, "ES", 1),
        (60, "GC", 1.1),
        (120, "ES", 2),
        (120, "GC", 1),
    ]


def test_the_default_symbol_need_not_exist_where_every_row_names_one(write, instrument_of):
    path = write("symbol," + HEADER + "GC,60,1,1,1,1,1\n")
    assert bars_of(path, instrument_of, "no such")[0].symbol == "GC"


def test_prices_of_float_arithmetic_are_compared_on_the_grid(write, instrument_of):
    low = 0.1 * 3
    assert low > 0.3
    path = write(HEADER + f"60,0.3,0.3,{low!r},0.3,1\n")
    assert bars_of(path, instrument_of, "GC") == [BarData(60, 0.3, 0.3, 0.3, 0.3, 1.0, "GC")]


def test_negative_prices_are_prices(write, instrument_of):
    assert bars_of(write(HEADER + "60,-1,1,-37.5,-37,1\n"), instrument_of)[0].low == -37.5


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ("180,x,3,1,2,7", "open: expected a number, was 'x'"),
        ("180,2,,1,2,7", "high: expected a number, was ''"),
        ("180,2,3,nan,2,7", "low: expected a finite number, was 'nan'"),
        ("180,2,3,1,-inf,7", "close: expected a finite number, was '-inf'"),
        ("180,2,3,1,2,nan", "volume: expected a finite number, was 'nan'"),
        ("180,2,3,1,2,inf", "volume: expected a finite number, was 'inf'"),
        ("180,2,3,1,2,-1", "volume: expected a number >= 0, was '-1'"),
        ("180,2,3,1,2,many", "volume: expected a number, was 'many'"),
        ("180,2.1,3,1,2,7", "open: expected a multiple of the tick size 0.25, was 2.1"),
        ("180,2,3.01,1,2,7", "high: expected a multiple of the tick size 0.25, was 3.01"),
        ("180,2,1,3,2,7", "high: expected at least low, which is 3.0, was 1.0"),
        ("180,4,3,1,2,7", "open: expected a price from low 1.0 to high 3.0, was 4.0"),
        ("180,0.5,3,1,2,7", "open: expected a price from low 1.0 to high 3.0, was 0.5"),
        ("180,2,3,1,3.25,7", "close: expected a price from low 1.0 to high 3.0, was 3.25"),
        ("180,2,3,1,0.75,7", "close: expected a price from low 1.0 to high 3.0, was 0.75"),
        ("119,2,3,1,2,7", "ts: expected rows sorted by time, so at least 120, was 119"),
        ("120,2,3,1,2,7", "ts: expected one bar of ES per time, without duplicates, was 120"),
        ("-180,2,3,1,2,7", "ts: expected a time from 1970 to 2116, was '-180'"),
        ("9" * 20 + ",2,3,1,2,7", f"ts: expected a time from 1970 to 2116, was '{'9' * 20}'"),
        ("noon,2,3,1,2,7", "ts: expected integer nanoseconds UTC or ISO 8601, was 'noon'"),
        (
            "2018-05-07T13:30:00,2,3,1,2,7",
            "ts: expected ISO 8601 with Z or an offset such as -05:00, was '2018-05-07T13:30:00'",
        ),
        ("180,2,3,1,2", "row: expected 6 values, was 5"),
        ("180,2,3,1,2,7,8", "row: expected 6 values, was 7"),
    ],
)
def test_a_bad_row_is_named_with_its_rule(write, instrument_of, row, rule):
    path = write(f"{HEADER}60,2,3,1,2,7\n120,2,3,1,2,7\n{row}\n240,2,3,1,2,7\n")
    with pytest.raises(BadFile) as caught:
        bars_of(path, instrument_of)
    assert str(caught.value) == f"{path}, line 4: {rule}"
    assert (caught.value.path, caught.value.row, caught.value.rule) == (path, 4, rule)


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ("120,GC,1,1,1,1,1", "ts: expected one bar of GC per time, without duplicates, was 120"),
        ("119,ES,1,1,1,1,1", "ts: expected rows sorted by time, so at least 120, was 119"),
        ("180,NQ,1,1,1,1,1", "no instrument NQ"),
    ],
)
def test_a_bad_row_among_several_symbols(write, instrument_of, row, rule):
    text = "ts,symbol,open,high,low,close,volume\n120,GC,1,1,1,1,1\n120,ES,1,1,1,1,1\n"
    path = write(f"{text}{row}\n")
    with pytest.raises(BadFile) as caught:
        bars_of(path, instrument_of)
    assert str(caught.value) == f"{path}, line 4: {rule}"


def test_a_missing_column_is_found_before_any_row(write, instrument_of):
    path = write("ts,open,high,low,close\nx,x,x,x,x\n")
    with pytest.raises(BadFile, match="was without volume"):
        bars_of(path, instrument_of)


def test_a_stream_may_be_left_before_its_end(write, instrument_of):
    stream = read_bars(write(HEADER + "60,2,3,1,2,7\nx\n"), instrument_of, "ES")
    assert next(stream).timestamp == 60
    del stream


@given(
    rows=st.lists(
        st.tuples(
            st.integers(1, 10**15),
            st.lists(st.integers(-(10**6), 10**6), min_size=4, max_size=4),
            st.integers(0, 10**9),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_what_was_written_is_read(tmp_path_factory, instrument_of, rows):
    bars, time_ns = [], 0
    for step, ticks, volume in rows:
        time_ns += step
        low, *body, high = sorted(tick / 4 for tick in ticks)
        bars.append(BarData(time_ns, body[0], high, low, body[1], volume / 8, "ES"))
    path = tmp_path_factory.mktemp("bars") / "bars.csv"
    lines = (
        f"{bar.timestamp},{bar.open!r},{bar.high!r},{bar.low!r},{bar.close!r},{bar.volume!r}\n"
        for bar in bars
    )
    path.write_text(HEADER + "".join(lines))
    assert bars_of(path, instrument_of) == bars


def test_memory_stays_flat_while_streaming(write, instrument_of):
    path = write(
        HEADER
        + "".join(
            f"{n * MINUTE},{(p := n % 20_000) / 4},{p / 4 + 1},{p / 4 - 1},{p / 4},{n}\n"
            for n in range(200_000)
        )
    )
    stream = read_bars(path, instrument_of, "ES")
    tracemalloc.start()
    count = sum(1 for _ in stream)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 200_000
    assert peak < 10_000_000


@pytest.mark.parametrize(
    ("rows", "length"),
    [
        ("60,ES\n", None),
        ("60,ES\n60,GC\n", None),
        ("60,ES\n120,ES\n", 60),
        ("60,ES\n360,ES\n420,ES\n600,ES\n", 60),
        ("60,ES\n61,GC\n120,ES\n121,GC\n", 60),
        ("1970-01-01T00:01:00Z,ES\n1970-01-01T00:02:00Z,ES\n", MINUTE),
    ],
)
def test_the_length_of_a_bar_is_the_least_step_of_one_symbol(write, rows, length):
    assert bar_length_ns(write("ts,symbol\n" + rows)) == length


def test_the_length_of_bars_without_symbols(write):
    assert bar_length_ns(write("ts\n60\n120\n")) == 60


@pytest.mark.parametrize(
    ("second", "rule"),
    [
        ("59", "ts: expected rows sorted by time, so at least 60, was 59"),
        ("60", "ts: expected one bar per time, without duplicates, was 60"),
        ("x", "ts: expected integer nanoseconds UTC or ISO 8601, was 'x'"),
    ],
)
def test_the_length_of_bars_out_of_order_is_not_told(write, second, rule):
    path = write(f"ts\n60\n{second}\n")
    with pytest.raises(BadFile) as caught:
        bar_length_ns(path)
    assert str(caught.value) == f"{path}, line 3: {rule}"
