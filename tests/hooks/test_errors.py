import pickle

import pytest

from fillbridge_hooks import (
    ConfigurationError,
    DriverError,
    FatalError,
    FillbridgeError,
    Hold,
    InvalidValue,
    OrderRefused,
    PermitSpent,
    PluginError,
    Refuse,
    RetryableError,
    UnknownOrder,
)

REFUSAL = Refuse(check="max_position_size", limit="at most 5 contracts", value="6 contracts")
HOLD = Hold(check="desk", reason="first order of the day")

MESSAGES = [
    (InvalidValue("size", "an int >= 1", 0), "size: expected an int >= 1, was 0"),
    (
        InvalidValue("direction", "LONG or SHORT", "UP"),
        "direction: expected LONG or SHORT, was 'UP'",
    ),
    (ConfigurationError("no such key"), "no such key"),
    (PluginError("linear", "answered -1"), "plugin 'linear': answered -1"),
    (
        PluginError("linear", "answered -1", "acme-costs 1.2"),
        "plugin 'linear' from acme-costs 1.2: answered -1",
    ),
    (
        OrderRefused([REFUSAL, HOLD]),
        f"{REFUSAL}; {HOLD}",
    ),
    (UnknownOrder("trade", "t-1"), "no trade with id 't-1' is known here"),
    (RetryableError("connection lost"), "connection lost"),
    (FatalError("login refused"), "login refused"),
    (PermitSpent("spent"), "spent"),
]


@pytest.mark.parametrize(("error", "message"), MESSAGES)
def test_the_message_is_a_sentence_and_survives_a_copy(error: Exception, message: str) -> None:
    assert isinstance(error, FillbridgeError)
    assert str(error) == message
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301  # processes hand errors over like this
    assert type(copy) is type(error)
    assert str(copy) == message


def test_parts_of_a_message_can_be_read_one_by_one() -> None:
    invalid = InvalidValue("size", "an int >= 1", 0)
    assert (invalid.field, invalid.expected, invalid.value) == ("size", "an int >= 1", 0)
    plugin = PluginError("linear", "answered -1", "acme-costs 1.2")
    assert (plugin.plugin, plugin.message) == ("linear", "answered -1")
    assert plugin.distribution == "acme-costs 1.2"
    assert OrderRefused([REFUSAL, HOLD]).refusals == (REFUSAL, HOLD)
    unknown = UnknownOrder("trade", "t-1")
    assert (unknown.kind, unknown.identifier) == ("trade", "t-1")


def test_errors_can_be_caught_as_what_they_are_to_python() -> None:
    assert issubclass(InvalidValue, ValueError)
    assert issubclass(UnknownOrder, KeyError)


def test_a_driver_error_says_whether_to_try_again() -> None:
    assert issubclass(RetryableError, DriverError)
    assert issubclass(FatalError, DriverError)
    assert not issubclass(FatalError, RetryableError)
