"""What must follow for the working exits of a trade to add up to what it holds.

Stop and target rest for all of the position, since only one of them shall fill. An order with the
role of exit, and a stop that was turned into the exit, closes its own share of it.

State is read as it stands before the event at hand: ``changed`` is the order that the event is
about, ``left`` what may still fill of it afterwards.
"""

from fillbridge.engine.legs import exit_order
from fillbridge.engine.messages import (
    Cancel,
    CancelSent,
    CloseRequested,
    Decision,
    Effect,
    Event,
    OrdersPlaced,
    Replace,
    ReplaceSent,
    Submit,
)
from fillbridge.engine.state import OrderState, Trade
from fillbridge_hooks import (
    TERMINAL_STATUSES,
    ExitReason,
    OrderRole,
    OrderType,
    Replacement,
    Side,
)

_EXIT = OrderRole.EXIT
_STOP = OrderRole.STOP
_MARKET = OrderType.MARKET


def cancel_all(
    trade: Trade,
    ended: OrderState | None,
    reason: str,
    now: int,
    kept: Side | None = None,
    without: tuple[OrderState | None, ...] = (),
) -> Decision:
    """Withdraw every order that works.

    Left alone are ``ended``, those ``without`` which the others are to end, and those that close
    on the side ``kept``.
    """
    events: list[Event] = []
    effects: list[Effect] = []
    for other in trade.orders:
        if other is ended or other.cancel_sent or other.status in TERMINAL_STATUSES:
            continue
        if any(other is one for one in without):
            continue
        if kept is not None and _closes(other, kept):
            continue
        client_order_id = other.order.client_order_id
        events.append(CancelSent(client_order_id, reason, now))
        effects.append(Cancel(client_order_id))
    return tuple(events), tuple(effects)


def exiting(trade: Trade, side: Side, changed: OrderState | None = None, left: int = 0) -> int:
    """Contracts that orders on their way will close on ``side``, stop and target aside."""
    return sum(
        left if other is changed else _remaining(other)
        for other in trade.orders
        if _closes(other, side)
    )


def cover(
    trade: Trade, side: Side, quantity: int, changed: OrderState | None, left: int, now: int
) -> Decision:
    """Let the orders that close on ``side`` add up to ``quantity``: reduce them, or add one."""
    events: list[Event] = []
    effects: list[Effect] = []
    for other in trade.orders:
        if not _closes(other, side):
            continue
        remaining = left if other is changed else _remaining(other)
        if remaining <= quantity:
            quantity -= remaining
            continue
        if quantity:
            sent = _resized(other, quantity - remaining, now)
            events.append(sent)
            effects.append(Replace(sent.change))
        else:
            client_order_id = other.order.client_order_id
            events.append(CancelSent(client_order_id, "others close the position", now))
            effects.append(Cancel(client_order_id))
        quantity = 0
    if quantity:
        order = exit_order(trade, quantity, side)
        events.append(OrdersPlaced(trade.plan.trade_id, (order,), now))
        effects.append(Submit(order))
    return tuple(events), tuple(effects)


def exit_all(
    trade: Trade,
    changed: OrderState,
    left: int,
    ended: OrderState | None,
    held: int,
    now: int,
) -> Decision:
    """Close ``held`` contracts at once and withdraw whatever rests, but what has ``ended``."""
    side = trade.plan.entry.side.opposite
    placed, effects = cover(trade, side, held, changed, left, now)
    sent, cancels = cancel_all(trade, ended, "the position is being closed", now, kept=side)
    if trade.close_reason is not None:
        return (*placed, *sent), (*effects, *cancels)
    closing = CloseRequested(trade.plan.trade_id, ExitReason.MANUAL_OVERRIDE, now)
    return (closing, *placed, *sent), (*effects, *cancels)


def resize_legs(trade: Trade, filled: OrderState, left: int, held: int, now: int) -> Decision:
    """Let stop and target, but ``filled``, rest for what is held and not being closed."""
    wanted = held - exiting(trade, trade.plan.entry.side.opposite, filled, left)
    events: list[Event] = []
    effects: list[Effect] = []
    for leg in (trade.stop, trade.target):
        if leg is None or leg is filled or leg.cancel_sent or leg.status in TERMINAL_STATUSES:
            continue
        more = leg.filled + wanted - (leg.requested or leg.order).quantity
        if more and wanted > 0:
            sent = _resized(leg, more, now)
            events.append(sent)
            effects.append(Replace(sent.change))
    return tuple(events), tuple(effects)


def others_of(trade: Trade, leg: OrderState) -> tuple[OrderState, ...]:
    """Those of the role of ``leg`` beside it that may still fill and are not being withdrawn."""
    return tuple(
        other
        for other in trade.orders
        if other.order.role is leg.order.role
        and other is not leg
        and not other.cancel_sent
        and other.status not in TERMINAL_STATUSES
    )


def _resized(order_state: OrderState, more: int, now: int) -> ReplaceSent:
    terms = order_state.requested or order_state.order
    change = Replacement(
        order_state.order.client_order_id,
        terms.quantity + more,
        terms.order_type,
        terms.limit_ticks,
        terms.trigger_ticks,
    )
    return ReplaceSent(change, now)


def _closes(order_state: OrderState, side: Side) -> bool:
    """Whether an order is on its way to close on ``side`` at once."""
    order = order_state.order
    if order.side is not side or order_state.cancel_sent:
        return False
    if order_state.status in TERMINAL_STATUSES:
        return False
    if order.role is _STOP:
        return (order_state.requested or order).order_type is _MARKET
    return order.role is _EXIT


def _remaining(order_state: OrderState) -> int:
    return max(0, (order_state.requested or order_state.order).quantity - order_state.filled)
