"""The orders that a handler still knows: of open trades, and of those that are kept."""

from collections.abc import Iterator, Reversible
from itertools import chain

from fillbridge.engine.state import EngineState, OrderState, Trade
from fillbridge.results import order_info
from fillbridge_hooks import OrderInfo, UnknownOrder


class KnownOrders:
    """Finds orders of open trades, and of ended ones that were kept.

    :param with_ended: know the trades too that ended last, as long as the engine remembers them
    """

    def __init__(self, state: EngineState, with_ended: bool = False) -> None:
        self._state = state
        self._with_ended = with_ended
        self._ended: list[Trade] = []

    def keep(self, trade: Trade) -> None:
        """Know the orders of a trade after it has ended."""
        self._ended.append(trade)

    def find(self, order_id: str) -> tuple[Trade, OrderState]:
        """An order with its trade, by its client order id or the broker's.

        :raises UnknownOrder: if no such order is known
        """
        known = self._state.orders.get(order_id)
        if known is not None:
            return known
        for trade in self._newest_first():
            for order_state in trade.orders:
                if order_id in (order_state.broker_order_id, order_state.order.client_order_id):
                    return trade, order_state
        raise UnknownOrder("order", order_id)

    def history(self) -> dict[str, OrderInfo]:
        """Every order as it stands, by client order id."""
        return {
            order_state.order.client_order_id: order_info(trade, order_state)
            for trade in chain(*self._sources())
            for order_state in trade.orders
        }

    def _newest_first(self) -> Iterator[Trade]:
        """What somebody asks for is open, as a rule, or has just ended."""
        for source in reversed(self._sources()):
            yield from reversed(source)

    def _sources(self) -> tuple[Reversible[Trade], ...]:
        """The trades, those that ended first of all."""
        state = self._state
        remembered = (state.ended.values(),) if self._with_ended else ()
        return (self._ended, *remembered, state.trades.values())
