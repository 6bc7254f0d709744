"""What follows from a broker's report about an order: its end, or a lost leg, is answered."""

from fillbridge.engine.exits import cover, exit_all, exiting, others_of
from fillbridge.engine.legs import leg_again
from fillbridge.engine.messages import (
    BrokerReport,
    Cancel,
    CancelSent,
    Decision,
    EntryFailed,
    Measure,
    OrdersPlaced,
    Protect,
    Raise,
    ReportIgnored,
    Submit,
    TradeAbandoned,
)
from fillbridge.engine.state import EngineState, OrderState, Trade
from fillbridge.engine.transitions import TRANSITIONS, Ignored, OrderSignal
from fillbridge_hooks import (
    TERMINAL_STATUSES,
    Accepted,
    Cancelled,
    CancelRejected,
    Expired,
    NotSent,
    OrderRole,
    OrderStatus,
    OrderType,
    OutcomeUnknown,
    Rejected,
    Replaced,
    ReplaceRejected,
)

_ENTRY = OrderRole.ENTRY
_STOP = OrderRole.STOP
_TARGET = OrderRole.TARGET
_EXIT = OrderRole.EXIT
_MARKET = OrderType.MARKET
_LOST = (OrderStatus.CANCELLED, OrderStatus.REJECTED, OrderStatus.EXPIRED)
_MAX_LOST_EXITS = 3

_End = Cancelled | Expired | Rejected | NotSent


def on_accepted(state: EngineState, message: Accepted, now: int) -> Decision:
    """Answer an acknowledgement."""
    return _ignored(state, message, OrderSignal.ACCEPT, now) or ((message,), ())


def on_replaced(state: EngineState, message: Replaced, now: int) -> Decision:
    """Answer the new terms of an order."""
    ignored = _ignored(state, message, OrderSignal.REPLACE, now)
    if ignored is not None:
        return ignored
    trade, order_state = state.orders[message.client_order_id]
    # Reduced to what has filled, an order is complete, and it may have been the last.
    if trade.working == 1 and trade.held == 0 and 0 < message.quantity <= order_state.filled:
        return (message,), (Measure(trade.plan.trade_id),)
    return (message,), ()


def on_outcome_unknown(state: EngineState, message: OutcomeUnknown, now: int) -> Decision:
    """Answer that nobody can tell whether an order arrived."""
    ignored = _ignored(state, message, OrderSignal.LOSE, now)
    if ignored is not None:
        return ignored
    trade, _ = state.orders[message.client_order_id]
    alarm = Raise(trade.plan.trade_id, f"{message.client_order_id}: {message.reason}")
    return (message,), (alarm,)


def on_cancelled(state: EngineState, message: Cancelled, now: int) -> Decision:
    """Answer the end of an order, asked for or not."""
    return _order_ended(state, message, OrderSignal.CANCEL, now)


def on_expired(state: EngineState, message: Expired, now: int) -> Decision:
    """Answer the end of an order's time in force."""
    return _order_ended(state, message, OrderSignal.EXPIRE, now)


def on_rejected(state: EngineState, message: Rejected, now: int) -> Decision:
    """Answer the refusal of an order."""
    return _order_ended(state, message, OrderSignal.REJECT, now)


def on_not_sent(state: EngineState, message: NotSent, now: int) -> Decision:
    """Answer that an order never left.

    An entry is over. What should have protected or closed a position is not sent again from here:
    it did not leave because there is no way out, so that waits until there is one.
    """
    return _order_ended(state, message, OrderSignal.EXPIRE, now)


def _order_ended(state: EngineState, message: _End, signal: OrderSignal, now: int) -> Decision:
    ignored = _ignored(state, message, signal, now)
    if ignored is not None:
        return ignored
    trade, ended = state.orders[message.client_order_id]
    if trade.held and ended.order.role is not _ENTRY and not ended.cancel_sent:
        return _exit_lost(trade, ended, message, now)
    # This order is the last one that could still fill.
    if trade.working == 1 and trade.held == 0:
        return _trade_done(trade, ended, message, now)
    return (message,), ()


def _trade_done(trade: Trade, ended: OrderState, message: _End, now: int) -> Decision:
    trade_id = trade.plan.trade_id
    if trade.entry_quantity:
        return (message,), (Measure(trade_id),)
    status = _ENDED_AS[type(message)]
    reason = ended.reason or message.reason
    abandoned = TradeAbandoned(trade_id, status, reason, now)
    return (message, abandoned), (EntryFailed(trade.entry.order.client_order_id, reason),)


def _exit_lost(trade: Trade, lost: OrderState, message: _End, now: int) -> Decision:
    """An exit ended without being asked to: the position is protected again, or closed."""
    order, held = lost.order, trade.held
    alarm = Raise(trade.plan.trade_id, f"{order.client_order_id} was lost: {message.reason}")
    if type(message) is NotSent:
        return (message,), (alarm,)
    if trade.plan.has_broker_legs and type(message) is Cancelled:
        # The broker cancels one leg when the other fills, and that fill may be heard of later.
        return (message,), ()
    reduces = (order.side is trade.plan.entry.side) == (held < 0)
    if order.role is _TARGET or not reduces or _exits_lost(trade) + 1 >= _MAX_LOST_EXITS:
        return (message,), (alarm,)
    if order.role is _STOP and others_of(trade, lost):
        return (message,), (alarm, Protect(trade.plan.trade_id))
    if held < 0:
        events, effects = cover(trade, order.side, -held, lost, 0, now)
        return (message, *events), (*effects, alarm)
    if order.role is _STOP and trade.close_reason is None and type(message) is not Rejected:
        rest = held - exiting(trade, order.side)
        again = leg_again(trade, lost, rest)
        if rest > 0 and again is not None:
            return (message, OrdersPlaced(again.trade_id, (again,), now)), (Submit(again), alarm)
    events, effects = exit_all(trade, lost, 0, lost, held, now)
    return (message, *events), (*effects, alarm)


def _exits_lost(trade: Trade) -> int:
    return sum(
        other.order.role is _EXIT and other.status in _LOST and not other.cancel_sent
        for other in trade.orders
    )


def on_cancel_rejected(state: EngineState, message: CancelRejected, now: int) -> Decision:
    """Answer that an order goes on working, unless its end was heard of already."""
    known = state.orders.get(message.client_order_id)
    if known is None:
        return _unknown(message, now)
    trade, order_state = known
    if order_state.status in TERMINAL_STATUSES:
        return (message,), ()
    reason = f"{message.client_order_id} could not be cancelled: {message.reason}"
    return (message,), (Raise(trade.plan.trade_id, reason),)


def on_replace_rejected(state: EngineState, message: ReplaceRejected, now: int) -> Decision:
    """Answer that an order keeps its old terms: what its stop leaves bare is closed."""
    known = state.orders.get(message.client_order_id)
    if known is None:
        return _unknown(message, now)
    trade, order_state = known
    if order_state.status in TERMINAL_STATUSES:
        return (message,), ()
    order, held = order_state.order, trade.held
    client_order_id = order.client_order_id
    reason = f"{client_order_id} could not be changed: {message.reason}"
    alarm = Raise(trade.plan.trade_id, reason)
    if not order_state.is_answered_by(message):
        # What was asked for since may yet be granted.
        return (message,), (alarm,)
    if order_state is not trade.stop or order_state.cancel_sent or held <= 0:
        return (message,), (alarm,)
    if trade.close_reason is None:
        bare = max(0, held - (order.quantity - order_state.filled))
        events, effects = cover(trade, order.side, bare, None, 0, now)
        return (message, *events), (*effects, alarm)
    if order.order_type is _MARKET:
        return (message,), (alarm,)
    # The stop could not be turned into the exit: cancel it and close by an order of its own.
    events, effects = exit_all(trade, order_state, 0, order_state, held, now)
    sent = CancelSent(client_order_id, "the position is being closed", now)
    return (message, *events, sent), (*effects, Cancel(client_order_id), alarm)


def _ignored(
    state: EngineState, message: BrokerReport, signal: OrderSignal, now: int
) -> Decision | None:
    known = state.orders.get(message.client_order_id)
    if known is None:
        return _unknown(message, now)
    answer = TRANSITIONS[known[1].status][signal]
    if type(answer) is not Ignored:
        return None
    kind = type(message).__name__
    return (ReportIgnored(message.client_order_id, kind, answer.reason, now),), ()


def _unknown(message: BrokerReport, now: int) -> Decision:
    kind = type(message).__name__
    return (ReportIgnored(message.client_order_id, kind, "no such order is known", now),), ()


_ENDED_AS: dict[type, OrderStatus] = {
    Cancelled: OrderStatus.CANCELLED,
    Expired: OrderStatus.EXPIRED,
    NotSent: OrderStatus.EXPIRED,
    Rejected: OrderStatus.REJECTED,
}
