"""Whatever a driver raises is an error that can be dealt with."""

import pytest

from fillbridge.live.boundary import as_known
from fillbridge_hooks import ConfigurationError, FatalError, ForcedLogout, RetryableError

RETRY, FATAL, LOGOUT = RetryableError("later"), FatalError("never"), ForcedLogout("Chicago")
CONFIGURATION = ConfigurationError("no such host")


@pytest.mark.parametrize("error", [RETRY, FATAL, LOGOUT, CONFIGURATION])
def test_what_a_driver_may_raise_is_as_it_is(error):
    assert as_known(error) == (error, True)
    assert as_known(ExceptionGroup("tasks", [ExceptionGroup("inner", [error])])) == (error, True)


@pytest.mark.parametrize("gravest", [FATAL, LOGOUT, CONFIGURATION])
def test_of_several_the_gravest_counts(gravest):
    assert as_known(ExceptionGroup("tasks", [RETRY, gravest])) == (gravest, True)


def test_a_group_with_something_else_in_it_is_not_meant():
    assert as_known(ExceptionGroup("tasks", [KeyError("x"), RETRY])) == (RETRY, False)


@pytest.mark.parametrize("error", [OSError("broken pipe"), ExceptionGroup("tasks", [KeyError(1)])])
def test_anything_else_may_pass(error):
    known, is_meant = as_known(error)
    assert isinstance(known, RetryableError)
    assert type(error).__name__ in str(known)
    assert not is_meant
