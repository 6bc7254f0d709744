"""What the broker answers when it is asked how things stand."""

from world.book import Working
from world.broker import Broker

from fillbridge_hooks import BrokerOrder, BrokerPosition, Fill, OrderStatus, Side

_WORKING = (OrderStatus.SUBMITTED, OrderStatus.PARTIAL_FILLED)


def working_orders(broker: Broker) -> tuple[BrokerOrder, ...]:
    """Answer the question for working orders."""
    return tuple(_told(order) for order in broker.orders if order.status in _WORKING)


def orders_today(broker: Broker) -> tuple[BrokerOrder, ...]:
    """Answer the question for all orders."""
    return tuple(_told(order) for order in broker.orders)


def fills_since(broker: Broker, since_ns: int) -> tuple[Fill, ...]:
    """Answer the question for fills."""
    return tuple(
        one.fill for one in broker.fills if not one.is_void and one.fill.time_ns >= since_ns
    )


def held(broker: Broker) -> tuple[BrokerPosition, ...]:
    """Answer the question for positions."""
    return tuple(
        BrokerPosition(symbol=symbol, quantity=quantity)
        for symbol, quantity in broker.positions.items()
        if quantity
    )


def _told(order: Working) -> BrokerOrder:
    return BrokerOrder(
        client_order_id=order.client_order_id,
        broker_order_id=order.broker_order_id,
        symbol=order.instrument.symbol,
        side=Side.BUY if order.sign > 0 else Side.SELL,
        quantity=order.quantity,
        filled=order.filled,
        status=order.status,
        order_type=order.order_type,
        limit_ticks=order.limit,
        trigger_ticks=order.trigger,
        reason=order.reason,
        time_ns=order.time_ns,
    )
