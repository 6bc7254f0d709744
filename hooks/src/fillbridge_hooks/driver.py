"""What a driver promises: a way to a broker, and a session once there is one.

A driver makes one attempt to connect and holds no retry loop: the core owns reconnecting. Methods
that wait are coroutines under anyio; a driver runs on asyncio and on trio.
"""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, runtime_checkable

import msgspec

from fillbridge_hooks.broker import BrokerMargin, BrokerOrder, BrokerPosition
from fillbridge_hooks.capabilities import Capabilities
from fillbridge_hooks.clock import LiveClock
from fillbridge_hooks.instrument import Instrument
from fillbridge_hooks.market import QuoteTick, TradeTick
from fillbridge_hooks.orders import ApprovedOrder, Fill
from fillbridge_hooks.reports import NotSent, OutcomeUnknown, Replacement, Report, Sent
from fillbridge_hooks.secret import Secret
from fillbridge_hooks.simulation import SimulationDriver, SlippageFunction

SendOutcome = Sent | NotSent | OutcomeUnknown
"""What can be said of a request when its bytes have been written, or not.

``Sent``: it left; what the broker says to it comes as a report. ``NotSent``: proved that nothing
left the process. ``OutcomeUnknown``: everything else.
"""

MarketMessage = TradeTick | QuoteTick | BrokerMargin
"""What a session hears that is about no order."""

Message = Report | MarketMessage
"""What a session hears: reports on orders, and whatever else the broker tells."""


class ConnectionTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What a driver is told when it shall connect."""

    account: str
    instruments: tuple[Instrument, ...]
    """What will be traded; market data is wanted for these."""
    settings: Any
    """The Struct that the driver's plugin declared, ``None`` if it declared none."""
    credentials: Mapping[str, Secret]
    clock: LiveClock
    heartbeat_interval_s: float
    """The longest time between two signs of life, whatever the server allows."""
    slippage: tuple[str, SlippageFunction] | None = None
    """The slippage model that the configuration chose, with its name; for simulated brokers."""


class Session(Protocol):
    """One connection to a broker, from login to its end.

    Requests never wait for the broker's answer: it comes through :meth:`receive`. Requests are
    handed over in the order in which they were made.

    Once the broker ended the session for another login, every query raises ``ForcedLogout`` and
    every request is ``NotSent``.
    """

    async def submit(self, approved: ApprovedOrder) -> SendOutcome:
        """Send an order; its permit is spent before the first byte leaves.

        :raises PermitSpent: if the permit was used before; nothing is sent
        """

    async def cancel(self, client_order_id: str) -> SendOutcome:
        """Ask for the rest of an order to be withdrawn; answered by a report."""

    async def replace(self, change: Replacement) -> SendOutcome:
        """Ask for new terms of a working order; answered by a report."""

    async def receive(self) -> Message:
        """Wait for what comes next.

        Nothing that happened since the session began is left out. A report may be repeated, late
        or out of order.

        :raises RetryableError: once the connection is lost
        :raises ForcedLogout: if the broker ended the session for another login
        """

    async def working_orders(self) -> tuple[BrokerOrder, ...]:
        """Every order of the account that may still fill, whoever sent it.

        :raises RetryableError: if there is no clean answer; an empty answer is never an error
        """

    async def orders_today(self) -> tuple[BrokerOrder, ...]:
        """Every order of the account's trade date, working or not.

        :raises RetryableError: if there is no clean answer
        """

    async def fills(self, since_ns: int) -> tuple[Fill, ...]:
        """Every fill of the account at or after ``since_ns`` (UTC), oldest first.

        :raises RetryableError: if there is no clean answer
        """

    async def positions(self) -> tuple[BrokerPosition, ...]:
        """The account's positions; a symbol that is left out is flat.

        :raises RetryableError: if there is no clean answer
        """


@runtime_checkable
class Driver(Protocol):
    """Anything registered as a way to a broker."""

    capabilities: Capabilities

    def connect(self, terms: ConnectionTerms) -> AbstractAsyncContextManager[Session]:
        """Connect and log in, once: ``async with driver.connect(terms) as session``.

        Leaving the context closes the connection; working orders stay at the broker.

        :raises RetryableError: if trying again may help
        :raises FatalError: if it cannot: credentials, permissions, protocol
        """


AnyDriver = Driver | SimulationDriver
"""What can be registered: a way to a broker, a simulation, or both in one."""
