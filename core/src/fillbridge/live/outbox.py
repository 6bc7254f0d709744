"""What leaves for the broker: held until it is recorded, then handed out in order."""

from collections import deque

import msgspec

from fillbridge.live.market import LiveMarket
from fillbridge_hooks import ApprovedOrder, Instrument, MarketView, PriceWatch, Replacement


class Submission(msgspec.Struct, frozen=True):
    """Send an order."""

    approved: ApprovedOrder
    made_ns: int
    """When it was judged last."""
    gate_version: int

    @property
    def client_order_id(self) -> str:
        """Of the order."""
        return self.approved.order.client_order_id


class Cancellation(msgspec.Struct, frozen=True):
    """Ask for an order to be withdrawn."""

    client_order_id: str


class Change(msgspec.Struct, frozen=True):
    """Ask for new terms of an order."""

    change: Replacement

    @property
    def client_order_id(self) -> str:
        """Of the order."""
        return self.change.client_order_id


Command = Submission | Cancellation | Change


class Outbox:
    """Takes what the shell sends and keeps it until :meth:`release`.

    It is the shell's desk: ``market`` is what is known of prices.
    """

    def __init__(self, market: LiveMarket) -> None:
        self.ready: deque[Command] = deque()
        """What may leave, the oldest first."""
        self.gate_version = 0
        """The version of the gate under which what comes next was judged."""
        self._market = market
        self._held: list[Command] = []

    def submit(self, approved: ApprovedOrder) -> None:
        """Take an order over."""
        now = self._market.now_ns
        self._held.append(Submission(approved, now, self.gate_version))

    def cancel(self, client_order_id: str) -> None:
        """Take the wish to withdraw an order over."""
        self._held.append(Cancellation(client_order_id))

    def replace(self, change: Replacement) -> None:
        """Take a change over."""
        self._held.append(Change(change))

    def repeat(self, request: Cancellation | Change) -> None:
        """Ask again for what was recorded and asked for before."""
        self._held.append(request)

    def open_market(self, instrument: Instrument) -> PriceWatch:
        """Follow the prices of ``instrument``."""
        return self._market.open_market(instrument)

    def market(self, symbol: str) -> MarketView:
        """What is known of the symbol now."""
        return self._market.view(symbol)

    @property
    def holds_any(self) -> bool:
        """Whether anything waits until it is recorded."""
        return bool(self._held)

    def release(self) -> None:
        """What is held is recorded: it may leave."""
        self.ready.extend(self._held)
        self._held.clear()

    def take_held(self) -> tuple[Command, ...]:
        """Take back what is held, for it could not be recorded."""
        held = tuple(self._held)
        self._held.clear()
        return held
