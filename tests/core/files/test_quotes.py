"""Best bids and offers from files."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillbridge.files import BadFile, read_quotes
from fillbridge_hooks import QuoteTick


def quotes_of(path, instrument_of):
    return list(read_quotes(path, instrument_of, "ES"))


def test_locked_and_crossed_quotes_are_taken_as_they_are(write, instrument_of):
    path = write("ts_event,bid_px,bid_sz,ask_px,ask_sz\n5,1,4,1.25,7\n5,1,4,1,7\n6,2,0,1,0.5\n")
    assert quotes_of(path, instrument_of) == [
        QuoteTick(5, 1.0, 4.0, 1.25, 7.0, "ES"),
        QuoteTick(5, 1.0, 4.0, 1.0, 7.0, "ES"),
        QuoteTick(6, 2.0, 0.0, 1.0, 0.5, "ES"),
    ]


def test_times_in_iso_8601_and_symbols(write, instrument_of):
    path = write(
        "ts_event,bid_px,bid_sz,ask_px,ask_sz,symbol\n1970-01-01T00:00:01Z,1.1,4,1.2,7,GC\n"
    )
    assert quotes_of(path, instrument_of) == [QuoteTick(1_000_000_000, 1.1, 4.0, 1.2, 7.0, "GC")]


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ("5,1,4,2,7", "ts_event: expected rows sorted by time, so at least 6, was 5"),
        ("x,1,4,2,7", "ts_event: expected integer nanoseconds UTC or ISO 8601, was 'x'"),
        ("6,1.1,4,2,7", "bid_px: expected a multiple of the tick size 0.25, was 1.1"),
        ("6,1,4,2.2,7", "ask_px: expected a multiple of the tick size 0.25, was 2.2"),
        ("6,inf,4,2,7", "bid_px: expected a finite number, was 'inf'"),
        ("6,1,4,,7", "ask_px: expected a number, was ''"),
        ("6,1,-4,2,7", "bid_sz: expected a number >= 0, was '-4'"),
        ("6,1,inf,2,7", "bid_sz: expected a finite number, was 'inf'"),
        ("6,1,4,2,inf", "ask_sz: expected a finite number, was 'inf'"),
        ("6,1,4,2,nan", "ask_sz: expected a finite number, was 'nan'"),
        ("6,1,4,2", "row: expected 5 values, was 4"),
    ],
)
def test_a_bad_row_is_named_with_its_rule(write, instrument_of, row, rule):
    path = write(f"ts_event,bid_px,bid_sz,ask_px,ask_sz\n6,1,4,2,7\n{row}\n")
    with pytest.raises(BadFile) as caught:
        quotes_of(path, instrument_of)
    assert str(caught.value) == f"{path}, line 3: {rule}"


@given(
    rows=st.lists(
        st.tuples(
            st.integers(0, 10**15),
            st.integers(-(10**6), 10**6),
            st.floats(0, 1e9),
            st.integers(-(10**6), 10**6),
            st.floats(0, 1e9),
        ),
        min_size=1,
    )
)
def test_what_was_written_is_read(tmp_path_factory, instrument_of, rows):
    quotes, time_ns = [], 0
    for step, bid, bid_size, ask, ask_size in rows:
        time_ns += step
        quotes.append(QuoteTick(time_ns, bid / 4, bid_size, ask / 4, ask_size, "ES"))
    path = tmp_path_factory.mktemp("quotes") / "quotes.csv"
    lines = (
        f"{quote.timestamp},{quote.bid!r},{quote.bid_size!r},{quote.ask!r},{quote.ask_size!r}\n"
        for quote in quotes
    )
    path.write_text("ts_event,bid_px,bid_sz,ask_px,ask_sz\n" + "".join(lines))
    assert quotes_of(path, instrument_of) == quotes
