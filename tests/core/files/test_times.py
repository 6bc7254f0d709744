"""Times: integers, ISO 8601, and what is neither."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillbridge.files.times import read_time
from fillbridge_hooks import NEVER, InvalidValue

SECOND = 1_000_000_000


@pytest.mark.parametrize(
    ("cell", "time_ns"),
    [
        ("1525699800000000001", 1525699800000000001),
        (1525699800000000001, 1525699800000000001),
        ("0", 0),
        ("2018-05-07T13:30:00Z", 1525699800 * SECOND),
        ("2018-05-07 13:30:00+00:00", 1525699800 * SECOND),
        ("2018-05-07T08:30-05:00", 1525699800 * SECOND),
        ("2018-05-07T08:30:00-0500", 1525699800 * SECOND),
        ("2018-05-07T15:30:00+02", 1525699800 * SECOND),
        ("2018-05-07T13:30:00.5Z", 1525699800 * SECOND + 500_000_000),
        ("2018-05-07T13:30:00.123456789Z", 1525699800 * SECOND + 123_456_789),
        (" 2018-05-07T13:30:00Z ", 1525699800 * SECOND),
    ],
)
def test_a_time_is_read_to_the_nanosecond(cell, time_ns):
    assert read_time("ts", cell) == time_ns


@pytest.mark.parametrize(
    ("cell", "rule"),
    [
        ("2018-05-07T13:30:00", "ISO 8601 with Z or an offset such as -05:00"),
        ("2018-05-07 13:30", "ISO 8601 with Z or an offset such as -05:00"),
        ("2018-02-30T13:30:00Z", "a date and time that exist"),
        ("2018-05-07T24:00:00Z", "a date and time that exist"),
        ("2018-05-07T13:60:00Z", "integer nanoseconds UTC or ISO 8601"),
        ("2018-05-07", "integer nanoseconds UTC or ISO 8601"),
        ("2018-05-07T13:30.5Z", "integer nanoseconds UTC or ISO 8601"),
        ("2018-05-07T13:30:00.1234567891Z", "integer nanoseconds UTC or ISO 8601"),
        ("1525699800.5", "integer nanoseconds UTC or ISO 8601"),
        ("nan", "integer nanoseconds UTC or ISO 8601"),
        ("", "integer nanoseconds UTC or ISO 8601"),
        (None, "integer nanoseconds UTC or ISO 8601"),
        ("-1", "a time from 1970 to 2116"),
        ("1969-12-31T23:59:59Z", "a time from 1970 to 2116"),
        (NEVER, "a time from 1970 to 2116"),
        ("2200-01-01T00:00:00Z", "a time from 1970 to 2116"),
    ],
)
def test_what_is_no_time_is_refused_by_its_rule(cell, rule):
    with pytest.raises(InvalidValue) as caught:
        read_time("ts", cell)
    assert str(caught.value) == f"ts: expected {rule}, was {cell!r}"


@given(
    time_ns=st.integers(0, 4_000_000_000 * SECOND),
    offset_minutes=st.integers(-14 * 60, 14 * 60),
)
def test_every_time_is_the_same_in_both_forms(time_ns, offset_minutes):
    zone = timezone(timedelta(minutes=offset_minutes))
    seconds, rest = divmod(time_ns, SECOND)
    moment = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)).astimezone(zone)
    text = f"{moment:%Y-%m-%dT%H:%M:%S}.{rest:09d}{moment.isoformat()[-6:]}"
    assert read_time("ts", text) == read_time("ts", str(time_ns)) == time_ns
