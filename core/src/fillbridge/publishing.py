"""Events on their way to the bus and to observers: queued in order, delivered when awaited."""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import anyio
import msgspec

from fillbridge.bus import EventBus, InProcessBus, Interest
from fillbridge.engine.state import OrderState, Trade
from fillbridge.plugins import Implementation
from fillbridge.results import order_info
from fillbridge.times import to_datetime
from fillbridge_hooks import (
    EXECUTION_ERROR,
    ORDER_STATUS_CHANGE,
    POSITION_UPDATE,
    PUBLISHED,
    TRADE_CLOSED,
    Event,
    OrderInfo,
    PositionView,
    RiskProposal,
    TradeResult,
)

_logger = logging.getLogger(__name__)


class Publisher:
    """Turns what happened into published events.

    Nothing is built for which nobody asked: an in-process bus tells its subscriptions, a bus of
    the caller is taken to want everything.

    :param patience_s: publishing an event that takes longer is given up; ``None``: never
    :param max_waiting: of more events than this the oldest are dropped; ``None``: none are
    """

    def __init__(
        self,
        bus: EventBus,
        observers: Sequence[Implementation],
        *,
        patience_s: float | None = None,
        max_waiting: int | None = None,
    ) -> None:
        self._bus = bus
        self._observers = observers
        self.interest = Interest(PUBLISHED)
        if isinstance(bus, InProcessBus) and not observers:
            self.interest = bus.interest
        self._queue: deque[Event | Callable[[], None]] = deque()
        self._overdue: deque[Callable[[], None]] = deque()
        """Calls that stood among events that were dropped."""
        self._patience_s = patience_s
        self._max_waiting = max_waiting
        self.dropped = 0
        """Events that nobody was told of, for too many waited."""
        self._is_draining = False
        self._idle: anyio.Event | None = None

    def wants(self, event_type: str) -> bool:
        """Whether anybody would receive an event of this type."""
        return event_type in self.interest.types

    @property
    def is_pending(self) -> bool:
        """Whether events wait for delivery."""
        return bool(self._queue or self._overdue)

    def trade_closed(self, result: TradeResult, *, corrects: bool = False) -> None:
        """A trade closed.

        :param corrects: whether it had closed before, and this result takes the place of that one
        """
        if not self.wants(TRADE_CLOSED):
            return
        metadata: dict[str, Any] = {
            "pnl_net": result.pnl_net,
            "duration_seconds": result.duration_seconds,
            "exit_reason": result.exit_reason.value,
            "execution_quality": result.execution_quality_score,
        }
        if corrects:
            metadata["corrects"] = True
        self._add(TRADE_CLOSED, result, "HIGH", result.exit_time_ns, metadata)

    def execution_error(self, error: str, proposal: RiskProposal | None, time_ns: int) -> None:
        """A proposal came to nothing, or a person should look."""
        if self.wants(EXECUTION_ERROR):
            payload = {"error": error, "proposal": proposal, "timestamp": to_datetime(time_ns)}
            self._add(EXECUTION_ERROR, payload, "HIGH", time_ns, {})

    def order_changed(self, trade: Trade, order_state: OrderState, time_ns: int) -> None:
        """An order reached another status."""
        if self.wants(ORDER_STATUS_CHANGE):
            info = order_info(trade, order_state)
            metadata = {"trade_id": trade.plan.trade_id, "status": info.status.value}
            self._add(ORDER_STATUS_CHANGE, info, "NORMAL", time_ns, metadata)

    def position_changed(self, position: PositionView) -> None:
        """A fill changed the position of a trade."""
        if self.wants(POSITION_UPDATE):
            metadata = {"trade_id": position.trade_id, "quantity": position.quantity}
            self._add(POSITION_UPDATE, position, "NORMAL", position.time_ns, metadata)

    async def drain(self) -> None:
        """Deliver what waits, in order.

        What a subscriber raises is logged: it must not stop the orders it was told about. While
        events are being delivered, a further call leaves its events to that delivery.
        """
        if self._is_draining:
            return
        self._is_draining = True
        try:
            while self._queue or self._overdue:
                await self._deliver((self._overdue or self._queue).popleft())
        finally:
            self._is_draining = False
            if self._idle is not None:
                self._idle.set()

    async def wait_idle(self) -> None:
        """Wait until everything was delivered, by whomever."""
        while self._is_draining:
            self._idle = self._idle or anyio.Event()
            await self._idle.wait()
            self._idle = None
        await self.drain()

    def call_later(self, call: Callable[[], None]) -> None:
        """Make a call once what was queued before is delivered; what it raises is logged."""
        self._wait(call)

    def _wait(self, one: Event | Callable[[], None]) -> None:
        """Queue it; the oldest event makes room where there is none."""
        queue, limit = self._queue, self._max_waiting
        queue.append(one)
        while limit is not None and len(queue) > limit:
            oldest = queue.popleft()
            if not isinstance(oldest, Event):
                self._overdue.append(oldest)
                continue
            if self.dropped % limit == 0:
                _logger.error("more than %d events wait: the oldest are dropped", limit)
            self.dropped += 1

    async def _deliver(self, event: Event | Callable[[], None]) -> None:
        if not isinstance(event, Event):
            try:
                event()
            except Exception:
                _logger.exception("a call behind published events failed")
            return
        for observer in self._observers:
            try:
                observer.function(own_copy(event))
            except Exception:
                _logger.exception("observer %s failed on %s", observer.plugin, event.event_type)
        try:
            await self._publish(event)
        except Exception:
            _logger.exception("publishing %s failed", event.event_type)

    async def _publish(self, event: Event) -> None:
        published = self._bus.publish(
            event_type=event.event_type,
            payload=event.payload,
            priority=event.priority,
            timestamp=to_datetime(event.timestamp_ns),
            metadata=event.metadata,
        )
        if self._patience_s is None:
            await published
            return
        with anyio.move_on_after(self._patience_s) as patience:
            await published
        if patience.cancelled_caught:
            kind, limit = event.event_type, self._patience_s
            _logger.error("publishing %s took longer than %s s: it is given up", kind, limit)

    def _add(
        self, kind: str, payload: Any, priority: str, time_ns: int, metadata: dict[str, Any]
    ) -> None:
        self._wait(
            Event(
                event_type=kind,
                payload=payload,
                priority=priority,
                timestamp_ns=time_ns,
                metadata=metadata,
            )
        )


def own_copy(event: Event) -> Event:
    """The event for one observer: nothing that it can change belongs to anybody else."""
    payload = event.payload
    if type(payload) is dict:
        payload = dict(payload)
    elif type(payload) is OrderInfo and payload.broker_response is not None:
        response = dict(payload.broker_response)
        payload = msgspec.structs.replace(payload, broker_response=response)
    return msgspec.structs.replace(event, payload=payload, metadata=dict(event.metadata))
