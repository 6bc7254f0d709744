"""Where drivers and plugins end: whatever they raise becomes an error that can be dealt with."""

from fillbridge_hooks import (
    ConfigurationError,
    DriverError,
    FatalError,
    FillbridgeError,
    RetryableError,
)

_Known = DriverError | ConfigurationError
_GRAVEST_FIRST = (FatalError, ConfigurationError, DriverError)


def as_known(error: Exception) -> tuple[FillbridgeError, bool]:
    """What ``error`` means for the session, and whether it was meant to.

    A group means what the gravest of its errors does. What no driver should raise is a loss of
    the session, that may pass.
    """
    leaves = list(_leaves(error))
    is_meant = all(isinstance(one, _Known) for one in leaves)
    for kind in _GRAVEST_FIRST:
        for one in leaves:
            if isinstance(one, kind):
                return one, is_meant
    return RetryableError(f"{type(error).__name__}: {error}"), False


def _leaves(error: Exception) -> list[Exception]:
    if not isinstance(error, ExceptionGroup):
        return [error]
    return [leaf for inner in error.exceptions for leaf in _leaves(inner)]
