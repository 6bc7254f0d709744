"""Trailing stops: a plain stop rests at the broker, and is moved from here as the price improves.

No broker has to know what a trailing stop is, and while nobody is here the stop rests where it
was moved to last.
"""

from collections.abc import Iterator

from fillbridge.engine.messages import ReplaceRequested
from fillbridge.engine.state import EngineState, OrderState
from fillbridge.live.rules import LiveRules
from fillbridge_hooks import OrderStatus

_WORKING = (OrderStatus.SUBMITTED, OrderStatus.PARTIAL_FILLED)


class Trailing:
    """Follows the best trade that each position has seen, and says where its stop should be."""

    def __init__(self, rules: LiveRules) -> None:
        self._rules = rules
        self._best: dict[str, int] = {}
        """By trade, in ticks; a start begins anew with the stop as it was left."""
        self._last: dict[str, int] = {}
        """By symbol, in ticks."""
        self._next_ns: dict[str, int] = {}
        self._asked: dict[str, int] = {}
        """The trigger that was asked for last: one that is refused is not asked for again."""

    def on_trade(self, state: EngineState, symbol: str, ticks: int) -> None:
        """Take in a price that was traded."""
        self._last[symbol] = ticks
        for trade_id, trade in state.trades.items():
            plan = trade.plan
            if plan.trails_here and trade.held > 0 and plan.instrument.symbol == symbol:
                furthest = max if plan.direction.sign > 0 else min
                self._best[trade_id] = furthest(self._best.get(trade_id, ticks), ticks)

    def look(self, state: EngineState, now_ns: int) -> Iterator[ReplaceRequested]:
        """The stops to move now: only ever closer, and each once in ``rules.trail_ns``.

        None beyond the last price, where it would be refused, or trade at once.
        """
        for trade_id, best in tuple(self._best.items()):
            trade = state.trades.get(trade_id)
            if trade is None:
                for known in (self._best, self._next_ns, self._asked):
                    known.pop(trade_id, None)
                continue
            stop = trade.stop
            if stop is None or not _may_move(stop) or trade.close_reason is not None:
                continue
            order, sign = stop.order, trade.plan.direction.sign
            if order.trail_ticks is None or order.trigger_ticks is None:
                continue
            nearest = sign * self._last[trade.plan.instrument.symbol] - 1
            trigger = sign * min(sign * best - order.trail_ticks, nearest)
            is_closer = sign * (trigger - order.trigger_ticks) > 0
            if not is_closer or self._asked.get(trade_id) == trigger:
                continue
            if now_ns >= self._next_ns.get(trade_id, 0):
                self._next_ns[trade_id] = now_ns + self._rules.trail_ns
                self._asked[trade_id] = trigger
                order_id = order.client_order_id
                yield ReplaceRequested(order_id, order.limit_ticks, trigger, now_ns)


def _may_move(stop: OrderState) -> bool:
    return stop.status in _WORKING and not stop.cancel_sent and stop.requested is None
