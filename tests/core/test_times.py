"""Integer nanoseconds and aware datetimes are the same moments."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillbridge.times import to_datetime, to_nanoseconds
from fillbridge_hooks import InvalidValue


def test_an_integer_is_nanoseconds_already():
    assert to_nanoseconds(1_700_000_000_123_456_789) == 1_700_000_000_123_456_789


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=-6)), ZoneInfo("America/Chicago")])
def test_an_aware_datetime_is_a_moment_in_any_zone(zone):
    moment = datetime.fromtimestamp(1_700_000_000, zone).replace(microsecond=250)
    assert to_nanoseconds(moment) == 1_700_000_000_000_250_000


@pytest.mark.parametrize(
    "wrong", [datetime(2024, 1, 1, tzinfo=UTC).replace(tzinfo=None), "2024-01-01", 1.5, None, True]
)
def test_anything_else_is_refused_by_name(wrong):
    with pytest.raises(InvalidValue, match="ts: expected an aware datetime or integer nanosec"):
        to_nanoseconds(wrong, "ts")


def test_a_datetime_is_rounded_down_to_a_microsecond():
    assert to_datetime(1_700_000_000_123_456_789) == datetime(
        2023, 11, 14, 22, 13, 20, 123_456, tzinfo=UTC
    )


@given(st.integers(-(2**60), 2**62))
def test_there_and_back_loses_less_than_a_microsecond(time_ns):
    assert 0 <= time_ns - to_nanoseconds(to_datetime(time_ns)) < 1000
