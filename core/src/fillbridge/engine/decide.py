"""What follows from each input: the rules of a bracket, as a pure function.

``decide`` never changes the state it reads and reads nothing else. It answers with the events to
record and the effects that follow once they are recorded.
"""

from collections.abc import Callable
from typing import Any

from fillbridge_hooks import (
    TERMINAL_STATUSES,
    Accepted,
    Cancelled,
    CancelRejected,
    ExitReason,
    Expired,
    OrderRole,
    OrderStatus,
    OrderType,
    OutcomeUnknown,
    Rejected,
    Replaced,
    Replacement,
    ReplaceRejected,
)

from fillbridge.engine.legs import exit_order, protective_legs, stop_again
from fillbridge.engine.messages import (
    BrokerReport,
    Cancel,
    CancelRequested,
    CancelSent,
    CloseRequested,
    Effect,
    EntryFailed,
    Event,
    FillBooked,
    Input,
    Measure,
    OrdersPlaced,
    Raise,
    Replace,
    ReplaceRequested,
    ReplaceSent,
    ReportIgnored,
    SetTimer,
    Submit,
    TimerFired,
    TimerKind,
    Track,
    TradeAbandoned,
    TradeApproved,
    TradeMeasured,
    TradeRefused,
)
from fillbridge.engine.state import EngineState, OrderState, Trade
from fillbridge.engine.transitions import TRANSITIONS, Ignored, OrderSignal

Decision = tuple[tuple[Event, ...], tuple[Effect, ...]]

_ENTRY = OrderRole.ENTRY
_NOTHING: Decision = ((), ())
_MAX_EXITS = 3
_CLOSING_BY_STOP = (OrderStatus.SUBMITTED, OrderStatus.PARTIAL_FILLED)


def decide(state: EngineState, message: Input, now: int) -> Decision:
    """Answer ``message`` at time ``now`` (ns UTC)."""
    return _DECISIONS[type(message)](state, message, now)


# Proposals


def _approved(state: EngineState, message: TradeApproved, now: int) -> Decision:
    plan = message.plan
    submit = Submit(plan.entry)
    if plan.entry_deadline_ns is None:
        return (message,), (submit,)
    timer = SetTimer(plan.trade_id, TimerKind.ENTRY, plan.entry_deadline_ns)
    return (message,), (timer, submit)


def _recorded(state: EngineState, message: TradeRefused | TradeMeasured, now: int) -> Decision:
    return (message,), ()


# Fills


def _fill_booked(state: EngineState, message: FillBooked, now: int) -> Decision:
    fill = message.fill
    known = state.orders.get(fill.client_order_id)
    if known is None:
        ignored = ReportIgnored(fill.client_order_id, "Fill", "no such order is known", now)
        return (ignored,), (Raise("", f"fill {fill.fill_id} of an order that is not known"),)
    trade, order_state = known
    if fill.fill_id in trade.fill_ids:
        return (ReportIgnored(fill.client_order_id, "Fill", "repeated", now),), ()
    if order_state.order.side is trade.plan.entry.side:
        held = trade.held + fill.quantity
    else:
        held = trade.held - fill.quantity
    if held < 0:
        return _flatten_excess(trade, message, -held, now)
    if order_state.order.role is _ENTRY:
        return _entry_filled(trade, order_state, message, held, now)
    return _exit_filled(trade, order_state, message, held, now)


def _entry_filled(
    trade: Trade, entry: OrderState, message: FillBooked, held: int, now: int
) -> Decision:
    fill = message.fill
    plan = trade.plan
    exited = trade.held == 0 and trade.exit_quantity > 0
    if exited or trade.close_reason is not None or entry.status in TERMINAL_STATUSES:
        return _flatten_unwanted(trade, message, held, now)
    if trade.stop is not None:
        events, effects = _resize(trade, None, held, now)
        return (message, *events), effects
    stop, target = protective_legs(plan, held, fill)
    placed = OrdersPlaced(plan.trade_id, (stop, target), now)
    track = Track(plan.trade_id)
    if plan.position_life_ns is None:
        return (message, placed), (track, Submit(stop), Submit(target))
    timer = SetTimer(plan.trade_id, TimerKind.POSITION, fill.time_ns + plan.position_life_ns)
    return (message, placed), (track, timer, Submit(stop), Submit(target))


def _flatten_unwanted(trade: Trade, message: FillBooked, held: int, now: int) -> Decision:
    """A fill of an entry that was withdrawn: it is booked, and closed at once."""
    trade_id = trade.plan.trade_id
    alarm = Raise(trade_id, "an entry filled after it was withdrawn; its position is closed")
    covered = sum(_remaining(exit_state) for exit_state in _working_exits(trade))
    if held <= covered:
        return (message,), (alarm,)
    order = exit_order(trade, held - covered)
    return (message, OrdersPlaced(trade_id, (order,), now)), (Submit(order), alarm)


def _exit_filled(
    trade: Trade, filled: OrderState, message: FillBooked, held: int, now: int
) -> Decision:
    if held > 0:
        events, effects = _resize(trade, filled, held, now)
        return (message, *events), effects
    ends = filled.filled + message.fill.quantity >= filled.order.quantity
    if ends and trade.working == 1:
        return (message,), (Measure(trade.plan.trade_id),)
    sent, effects = _cancel_all(trade, filled if ends else None, "the position is closed", now)
    return (message, *sent), effects


def _flatten_excess(trade: Trade, message: FillBooked, excess: int, now: int) -> Decision:
    """More exits filled than were held: the excess is bought back at once."""
    plan = trade.plan
    order = exit_order(trade, excess, plan.entry.side)
    sent, cancels = _cancel_all(trade, None, "the position is closed", now)
    alarm = Raise(plan.trade_id, f"exits exceed the position by {excess}; flattening")
    placed = OrdersPlaced(plan.trade_id, (order,), now)
    return (message, placed, *sent), (Submit(order), *cancels, alarm)


def _resize(trade: Trade, filled: OrderState | None, held: int, now: int) -> Decision:
    """Make every other working exit cover exactly what is held."""
    events: list[Event] = []
    effects: list[Effect] = []
    for leg in _working_exits(trade):
        quantity = leg.filled + held
        if leg is filled or leg.cancel_sent or quantity == leg.order.quantity:
            continue
        order = leg.order
        change = Replacement(
            order.client_order_id,
            quantity,
            order.order_type,
            order.limit_ticks,
            order.trigger_ticks,
        )
        events.append(ReplaceSent(change, now))
        effects.append(Replace(change))
    return tuple(events), tuple(effects)


def _cancel_all(trade: Trade, ended: OrderState | None, reason: str, now: int) -> Decision:
    events: list[Event] = []
    effects: list[Effect] = []
    for other in trade.orders:
        if other is ended or other.cancel_sent or other.status in TERMINAL_STATUSES:
            continue
        client_order_id = other.order.client_order_id
        events.append(CancelSent(client_order_id, reason, now))
        effects.append(Cancel(client_order_id))
    return tuple(events), tuple(effects)


def _working_exits(trade: Trade) -> list[OrderState]:
    return [
        order_state
        for order_state in trade.orders
        if order_state.order.role is not _ENTRY and order_state.status not in TERMINAL_STATUSES
    ]


def _remaining(order_state: OrderState) -> int:
    return order_state.order.quantity - order_state.filled


# Reports of the broker


def _accepted(state: EngineState, message: Accepted, now: int) -> Decision:
    return _ignored(state, message, OrderSignal.ACCEPT, now) or ((message,), ())


def _replaced(state: EngineState, message: Replaced, now: int) -> Decision:
    return _ignored(state, message, OrderSignal.REPLACE, now) or ((message,), ())


def _outcome_unknown(state: EngineState, message: OutcomeUnknown, now: int) -> Decision:
    ignored = _ignored(state, message, OrderSignal.LOSE, now)
    if ignored is not None:
        return ignored
    trade, _ = state.orders[message.client_order_id]
    alarm = Raise(trade.plan.trade_id, f"{message.client_order_id}: {message.reason}")
    return (message,), (alarm,)


def _cancelled(state: EngineState, message: Cancelled, now: int) -> Decision:
    return _order_ended(state, message, OrderSignal.CANCEL, now)


def _expired(state: EngineState, message: Expired, now: int) -> Decision:
    return _order_ended(state, message, OrderSignal.EXPIRE, now)


def _rejected(state: EngineState, message: Rejected, now: int) -> Decision:
    return _order_ended(state, message, OrderSignal.REJECT, now)


def _order_ended(
    state: EngineState, message: Cancelled | Expired | Rejected, signal: OrderSignal, now: int
) -> Decision:
    ignored = _ignored(state, message, signal, now)
    if ignored is not None:
        return ignored
    trade, ended = state.orders[message.client_order_id]
    if trade.held > 0 and ended.order.role is not _ENTRY and not ended.cancel_sent:
        return _exit_lost(trade, ended, message, now)
    # This order is the last one that could still fill.
    if trade.working == 1 and trade.held == 0:
        return _trade_done(trade, ended, message, now)
    return (message,), ()


def _trade_done(
    trade: Trade, ended: OrderState, message: Cancelled | Expired | Rejected, now: int
) -> Decision:
    trade_id = trade.plan.trade_id
    if trade.entry_quantity:
        return (message,), (Measure(trade_id),)
    status = _ENDED_AS[type(message)]
    reason = ended.reason or message.reason
    abandoned = TradeAbandoned(trade_id, status, reason, now)
    return (message, abandoned), (EntryFailed(trade.plan, reason),)


def _exit_lost(
    trade: Trade, lost: OrderState, message: Cancelled | Expired | Rejected, now: int
) -> Decision:
    """A leg ended without being asked to: the position is protected again, or closed."""
    trade_id = trade.plan.trade_id
    alarm = Raise(trade_id, f"{message.client_order_id} was lost: {message.reason}")
    exits = sum(other.order.role is OrderRole.EXIT for other in trade.orders)
    if lost.order.role is OrderRole.TARGET or exits >= _MAX_EXITS:
        return (message,), (alarm,)
    order = stop_again(trade, lost) if type(message) is not Rejected else None
    if order is None:
        order = exit_order(trade, trade.held)
        sent, cancels = _cancel_all(trade, lost, "the position is being closed", now)
        placed = OrdersPlaced(trade_id, (order,), now)
        return (message, placed, *sent), (Submit(order), *cancels, alarm)
    return (message, OrdersPlaced(trade_id, (order,), now)), (Submit(order), alarm)


def _change_rejected(
    state: EngineState, message: CancelRejected | ReplaceRejected, now: int
) -> Decision:
    known = state.orders.get(message.client_order_id)
    if known is None:
        return _unknown(message, now)
    trade, order_state = known
    if trade.close_reason is None or trade.held <= 0 or type(message) is CancelRejected:
        return (message,), ()
    # The stop could not be turned into the exit: cancel it and close by an order of its own.
    order = exit_order(trade, trade.held)
    sent, cancels = _cancel_all(trade, None, "the position is being closed", now)
    placed = OrdersPlaced(trade.plan.trade_id, (order,), now)
    return (message, placed, *sent), (*cancels, Submit(order))


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


# Requests and deadlines


def _close_requested(state: EngineState, message: CloseRequested, now: int) -> Decision:
    trade = state.trades.get(message.trade_id)
    if trade is None or trade.close_reason is not None:
        return _NOTHING
    events: list[Event] = [message]
    effects: list[Effect] = []
    stop = trade.stop
    # Turned into the exit, the stop and the exit can never both fill.
    turned = trade.held > 0 and stop is not None and stop.status in _CLOSING_BY_STOP
    if turned and stop is not None:
        change = Replacement(
            stop.order.client_order_id, stop.filled + trade.held, OrderType.MARKET, None, None
        )
        events.append(ReplaceSent(change, now))
        effects.append(Replace(change))
    sent, cancels = _cancel_all(
        trade, stop if turned else None, f"closed: {message.reason.value}", now
    )
    events.extend(sent)
    effects.extend(cancels)
    if trade.held > 0 and not turned:
        order = exit_order(trade, trade.held)
        events.append(OrdersPlaced(message.trade_id, (order,), now))
        effects.append(Submit(order))
    return tuple(events), tuple(effects)


def _cancel_requested(state: EngineState, message: CancelRequested, now: int) -> Decision:
    known = state.orders.get(message.client_order_id)
    if known is None or known[1].cancel_sent or known[1].status in TERMINAL_STATUSES:
        return _NOTHING
    sent = CancelSent(message.client_order_id, message.reason, now)
    return (sent,), (Cancel(message.client_order_id),)


def _replace_requested(state: EngineState, message: ReplaceRequested, now: int) -> Decision:
    known = state.orders.get(message.client_order_id)
    if known is None or known[1].cancel_sent or known[1].status in TERMINAL_STATUSES:
        return _NOTHING
    order = known[1].order
    change = Replacement(
        order.client_order_id,
        order.quantity,
        order.order_type,
        message.limit_ticks,
        message.trigger_ticks,
    )
    return (ReplaceSent(change, now),), (Replace(change),)


def _timer_fired(state: EngineState, message: TimerFired, now: int) -> Decision:
    trade = state.trades.get(message.trade_id)
    if trade is None:
        return _NOTHING
    if message.kind is TimerKind.POSITION:
        request = CloseRequested(message.trade_id, ExitReason.TIMEOUT, now)
        return _close_requested(state, request, now)
    entry_id = trade.entry.order.client_order_id
    request_cancel = CancelRequested(entry_id, trade.plan.entry_deadline_reason, now)
    return _cancel_requested(state, request_cancel, now)


_ENDED_AS: dict[type, OrderStatus] = {
    Cancelled: OrderStatus.CANCELLED,
    Expired: OrderStatus.EXPIRED,
    Rejected: OrderStatus.REJECTED,
}

_DECISIONS: dict[type, Callable[[EngineState, Any, int], Decision]] = {
    TradeApproved: _approved,
    TradeRefused: _recorded,
    TradeMeasured: _recorded,
    FillBooked: _fill_booked,
    Accepted: _accepted,
    Cancelled: _cancelled,
    Expired: _expired,
    Rejected: _rejected,
    OutcomeUnknown: _outcome_unknown,
    Replaced: _replaced,
    CancelRejected: _change_rejected,
    ReplaceRejected: _change_rejected,
    CloseRequested: _close_requested,
    CancelRequested: _cancel_requested,
    ReplaceRequested: _replace_requested,
    TimerFired: _timer_fired,
}
