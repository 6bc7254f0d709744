"""How a driver is rehearsed: a broker of its own, a market that can be moved, a link to cut.

The conformance kit (``fillbridge_hooks.testing``) runs every driver through one of these, and so
does ``fillbridge conformance --driver NAME`` for drivers that are :class:`Rehearsable`.
"""

from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, runtime_checkable

import msgspec

from fillbridge_hooks.driver import ConnectionTerms, Driver


class Drive(Protocol):
    """Lets the market trade."""

    async def __call__(self, symbol: str, price: float, quantity: int | None = None) -> None:
        """Let ``symbol`` trade at ``price`` (points).

        Orders fill that trade at or through this price: a market order, a limit that the price is
        beyond, a stop whose trigger it has passed. Together they get at most ``quantity``
        contracts, everything they ask for where it is ``None``; it is given only where the driver
        declares ``partial_fills``. Returns once the broker has dealt with it; reports may still
        be on their way. First called while a session is open, later also while there is none.
        """


class Cut(Protocol):
    """Breaks the link between a session and its broker; the broker lives on."""

    async def __call__(self, *, after_next_request: bool = False) -> None:
        """Break the link now, as a pulled plug would.

        With ``after_next_request``: as soon as the session's next request has reached the
        broker, and before the session hears so. The session must not be told first.
        """


class Rehearsal(msgspec.Struct, frozen=True, kw_only=True):
    """A broker for one test: an account without orders, fills or positions."""

    driver: Driver
    terms: ConnectionTerms
    """What the driver is connected with; the first instrument is the one that is traded."""
    drive: Drive
    cut: Cut | None = None
    """``None`` where the link cannot be broken: tests then leave the session and come back."""
    patience_s: float = 5.0
    """How long an answer may take. Only a test that fails waits for so long."""


@runtime_checkable
class Rehearsable(Protocol):
    """A driver that brings what it is rehearsed with."""

    def conformance(self, settings: Any) -> AbstractAsyncContextManager[Rehearsal]:
        """Start a broker for one test; leaving the context ends it with all that it holds.

        :param settings: the Struct that the driver's plugin declared, ``None`` for its defaults
        """
