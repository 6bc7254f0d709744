"""What the chaos makes of the broker's fills, told alike by reports and by every query.

Nothing is remembered: whether a fill is split or taken back hangs on the seed and its id alone, so
another connection, or another process with the same settings, tells the same.
"""

import msgspec

from fillbridge_chaos.dice import Dice
from fillbridge_chaos.faults import Fault, Faults
from fillbridge_chaos.latency import SECOND
from fillbridge_hooks import BrokerOrder, BrokerPosition, Fill, OrderStatus, Session


class Void(msgspec.Struct, frozen=True):
    """A fill that the exchange took back, with the order it completed."""

    fill: Fill
    order: BrokerOrder


class Ledger:
    """Splits fills, takes some back, and corrects what the broker answers accordingly."""

    def __init__(self, faults: Faults, dice: Dice) -> None:
        self._faults = faults
        self._dice = dice

    def parts(self, fill: Fill) -> tuple[Fill, ...]:
        """The fill as it is told: itself, or several that add up to it."""
        most = min(self._faults.partial_parts, fill.quantity)
        if most < 2 or self._dice.settled(Fault.PARTIAL, fill.fill_id) >= self._faults.partial:
            return (fill,)
        stream = self._dice.settled_stream(Fault.PARTIAL, fill.fill_id)
        cuts = sorted(stream.sample(range(1, fill.quantity), stream.randint(2, most) - 1))
        before = fill.cumulative_quantity - fill.quantity
        return tuple(
            msgspec.structs.replace(
                fill,
                fill_id=f"{fill.fill_id}.{number}",
                quantity=end - start,
                cumulative_quantity=before + end,
            )
            for number, (start, end) in enumerate(
                zip((0, *cuts), (*cuts, fill.quantity), strict=True), start=1
            )
        )

    def void_time_ns(self, fill: Fill) -> int | None:
        """When the fill, told as it is, would be taken back; ``None`` if it stands."""
        if self._dice.settled(Fault.BUST, fill.fill_id) >= self._faults.bust:
            return None
        after_s = self._faults.bust_after_s * (0.5 + self._dice.settled("bust time", fill.fill_id))
        return fill.time_ns + round(after_s * SECOND)

    async def voids(self, session: Session, now_ns: int) -> dict[str, Void]:
        """Every fill that is taken back by now, by its id.

        Only a fill that completes its order is: what the rest of an order may still fill then
        never changes.

        :raises RetryableError: if the broker gives no clean answer
        """
        if self._faults.bust <= 0:
            return {}
        candidates = [
            part
            for fill in await session.fills(0)
            for part in self.parts(fill)
            if (time_ns := self.void_time_ns(part)) is not None and time_ns <= now_ns
        ]
        if not candidates:
            return {}
        orders = {order.client_order_id: order for order in await session.orders_today()}
        return {
            part.fill_id: Void(part, order)
            for part in candidates
            if (order := orders.get(part.client_order_id)) is not None
            and order.status is OrderStatus.FILLED
            and part.cumulative_quantity >= order.quantity
        }

    def fills(self, answer: tuple[Fill, ...], voids: dict[str, Void]) -> tuple[Fill, ...]:
        """The broker's fills as they were reported, without those taken back."""
        told = (part for fill in answer for part in self.parts(fill))
        return tuple(part for part in told if part.fill_id not in voids)

    def orders(
        self, answer: tuple[BrokerOrder, ...], voids: dict[str, Void]
    ) -> tuple[BrokerOrder, ...]:
        """The broker's orders; one whose fill was taken back ends with its rest withdrawn."""
        by_order = {void.order.client_order_id: void.fill for void in voids.values()}
        return tuple(
            order
            if (fill := by_order.get(order.client_order_id)) is None
            else msgspec.structs.replace(
                order,
                filled=order.filled - fill.quantity,
                status=OrderStatus.CANCELLED,
                reason=f"the exchange took fill {fill.fill_id} back",
            )
            for order in answer
        )

    def positions(
        self, answer: tuple[BrokerPosition, ...], voids: dict[str, Void]
    ) -> tuple[BrokerPosition, ...]:
        """The broker's positions without the fills taken back; without symbols that are flat."""
        if not voids:
            return answer
        held = {position.symbol: position.quantity for position in answer}
        for void in voids.values():
            symbol = void.order.symbol
            signed = void.order.side.sign * void.fill.quantity
            held[symbol] = held.get(symbol, 0) - signed
        return tuple(
            BrokerPosition(symbol=symbol, quantity=quantity)
            for symbol, quantity in held.items()
            if quantity
        )
