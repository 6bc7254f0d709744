"""What requests, reports and queries of one connection share: the link and what is under way."""

import anyio

from fillbridge_chaos.dice import Dice
from fillbridge_chaos.faults import Fault, Faults
from fillbridge_chaos.ledger import Ledger
from fillbridge_chaos.link import Link
from fillbridge_chaos.reports import ReportLine
from fillbridge_chaos.requests import Request, RequestLine, order_id
from fillbridge_chaos.trace import Trace
from fillbridge_hooks import (
    NEVER,
    ApprovedOrder,
    DriverError,
    LiveClock,
    OutcomeUnknown,
    SendOutcome,
    Sent,
    Session,
)


class Wire:
    """Both directions of one connection, and what may befall it."""

    def __init__(
        self, session: Session, clock: LiveClock, faults: Faults, dice: Dice, trace: Trace
    ) -> None:
        self.session = session
        self.clock = clock
        self.faults = faults
        self.dice = dice
        self.trace = trace
        self.ledger = Ledger(faults, dice)
        self.link = Link(faults, dice)
        self.requests = RequestLine(session)
        self.reports = ReportLine(faults, dice, trace, self.ledger)
        self._waiting: anyio.CancelScope | None = None
        self._waiting_until_ns = NEVER

    @property
    def now_ns(self) -> int:
        """The time now, ns UTC."""
        return self.clock.now_ns

    @property
    def next_due_ns(self) -> int:
        """When the next request or report arrives; ``NEVER`` where none is under way."""
        return min(self.requests.next_due_ns, self.reports.next_due_ns)

    def hits(self, fault: Fault, rate: float, client_order_id: str) -> bool:
        """Whether a fault befalls an order now; if so it is recorded."""
        happens = self.dice.happens(fault, rate)
        if happens:
            self.trace.record(self.now_ns, fault, client_order_id)
        return happens

    async def hand_over(self, own: Request | None = None) -> SendOutcome | None:
        """Hand over the requests that have arrived; answer what the driver said to ``own``.

        ``None`` if it has not arrived yet. What the driver says to others comes too late for their
        callers: where it is not that an order was sent, a report says that this is unknown.
        """
        answer = None
        now_ns = self.now_ns
        for request, outcome in await self.requests.arrive(now_ns):
            if request is own:
                answer = outcome
            elif isinstance(request, ApprovedOrder) and not isinstance(outcome, Sent):
                order = request.order.client_order_id
                self.reports.say(OutcomeUnknown(order, outcome.reason, now_ns), now_ns)
        return answer

    async def break_link(self, fault: Fault, client_order_id: str) -> None:
        """Let a fault befall the link.

        What is under way from the broker is lost with it; of what is under way to the broker some
        still arrives, first come first.
        """
        now_ns = self.now_ns
        self.trace.record(now_ns, fault, client_order_id)
        if fault is Fault.HALF_OPEN:
            self.link.fall_silent(now_ns)
        else:
            self.link.lose(self.link.error_of(fault))
        self._interrupt()
        under_way = self.requests.under_way
        if under_way:
            arriving = self.dice.stream("requests under way").randint(0, under_way)
            for lost in await self.requests.cut(arriving):
                self.trace.record(now_ns, Fault.LOST_REQUEST, order_id(lost))

    async def listen(self) -> None:
        """Wait for the broker, for what is due next, or for a call that changes either."""
        due_ns = self._waiting_until_ns = self.next_due_ns
        failure: Exception | None = None
        # What is raised inside a task group comes out wrapped: it is carried out of it instead.
        async with anyio.create_task_group() as group:
            self._waiting = group.cancel_scope
            if due_ns < NEVER:
                group.start_soon(self._sleep, due_ns, group.cancel_scope)
            try:
                self.reports.take(await self.session.receive(), self.now_ns)
            except Exception as error:  # noqa: BLE001  # raised below, whatever it is
                failure = error
            finally:
                self._waiting = None
            group.cancel_scope.cancel()
        if isinstance(failure, DriverError):
            self.link.lose(failure)
        elif failure is not None:
            raise failure

    def wake(self) -> None:
        """Let who listens look again, if something is due before what it waits for."""
        if self.next_due_ns < self._waiting_until_ns:
            self._interrupt()

    async def _sleep(self, due_ns: int, scope: anyio.CancelScope) -> None:
        await self.clock.sleep_until(due_ns)
        scope.cancel()

    def _interrupt(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
