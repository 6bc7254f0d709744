"""Drivers whose sessions begin or end badly."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio
import anyio.lowlevel
from tests.hooks.testing.caught import caught_by
from tests.hooks.testing.honest import Broker, HonestDriver, HonestSession

from fillbridge_hooks import (
    ApprovedOrder,
    BrokerPosition,
    ConnectionTerms,
    Message,
    NotSent,
    RetryableError,
    SendOutcome,
    Sent,
)


@caught_by("EX-1190")
class AnswersFromMemoryAfterLeaving(HonestSession):
    """Answers what it knew when it was left."""

    async def positions(self) -> tuple[BrokerPosition, ...]:
        await anyio.lowlevel.checkpoint()
        return self.broker.positions()


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
