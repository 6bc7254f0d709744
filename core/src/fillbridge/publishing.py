"""Events on their way to the bus and to observers: queued in order, delivered when awaited."""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import anyio

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
    PositionView,
    RiskProposal,
    TradeResult,
)

_logger = logging.getLogger(__name__)


class Publisher:
    """Turns what happened into published events.

    Nothing is built for which nobody asked: an in-process bus tells its subscriptions, a bus of
    the caller is taken to want everything.
    """

    def __init__(self, bus: EventBus, observers: Sequence[Implementation]) -> None:
        self._bus = bus
        self._observers = observers
        self.interest = Interest(PUBLISHED)
        if isinstance(bus, InProcessBus) and not observers:
            self.interest = bus.interest
        self._queue: deque[Event | Callable[[], None]] = deque()
        self._is_draining = False
        self._idle: anyio.Event | None = None

    def wants(self, event_type: str) -> bool:
        """Whether anybody would receive an event of this type."""
        return event_type in self.interest.types

    @property
    def is_pending(self) -> bool:
        """Whether events wait for delivery."""
        return bool(self._queue)

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
            while self._queue:
                await self._deliver(self._queue.popleft())
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
        """Make a call when what was queued before it has been delivered; it must not raise."""
        self._queue.append(call)

    async def _deliver(self, event: Event | Callable[[], None]) -> None:
        if not isinstance(event, Event):
            event()
            return
        for observer in self._observers:
            try:
                observer.function(event)
            except Exception:
                _logger.exception("observer %s failed on %s", observer.plugin, event.event_type)
        try:
            await self._bus.publish(
                event_type=event.event_type,
                payload=event.payload,
                priority=event.priority,
                timestamp=to_datetime(event.timestamp_ns),
                metadata=event.metadata,
            )
        except Exception:
            _logger.exception("publishing %s failed", event.event_type)

    def _add(
        self, kind: str, payload: Any, priority: str, time_ns: int, metadata: dict[str, Any]
    ) -> None:
        self._queue.append(
            Event(
                event_type=kind,
                payload=payload,
                priority=priority,
                timestamp_ns=time_ns,
                metadata=metadata,
            )
        )
