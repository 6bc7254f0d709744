"""Errors, sorted by what the caller must do about them.

========================  =====================================================
``InvalidValue``          correct the value: the message names field, value, rule
``ConfigurationError``    correct the configuration or install what it names
``PluginError``           mend or remove the plugin that is named
``OrderRefused``          nothing was sent; change the proposal or the limits
``ProposalHeld``          nothing was sent yet; somebody approves or rejects the hold
``UnknownOrder``          the id is not known here; look it up again
``DriverError``           the broker: ``RetryableError`` may pass, ``FatalError`` will not
``ForcedLogout``          another login took the session: find out who, then resume
``NotConnected``          nobody answers: start it, or mend the way to it
``EntryNotSent``          propose again once there is a connection, if the trade still makes sense
``PermitSpent``           a defect: one approval was used for two submissions
========================  =====================================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fillbridge_hooks.risk import Hold, Refuse


class FillbridgeError(Exception):
    """Root of every error that Fillbridge raises on purpose."""


class InvalidValue(FillbridgeError, ValueError):
    """A value breaks a rule; ``str()`` reads ``field: expected RULE, was VALUE``."""

    def __init__(self, field: str, expected: str, value: object) -> None:
        super().__init__(field, expected, value)
        self.field = field
        self.expected = expected
        self.value = value

    def __str__(self) -> str:
        return f"{self.field}: expected {self.expected}, was {self.value!r}"


class ConfigurationError(FillbridgeError):
    """The configuration cannot be used; the message says which key and why."""


class PluginError(FillbridgeError):
    """A plugin cannot be loaded or broke its contract."""

    def __init__(self, plugin: str, message: str, distribution: str = "") -> None:
        super().__init__(plugin, message, distribution)
        self.plugin = plugin
        self.distribution = distribution
        self.message = message

    def __str__(self) -> str:
        source = f" from {self.distribution}" if self.distribution else ""
        return f"plugin '{self.plugin}'{source}: {self.message}"


class OrderRefused(FillbridgeError):
    """An entry was refused before anything was sent.

    ``refusals`` holds every objection, each with the check that made it.
    """

    def __init__(self, refusals: Sequence[Refuse | Hold]) -> None:
        super().__init__(tuple(refusals))
        self.refusals = tuple(refusals)

    def __str__(self) -> str:
        return "; ".join(str(refusal) for refusal in self.refusals)


class ProposalHeld(OrderRefused):
    """A proposal waits for a person: nothing is sent until somebody approves it.

    :param hold_id: what it is approved or rejected by
    :param expires_ns: when it is refused if nobody did, ns UTC
    """

    def __init__(self, hold_id: str, expires_ns: int, holds: Sequence[Hold]) -> None:
        super().__init__(holds)
        self.hold_id = hold_id
        self.expires_ns = expires_ns

    def __str__(self) -> str:
        return f"{super().__str__()}; it waits as {self.hold_id}"


class UnknownOrder(FillbridgeError, KeyError):
    """No order or trade of that id is known to this handler."""

    def __init__(self, kind: str, identifier: str) -> None:
        super().__init__(kind, identifier)
        self.kind = kind
        self.identifier = identifier

    def __str__(self) -> str:
        return f"no {self.kind} with id {self.identifier!r} is known here"


class DriverError(FillbridgeError):
    """The broker or the way to it failed."""


class RetryableError(DriverError):
    """Intermittent: trying the connection again may succeed."""


class FatalError(DriverError):
    """Trying again cannot succeed: credentials, permissions, protocol."""


class ForcedLogout(FatalError):
    """The broker ended the session, for another login took its place: do not reconnect."""


class NotConnected(FillbridgeError):
    """There is no way to what should answer: a broker, or a running handler."""


class EntryNotSent(NotConnected):
    """An entry was recorded but could not leave, and never will; that is published already."""


class PermitSpent(FillbridgeError):
    """An approval was used a second time; the second submission did not happen."""
