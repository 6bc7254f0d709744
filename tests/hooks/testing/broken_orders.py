"""Drivers that mishandle orders, their states and their permits."""

import msgspec
from tests.hooks.testing.caught import caught_by
from tests.hooks.testing.honest import Broker, Entry, HonestSession

from fillbridge_hooks import (
    Accepted,
    ApprovedOrder,
    BrokerOrder,
    Message,
    Order,
    OrderStatus,
    Permit,
    PermitSpent,
    Rejected,
    SendOutcome,
)

replaced = msgspec.structs.replace


@caught_by("EX-110")
class LostAck(Broker):
    """Swallows every acknowledgement."""

    def report(self, message: Message) -> None:
        if not isinstance(message, Accepted):
            super().report(message)


@caught_by("EX-710")
class SwallowedReject(Broker):
    """Says nothing of an order that it refused."""

    def report(self, message: Message) -> None:
        if not isinstance(message, Rejected):
            super().report(message)


@caught_by("EX-710")
class RejectWithoutReason(Broker):
    """Refuses without a word."""

    def reject(self, order: Order, reason: str) -> None:
        super().reject(order, "")


@caught_by("EX-750")
class SubmitRaises(HonestSession):
    """Raises for a contract that it does not know, instead of answering."""

    async def submit(self, approved: ApprovedOrder) -> SendOutcome:
        self.broker.instruments[approved.order.instrument.symbol]
        return await super().submit(approved)


@caught_by("EX-320")
class PartlyFilledOrdersLeftOut(Broker):
    """Shows only those orders as working of which nothing has filled."""

    def working_orders(self) -> tuple[BrokerOrder, ...]:
        return tuple(order for order in super().working_orders() if not order.filled)


@caught_by("EX-290")
class FilledOrdersStillWork(Broker):
    """Shows filled orders as working."""

    def working_orders(self) -> tuple[BrokerOrder, ...]:
        ended = (OrderStatus.CANCELLED, OrderStatus.REJECTED)
        return tuple(order for order in self.orders_today() if order.status not in ended)


@caught_by("EX-1020")
class ReportForANeverSentId(Broker):
    """Reports under ids of its own as well."""

    def report(self, message: Message) -> None:
        super().report(message)
        if isinstance(message, Accepted):
            super().report(replaced(message, client_order_id=message.broker_order_id))


@caught_by("EX-150")
class TriggerShownAsLimit(Broker):
    """Mixes up the two prices of an order when it shows it."""

    def show(self, entry: Entry) -> BrokerOrder:
        shown = super().show(entry)
        return replaced(shown, limit_ticks=shown.trigger_ticks, trigger_ticks=shown.limit_ticks)


@caught_by("EX-120")
class PermitNotSpent(HonestSession):
    """Leaves the permit as it was."""

    async def submit(self, approved: ApprovedOrder) -> SendOutcome:
        return await super().submit(replaced(approved, permit=Permit()))


@caught_by("EX-130")
class TakesOnePermitTwice(HonestSession):
    """Spends the permit, and does not care whether it was spent."""

    async def submit(self, approved: ApprovedOrder) -> SendOutcome:
        try:
            return await super().submit(approved)
        except PermitSpent:
            return await super().submit(replaced(approved, permit=Permit()))


@caught_by("EX-180")
class IdempotentInWordsOnly(Broker):
    """Takes an id twice though it declares that it does not."""

    def submit(self, order: Order, legs: tuple[Order, ...]) -> None:
        if self.find(order.client_order_id) is not None:
            self.accept(order)
        else:
            super().submit(order, legs)
