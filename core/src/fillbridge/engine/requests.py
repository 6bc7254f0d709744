"""What follows from a request or a deadline: orders are withdrawn, changed, or closed by."""

from fillbridge.engine.exits import cancel_all, cover, exiting
from fillbridge.engine.messages import (
    Cancel,
    CancelRequested,
    CancelSent,
    CloseNoted,
    CloseRequested,
    Decision,
    Replace,
    ReplaceRequested,
    ReplaceSent,
    TimerFired,
    TimerKind,
)
from fillbridge.engine.state import EngineState, OrderState
from fillbridge_hooks import (
    TERMINAL_STATUSES,
    ExitReason,
    OrderStatus,
    OrderType,
    Replacement,
)

_MARKET = OrderType.MARKET
_NOTHING: Decision = ((), ())
_WORKING = (OrderStatus.SUBMITTED, OrderStatus.PARTIAL_FILLED)


def on_close_requested(state: EngineState, message: CloseRequested, now: int) -> Decision:
    """Answer that a trade must end: turn its stop into the exit, or exit by an order of its own."""
    trade = state.trades.get(message.trade_id)
    if trade is None:
        return _NOTHING
    held, stop, side = trade.held, trade.stop, trade.plan.entry.side
    if held > 0:
        side = side.opposite
    # A trade that is ending already needs no more, unless its exits were lost.
    if trade.close_reason is not None and (not held or exiting(trade, side)):
        return _NOTHING
    reason = f"closed: {message.reason.value}"
    if held > 0 and stop is not None and _can_close(stop) and not exiting(trade, side):
        # Turned into the exit, the stop and the exit can never both fill.
        change = Replacement(stop.order.client_order_id, stop.filled + held, _MARKET, None, None)
        sent, cancels = cancel_all(trade, stop, reason, now)
        return (message, ReplaceSent(change, now), *sent), (Replace(change), *cancels)
    placed, effects = cover(trade, side, abs(held), None, 0, now)
    sent, cancels = cancel_all(trade, None, reason, now, kept=side)
    return (message, *placed, *sent), (*effects, *cancels)


def on_close_noted(state: EngineState, message: CloseNoted, now: int) -> Decision:
    """Answer that a trade must end, once it is known how it stands: that is kept until then."""
    trade = state.trades.get(message.request.trade_id)
    if trade is None or trade.close_reason is not None:
        return _NOTHING
    return (message.request,), ()


def _can_close(stop: OrderState) -> bool:
    return stop.status in _WORKING and not stop.cancel_sent


def on_cancel_requested(state: EngineState, message: CancelRequested, now: int) -> Decision:
    """Answer that an order should be withdrawn."""
    known = state.orders.get(message.client_order_id)
    if known is None or known[1].cancel_sent or known[1].status in TERMINAL_STATUSES:
        return _NOTHING
    sent = CancelSent(message.client_order_id, message.reason, now)
    return (sent,), (Cancel(message.client_order_id),)


def on_replace_requested(state: EngineState, message: ReplaceRequested, now: int) -> Decision:
    """Answer that an order should move; a trade that is being closed keeps its orders."""
    known = state.orders.get(message.client_order_id)
    if known is None:
        return _NOTHING
    trade, order_state = known
    ended = order_state.cancel_sent or order_state.status in TERMINAL_STATUSES
    if ended or trade.close_reason is not None:
        return _NOTHING
    terms = order_state.requested or order_state.order
    change = Replacement(
        message.client_order_id,
        terms.quantity,
        terms.order_type,
        message.limit_ticks,
        message.trigger_ticks,
    )
    return (ReplaceSent(change, now),), (Replace(change),)


def on_timer_fired(state: EngineState, message: TimerFired, now: int) -> Decision:
    """Answer a deadline: the entry is withdrawn, or the trade closed."""
    trade = state.trades.get(message.trade_id)
    if trade is None:
        return _NOTHING
    if message.kind is TimerKind.POSITION:
        request = CloseRequested(message.trade_id, ExitReason.TIMEOUT, now)
        return on_close_requested(state, request, now)
    entry_id = trade.entry.order.client_order_id
    plan = trade.plan
    is_entry = message.kind is TimerKind.ENTRY
    reason = plan.entry_deadline_reason if is_entry else plan.remainder_reason
    request_cancel = CancelRequested(entry_id, reason, now)
    return on_cancel_requested(state, request_cancel, now)
