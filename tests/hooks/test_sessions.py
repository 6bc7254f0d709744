from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillbridge_hooks import Instrument
from fillbridge_hooks.sessions import trade_date_end_ns

es = Instrument(symbol="ES", tick_size=0.25, point_value=50)
DAY_NS = 86_400_000_000_000
HOUR_NS = 3_600_000_000_000


def ns(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000_000


@pytest.mark.parametrize(
    ("time", "end"),
    [
        ("2024-01-10T15:00", "2024-01-10T23:00"),
        ("2024-01-10T22:59:59", "2024-01-10T23:00"),
        ("2024-01-10T23:00", "2024-01-11T23:00"),
        ("2024-07-10T15:00", "2024-07-10T22:00"),
        ("2024-03-09T23:00", "2024-03-10T22:00"),
        ("2024-11-02T22:00", "2024-11-03T23:00"),
    ],
)
def test_a_trade_date_ends_at_the_roll_of_the_exchange_summer_and_winter(
    time: str, end: str
) -> None:
    assert trade_date_end_ns(es, ns(time)) == ns(end)


def test_the_last_nanosecond_before_the_roll_belongs_to_the_old_date() -> None:
    roll = ns("2024-01-10T23:00")
    assert trade_date_end_ns(es, roll - 1) == roll
    assert trade_date_end_ns(es, roll) == roll + DAY_NS


def test_zone_and_roll_are_the_instrument_s() -> None:
    bitcoin = Instrument(
        symbol="BTCUSDT", tick_size=0.1, point_value=1, time_zone="UTC", session_roll="00:00"
    )
    assert trade_date_end_ns(bitcoin, ns("2024-08-08T12:00")) == ns("2024-08-09T00:00")


@given(st.integers(0, 2**61))
def test_every_time_lies_in_a_trade_date_of_about_a_day(time_ns: int) -> None:
    end = trade_date_end_ns(es, time_ns)
    assert time_ns < end <= time_ns + DAY_NS + HOUR_NS
    assert trade_date_end_ns(es, end) > end
