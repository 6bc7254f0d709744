"""Between integer nanoseconds and aware datetimes."""

from datetime import UTC, datetime

from fillbridge_hooks import InvalidValue

_SECOND = 1_000_000_000


def to_datetime(time_ns: int) -> datetime:
    """The moment as a datetime in UTC, rounded down to a microsecond."""
    seconds, rest = divmod(time_ns, _SECOND)
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.replace(microsecond=rest // 1000) if rest else moment


def to_nanoseconds(moment: datetime | int, field: str = "timestamp") -> int:
    """Nanoseconds UTC of an aware datetime; an integer is nanoseconds UTC already.

    :raises InvalidValue: naming ``field``, for a naive datetime or another type
    """
    if type(moment) is int:
        return moment
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise InvalidValue(field, "an aware datetime or integer nanoseconds UTC", moment)
    elapsed = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (elapsed.days * 86_400 + elapsed.seconds) * _SECOND + elapsed.microseconds * 1000
