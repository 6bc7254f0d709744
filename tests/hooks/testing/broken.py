"""Drivers with one defect each, and the requirement that catches it."""

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import anyio
import anyio.lowlevel
import msgspec
from tests.hooks.testing.honest import Broker, Entry, HonestDriver, HonestSession, Link

from fillbridge_hooks import (
    Accepted,
    ApprovedOrder,
    BrokerOrder,
    BrokerPosition,
    Cancelled,
    ConnectionTerms,
    Fill,
    Message,
    NotSent,
    Order,
    OrderStatus,
    OutcomeUnknown,
    Permit,
    PermitSpent,
    Rejected,
    Replacement,
    RetryableError,
    SendOutcome,
    Sent,
)

replaced = msgspec.structs.replace

CAUGHT_BY: dict[type[HonestDriver], str] = {}
"""Which requirement catches which driver."""


def caught_by(requirement: str) -> Callable[[type], type]:
    """Enter a driver, or the driver of a broken broker or session, in the table."""

    def enter(broken: type) -> type:
        attributes: dict[str, object] = {"__doc__": broken.__doc__}
        if issubclass(broken, HonestDriver):
            CAUGHT_BY[broken] = requirement
            return broken
        attributes["broker_class" if issubclass(broken, Broker) else "session_class"] = broken
        CAUGHT_BY[type(broken.__name__, (HonestDriver,), attributes)] = requirement
        return broken

    return enter


# Fills and positions


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


# Orders


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


# Cancel and replace


@caught_by("EX-440")
class CancelAckForAFilledOrder(Broker):
    """Confirms every cancel."""

    def cancel(self, client_order_id: str) -> None:
        entry = self.find(client_order_id)
        if entry is not None and entry.status is OrderStatus.FILLED:
            self.report(Cancelled(client_order_id, "cancelled", self.clock.now_ns))
        else:
            super().cancel(client_order_id)


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


# Brackets


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


# Permits


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


# Links and sessions


@caught_by("EX-840")
class OutcomeUnknownToldAsNotSent(HonestSession):
    """Says that nothing left when it does not know."""

    async def request(self, client_order_id: str, carry_out: Callable[[], None]) -> SendOutcome:
        outcome = await super().request(client_order_id, carry_out)
        if isinstance(outcome, OutcomeUnknown):
            return NotSent(client_order_id, outcome.reason, outcome.time_ns)
        return outcome


@caught_by("EX-920")
class ResendsAfterReconnect(HonestDriver):
    """Sends again what the last session could not be sure of."""

    def __init__(self) -> None:
        super().__init__()
        self.unsure: list[Order] = []

    @asynccontextmanager
    async def connect(self, terms: ConnectionTerms) -> AsyncIterator[HonestSession]:
        async with super().connect(terms) as session:
            for order in self.unsure:
                session.broker.accept(order)
            self.unsure.clear()
            session.request = self.noting(session)  # type: ignore[method-assign]
            yield session

    def noting(self, session: HonestSession) -> Callable[..., Coroutine[Any, Any, SendOutcome]]:
        request = session.request

        async def noted(client_order_id: str, carry_out: Callable[[], None]) -> SendOutcome:
            outcome = await request(client_order_id, carry_out)
            entry = self.broker.find(client_order_id)
            if isinstance(outcome, OutcomeUnknown) and entry is not None:
                self.unsure.append(entry.order)
            return outcome

        return noted


@caught_by("EX-820")
class EmptyAnswerWhileNotConnected(HonestSession):
    """Answers "nothing" where it could not ask."""

    async def positions(self) -> tuple[BrokerPosition, ...]:
        try:
            return await super().positions()
        except RetryableError:
            return ()


@caught_by("EX-1190")
class AnswersFromMemoryAfterLeaving(HonestSession):
    """Answers what it knew when it was left."""

    async def positions(self) -> tuple[BrokerPosition, ...]:
        await anyio.lowlevel.checkpoint()
        return self.broker.positions()


@caught_by("EX-830")
class SubmitRaisesOnALostLink(HonestSession):
    """Raises instead of saying what became of the order."""

    async def submit(self, approved: ApprovedOrder) -> SendOutcome:
        await self.ask()
        return await super().submit(approved)


@caught_by("EX-1180")
class SaysSentAfterLeaving(HonestSession):
    """Says that an order left when there was nothing for it to leave on."""

    async def request(self, client_order_id: str, carry_out: Callable[[], None]) -> SendOutcome:
        outcome = await super().request(client_order_id, carry_out)
        return Sent(client_order_id) if isinstance(outcome, NotSent) else outcome


@caught_by("EX-1120")
class ReceiveReturnsAfterLeaving(HonestSession):
    """Returns an empty answer once the session is over."""

    async def receive(self) -> Message:
        try:
            return await super().receive()
        except RetryableError:
            return None  # type: ignore[return-value]


@caught_by("EX-1130")
class ReceiveHangsAfterLeaving(HonestSession):
    """Never wakes whoever listens."""

    async def receive(self) -> Message:
        try:
            return await super().receive()
        except RetryableError:
            await anyio.sleep_forever()
            raise


@caught_by("EX-1150")
class ReceiveLosesWhatItTook(HonestSession):
    """Waits again after a report was taken from the queue."""

    async def receive(self) -> Message:
        message = await super().receive()
        await anyio.lowlevel.checkpoint()
        return message


@caught_by("EX-810")
class NoticesNoLostLink(HonestDriver):
    """Knows of a lost link only when it is left."""

    async def cut(self, *, after_next_request: bool = False) -> None:
        link = self.broker.link
        assert link is not None
        link.lose = lambda: None  # type: ignore[method-assign]
        link.alive = False


@caught_by("EX-910")
class CancelsOnDisconnect(HonestDriver):
    """Cancels what works when its session ends."""

    @asynccontextmanager
    async def connect(self, terms: ConnectionTerms) -> AsyncIterator[HonestSession]:
        try:
            async with super().connect(terms) as session:
                yield session
        finally:
            for entry in self.broker.entries:
                if entry.works:
                    self.broker.end(entry, OrderStatus.CANCELLED)


@caught_by("EX-930")
class MissesWhatFilledWhileAway(Broker):
    """Knows only of fills that a session heard."""

    def execute(self, entry: Entry, quantity: int, ticks: int) -> None:
        super().execute(entry, quantity, ticks)
        if self.link is not None and not self.link.alive:
            self.executions.pop()


@caught_by("EX-950")
class HearsOnlyItsOwnOrders(Broker):
    """Reports to the session that sent an order, and to no later one."""

    def __init__(self) -> None:
        super().__init__()
        self.sent_on: dict[str, Link | None] = {}

    def enter(self, order: Order) -> Entry:
        self.sent_on[order.client_order_id] = self.link
        return super().enter(order)

    def report(self, message: Message) -> None:
        if not isinstance(message, Fill) or self.sent_on[message.client_order_id] is self.link:
            super().report(message)


@caught_by("EX-990")
class OrdersOfThisSessionOnly(HonestSession):
    """Leaves out what earlier sessions sent and what has ended."""

    def __init__(self, broker: Broker, link: Link) -> None:
        super().__init__(broker, link)
        self.earlier = {entry.client_order_id for entry in broker.entries if not entry.works}

    async def orders_today(self) -> tuple[BrokerOrder, ...]:
        answer = await super().orders_today()
        return tuple(order for order in answer if order.client_order_id not in self.earlier)


@caught_by("EX-1140")
class LeaksATask(HonestDriver):
    """Starts a task for each session that outlives it."""

    tasks: anyio.abc.TaskGroup

    @asynccontextmanager
    async def connect(self, terms: ConnectionTerms) -> AsyncIterator[HonestSession]:
        self.tasks.start_soon(anyio.sleep_forever, name="heartbeat")
        async with super().connect(terms) as session:
            yield session


@caught_by("EX-1160")
class WrapsErrorsInGroups(HonestDriver):
    """Lets its task group wrap whatever is raised inside."""

    @asynccontextmanager
    async def connect(self, terms: ConnectionTerms) -> AsyncIterator[HonestSession]:
        async with anyio.create_task_group(), super().connect(terms) as session:
            yield session


@caught_by("EX-030")
class ConnectsOnce(HonestDriver):
    """Can be connected a single time."""

    @asynccontextmanager
    async def connect(self, terms: ConnectionTerms) -> AsyncIterator[HonestSession]:
        if self.broker.link is not None:
            raise RetryableError("logged in already")
        async with super().connect(terms) as session:
            yield session


@caught_by("EX-170")
class SubmitWaitsForTheAnswer(HonestSession):
    """Returns from submit only when the report was heard."""

    async def submit(self, approved: ApprovedOrder) -> SendOutcome:
        outcome = await super().submit(approved)
        while self.link.receive.statistics().current_buffer_used > 4:  # noqa: ASYNC110  # the defect
            await anyio.sleep(0.1)
        return outcome


@caught_by("EX-040")
class NoMarketData(Broker):
    """Declares market data and sends none."""

    def report(self, message: Message) -> None:
        if hasattr(message, "client_order_id"):
            super().report(message)


@caught_by("EX-010")
class DeclaresADictionary(HonestDriver):
    """Declares what it can do in a type of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.capabilities = {"replace": True}  # type: ignore[assignment]


@caught_by("EX-020")
class AnswersNoneForNothing(Broker):
    """Answers ``None`` where there is nothing."""

    def positions(self) -> tuple[BrokerPosition, ...]:
        return super().positions() or None  # type: ignore[return-value]
