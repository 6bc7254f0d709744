"""Drivers whose stop and target do not follow the position."""

from tests.hooks.testing.caught import caught_by
from tests.hooks.testing.honest import Broker, Entry

from fillbridge_hooks import Order, OrderStatus


@caught_by("EX-650")
class ForgottenBracketResize(Broker):
    """Sizes the legs at the first fill, and never again but to cancel them."""

    def resize(self, parent: Entry, left: int) -> None:
        if not left or all(leg.quantity == parent.quantity for leg in parent.legs):
            super().resize(parent, left)


@caught_by("EX-660")
class LegsForMoreThanIsFilled(Broker):
    """Leaves the other leg as it was when one has filled in part."""

    def unprotected(self, parent: Entry) -> int:
        left = super().unprotected(parent)
        return left and parent.filled


@caught_by("EX-630")
class LegsAreNotLinked(Broker):
    """Lets the other leg live when one has filled."""

    def resize_leg(self, leg: Entry, left: int) -> None:
        if left:
            super().resize_leg(leg, left)


@caught_by("EX-680")
class CancelTakesTheLegsAlong(Broker):
    """Cancels the legs with the rest of their entry."""

    def cancel(self, client_order_id: str) -> None:
        super().cancel(client_order_id)
        entry = self.find(client_order_id)
        for leg in entry.legs if entry is not None else ():
            self.end(leg, OrderStatus.CANCELLED)


@caught_by("EX-690")
class LegsInTheDriver(Broker):
    """Makes the legs only while a session is there."""

    def protect(self, entry: Entry) -> None:
        if self.link is not None and self.link.alive:
            super().protect(entry)


@caught_by("EX-698")
class LegsCountFromElsewhere(Broker):
    """Counts the distance of a leg from a price that is not the one of the fill."""

    def placed(self, leg: Order, filled_at: int) -> Order:
        return super().placed(leg, filled_at - 3)
