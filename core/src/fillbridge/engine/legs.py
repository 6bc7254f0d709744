"""The orders that follow from a position: stop and target, and the exit.

An id is the trade's with a suffix for the role; a further order of a role gets its number.
"""

from fillbridge.engine.messages import TradePlan
from fillbridge.engine.state import OrderState, Trade
from fillbridge_hooks import Fill, Order, OrderRole, OrderType, Side, TimeInForce

STOP_SUFFIX = "_SL"
TARGET_SUFFIX = "_TP"
EXIT_SUFFIX = "_EXIT"
ELSEWHERE_SUFFIX = "_ELSEWHERE"
"""Of what somebody else traded in place of an exit; no order of this id is ever sent."""

_MAX_OF_A_LEG = 3
_STOP = OrderRole.STOP


def protective_legs(
    plan: TradePlan, quantity: int, fill: Fill | None = None
) -> tuple[Order, Order]:
    """Stop and target for ``quantity`` contracts.

    Distances count from the price of ``fill``, rounded to the nearest tick where slippage left
    it between two; a plan with levels and without a trailing stop needs no fill. Where there is
    none yet, a leg that counts from it has its distance and no price.
    """
    instrument = plan.instrument
    sign = plan.direction.sign
    stop_ticks, target_ticks = plan.stop_ticks, plan.target_ticks
    stop_distance = target_distance = None
    base = 0 if fill is None else round(fill.price / instrument.tick_size)
    if fill is None:
        if stop_ticks is None:
            stop_distance = plan.stop_distance
        if target_ticks is None:
            target_distance = plan.target_distance
    elif stop_ticks is None or target_ticks is None:
        if stop_ticks is None:
            stop_ticks = base - sign * (plan.stop_distance or 0)
        if target_ticks is None:
            target_ticks = base + sign * (plan.target_distance or 0)
    entry = plan.entry
    side = entry.side.opposite
    trail = None
    if plan.proposal.trailing_stop and stop_ticks is not None:
        trail = abs(base - stop_ticks)
    stop = Order(
        plan.trade_id + STOP_SUFFIX,
        plan.trade_id,
        OrderRole.STOP,
        instrument,
        side,
        quantity,
        OrderType.STOP if trail is None or plan.trails_here else OrderType.TRAILING_STOP,
        None,
        stop_ticks,
        trail,
        TimeInForce.GTC,
        entry.broker,
        entry.arrival,
        entry.urgency,
        stop_distance,
    )
    target = Order(
        plan.trade_id + TARGET_SUFFIX,
        plan.trade_id,
        OrderRole.TARGET,
        instrument,
        side,
        quantity,
        OrderType.LIMIT,
        target_ticks,
        None,
        None,
        TimeInForce.GTC,
        entry.broker,
        entry.arrival,
        entry.urgency,
        target_distance,
    )
    return stop, target


def missing_legs(trade: Trade, quantity: int, fill: Fill) -> tuple[Order, ...]:
    """Stop and target for ``quantity`` contracts, but what of them the trade has already."""
    stop, target = protective_legs(trade.plan, quantity, fill)
    known = (trade.stop, trade.target)
    return tuple(leg for leg, has in zip((stop, target), known, strict=True) if has is None)


def exit_order(trade: Trade, quantity: int, side: Side | None = None) -> Order:
    """A market order over ``quantity``, against the position unless ``side`` says otherwise."""
    entry = trade.plan.entry
    return Order(
        _numbered(trade, OrderRole.EXIT, EXIT_SUFFIX),
        entry.trade_id,
        OrderRole.EXIT,
        entry.instrument,
        side or entry.side.opposite,
        quantity,
        OrderType.MARKET,
        broker=entry.broker,
        arrival=entry.arrival,
        urgency=entry.urgency,
    )


def leg_again(trade: Trade, lost: OrderState, quantity: int) -> Order | None:
    """A stop or target once more, over ``quantity``; ``None`` after too many of them."""
    order = lost.order
    if sum(other.order.role is order.role for other in trade.orders) >= _MAX_OF_A_LEG:
        return None
    terms = lost.requested or order
    return Order(
        _numbered(trade, order.role, STOP_SUFFIX if order.role is _STOP else TARGET_SUFFIX),
        order.trade_id,
        order.role,
        order.instrument,
        order.side,
        quantity,
        order.order_type,
        terms.limit_ticks,
        terms.trigger_ticks,
        order.trail_ticks,
        order.time_in_force,
        order.broker,
        order.arrival,
        order.urgency,
    )


def _numbered(trade: Trade, role: OrderRole, suffix: str) -> str:
    """The id after the last of its role: of those that were taken over, some may be missing."""
    stem = trade.plan.trade_id + suffix
    number = 0
    for other in trade.orders:
        if other.order.role is role:
            numeral = other.order.client_order_id.removeprefix(stem)
            number = max(number + 1, int(numeral) if numeral.isdecimal() else 1)
    return stem + (str(number + 1) if number else "")
