"""Stop and target that the broker keeps for an entry: they follow what it holds."""

from typing import TYPE_CHECKING

from world.book import ENDED, TradeTruth, Working

from fillbridge_hooks import Order, OrderRole, OrderStatus, Rejected

if TYPE_CHECKING:
    from world.broker import Broker

_ENTRY, _STOP, _TARGET = OrderRole.ENTRY, OrderRole.STOP, OrderRole.TARGET


class KeptLegs:
    """Begins, resizes and ends them."""

    def __init__(self, broker: "Broker") -> None:
        self._broker = broker

    def follow(self, trade: TradeTruth, filled: Working, quantity: int) -> None:
        """An order of a trade filled, or had a fill taken back: its legs follow."""
        if filled.role is _ENTRY and filled.legs:
            trade.q_bracket += quantity
        elif filled.is_leg:
            trade.q_bracket -= quantity
        else:
            return
        legs = next(order.legs for order in trade.orders if order.role is _ENTRY)
        for leg in legs:
            self._follow_with(trade, leg, filled)

    def _follow_with(self, trade: TradeTruth, leg: Order, filled: Working) -> None:
        wanted = max(0, trade.q_bracket)
        known = self._broker.by_id.get(leg.client_order_id)
        if known is None:
            if wanted:
                self._begin_leg(trade, leg, wanted)
            return
        working = known[0]
        if working is filled or working.status in ENDED:
            return
        if not wanted:
            self._broker.end(working, OrderStatus.CANCELLED, "the position is closed")
        elif working.quantity - working.filled != wanted:
            working.quantity = working.filled + wanted
            working.time_ns = self._broker.timeline.now_ns
            self._broker.say_terms(working)

    def _begin_leg(self, trade: TradeTruth, leg: Order, quantity: int) -> None:
        working = self._broker.placed(leg, quantity)
        working.is_leg = True
        if leg.role is _STOP and self._broker.strike("leg.stop") == "reject":
            self._refuse_leg(working)
            return
        if leg.role is _TARGET and self._broker.strike("leg.target") == "reject":
            self._refuse_leg(working)
            return
        self._broker.open(working)
        self._broker.accept(working)
        self._broker.timeline.after(0, self._broker.match, working)

    def _refuse_leg(self, working: Working) -> None:
        working.status, working.reason = OrderStatus.REJECTED, "outside of the price band"
        self._broker.say(
            working, Rejected(working.client_order_id, working.reason, self._broker.timeline.now_ns)
        )
