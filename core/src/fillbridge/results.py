"""What users are handed, made from the engine's state: orders as they stand, trades that ended."""

from fillbridge.engine.messages import TradeMeasured
from fillbridge.engine.money import gross_cents, slippage_cents
from fillbridge.engine.state import OrderState, Trade
from fillbridge.times import to_datetime
from fillbridge_hooks import (
    ExitReason,
    OrderInfo,
    OrderRole,
    TradeExecution,
    TradeResult,
)

_SECOND = 1_000_000_000
_TARGET = OrderRole.TARGET
_TAKE_PROFIT = ExitReason.TAKE_PROFIT
_STOP_LOSS = ExitReason.STOP_LOSS


def trade_result(trade: Trade, measured: TradeMeasured) -> TradeResult:
    """The result of a trade that is flat and measured."""
    plan = trade.plan
    proposal = plan.proposal
    instrument = plan.instrument
    last_exit = trade.last_exit
    if last_exit is None or trade.exit_reason is None:
        raise AssertionError(f"trade {plan.trade_id} is measured but has no exit")
    entry_ns = trade.entry.first_fill_ns
    if entry_ns is None:
        # Its entry's fills were taken back before they were heard of: its exits opened it.
        entry_ns = min(booked.fill.time_ns for booked in trade.fills.values())
    exit_ns = last_exit.time_ns
    gross = gross_cents(plan.direction, trade.entry_reference, trade.exit_reference, instrument)
    costs = trade.slippage_cents + trade.commission_cents
    net = gross - costs
    other = last_exit.other
    other_net, other_reason, other_price = net, None, None
    if other is not None:
        quantity = last_exit.quantity
        reference = trade.exit_reference + quantity * (
            other.reference_ticks - last_exit.reference_ticks
        )
        other_net = (
            gross_cents(plan.direction, trade.entry_reference, reference, instrument)
            - costs
            + slippage_cents(last_exit.slippage, quantity, instrument)
            - slippage_cents(other.slippage, quantity, instrument)
        )
        other_reason = _TAKE_PROFIT if other.role is _TARGET else _STOP_LOSS
        other_price = other.price
    return TradeResult(
        plan.trade_id,
        to_datetime(entry_ns),
        to_datetime(exit_ns),
        trade.entry_value / trade.entry_quantity,
        trade.exit_value / trade.exit_quantity,
        trade.entry_quantity,
        plan.direction.value,
        gross / 100,
        net / 100,
        trade.commission_cents / 100,
        trade.slippage_cents / 100,
        trade.exit_reason,
        (exit_ns - entry_ns) / _SECOND,
        measured.max_favorable_excursion,
        measured.max_adverse_excursion,
        measured.execution_quality_score,
        instrument.symbol,
        proposal.proposal_id,
        proposal.strategy,
        entry_ns,
        exit_ns,
        other is not None,
        other_reason,
        other_price,
        min(net, other_net) / 100,
        max(net, other_net) / 100,
        trade.cost_complete,
    )


def trade_execution(trade: Trade) -> TradeExecution:
    """The record that an execution is scored by."""
    plan = trade.plan
    entry = trade.entry
    arrival = plan.entry.arrival
    if entry.first_fill_ns is None or entry.last_fill_ns is None:
        raise AssertionError(f"trade {plan.trade_id} has no entry fill")
    return TradeExecution(
        trade_id=plan.trade_id,
        symbol=plan.instrument.symbol,
        direction=plan.direction.value,
        requested_quantity=plan.proposal.position_size,
        filled_quantity=entry.filled,
        arrival_price=None if arrival is None else arrival.price,
        entry_price=entry.filled_value / entry.filled,
        max_slippage=plan.proposal.max_slippage,
        tick_size=plan.instrument.tick_size,
        decided_at_ns=plan.decided_at_ns,
        submitted_ns=entry.submitted_ns,
        acknowledged_ns=entry.acknowledged_ns,
        first_fill_ns=entry.first_fill_ns,
        last_fill_ns=entry.last_fill_ns,
        timeout_seconds=plan.proposal.timeout_seconds,
    )


def order_info(trade: Trade, order_state: OrderState) -> OrderInfo:
    """An order as it stands."""
    order = order_state.order
    if order.role is OrderRole.ENTRY:
        direction: str = trade.plan.direction.value
    else:
        direction = order.side.value
    level = order.limit_ticks if order.trigger_ticks is None else order.trigger_ticks
    filled = order_state.filled
    return OrderInfo(
        order_id=order_state.broker_order_id or order.client_order_id,
        internal_id=order.client_order_id,
        order_type=order.order_type,
        status=order_state.status,
        symbol=order.instrument.symbol,
        size=order.quantity,
        direction=direction,
        price=None if level is None else order.instrument.to_price(level),
        filled_price=order_state.filled_value / filled if filled else None,
        filled_size=filled,
        timestamp_submitted=to_datetime(order_state.submitted_ns),
        timestamp_filled=(
            None if order_state.last_fill_ns is None else to_datetime(order_state.last_fill_ns)
        ),
        broker_response={"reason": order_state.reason} if order_state.reason else None,
    )
