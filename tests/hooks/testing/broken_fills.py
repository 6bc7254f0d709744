"""Drivers that misreport fills and positions."""

import msgspec
from tests.hooks.testing.caught import caught_by
from tests.hooks.testing.honest import Broker, Entry

from fillbridge_hooks import (
    BrokerPosition,
    Fill,
    Message,
)

replaced = msgspec.structs.replace


@caught_by("EX-1010")
class DuplicateFillUnderANewId(Broker):
    """Reports each execution twice, under two ids."""

    def report(self, message: Message) -> None:
        super().report(message)
        if isinstance(message, Fill):
            super().report(replaced(message, fill_id=message.fill_id + "-again"))


@caught_by("EX-260")
class ExecutionAppliedTwice(Broker):
    """Counts each execution twice in its position."""

    def hold(self, entry: Entry, quantity: int) -> None:
        super().hold(entry, 2 * quantity)


@caught_by("EX-270")
class WrongSign(Broker):
    """States every position as long."""

    def positions(self) -> tuple[BrokerPosition, ...]:
        return tuple(replaced(one, quantity=abs(one.quantity)) for one in super().positions())


@caught_by("EX-310")
class CumulativeQuantityOfThisFillOnly(Broker):
    """Mistakes the quantity of one fill for the sum of all."""

    def make_fill(self, entry: Entry, quantity: int, ticks: int) -> Fill:
        return replaced(super().make_fill(entry, quantity, ticks), cumulative_quantity=quantity)


@caught_by("EX-1070")
class FillIdsCountedBySession(Broker):
    """Begins to count its fills anew in each session."""

    def __init__(self) -> None:
        super().__init__()
        self._counted: dict[int, int] = {}

    def make_fill(self, entry: Entry, quantity: int, ticks: int) -> Fill:
        number = self._counted[id(self.link)] = self._counted.get(id(self.link), 0) + 1
        return replaced(super().make_fill(entry, quantity, ticks), fill_id=f"S{number}")


@caught_by("EX-960")
class FillsForgets(Broker):
    """Hands out each fill once."""

    def fills(self, since_ns: int) -> tuple[Fill, ...]:
        answer = super().fills(since_ns)
        self.executions = [fill for fill in self.executions if fill not in answer]
        return answer


@caught_by("EX-970")
class FillsAfterButNotAt(Broker):
    """Leaves out the fills of exactly the time that was asked for."""

    def fills(self, since_ns: int) -> tuple[Fill, ...]:
        return super().fills(since_ns + 1)


@caught_by("EX-220")
class WorseThanTheLimit(Broker):
    """States prices on the wrong side of the limit."""

    def make_fill(self, entry: Entry, quantity: int, ticks: int) -> Fill:
        fill = super().make_fill(entry, quantity, ticks)
        return replaced(fill, price=fill.price + 100 * entry.order.side.sign)


@caught_by("EX-240")
class LimitsAreMarketOrders(Broker):
    """Fills limits whatever the price."""

    def meets(self, entry: Entry, ticks: int) -> bool:
        return super().meets(entry, ticks) or entry.trigger_ticks is None


@caught_by("EX-250")
class StopsTriggerTheWrongWay(Broker):
    """Triggers a stop while the market is on its good side."""

    def meets(self, entry: Entry, ticks: int) -> bool:
        return (
            not super().meets(entry, ticks) if entry.trigger_ticks else super().meets(entry, ticks)
        )
