"""How each event changes the state.

``fold`` owns the state it is given and changes it in place; it reads nothing else, so the state
is a function of the events alone.
"""

from collections.abc import Callable
from typing import Any

from fillbridge.engine import halting, proposed
from fillbridge.engine.activity import (
    count_entry,
    count_fill,
    count_reject,
    count_result,
)
from fillbridge.engine.counting import count_order, count_request, counters_at
from fillbridge.engine.messages import (
    CancelSent,
    CloseRequested,
    EntriesHalted,
    EntriesResumed,
    Event,
    FillBooked,
    OrdersPlaced,
    ReplaceSent,
    ReportIgnored,
    StrategyResumed,
    StrategySuspended,
    TradeAbandoned,
    TradeApproved,
    TradeMeasured,
    TradeRefused,
)
from fillbridge.engine.money import fill_slippage_cents, gross_cents
from fillbridge.engine.proposal_events import HoldEnded, NonceUsed, TradeHeld
from fillbridge.engine.state import (
    REMEMBERED_NS,
    REMEMBERED_TRADES,
    EngineState,
    OrderState,
    Trade,
)
from fillbridge.engine.transitions import TRANSITIONS, Ignored, OrderSignal
from fillbridge_hooks import (
    TERMINAL_STATUSES,
    Accepted,
    Cancelled,
    CancelRejected,
    ExitReason,
    Expired,
    FillVoided,
    NotSent,
    Order,
    OrderRole,
    OutcomeUnknown,
    Rejected,
    Replaced,
    Replacement,
    ReplaceRejected,
)

_ENTRY = OrderRole.ENTRY
_STOP = OrderRole.STOP
_TARGET = OrderRole.TARGET
_FILL = OrderSignal.FILL
_PARTIAL_FILL = OrderSignal.PARTIAL_FILL


def fold(state: EngineState, event: Event) -> EngineState:
    """Apply one event to ``state`` and return it."""
    _FOLDS[type(event)](state, event)
    return state


def _trade_approved(state: EngineState, event: TradeApproved) -> None:
    plan = event.plan
    entry = OrderState(plan.entry, event.time_ns)
    trade = Trade(plan, entry, [entry])
    state.trades[plan.trade_id] = trade
    state.orders[plan.entry.client_order_id] = (trade, entry)
    counters = counters_at(state, plan.instrument, event.time_ns)
    counters.trades += 1
    count_order(state, plan.entry, event.time_ns)
    count_entry(state.activity, plan.proposal.strategy, event.time_ns)
    proposed.remember_answer(state, plan.proposal, plan.trade_id)
    proposed.remember_entry(state, plan, event.time_ns)


def _trade_refused(state: EngineState, event: TradeRefused) -> None:
    counters_at(state, event.instrument, event.time_ns).rejects += 1
    proposed.remember_answer(state, event.proposal, event.reasons)


def _orders_placed(state: EngineState, event: OrdersPlaced) -> None:
    if event.trade_id in state.ended:
        _reopen(state, state.ended[event.trade_id])
    trade = state.trades[event.trade_id]
    for order in event.orders:
        order_state = OrderState(order, event.time_ns)
        trade.orders.append(order_state)
        trade.working += 1
        state.orders[order.client_order_id] = (trade, order_state)
        if order.role is _STOP:
            trade.stop = order_state
        elif order.role is _TARGET:
            trade.target = order_state
        count_order(state, order, event.time_ns)


def _fill_booked(state: EngineState, event: FillBooked) -> None:
    fill = event.fill
    trade, order_state = state.orders[fill.client_order_id]
    order = order_state.order
    quantity = fill.quantity
    if trade.closed:
        _reopen(state, trade)

    order_state.filled += quantity
    order_state.filled_value += fill.price * quantity
    order_state.last_fill_ns = fill.time_ns
    if order_state.first_fill_ns is None:
        order_state.first_fill_ns = fill.time_ns
    complete = order_state.filled >= order.quantity
    _apply(trade, order_state, _FILL if complete else _PARTIAL_FILL)

    trade.fills[fill.fill_id] = event
    count_fill(state.activity, fill.time_ns)
    trade.slippage_cents += fill_slippage_cents(fill, order.instrument)
    if event.commission_cents is None:
        trade.cost_complete = False
    else:
        trade.commission_cents += event.commission_cents
    if order.side is trade.plan.entry.side:
        trade.held += quantity
        trade.entry_quantity += quantity
        trade.entry_reference += fill.reference_ticks * quantity
        trade.entry_value += fill.price * quantity
    else:
        trade.held -= quantity
        trade.exit_quantity += quantity
        trade.exit_reference += fill.reference_ticks * quantity
        trade.exit_value += fill.price * quantity
        trade.last_exit = fill
        trade.exit_reason = exit_reason(trade, order)


def exit_reason(trade: Trade, order: Order) -> ExitReason:
    """Why a fill of this exit order ends the trade."""
    if order.role is _TARGET:
        return ExitReason.TAKE_PROFIT
    # A stop that was turned into the exit has lost its trigger.
    if order.role is _STOP and (order.trigger_ticks is not None or trade.close_reason is None):
        return ExitReason.STOP_LOSS
    return trade.close_reason or ExitReason.MANUAL_OVERRIDE


def _accepted(state: EngineState, event: Accepted) -> None:
    trade, order_state = state.orders[event.client_order_id]
    order_state.broker_order_id = event.broker_order_id
    if order_state.acknowledged_ns is None:
        order_state.acknowledged_ns = event.time_ns
    _apply(trade, order_state, OrderSignal.ACCEPT)


def _cancelled(state: EngineState, event: Cancelled) -> None:
    _end(state, event, OrderSignal.CANCEL)


def _expired(state: EngineState, event: Expired | NotSent) -> None:
    _end(state, event, OrderSignal.EXPIRE)


def _rejected(state: EngineState, event: Rejected) -> None:
    trade, _ = state.orders[event.client_order_id]
    counters_at(state, trade.plan.instrument, event.time_ns).rejects += 1
    count_reject(state.activity, event.time_ns, event.reason)
    _end(state, event, OrderSignal.REJECT)


def _end(
    state: EngineState, event: Cancelled | Expired | Rejected | NotSent, signal: OrderSignal
) -> None:
    trade, order_state = state.orders[event.client_order_id]
    order_state.reason = order_state.reason or event.reason
    _apply(trade, order_state, signal)


def _outcome_unknown(state: EngineState, event: OutcomeUnknown) -> None:
    trade, order_state = state.orders[event.client_order_id]
    order_state.reason = event.reason
    _apply(trade, order_state, OrderSignal.LOSE)


def _replaced(state: EngineState, event: Replaced) -> None:
    trade, order_state = state.orders[event.client_order_id]
    _apply(trade, order_state, OrderSignal.REPLACE)
    order = order_state.order
    order_state.order = Order(
        order.client_order_id,
        order.trade_id,
        order.role,
        order.instrument,
        order.side,
        event.quantity,
        event.order_type,
        event.limit_ticks,
        event.trigger_ticks,
        order.trail_ticks,
        order.time_in_force,
        order.broker,
        order.arrival,
        order.urgency,
    )
    if 0 < event.quantity <= order_state.filled:
        _apply(trade, order_state, _FILL)
    asked = order_state.requested
    if asked is not None and _same_terms(asked, order_state.order):
        order_state.requested = None


def _same_terms(asked: Replacement, order: Order) -> bool:
    return (asked.quantity, asked.order_type, asked.limit_ticks, asked.trigger_ticks) == (
        order.quantity,
        order.order_type,
        order.limit_ticks,
        order.trigger_ticks,
    )


def _replace_rejected(state: EngineState, event: ReplaceRejected) -> None:
    _, order_state = state.orders[event.client_order_id]
    if order_state.is_answered_by(event):
        order_state.requested = None


def _cancel_rejected(state: EngineState, event: CancelRejected) -> None:
    _, order_state = state.orders[event.client_order_id]
    order_state.cancel_sent = False
    order_state.reason = ""


def _cancel_sent(state: EngineState, event: CancelSent) -> None:
    _, order_state = state.orders[event.client_order_id]
    order_state.cancel_sent = True
    if order_state.status not in TERMINAL_STATUSES:
        order_state.cancel_reason = order_state.reason = event.reason
    count_request(state, event.time_ns)


def _replace_sent(state: EngineState, event: ReplaceSent) -> None:
    _, order_state = state.orders[event.change.client_order_id]
    order_state.requested = event.change
    count_request(state, event.time_ns)


def _close_requested(state: EngineState, event: CloseRequested) -> None:
    state.trades[event.trade_id].close_reason = event.reason


def _trade_measured(state: EngineState, event: TradeMeasured) -> None:
    trade = state.trades[event.trade_id]
    trade.closed = True
    plan = trade.plan
    gross = gross_cents(
        plan.direction, trade.entry_reference, trade.exit_reference, plan.instrument
    )
    net = gross - trade.slippage_cents - trade.commission_cents
    counters = counters_at(state, plan.instrument, event.time_ns)
    counters.realised_cents += net - (trade.realised_cents or 0)
    if trade.realised_cents is None:
        is_stop_out = trade.exit_reason is ExitReason.STOP_LOSS
        count_result(state.activity, plan.proposal.strategy, is_stop_out=is_stop_out)
    trade.realised_cents = net
    _end_trade(state, trade, event.time_ns)


def _trade_abandoned(state: EngineState, event: TradeAbandoned) -> None:
    trade = state.trades[event.trade_id]
    if trade.realised_cents is not None:
        counters = counters_at(state, trade.plan.instrument, event.time_ns)
        counters.realised_cents -= trade.realised_cents
        trade.realised_cents = None
    _end_trade(state, trade, event.time_ns)


def _end_trade(state: EngineState, trade: Trade, time_ns: int) -> None:
    trade.closed = True
    trade.ended_ns = time_ns
    trade_id = trade.plan.trade_id
    del state.trades[trade_id]
    ended = state.ended
    ended[trade_id] = trade
    while True:
        oldest_id, oldest = next(iter(ended.items()))
        if len(ended) <= REMEMBERED_TRADES and oldest.ended_ns > time_ns - REMEMBERED_NS:
            return
        del ended[oldest_id]
        for order_state in oldest.orders:
            del state.orders[order_state.order.client_order_id]


def _reopen(state: EngineState, trade: Trade) -> None:
    trade.closed = False
    trade_id = trade.plan.trade_id
    state.trades[trade_id] = state.ended.pop(trade_id)


def _fill_voided(state: EngineState, event: FillVoided) -> None:
    trade, order_state = state.orders[event.client_order_id]
    if trade.closed:
        _reopen(state, trade)
    booked = trade.fills.pop(event.fill_id)
    fill, order = booked.fill, order_state.order
    quantity = fill.quantity
    order_state.filled -= quantity
    order_state.filled_value -= fill.price * quantity
    trade.slippage_cents -= fill_slippage_cents(fill, order.instrument)
    trade.commission_cents -= booked.commission_cents or 0
    if order.side is trade.plan.entry.side:
        trade.held -= quantity
        trade.entry_quantity -= quantity
        trade.entry_reference -= fill.reference_ticks * quantity
        trade.entry_value -= fill.price * quantity
    else:
        trade.held += quantity
        trade.exit_quantity -= quantity
        trade.exit_reference -= fill.reference_ticks * quantity
        trade.exit_value -= fill.price * quantity


def _report_ignored(state: EngineState, event: ReportIgnored) -> None:
    """A fact worth keeping that changes nothing."""


def _apply(trade: Trade, order_state: OrderState, signal: OrderSignal) -> None:
    before = order_state.status
    after = TRANSITIONS[before][signal]
    if after is before or type(after) is Ignored:
        return
    order_state.status = after  # type: ignore[assignment]  # the other type is excluded above
    if after in TERMINAL_STATUSES:
        if before not in TERMINAL_STATUSES:
            trade.working -= 1
    elif before in TERMINAL_STATUSES:
        trade.working += 1


_FOLDS: dict[type, Callable[[EngineState, Any], None]] = {
    TradeApproved: _trade_approved,
    TradeRefused: _trade_refused,
    NonceUsed: proposed.remember_nonce,
    TradeHeld: proposed.hold,
    HoldEnded: proposed.end_hold,
    OrdersPlaced: _orders_placed,
    FillBooked: _fill_booked,
    FillVoided: _fill_voided,
    NotSent: _expired,
    EntriesHalted: halting.halt,
    EntriesResumed: halting.resume,
    StrategySuspended: halting.suspend_strategy,
    StrategyResumed: halting.resume_strategy,
    Accepted: _accepted,
    Cancelled: _cancelled,
    Expired: _expired,
    Rejected: _rejected,
    OutcomeUnknown: _outcome_unknown,
    Replaced: _replaced,
    CancelRejected: _cancel_rejected,
    ReplaceRejected: _replace_rejected,
    CancelSent: _cancel_sent,
    ReplaceSent: _replace_sent,
    CloseRequested: _close_requested,
    TradeMeasured: _trade_measured,
    TradeAbandoned: _trade_abandoned,
    ReportIgnored: _report_ignored,
}
