"""What a plugin registers itself with."""

from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec

from fillbridge_hooks.driver import AnyDriver
from fillbridge_hooks.instrument import Instrument
from fillbridge_hooks.market import MarketView
from fillbridge_hooks.orders import Fill, Order
from fillbridge_hooks.risk import (
    AccountView,
    Exposure,
    Hold,
    Refuse,
    RiskContext,
    WatchVerdict,
)
from fillbridge_hooks.secret import Secret
from fillbridge_hooks.simulation import SlippageFunction

CommissionFunction = Callable[[Fill, Instrument], float]
"""The cost of one fill in account currency."""

RiskCheck = Callable[[Order, Exposure, MarketView, RiskContext], Refuse | Hold | None]
"""An objection to an order, or ``None``."""

WatchFunction = Callable[[AccountView], WatchVerdict | None]
"""What is to be done about how an account stands, or ``None``."""


class RegisterSettings(Protocol):
    """Declares the section of the configuration that belongs to a plugin."""

    def __call__(
        self,
        section: str,
        struct: type[msgspec.Struct],
        *,
        aliases: Mapping[str, str] | None = None,
    ) -> None:
        """Claim ``section``, a dotted path below ``execution_handler``.

        ``aliases`` maps a field of ``struct`` to the dotted path it is read from instead.
        Unknown fields of the section are refused, so declare every one.
        """


class RegisterModels(Protocol):
    """Takes configured instances by the name that the configuration uses."""

    def slippage(self, name: str, function: SlippageFunction) -> None:
        """Offer a slippage model."""

    def commission(self, name: str, function: CommissionFunction) -> None:
        """Offer a commission model."""

    def risk_check(self, name: str, function: RiskCheck) -> None:
        """Add a risk check; all that are added run."""

    def watch(self, name: str, function: WatchFunction) -> None:
        """Add a watch over the account; live, all that are added run ten times a second.

        It takes ``view`` alone, answers at once and does no I/O. One that raises shuts the gate
        for entries until a person resumes.
        """


class SecretProvider(Protocol):
    """Resolves references to secrets."""

    def __call__(self, reference: str) -> Secret | None:
        """The secret of that name; ``None`` where this provider does not have it.

        :raises ConfigurationError: if it is there but cannot be used
        """


class RegisterSecretProvider(Protocol):
    """Takes secret providers by name; each is asked in the order of the names."""

    def __call__(self, name: str, provider: SecretProvider) -> None:
        """Offer ``provider``; a second one of the same name stops the start."""


class RegisterDriver(Protocol):
    """Takes drivers by the name that the configuration uses."""

    def __call__(self, name: str, driver: AnyDriver) -> None:
        """Offer ``driver``; a second one of the same name stops the start."""
