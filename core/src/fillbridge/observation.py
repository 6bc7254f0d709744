"""Recorded events as the bus and observers are told of them."""

import logging
from collections.abc import Sequence
from functools import partial
from typing import Any

from fillbridge.engine.messages import FillBooked, OrdersPlaced, TradeApproved
from fillbridge.engine.state import EngineState
from fillbridge.plugins import Implementation
from fillbridge.publishing import Publisher
from fillbridge_hooks import (
    Accepted,
    Cancelled,
    Clock,
    Expired,
    Fill,
    Order,
    OutcomeUnknown,
    PositionView,
    Rejected,
    Replaced,
)

_logger = logging.getLogger(__name__)

_REPORTS = (Accepted, Cancelled, Expired, OutcomeUnknown, Rejected, Replaced)


class Observation:
    """Tells the publisher which orders and positions an event changed, and plugins of fills."""

    def __init__(
        self,
        state: EngineState,
        clock: Clock,
        publisher: Publisher,
        handle_fill: Sequence[Implementation],
        is_deferred: bool = False,
    ) -> None:
        """Make one.

        :param is_deferred: whether plugins are told of fills when events are delivered, off the
            way of orders, and not at once
        """
        self._state = state
        self._clock = clock
        self._publisher = publisher
        self._handle_fill = handle_fill
        self._is_deferred = is_deferred
        self._interest = publisher.interest

    @property
    def is_wanted(self) -> bool:
        """Whether anybody would be told."""
        return self._interest.any or bool(self._handle_fill)

    def observe(self, event: Any) -> None:
        """Tell of an event, which is folded already."""
        kind = type(event)
        if kind is FillBooked:
            self._observe_fill(event)
        elif kind is TradeApproved:
            self._order_changed(event.plan.entry.client_order_id)
        elif kind is OrdersPlaced:
            for order in event.orders:
                self._order_changed(order.client_order_id)
        elif kind in _REPORTS:
            self._order_changed(event.client_order_id)

    def _order_changed(self, client_order_id: str) -> None:
        trade, order_state = self._state.orders[client_order_id]
        self._publisher.order_changed(trade, order_state, self._clock.now_ns)

    def _observe_fill(self, event: FillBooked) -> None:
        fill = event.fill
        trade, order_state = self._state.orders[fill.client_order_id]
        self._publisher.order_changed(trade, order_state, fill.time_ns)
        position = PositionView(
            trade.plan.trade_id,
            trade.plan.instrument.symbol,
            trade.held * trade.plan.direction.sign,
            trade.opening_price,
            fill.time_ns,
        )
        self._publisher.position_changed(position)
        if not self._handle_fill:
            return
        tell = partial(self._tell_plugins, fill, order_state.order, position)
        if self._is_deferred:
            self._publisher.call_later(tell)
        else:
            tell()

    def _tell_plugins(self, fill: Fill, order: Order, position: PositionView) -> None:
        for plugin in self._handle_fill:
            try:
                plugin.function(fill, order, position)
            except Exception:
                _logger.exception("plugin %s failed on fill %s", plugin.plugin, fill.fill_id)
