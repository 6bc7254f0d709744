"""Drivers that cancel and replace what they should not, or not at all."""

import msgspec
from tests.hooks.testing.caught import caught_by
from tests.hooks.testing.honest import Broker, Entry, HonestSession

from fillbridge_hooks import (
    Cancelled,
    Fill,
    OrderStatus,
    Replacement,
    SendOutcome,
)

replaced = msgspec.structs.replace


@caught_by("EX-440")
class CancelAckForAFilledOrder(Broker):
    """Confirms every cancel."""

    def cancel(self, client_order_id: str) -> None:
        entry = self.find(client_order_id)
        if entry is not None and entry.status is OrderStatus.FILLED:
            self.report(Cancelled(client_order_id, "cancelled", self.clock.now_ns))
        else:
            super().cancel(client_order_id)


@caught_by("EX-340")
class CancelSaysWhatWasLeft(Broker):
    """Confirms a cancel with the quantity that did not fill."""

    def withdrawn(self, entry: Entry, reason: str) -> Cancelled:
        left = entry.quantity - entry.filled
        return replaced(super().withdrawn(entry, reason), cumulative_quantity=left)


@caught_by("EX-430")
class CancelOnPaperOnly(Broker):
    """Confirms a cancel and works the order on."""

    def end(self, entry: Entry, status: OrderStatus) -> None:
        if status is not OrderStatus.CANCELLED:
            super().end(entry, status)


@caught_by("EX-460")
class CancelsEverything(Broker):
    """Cancels all orders when asked for one."""

    def cancel(self, client_order_id: str) -> None:
        super().cancel(client_order_id)
        for entry in self.entries:
            if entry.works:
                super().cancel(entry.client_order_id)


@caught_by("EX-450")
class CancelOfTheUnknownRaises(HonestSession):
    """Looks up the broker's id and fails where there is none."""

    async def cancel(self, client_order_id: str) -> SendOutcome:
        if self.broker.find(client_order_id) is None:
            raise KeyError(client_order_id)
        return await super().cancel(client_order_id)


@caught_by("EX-570")
class ReplaceResetsFilled(Broker):
    """Counts a replaced order anew."""

    def change(self, entry: Entry, change: Replacement) -> None:
        super().change(entry, change)
        entry.filled = 0


@caught_by("EX-510")
class ReplaceLosesTheLimit(Broker):
    """Changes the quantity and leaves the prices as they were."""

    def change(self, entry: Entry, change: Replacement) -> None:
        super().change(
            entry,
            replaced(change, limit_ticks=entry.limit_ticks, trigger_ticks=entry.trigger_ticks),
        )


@caught_by("EX-530")
class ReplaceLeavesTheOldOrder(Broker):
    """Works the old order on beside the new one."""

    def change(self, entry: Entry, change: Replacement) -> None:
        old = self.enter(replaced(entry.order, client_order_id=entry.client_order_id + "_old"))
        old.order = replaced(old.order, limit_ticks=entry.limit_ticks)
        super().change(entry, change)

    def make_fill(self, entry: Entry, quantity: int, ticks: int) -> Fill:
        fill = super().make_fill(entry, quantity, ticks)
        return replaced(fill, client_order_id=fill.client_order_id.removesuffix("_old"))


@caught_by("EX-550")
class ReplaceOfAFilledOrderSendsANewOne(Broker):
    """Sends a change that came too late as a new order."""

    def replace(self, change: Replacement) -> None:
        entry = self.find(change.client_order_id)
        if entry is not None and entry.status is OrderStatus.FILLED:
            entry.status = OrderStatus.PARTIAL_FILLED
        super().replace(change)
