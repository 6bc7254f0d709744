"""Between integer nanoseconds and aware datetimes."""

from datetime import UTC, datetime, timedelta

from fillbridge_hooks import InvalidValue

_SECOND = 1_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_datetime(time_ns: int) -> datetime:
    """The moment as a datetime in UTC, rounded down to a microsecond."""
    return _EPOCH + timedelta(microseconds=time_ns // 1000)


def to_nanoseconds(moment: datetime | int, field: str = "timestamp") -> int:
    """Nanoseconds UTC of an aware datetime; an integer is nanoseconds UTC already.

    :raises InvalidValue: naming ``field``, for a naive datetime or another type
    """
    if type(moment) is int:
        return moment
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise InvalidValue(field, "an aware datetime or integer nanoseconds UTC", moment)
    elapsed = moment - _EPOCH
    return (elapsed.days * 86_400 + elapsed.seconds) * _SECOND + elapsed.microseconds * 1000
