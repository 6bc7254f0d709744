"""How near the end of the contract: C26."""

import re
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from fillbridge_hooks import (
    Exposure,
    Instrument,
    MarketView,
    Order,
    OrderRole,
    Refuse,
    RiskCheck,
    RiskContext,
)

_ENTRY = OrderRole.ENTRY
_SECOND = 1_000_000_000
_FRIDAY = 4

_THIRD_FRIDAY = frozenset({"ES", "MES", "NQ", "MNQ", "RTY", "M2K", "EMD", "YM", "MYM"})
"""Roots of contracts whose last trade day is the third Friday of the contract month."""
_MONTHS = {code: month for month, code in enumerate("FGHJKMNQUVXZ", start=1)}
_SYMBOL = re.compile(r"(?P<root>.+)(?P<month>[FGHJKMNQUVXZ])(?P<year>[0-9]{1,2}|[0-9]{4})")
_YEARS_AGO = 2
"""A year of one or two digits is the first that ends in them and is not longer ago."""


def min_days_to_expiry(days: int) -> RiskCheck:
    """Refuse an entry on the last ``days`` trade dates by the calendar before the last trade date.

    On the last trade date itself too, and after it. The last trade date is that of the instrument,
    or the third Friday of the month of an equity index future (``ESZ6``); where it is unknown the
    entry is refused.
    """
    rule = f"> {days} days to the last trade date"

    def check(
        order: Order, exposure: Exposure, market: MarketView, context: RiskContext
    ) -> Refuse | None:
        if order.role is not _ENTRY:
            return None
        instrument, now = order.instrument, context.now_ns
        last = _last_trade_date(instrument, now)
        if last is None:
            return Refuse(
                check="C26 min_days_to_expiry",
                limit=f"{rule}, which {instrument.symbol} or last_trade_date says",
                value="unknown",
            )
        if now < _begins_ns(last - timedelta(days=days), instrument):
            return None
        return Refuse(check="C26 min_days_to_expiry", limit=rule, value=f"last on {last}")

    return check


def _last_trade_date(instrument: Instrument, now_ns: int) -> date | None:
    if instrument.last_trade_date:
        return date.fromisoformat(instrument.last_trade_date)
    return last_trade_date(instrument.symbol, 1970 + int(now_ns / _SECOND / 86_400 / 365.2425))


@lru_cache(maxsize=1024)
def last_trade_date(symbol: str, year: int) -> date | None:
    """The last trade date that a symbol says, read in ``year``; ``None`` where it says none."""
    found = _SYMBOL.fullmatch(symbol)
    if found is None or found["root"] not in _THIRD_FRIDAY:
        return None
    digits = found["year"]
    span = 10 ** len(digits)
    earliest = year - _YEARS_AGO
    said = int(digits)
    whole = said if len(digits) == 4 else earliest + (said - earliest) % span
    try:
        first = date(whole, _MONTHS[found["month"]], 1)
    except ValueError:
        return None
    return first + timedelta(days=(_FRIDAY - first.weekday()) % 7 + 14)


@lru_cache(maxsize=1024)
def _begins_ns(day: date, instrument: Instrument) -> int:
    """When the trade date of ``day`` begins, ns UTC."""
    roll = time.fromisoformat(instrument.session_roll)
    eve = day if roll == time(0) else day - timedelta(days=1)
    local = datetime.combine(eve, roll, ZoneInfo(instrument.time_zone))
    return int(local.astimezone(UTC).timestamp()) * _SECOND
