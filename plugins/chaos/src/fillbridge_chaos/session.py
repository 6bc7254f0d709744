"""One connection through the chaos."""

from fillbridge_chaos.answers import Answers
from fillbridge_chaos.faults import Fault
from fillbridge_chaos.latency import MILLISECOND, Delays
from fillbridge_chaos.queries import Queries
from fillbridge_chaos.reports import VoidDue
from fillbridge_chaos.requests import CancelRequest, Request, order_id, refusal, taken_over
from fillbridge_chaos.wire import Wire
from fillbridge_hooks import (
    ApprovedOrder,
    BrokerOrder,
    BrokerPosition,
    DriverError,
    Fill,
    FillVoided,
    Message,
    NotSent,
    OutcomeUnknown,
    Replacement,
    SendOutcome,
    Sent,
)


class ChaosSession:
    """A session whose link lies; what it says in the end is what its broker says.

    It has no task of its own: what is due travels when :meth:`receive` or a query is called. The
    wrapped session's ``receive`` is cancelled and called again, so it must lose nothing by that.
    """

    def __init__(self, wire: Wire, answers: Answers) -> None:
        self._wire = wire
        self._is_left = False
        self._queries = Queries(wire, answers)
        faults, dice, trace = wire.faults, wire.dice, wire.trace
        self._delays = Delays("request latency", faults.request_latency, dice, trace)

    def leave(self) -> None:
        """The context of the connection was left: nothing travels any more."""
        self._is_left = True

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

    async def receive(self) -> Message:
        """Wait for what comes next.

        :raises RetryableError: once the connection is lost
        :raises ForcedLogout: if the broker ended the session for another login
        """
        wire = self._wire
        while True:
            now_ns = wire.now_ns
            wire.link.check(now_ns)
            silent_until_ns = wire.link.silent_until_ns(now_ns)
            if silent_until_ns is not None:
                await wire.clock.sleep_until(silent_until_ns)
                continue
            await wire.hand_over()
            message = wire.reports.arrived(now_ns)
            if isinstance(message, VoidDue):
                message = await self._void(message.fill)
            if message is not None:
                return message
            if wire.next_due_ns > now_ns:
                await wire.listen()

    async def working_orders(self) -> tuple[BrokerOrder, ...]:
        """Every order that may still fill, as the link tells it.

        :raises RetryableError: if there is no clean answer
        """
        return await self._queries.working_orders()

    async def orders_today(self) -> tuple[BrokerOrder, ...]:
        """Every order of the trade date, as the link tells it.

        :raises RetryableError: if there is no clean answer
        """
        return await self._queries.orders_today()

    async def fills(self, since_ns: int) -> tuple[Fill, ...]:
        """Every fill at or after ``since_ns``, as the link tells it.

        :raises RetryableError: if there is no clean answer
        """
        return await self._queries.fills(since_ns)

    async def positions(self) -> tuple[BrokerPosition, ...]:
        """The account's positions, as the link tells them.

        :raises RetryableError: if there is no clean answer
        """
        return await self._queries.positions()

    async def _request(self, request: Request) -> SendOutcome:
        wire = self._wire
        now_ns = wire.now_ns
        client_order_id = order_id(request)
        if self._is_left:
            return NotSent(client_order_id, "the session was left", now_ns)
        lost = wire.link.reason_lost(now_ns)
        if lost is not None:
            return NotSent(client_order_id, lost, now_ns)
        if wire.link.silent_until_ns(now_ns) is not None:
            return Sent(client_order_id)
        fault = wire.link.drawn()
        if fault is None:
            return await self._travel(request, now_ns)
        if fault is Fault.DISCONNECT_AFTER_SEND:
            wire.requests.put(now_ns, request)
        await wire.break_link(fault, client_order_id)
        if fault is Fault.HALF_OPEN:
            return Sent(client_order_id)
        reason = str(wire.link.error_of(fault))
        if fault is Fault.DISCONNECT_AFTER_SEND:
            return OutcomeUnknown(client_order_id, reason, now_ns)
        return NotSent(client_order_id, reason, now_ns)

    async def _travel(self, request: Request, now_ns: int) -> SendOutcome:
        wire, faults = self._wire, self._wire.faults
        client_order_id = order_id(request)
        due_ns = now_ns + self._delays.next_ns(now_ns, client_order_id)
        if wire.hits(Fault.LOST_REQUEST, faults.lost_request, client_order_id):
            return Sent(client_order_id)
        if wire.hits(Fault.REJECT, faults.reject, client_order_id):
            due_ns = wire.requests.arrival_ns(due_ns)
            text = f"{faults.reject_code}: refused by the chaos"
            wire.reports.say(refusal(request, text, due_ns), due_ns)
            wire.wake()
            return Sent(client_order_id)
        if isinstance(request, ApprovedOrder):
            if wire.hits(Fault.LIMBO, faults.limbo, client_order_id):
                wire.reports.enter_limbo(client_order_id, now_ns)
        elif isinstance(request, CancelRequest) and wire.dice.happens(
            Fault.CANCEL_CROSS, faults.cancel_cross
        ):
            wire.reports.cross(client_order_id)
            due_ns += round(faults.cross_ms * MILLISECOND)
        wire.requests.put(due_ns, request)
        outcome = await wire.hand_over(request)
        wire.wake()
        return Sent(client_order_id) if outcome is None else outcome

    async def _void(self, fill: Fill) -> FillVoided | None:
        """The report that a fill is taken back, if it is."""
        wire = self._wire
        try:
            voids = await wire.ledger.voids(wire.session, wire.now_ns)
        except DriverError:
            return None  # as if the report were lost: queries tell it
        if fill.fill_id not in voids:
            return None
        wire.trace.record(wire.now_ns, Fault.BUST, fill.client_order_id)
        return FillVoided(fill.client_order_id, fill.fill_id, "chaos: trade busted", wire.now_ns)
