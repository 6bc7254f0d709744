"""Times as files hold them: integer nanoseconds UTC or ISO 8601."""

import re
from datetime import datetime

from fillbridge.files.columns import Cell
from fillbridge.times import to_nanoseconds
from fillbridge_hooks import NEVER, InvalidValue

_ISO_8601 = re.compile(
    r"(?P<minute>\d{4}-\d\d-\d\d[T ]\d\d:\d\d)"
    r"(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,9}))?)?"
    r"(?P<offset>Z|[+-]\d\d(?::?\d\d)?)?",
    re.ASCII,
)


def read_time(field: str, cell: Cell) -> int:
    """Nanoseconds since 1970 UTC, exact.

    :raises InvalidValue: naming ``field``, if the cell is neither form, has no offset or lies
        before 1970 or after 2116
    """
    try:
        time_ns = int(cell)
    except (TypeError, ValueError):
        time_ns = _from_iso_8601(field, cell)
    if not 0 <= time_ns < NEVER:
        raise InvalidValue(field, "a time from 1970 to 2116", cell)
    return time_ns


def _from_iso_8601(field: str, cell: Cell) -> int:
    match = _ISO_8601.fullmatch(cell.strip()) if isinstance(cell, str) else None
    if match is None:
        raise InvalidValue(field, "integer nanoseconds UTC or ISO 8601", cell)
    minute, second, fraction, offset = match.groups()
    if offset is None:
        raise InvalidValue(field, "ISO 8601 with Z or an offset such as -05:00", cell)
    try:
        moment = datetime.fromisoformat(f"{minute}:{second or '00'}{offset}")
    except ValueError:
        raise InvalidValue(field, "a date and time that exist", cell) from None
    return to_nanoseconds(moment) + int((fraction or "").ljust(9, "0"))


def check_sorted(field: str, time_ns: int, previous_ns: int) -> None:
    """Refuse a time that goes back.

    :raises InvalidValue: naming ``field``, if ``time_ns`` is before ``previous_ns``
    """
    if time_ns < previous_ns:
        raise InvalidValue(field, f"rows sorted by time, so at least {previous_ns}", time_ns)
