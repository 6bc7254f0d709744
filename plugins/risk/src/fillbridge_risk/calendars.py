"""When CME Globex trades equity indices, as plain numbers; another package has the calendar.

The package is imported when a calendar is asked for and not before: it takes seconds.
"""

import warnings
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import msgspec

CALENDARS = ("CMES",)
"""Names of calendars that are known here."""

_CHICAGO = ZoneInfo("America/Chicago")
_LAST_HOUR = time(16)
_FIRST_DAY, _LAST_DAY = "2015-01-01", "2045-12-31"
_SECOND = 1_000_000_000
_SATURDAY, _SUNDAY = 5, 6


class Sessions(msgspec.Struct, frozen=True):
    """Sessions in their order: when each opens and closes, ns UTC."""

    opens: tuple[int, ...]
    closes: tuple[int, ...]


@lru_cache(maxsize=len(CALENDARS))
def sessions(calendar: str) -> Sessions:
    """The sessions of a calendar from 2015 to 2045.

    The package's day ends when the next begins; here it ends with trading, an hour before. Of the
    days that end early it lacks 19 June, which is added.

    :raises ImportError: if the package ``exchange_calendars`` is not installed
    """
    with warnings.catch_warnings():
        # What it calls in pandas is deprecated there.
        warnings.simplefilter("ignore")
        import exchange_calendars

        known = exchange_calendars.get_calendar(calendar, start=_FIRST_DAY, end=_LAST_DAY)
        days = [day.date() for day in known.sessions]
        opens = [int(moment.timestamp()) * _SECOND for moment in known.opens]
        closes = [int(moment.timestamp()) * _SECOND for moment in known.closes]
    ends = [
        min(close, _at(day, time(12) if _is_juneteenth(day) else _LAST_HOUR))
        for day, close in zip(days, closes, strict=True)
    ]
    return Sessions(tuple(opens), tuple(ends))


def _at(day: date, local: time) -> int:
    return int(datetime.combine(day, local, _CHICAGO).astimezone(UTC).timestamp()) * _SECOND


def _is_juneteenth(day: date) -> bool:
    """Whether 19 June is kept on this day: on the nearest weekday."""
    holiday = date(day.year, 6, 19)
    if holiday.weekday() == _SATURDAY:
        holiday -= timedelta(days=1)
    elif holiday.weekday() == _SUNDAY:
        holiday += timedelta(days=1)
    return day == holiday
