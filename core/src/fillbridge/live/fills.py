"""The reference price of a live fill: what it would have been without slippage.

A simulated fill says of itself where it was matched and what a model made of it; a broker's does
not, so it is measured against what is known here: the arrival price for an entry, its trigger for
a stop, and for a limit its own price.
"""

import msgspec

from fillbridge_hooks import Fill, Order, OrderRole, OrderType

_STOPS = (OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP)
_HALVES = 2


def at_reference(fill: Fill, order: Order) -> Fill:
    """The fill with reference and slippage; as it is where a simulation made it."""
    if fill.step:
        return fill
    instrument = order.instrument
    reference = _reference_ticks(order)
    if reference is None:
        reference = round(_HALVES * fill.price / instrument.tick_size) / _HALVES
    slippage = order.side.sign * (fill.price - instrument.to_price(reference))
    return msgspec.structs.replace(
        fill, reference_ticks=reference, slippage=round(slippage, 9), slippage_model="measured"
    )


def _reference_ticks(order: Order) -> float | None:
    if order.role is OrderRole.ENTRY:
        arrival = order.arrival
        price = None if arrival is None else arrival.price
        if price is None:
            return None
        return round(_HALVES * price / order.instrument.tick_size) / _HALVES
    if order.order_type in _STOPS and order.trigger_ticks is not None:
        return order.trigger_ticks
    return None
