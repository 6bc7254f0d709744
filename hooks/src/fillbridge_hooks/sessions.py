"""The trade date: when one ends and the next begins."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from fillbridge_hooks.instrument import Instrument

NANOSECONDS = 1_000_000_000


def trade_date_end_ns(instrument: Instrument, time_ns: int) -> int:
    """The end of the trade date that ``time_ns`` falls in: the next session roll after it.

    A pure function of its arguments and of the installed time zone data; ns UTC.
    """
    zone = ZoneInfo(instrument.time_zone)
    roll = time.fromisoformat(instrument.session_roll)
    local = datetime.fromtimestamp(time_ns // NANOSECONDS, UTC).astimezone(zone)
    end = datetime.combine(local.date(), roll, zone)
    if end <= local:
        end = datetime.combine(local.date() + timedelta(days=1), roll, zone)
    return int(end.timestamp()) * NANOSECONDS
