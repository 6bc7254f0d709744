"""One session at Rithmic, over a login at each plant that it needs."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

import anyio

from fillbridge_hooks import (
    DriverError,
    Fill,
    NotSent,
    OrderRole,
    OutcomeUnknown,
    RetryableError,
    Sent,
)
from fillbridge_rithmic.link.plant import Delivery
from fillbridge_rithmic.orders.notices import BY_EXCHANGE, BY_RITHMIC
from fillbridge_rithmic.orders.requests import Refusal
from fillbridge_rithmic.wire.messages import make

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fillbridge_hooks import (
        ApprovedOrder,
        BrokerOrder,
        BrokerPosition,
        ConnectionTerms,
        Message,
        Order,
        Replacement,
        SendOutcome,
    )
    from fillbridge_rithmic.inbox import Inbox
    from fillbridge_rithmic.link.plant import Plant
    from fillbridge_rithmic.margins import Margins
    from fillbridge_rithmic.market import Market
    from fillbridge_rithmic.orders.desk import Desk
    from fillbridge_rithmic.orders.lines import Line
    from fillbridge_rithmic.orders.requests import Request
    from fillbridge_rithmic.positions import PositionQueries
    from fillbridge_rithmic.queries import OrderQueries
    from fillbridge_rithmic.throttle import Throttle

_logger = logging.getLogger(__name__)

_CLOSED: Final = "the session is closed"
_SECOND: Final = 1_000_000_000
_ANSWERS: Final = frozenset({75, 313, 315, 317, 331, 333, 335})
_CORRECTION_S: Final = 1.0
"""A list of orders waits no longer for legs that are being moved."""
_LAST_WORDS_S: Final = 0.25
"""Where another plant has ended, so long is listened for the end of the order plant."""
_GROWING_S: Final = 0.3
"""A leg that lacks contracts is given so long to get them from Rithmic by itself."""


class RithmicSession:
    """A session as :class:`fillbridge_hooks.Session` describes it."""

    def __init__(
        self,
        terms: ConnectionTerms,
        desk: Desk,
        orders: Plant,
        queries: OrderQueries,
        positions: PositionQueries,
        market: Market,
        margins: Margins,
        inbox: Inbox,
        throttle: Throttle,
    ) -> None:
        self._clock = terms.clock
        self._desk = desk
        self._orders = orders
        self._queries = queries
        self._positions = positions
        self._market = market
        self._margins = margins
        self._inbox = inbox
        self._throttle = throttle
        self._woken = anyio.Event()
        self._calmed = anyio.Event()
        self._refreshing: set[str] = set()

    # Requests

    async def submit(self, approved: ApprovedOrder) -> SendOutcome:
        """Send an order, once; its permit is spent even if the session is closed."""
        approved.permit.spend()
        order = approved.order
        name = order.client_order_id
        end = self._inbox.end_reason
        if end is not None:
            return self._not_sent(name, str(end))
        if name in self._desk.book.submitted or self._desk.book.named(name):
            reason = "an order of this id was sent before; this one was not"
            return OutcomeUnknown(name, reason, self._clock.now_ns)
        if order.role is OrderRole.ENTRY and not self._throttle.allows(self._clock.now_ns):
            return self._not_sent(name, "more orders per second than orders_per_second allows")
        try:
            request = self._desk.submit(approved, self._market_ticks(order))
        except Refusal as refusal:
            return self._not_sent(name, str(refusal))
        delivery = await self._deliver(request)
        if delivery is Delivery.NOT_SENT:
            self._desk.was_not_sent(name)
            return self._not_sent(name, self._why())
        if delivery is Delivery.UNKNOWN:
            reason = f"the connection ended while it was sent: {self._why()}"
            return OutcomeUnknown(name, reason, self._clock.now_ns)
        return Sent(name)

    async def cancel(self, client_order_id: str) -> SendOutcome:
        """Ask for the rest of an order to be withdrawn.

        Where another operation on it is under way, it leaves after that: this counts as sent.
        """
        end = self._inbox.end_reason
        reason = str(end) if end is not None else self._desk.cancel(client_order_id)
        if reason:
            return self._not_sent(client_order_id, reason)
        return await self._carry_out_wish(client_order_id)

    async def replace(self, change: Replacement) -> SendOutcome:
        """Ask for new terms of a working order; the newest wish takes the place of older ones.

        Where another operation on it is under way, it leaves after that: this counts as sent.
        """
        name, end = change.client_order_id, self._inbox.end_reason
        reason = str(end) if end is not None else self._desk.replace(change, self._clock.now_ns)
        self._hand_on()
        if reason:
            return self._not_sent(name, reason)
        return await self._carry_out_wish(name)

    async def _carry_out_wish(self, client_order_id: str) -> SendOutcome:
        deliveries = await self._carry_out(self._desk.lines_of(client_order_id))
        self._woken.set()
        if Delivery.UNKNOWN in deliveries or len(deliveries) > 1:
            reason = f"the connection ended while it was sent: {self._why()}"
            return OutcomeUnknown(client_order_id, reason, self._clock.now_ns)
        if Delivery.NOT_SENT in deliveries:
            self._desk.withdraw_wish(client_order_id)
            return self._not_sent(client_order_id, self._why())
        return Sent(client_order_id)

    async def _carry_out(self, lines: Iterable[Line] | None = None) -> set[Delivery]:
        deliveries = set()
        for request in self._desk.changes.requests(self._clock.now_ns, lines):
            delivery = await self._deliver(request)
            if delivery is Delivery.NOT_SENT:
                self._desk.changes.operation_was_not_sent(request)
            deliveries.add(delivery)
        self._hand_on()
        return deliveries

    async def _deliver(self, request: Request) -> Delivery:
        message = make(request.template, user_msg=[request.key], **request.fields)
        return await self._orders.send(message)

    def _market_ticks(self, order: Order) -> float | None:
        last = self._market.last(order.instrument.symbol)
        return None if last is None else round(last / order.instrument.tick_size)

    def _not_sent(self, client_order_id: str, reason: str) -> NotSent:
        return NotSent(client_order_id, reason, self._clock.now_ns)

    def _why(self) -> str:
        return str(self._orders.end or self._inbox.end_reason or _CLOSED)

    # What is heard

    async def receive(self) -> Message:
        """Wait for what comes next.

        :raises RetryableError: once the connection is lost and all that came before is received
        :raises ForcedLogout: likewise, if another login took the session
        """
        message = await self._inbox.take()
        if isinstance(message, Fill):
            self._desk.was_taken(message)
        return message

    def hear_of_orders(self, message: Any) -> None:
        """Take in a message of the order plant."""
        template, now_ns = message.template_id, self._clock.now_ns
        if template in (BY_RITHMIC, BY_EXCHANGE):
            self._queries.hear(self._desk.hear(message, now_ns))
        elif template in _ANSWERS:
            self._desk.answer(message, now_ns)
        else:
            return
        self._hand_on()
        self._woken.set()

    def hear_of_positions(self, message: Any) -> None:
        """Take in a message of the PnL plant."""
        self._positions.hear(message)
        margin = self._margins.hear(message, self._clock.now_ns)
        if margin is not None:
            self._inbox.put((margin,))

    def hear_of_the_market(self, message: Any) -> None:
        """Take in a message of the ticker plant."""
        tick = self._market.hear(message)
        if tick is not None:
            self._inbox.put((tick,))

    def _hand_on(self) -> None:
        reports = self._desk.reports
        if reports:
            self._inbox.put(reports)
            reports.clear()

    # Questions

    async def working_orders(self) -> tuple[BrokerOrder, ...]:
        """Every order of the account that may still fill, whoever sent it."""
        self._inbox.check()
        await self._queries.working()
        # A leg that is on its way to its level is there a moment later.
        with anyio.move_on_after(_CORRECTION_S):
            while self._desk.changes.is_correcting:
                self._calmed = anyio.Event()
                await self._calmed.wait()
        self._inbox.check()
        return self._queries.that_work()

    async def orders_today(self) -> tuple[BrokerOrder, ...]:
        """Every order of the account's trade date, and those that still work."""
        self._inbox.check()
        return await self._queries.of_today()

    async def fills(self, since_ns: int) -> tuple[Fill, ...]:
        """Every fill of the account at or after ``since_ns``, oldest first."""
        self._inbox.check()
        return await self._queries.fills(since_ns)

    async def positions(self) -> tuple[BrokerPosition, ...]:
        """The account's positions; a symbol that is left out is flat."""
        self._inbox.check()
        return await self._positions.positions()

    # What goes on by itself

    async def begin(self) -> None:
        """Learn what works, so that whatever is there can be cancelled.

        :raises RetryableError: if there is no clean answer
        """
        await self._queries.working(is_beginning=True)
        self._desk.begin()
        self._hand_on()
        await self._queries.distances()
        self._woken.set()

    async def work(self) -> None:
        """Send what waits for something else, for ever; where that breaks, the session ends."""
        try:
            await self._work()
        except Exception as error:
            # Nothing would carry out wishes any more: the next session does.
            _logger.exception("what waits cannot be sent any more")
            self.end(RetryableError(f"what waits cannot be sent any more: {error!r}"))

    async def _work(self) -> None:
        async with anyio.create_task_group() as tasks:
            while True:
                self._woken = anyio.Event()
                await self._carry_out()
                if not self._desk.changes.is_correcting:
                    self._calmed.set()
                for line in self._desk.changes.lacking():
                    if line.client_order_id not in self._refreshing:
                        self._refreshing.add(line.client_order_id)
                        tasks.start_soon(self._grow, line, line.wish)
                await self._until_due()

    async def _until_due(self) -> None:
        due_ns = self._desk.changes.next_due_ns()
        if due_ns is None:
            await self._woken.wait()
            return
        with anyio.move_on_after(max(0, due_ns - self._clock.now_ns) / _SECOND):
            await self._woken.wait()

    async def _grow(self, line: Line, wish: Replacement | None) -> None:
        """Let a leg grow once Rithmic has shown that it does not do so itself."""
        try:
            await anyio.sleep(_GROWING_S)
            await self._queries.working()
            line.may_grow = line.may_grow or line.wish is wish
        except DriverError as error:
            _logger.warning("%s: whether it lacks anything: %s", line.client_order_id, error)
            # A newer wish is not to be given up for it: it is asked about by itself.
            if line.wish is wish:
                line.wish = None
        finally:
            self._refreshing.discard(line.client_order_id)
            self._woken.set()

    async def watch(self, plant: Plant) -> None:
        """End with the login at a plant."""
        await plant.has_ended.wait()
        if plant is not self._orders:
            # What ends one as a rule ends all: fills may be on their way by the other connection.
            with anyio.move_on_after(_LAST_WORDS_S):
                await self._orders.has_ended.wait()
        self.end(plant.end or RetryableError(_CLOSED))

    def end(self, reason: DriverError) -> None:
        """Let every request and question fail from now on; what came before is still heard."""
        self._inbox.end(reason)

    def close(self) -> None:
        """Say that the session was left."""
        self.end(RetryableError(_CLOSED))
