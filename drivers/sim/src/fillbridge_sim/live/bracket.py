"""Stop and target that rest at the broker for what an entry has filled and not yet exited."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from fillbridge_hooks import Fill, Order, Replacement
from fillbridge_sim.live.ledger import Entry


class BracketBroker(Protocol):
    """What a bracket does at its broker, at once."""

    def open(self, order: Order, bracket: "Bracket") -> Entry:
        """Book a leg, without working it yet."""

    def release(self, leg: Entry) -> None:
        """Accept and work a leg."""

    def withdraw(self, key: str, reason: str) -> None:
        """Cancel what is left of an order."""

    def change(self, change: Replacement) -> None:
        """Change a working order, which is named by its key."""


class Bracket:
    """One entry and its legs.

    An exit that closes the position withdraws the other leg, and what is left of the entry:
    anything more of it would fill unprotected.
    """

    def __init__(self, entry: Entry, legs: Sequence[Order], broker: BracketBroker) -> None:
        self._entry = entry
        self._unreleased = tuple(legs)
        self._legs: list[Entry] = []
        self._broker = broker
        self._held = 0

    @property
    def keys(self) -> tuple[str, ...]:
        """Of the entry and the legs that were released."""
        return (self._entry.key, *(leg.key for leg in self._legs))

    @property
    def is_over(self) -> bool:
        """Whether no order of it can fill any more."""
        return not any(one.is_working for one in (self._entry, *self._legs))

    def leg_quantity(self, leg: Entry) -> int | None:
        """The total that the leg must have, fills included; ``None`` if it is no leg of this."""
        return leg.state.filled + self._held if leg in self._legs else None

    def on_fill(self, filled: Entry, fill: Fill) -> None:
        """Make the legs follow a fill of the entry or of a leg, booked already."""
        if filled is self._entry:
            self._held += fill.quantity
            self._resize(None)
            self._release()
            return
        self._held -= fill.quantity
        if self._held > 0:
            self._resize(filled)
            return
        for order in (*self._legs, self._entry):
            if order is not filled and order.is_working:
                self._broker.withdraw(order.key, "the other leg closed the position")

    def _release(self) -> None:
        orders, self._unreleased = self._unreleased, ()
        for order in orders:
            if self._held <= 0:
                return  # the leg before this one filled at once
            leg = self._broker.open(msgspec.structs.replace(order, quantity=self._held), self)
            self._legs.append(leg)
            self._broker.release(leg)

    def _resize(self, but: Entry | None) -> None:
        for leg in self._legs:
            total = leg.state.filled + self._held
            if leg is but or not leg.is_working or leg.state.quantity == total:
                continue
            state = leg.state
            self._broker.change(
                Replacement(
                    leg.key, total, state.order_type, state.limit_ticks, state.trigger_ticks
                )
            )
