"""Queries through the chaos: late, unanswered, or answered wrongly."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from fillbridge_chaos.answers import Answers
from fillbridge_chaos.latency import SECOND, Delays
from fillbridge_chaos.wire import Wire
from fillbridge_hooks import BrokerOrder, BrokerPosition, Fill, RetryableError

T = TypeVar("T")


class Queries:
    """The four questions to a broker; each may raise ``RetryableError`` or ``ForcedLogout``."""

    def __init__(self, wire: Wire, answers: Answers) -> None:
        self._wire = wire
        self._answers = answers
        faults, dice, trace = wire.faults, wire.dice, wire.trace
        self._there = Delays("query latency", faults.request_latency, dice, trace)
        self._back = Delays("answer latency", faults.report_latency, dice, trace)

    async def working_orders(self) -> tuple[BrokerOrder, ...]:
        """Every order that may still fill."""
        truth = await self._asked(self._wire.session.working_orders)
        return await self._told(self._answers.snapshot("working_orders", truth, self._now_ns))

    async def orders_today(self) -> tuple[BrokerOrder, ...]:
        """Every order of the trade date, without the fills taken back."""

        async def ask() -> tuple[BrokerOrder, ...]:
            answer = await self._wire.session.orders_today()
            voids = await self._wire.ledger.voids(self._wire.session, self._now_ns)
            return self._wire.ledger.orders(answer, voids)

        truth = await self._asked(ask)
        return await self._told(self._answers.snapshot("orders_today", truth, self._now_ns))

    async def fills(self, since_ns: int) -> tuple[Fill, ...]:
        """Every fill at or after ``since_ns``, without those taken back."""

        async def ask() -> tuple[Fill, ...]:
            answer = await self._wire.session.fills(since_ns)
            voids = await self._wire.ledger.voids(self._wire.session, self._now_ns)
            return self._wire.ledger.fills(answer, voids)

        truth = await self._asked(ask)
        return await self._told(self._answers.fills(truth, self._now_ns))

    async def positions(self) -> tuple[BrokerPosition, ...]:
        """The account's positions, without the fills taken back."""

        async def ask() -> tuple[BrokerPosition, ...]:
            answer = await self._wire.session.positions()
            voids = await self._wire.ledger.voids(self._wire.session, self._now_ns)
            return self._wire.ledger.positions(answer, voids)

        truth = await self._asked(ask)
        return await self._told(self._answers.snapshot("positions", truth, self._now_ns))

    @property
    def _now_ns(self) -> int:
        return self._wire.now_ns

    async def _asked(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Let a question travel to the broker, behind the requests that were made before it."""
        wire = self._wire
        await self._check_link()
        fault = wire.link.drawn()
        if fault is not None:
            await wire.break_link(fault, "")
            await self._check_link()
        due_ns = self._now_ns + self._there.next_ns(self._now_ns)
        await self._pause(wire.requests.arrival_ns(due_ns))
        await wire.hand_over()
        wire.wake()
        return await ask()

    async def _told(self, answer: T) -> T:
        """Let an answer travel back."""
        await self._pause(self._now_ns + self._back.next_ns(self._now_ns))
        return answer

    async def _pause(self, until_ns: int) -> None:
        if until_ns > self._now_ns:
            await self._wire.clock.sleep_until(until_ns)
        await self._check_link()

    async def _check_link(self) -> None:
        """Raise if the link is lost; if it is half-open, after the time a query waits."""
        link = self._wire.link
        link.check(self._now_ns)
        if link.silent_until_ns(self._now_ns) is None:
            return
        timeout_ns = round(self._wire.faults.query_timeout_s * SECOND)
        await self._wire.clock.sleep_until(self._now_ns + timeout_ns)
        link.check(self._now_ns)
        raise RetryableError("chaos: no answer to the query in time")
