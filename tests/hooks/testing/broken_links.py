"""Drivers that mishandle a lost link, and what comes after it."""

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from tests.hooks.testing.caught import caught_by
from tests.hooks.testing.honest import Broker, Entry, HonestDriver, HonestSession, Link

from fillbridge_hooks import (
    ApprovedOrder,
    BrokerOrder,
    BrokerPosition,
    ConnectionTerms,
    Fill,
    Message,
    NotSent,
    Order,
    OrderStatus,
    OutcomeUnknown,
    RetryableError,
    SendOutcome,
)


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


@caught_by("EX-830")
class SubmitRaisesOnALostLink(HonestSession):
    """Raises instead of saying what became of the order."""

    async def submit(self, approved: ApprovedOrder) -> SendOutcome:
        await self.ask()
        return await super().submit(approved)


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
