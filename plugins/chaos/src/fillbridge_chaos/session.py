"""One connection through the chaos."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio

from fillbridge_chaos.answers import Answers
from fillbridge_chaos.dice import Dice
from fillbridge_chaos.faults import Fault, Faults
from fillbridge_chaos.latency import MILLISECOND, SECOND, Delays
from fillbridge_chaos.ledger import Ledger
from fillbridge_chaos.link import Link
from fillbridge_chaos.reports import ReportLine, VoidDue
from fillbridge_chaos.requests import (
    CancelRequest,
    Request,
    RequestLine,
    order_id,
    refusal,
    taken_over,
)
from fillbridge_chaos.trace import Trace
from fillbridge_hooks import (
    NEVER,
    ApprovedOrder,
    BrokerOrder,
    BrokerPosition,
    DriverError,
    Fill,
    FillVoided,
    LiveClock,
    Message,
    NotSent,
    OutcomeUnknown,
    Replacement,
    RetryableError,
    SendOutcome,
    Sent,
    Session,
)

T = TypeVar("T")


class ChaosSession:
    """A session whose link lies; what it says in the end is what its broker says.

    It has no task of its own: what is due travels when :meth:`receive` or a query is called. The
    wrapped session's ``receive`` is cancelled and called again, so it must lose nothing by that.
    """

    def __init__(
        self,
        session: Session,
        clock: LiveClock,
        faults: Faults,
        dice: Dice,
        trace: Trace,
        answers: Answers,
    ) -> None:
        self._session = session
        self._clock = clock
        self._faults = faults
        self._dice = dice
        self._trace = trace
        self._answers = answers
        self._ledger = Ledger(faults, dice)
        self._link = Link(faults, dice)
        self._delays = Delays("request latency", faults.request_latency, dice, trace)
        self._answer_delays = Delays("answer latency", faults.report_latency, dice, trace)
        self._requests = RequestLine(session)
        self._reports = ReportLine(faults, dice, trace, self._ledger)
        self._waiting: anyio.CancelScope | None = None

    # Requests

    async def submit(self, approved: ApprovedOrder) -> SendOutcome:
        """Send an order into the chaos; its permit is spent whatever becomes of it.

        :raises PermitSpent: if the permit was used before; nothing is sent
        """
        return await self._request(taken_over(approved))

    async def cancel(self, client_order_id: str) -> SendOutcome:
        """Ask for the rest of an order to be withdrawn; answered by a report, if one arrives."""
        return await self._request(CancelRequest(client_order_id))

    async def replace(self, change: Replacement) -> SendOutcome:
        """Ask for new terms of a working order; answered by a report, if one arrives."""
        return await self._request(change)

    async def _request(self, request: Request) -> SendOutcome:
        now_ns = self._clock.now_ns
        client_order_id = order_id(request)
        reason = self._link.reason_lost(now_ns)
        if reason is not None:
            return NotSent(client_order_id, reason, now_ns)
        if self._link.silent_until_ns(now_ns) is not None:
            return Sent(client_order_id)
        fault = self._link.drawn()
        if fault is Fault.DISCONNECT_AFTER_SEND:
            self._requests.put(now_ns, request)
        if fault is not None:
            await self._break(fault, client_order_id)
            reason = str(self._link.error_of(fault))
            if fault is Fault.HALF_OPEN:
                return Sent(client_order_id)
            if fault is Fault.DISCONNECT_AFTER_SEND:
                return OutcomeUnknown(client_order_id, reason, now_ns)
            return NotSent(client_order_id, reason, now_ns)
        return await self._travel(request, now_ns)

    async def _travel(self, request: Request, now_ns: int) -> SendOutcome:
        client_order_id = order_id(request)
        due_ns = now_ns + self._delays.next_ns(now_ns, client_order_id)
        is_order = isinstance(request, ApprovedOrder)
        is_cancel = isinstance(request, CancelRequest)
        if self._hits(Fault.LOST_REQUEST, self._faults.lost_request, client_order_id):
            return Sent(client_order_id)
        if self._hits(Fault.REJECT, self._faults.reject, client_order_id):
            text = f"{self._faults.reject_code}: refused by the chaos"
            refused = refusal(request, text, due_ns)
            self._reports.say(refused, self._requests.arrival_ns(due_ns))
            self._wake()
            return Sent(client_order_id)
        if is_order and self._hits(Fault.LIMBO, self._faults.limbo, client_order_id):
            self._reports.enter_limbo(client_order_id, now_ns)
        if is_cancel and self._dice.happens(Fault.CANCEL_CROSS, self._faults.cancel_cross):
            self._reports.cross(client_order_id)
            due_ns += round(self._faults.cross_ms * MILLISECOND)
        self._requests.put(due_ns, request)
        outcome: SendOutcome = Sent(client_order_id)
        for arrived, said in await self._requests.arrive(now_ns):
            if arrived is request:
                outcome = said
            else:
                self._late(arrived, said)
        self._wake()
        return outcome

    def _hits(self, fault: Fault, rate: float, client_order_id: str) -> bool:
        happens = self._dice.happens(fault, rate)
        if happens:
            self._trace.record(self._clock.now_ns, fault, client_order_id)
        return happens

    def _late(self, request: Request, outcome: SendOutcome) -> None:
        """The driver says something else of a request that was said to be sent."""
        if isinstance(outcome, Sent) or not isinstance(request, ApprovedOrder):
            return
        now_ns = self._clock.now_ns
        unknown = OutcomeUnknown(outcome.client_order_id, outcome.reason, now_ns)
        self._reports.say(unknown, now_ns)

    async def _break(self, fault: Fault, client_order_id: str) -> None:
        """Let a fault befall the link: what is under way from the broker is lost with it."""
        now_ns = self._clock.now_ns
        self._trace.record(now_ns, fault, client_order_id)
        if fault is Fault.HALF_OPEN:
            self._link.fall_silent(now_ns)
        else:
            self._link.lose(self._link.error_of(fault))
        self._reports.clear()
        self._wake()
        under_way = self._requests.under_way
        if under_way:
            arriving = self._dice.stream("requests under way").randint(0, under_way)
            for lost in await self._requests.cut(arriving):
                self._trace.record(now_ns, Fault.LOST_REQUEST, order_id(lost))

    # Reports

    async def receive(self) -> Message:
        """Wait for what comes next.

        :raises RetryableError: once the connection is lost
        :raises ForcedLogout: if the broker ended the session for another login
        """
        while True:
            now_ns = self._clock.now_ns
            self._link.check(now_ns)
            silent_until_ns = self._link.silent_until_ns(now_ns)
            if silent_until_ns is not None:
                await self._clock.sleep_until(silent_until_ns)
                continue
            for request, outcome in await self._requests.arrive(now_ns):
                self._late(request, outcome)
            message = self._reports.arrived(now_ns)
            if isinstance(message, VoidDue):
                message = await self._void(message.fill)
            if message is not None:
                return message
            if min(self._requests.next_due_ns, self._reports.next_due_ns) > now_ns:
                await self._wait()

    async def _void(self, fill: Fill) -> FillVoided | None:
        now_ns = self._clock.now_ns
        try:
            voids = await self._ledger.voids(self._session, now_ns)
        except DriverError:
            return None  # as if the report were lost: queries tell it
        if fill.fill_id not in voids:
            return None
        self._trace.record(now_ns, Fault.BUST, fill.client_order_id)
        return FillVoided(fill.client_order_id, fill.fill_id, "chaos: trade busted", now_ns)

    async def _wait(self) -> None:
        """Wait for the broker, for what is due next, or for a call that changes either."""
        due_ns = min(self._requests.next_due_ns, self._reports.next_due_ns)
        failure: Exception | None = None
        # What is raised inside a task group comes out wrapped: it is carried out of it instead.
        async with anyio.create_task_group() as group:
            self._waiting = group.cancel_scope
            if due_ns < NEVER:
                group.start_soon(self._sleep, due_ns, group.cancel_scope)
            try:
                self._reports.take(await self._session.receive(), self._clock.now_ns)
            except Exception as error:  # noqa: BLE001  # raised below, whatever it is
                failure = error
            group.cancel_scope.cancel()
        self._waiting = None
        if isinstance(failure, DriverError):
            self._link.lose(failure)
            self._reports.clear()
        elif failure is not None:
            raise failure

    async def _sleep(self, due_ns: int, scope: anyio.CancelScope) -> None:
        await self._clock.sleep_until(due_ns)
        scope.cancel()

    def _wake(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()

    # Queries

    async def working_orders(self) -> tuple[BrokerOrder, ...]:
        """Every order that may still fill, as the link tells it.

        :raises RetryableError: if there is no clean answer
        """
        truth = await self._asked(self._session.working_orders)
        return await self._told(self._answers.snapshot("working_orders", truth, self._now))

    async def orders_today(self) -> tuple[BrokerOrder, ...]:
        """Every order of the trade date, as the link tells it.

        :raises RetryableError: if there is no clean answer
        """

        async def ask() -> tuple[BrokerOrder, ...]:
            answer = await self._session.orders_today()
            voids = await self._ledger.voids(self._session, self._now)
            return self._ledger.orders(answer, voids)

        truth = await self._asked(ask)
        return await self._told(self._answers.snapshot("orders_today", truth, self._now))

    async def fills(self, since_ns: int) -> tuple[Fill, ...]:
        """Every fill at or after ``since_ns``, as the link tells it.

        :raises RetryableError: if there is no clean answer
        """

        async def ask() -> tuple[Fill, ...]:
            answer = await self._session.fills(since_ns)
            voids = await self._ledger.voids(self._session, self._now)
            return self._ledger.fills(answer, voids)

        truth = await self._asked(ask)
        return await self._told(self._answers.fills(truth, self._now))

    async def positions(self) -> tuple[BrokerPosition, ...]:
        """The account's positions, as the link tells them.

        :raises RetryableError: if there is no clean answer
        """

        async def ask() -> tuple[BrokerPosition, ...]:
            answer = await self._session.positions()
            voids = await self._ledger.voids(self._session, self._now)
            return self._ledger.positions(answer, voids)

        truth = await self._asked(ask)
        return await self._told(self._answers.snapshot("positions", truth, self._now))

    @property
    def _now(self) -> int:
        return self._clock.now_ns

    async def _asked(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Let a question travel to the broker, behind the requests that were made before it."""
        await self._check_link()
        fault = self._link.drawn()
        if fault is not None:
            await self._break(fault, "")
            await self._check_link()
        arrival_ns = self._requests.arrival_ns(self._now + self._delays.next_ns(self._now))
        await self._pause(arrival_ns)
        for request, outcome in await self._requests.arrive(self._now):
            self._late(request, outcome)
        self._wake()
        return await ask()

    async def _told(self, answer: T) -> T:
        """Let an answer travel back."""
        await self._pause(self._now + self._answer_delays.next_ns(self._now))
        return answer

    async def _pause(self, until_ns: int) -> None:
        if until_ns > self._now:
            await self._clock.sleep_until(until_ns)
        await self._check_link()

    async def _check_link(self) -> None:
        """Raise if the link is lost; if it is half-open, after the time a query waits."""
        self._link.check(self._now)
        if self._link.silent_until_ns(self._now) is not None:
            timeout_ns = round(self._faults.query_timeout_s * SECOND)
            await self._clock.sleep_until(self._now + timeout_ns)
            self._link.check(self._now)
            raise RetryableError("no answer to the query in time")
