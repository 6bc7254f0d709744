"""The gateway's time."""

import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

SECOND_NS = 1_000_000_000

_CHICAGO = ZoneInfo("America/Chicago")
_ROLL_TO_MIDNIGHT = timedelta(hours=7)


def system_time_ns() -> int:
    """The time of this machine, ns UTC."""
    return time.clock_gettime_ns(time.CLOCK_REALTIME)


def stamps(time_ns: int) -> tuple[int, int]:
    """Seconds since 1970 and the microseconds within the second, as messages tell the time."""
    return time_ns // SECOND_NS, time_ns % SECOND_NS // 1000


def date_and_time(time_ns: int) -> tuple[str, str]:
    """The day and the time of day (UTC), as messages write them."""
    moment = datetime.fromtimestamp(time_ns // SECOND_NS, UTC)
    return f"{moment:%Y%m%d}", f"{moment:%H:%M:%S}"


def trade_date(time_ns: int) -> str:
    """The trade date: the next one begins at 17:00 in Chicago."""
    moment = datetime.fromtimestamp(time_ns // SECOND_NS, _CHICAGO)
    return f"{moment + _ROLL_TO_MIDNIGHT:%Y%m%d}"
