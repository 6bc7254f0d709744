"""When: C24."""

import logging
from bisect import bisect_right
from datetime import UTC, datetime

from fillbridge_hooks import Exposure, MarketView, Order, OrderRole, Refuse, RiskCheck, RiskContext
from fillbridge_risk.calendars import Sessions, sessions

_logger = logging.getLogger(__name__)

_ENTRY = OrderRole.ENTRY
_SECOND = 1_000_000_000


def trading_hours(calendar: str, after_open: float, before_close: float) -> RiskCheck:
    """Refuse an entry outside the hours of the calendar, and near their ends.

    Without the package that knows the calendar every entry is refused.

    :param after_open: s from the open of a session in which nothing is entered
    :param before_close: s to its end, the same way
    """
    try:
        known = sessions(calendar)
    except ImportError:
        _logger.error(
            "risk_controls.trading_hours: every entry is refused: install fillbridge-risk[calendar]"
        )
        return _closed
    return within(known, after_open, before_close)


def within(known: Sessions, after_open: float, before_close: float) -> RiskCheck:
    """The same for sessions that are known; outside of all of them nothing is entered."""
    opens, closes = known.opens, known.closes
    after_ns, before_ns = round(after_open * _SECOND), round(before_close * _SECOND)
    rule = f"from {after_open:g} s after the open to {before_close:g} s before the close"

    def check(
        order: Order, exposure: Exposure, market: MarketView, context: RiskContext
    ) -> Refuse | None:
        if order.role is not _ENTRY:
            return None
        now = context.now_ns
        session = bisect_right(opens, now - after_ns) - 1
        if session >= 0 and now < closes[session] - before_ns:
            return None
        return Refuse(check="C24 trading_hours", limit=rule, value=_time(now))

    return check


def _closed(
    order: Order, exposure: Exposure, market: MarketView, context: RiskContext
) -> Refuse | None:
    if order.role is not _ENTRY:
        return None
    rule = "a calendar of the exchange (fillbridge-risk[calendar])"
    return Refuse(check="C24 trading_hours", limit=rule, value="none installed")


def _time(now_ns: int) -> str:
    try:
        return f"{datetime.fromtimestamp(now_ns // _SECOND, UTC):%a %Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError):
        return f"{now_ns} ns"
