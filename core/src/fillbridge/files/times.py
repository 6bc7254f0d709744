"""Times as files hold them: integer nanoseconds UTC or ISO 8601."""

import re
from datetime import datetime
from functools import lru_cache

from fillbridge.files.columns import Cell
from fillbridge.times import to_nanoseconds
from fillbridge_hooks import NEVER, InvalidValue

_SECOND = 1_000_000_000
_ISO_8601 = re.compile(
    r"(?P<hour>\d{4}-\d\d-\d\d[T ]\d\d):(?P<minute>[0-5]\d)"
    r"(?::(?P<second>[0-5]\d)(?:[.,](?P<fraction>\d{1,9}))?)?"
    r"(?P<offset>Z|[+-]\d\d(?::?\d\d)?)?",
    re.ASCII,
)


def read_time(field: str, cell: Cell) -> int:
    """Nanoseconds since 1970 UTC, exact.

    :raises InvalidValue: naming ``field``, if the cell is neither form, has no offset or lies
        before 1970 or after 2116
    """
    if isinstance(cell, str) and ":" in cell:
        time_ns = _from_iso_8601(field, cell)
    else:
        try:
            time_ns = int(cell)
        except (TypeError, ValueError):
            raise _no_time(field, cell) from None
    if not 0 <= time_ns < NEVER:
        raise InvalidValue(field, "a time from 1970 to 2116", cell)
    return time_ns


def _from_iso_8601(field: str, cell: str) -> int:
    match = _ISO_8601.fullmatch(cell.strip())
    if match is None:
        raise _no_time(field, cell)
    hour, minute, second, fraction, offset = match.groups()
    if offset is None:
        raise InvalidValue(field, "ISO 8601 with Z or an offset such as -05:00", cell)
    try:
        hour_ns = _hour_ns(hour, offset)
    except ValueError:
        raise InvalidValue(field, "a date and time that exist", cell) from None
    seconds = 60 * int(minute) + int(second or 0)
    return hour_ns + seconds * _SECOND + (int(fraction.ljust(9, "0")) if fraction else 0)


@lru_cache(maxsize=64)  # the rows of a file share their hour with the rows around them
def _hour_ns(hour: str, offset: str) -> int:
    return to_nanoseconds(datetime.fromisoformat(f"{hour}:00:00{offset}"))


def _no_time(field: str, cell: Cell) -> InvalidValue:
    return InvalidValue(field, "integer nanoseconds UTC or ISO 8601", cell)


def check_sorted(field: str, time_ns: int, previous_ns: int) -> None:
    """Refuse a time that goes back.

    :raises InvalidValue: naming ``field``, if ``time_ns`` is before ``previous_ns``
    """
    if time_ns < previous_ns:
        raise InvalidValue(field, f"rows sorted by time, so at least {previous_ns}", time_ns)
