"""How things stand at the broker, as the answers to one round of questions."""

import msgspec

from fillbridge_hooks import BrokerOrder, BrokerPosition, Fill


class BrokerSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Clean answers to all questions that were put; times ns UTC."""

    asked_ns: int
    """Before the first question: what was sent later may be missing."""
    fills_since_ns: int
    """Fills before are not among the answers."""
    working: tuple[BrokerOrder, ...]
    today: tuple[BrokerOrder, ...]
    """Empty where nothing was open that needed them."""
    fills: tuple[Fill, ...]
    positions: tuple[BrokerPosition, ...]

    def orders(self) -> dict[str, list[BrokerOrder]]:
        """Orders by client order id, each once by the broker's own id.

        What still works stands in both answers; the later change counts.
        """
        latest: dict[tuple[str, str], BrokerOrder] = {}
        for order in (*self.working, *self.today):
            key = (order.client_order_id, order.broker_order_id)
            known = latest.get(key)
            if known is None or order.time_ns > known.time_ns or order.filled > known.filled:
                latest[key] = order
        found: dict[str, list[BrokerOrder]] = {}
        for order in latest.values():
            found.setdefault(order.client_order_id, []).append(order)
        return found

    def held(self) -> dict[str, int]:
        """Signed contracts by symbol; a symbol that is left out is flat."""
        return {position.symbol: position.quantity for position in self.positions}
