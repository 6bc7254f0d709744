"""Daily limits count by the trade date, which rolls at 17:00 in Chicago, summer and winter."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from fillbridge import BarData, OrderRefused

SECOND = 1_000_000_000
CHICAGO = ZoneInfo("America/Chicago")


def chicago(*moment):
    return int(datetime(*moment, tzinfo=CHICAGO).timestamp()) * SECOND


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((2024, 1, 10, 16, 58), (2024, 1, 10, 17, 0)),
        ((2024, 7, 10, 16, 58), (2024, 7, 10, 17, 0)),
        ((2024, 3, 8, 16, 58), (2024, 3, 8, 17, 0)),
        ((2024, 3, 10, 16, 58), (2024, 3, 10, 17, 0)),  # the day on which summer time begins
        ((2024, 11, 3, 16, 58), (2024, 11, 3, 17, 0)),  # and that on which it ends
        ((2024, 3, 8, 17, 0), (2024, 3, 11, 17, 0)),
    ],
)
def test_a_daily_limit_holds_until_the_roll_and_not_beyond(make, proposal, before, after):
    handler = make({"risk_controls": {"max_daily_trades": 1}})

    def at(time_ns):
        """A bar of a minute that ends at a time."""
        start = time_ns - 60 * SECOND
        handler.update_market_data(start, BarData(start, 4000.0, 4000.0, 4000.0, 4000.0, 1, "ES"))

    at(chicago(*before))
    handler.propose(proposal())
    at(chicago(*before) + 60 * SECOND)
    with pytest.raises(OrderRefused, match="max_daily_trades"):
        handler.propose(proposal())
    at(chicago(*after))
    handler.propose(proposal())
    with pytest.raises(OrderRefused, match="max_daily_trades"):
        handler.propose(proposal())


def test_an_instrument_may_have_a_roll_of_its_own(make, proposal):
    handler = make(
        {
            "risk_controls": {"max_daily_trades": 1},
            "instruments": {"ES": {"time_zone": "UTC", "session_roll": "12:00"}},
        }
    )
    noon = 1_704_888_000 * SECOND  # 2024-01-10 12:00 UTC
    for time_ns, is_allowed in ((noon - 60 * SECOND, True), (noon, True), (noon + SECOND, False)):
        handler.advance_to(time_ns)
        if is_allowed:
            handler.propose(proposal())
        else:
            with pytest.raises(OrderRefused):
                handler.propose(proposal())
