"""Requests of the caller, checked and completed before the engine sees them."""

import msgspec

from fillbridge.engine.messages import TradePlan
from fillbridge.engine.state import EngineState, OrderState
from fillbridge_hooks import (
    ArrivalPrice,
    BarData,
    InvalidValue,
    OrderRefused,
    Refuse,
    RiskProposal,
    Side,
    TradeTick,
)


def refuse_opposite(state: EngineState, plan: TradePlan) -> None:
    """Let no bracket stand against another of its symbol: such an account holds one position.

    :raises OrderRefused: if one would
    """
    for trade in state.trades.values():
        same_symbol = trade.plan.instrument.symbol == plan.instrument.symbol
        if same_symbol and trade.plan.direction is not plan.direction:
            limit = f"no bracket against {trade.plan.trade_id} (netting)"
            raise OrderRefused([Refuse(check="account", limit=limit, value=plan.direction.value)])


def changed_levels(
    order_state: OrderState,
    limit_price: float | None,
    trigger_price: float | None,
    last: float | None,
) -> tuple[int | None, int | None]:
    """Limit and trigger of an order in ticks, with the prices that are given in place of its own.

    :param last: the last price, which a new trigger must not have reached already
    :raises InvalidValue: if no price is given, or one is off the grid, not one that this order
        type has, or a trigger that would act at once
    """
    order = order_state.order
    terms = order_state.requested or order
    limit, trigger = terms.limit_ticks, terms.trigger_ticks
    if limit_price is None and trigger_price is None:
        raise InvalidValue("limit_price", "a price, or a trigger_price", None)
    rule = f"absent for a {order.order_type.value} order"
    if limit_price is not None:
        if limit is None:
            raise InvalidValue("limit_price", rule, limit_price)
        limit = order.instrument.to_ticks(limit_price, "limit_price")
    if trigger_price is not None:
        if trigger is None:
            raise InvalidValue("trigger_price", rule, trigger_price)
        trigger = order.instrument.to_ticks(trigger_price, "trigger_price")
        if last is not None and order.side.sign * (trigger_price - last) <= 0:
            side = "above" if order.side is Side.BUY else "below"
            raise InvalidValue("trigger_price", f"a price {side} the last ({last})", trigger_price)
    return limit, trigger


def decided_before(
    proposal: RiskProposal, item: BarData | TradeTick, known: float | None
) -> RiskProposal:
    """The proposal as decided right before ``item``, where it does not say when.

    :param known: the last price before, whose place the open takes where it is ``None``
    """
    if proposal.arrival is None and known is None:
        price = item.open if isinstance(item, BarData) else item.price
        proposal = msgspec.structs.replace(proposal, arrival=ArrivalPrice(last=price))
    if proposal.decided_at_ns is None:
        proposal = msgspec.structs.replace(proposal, decided_at_ns=item.timestamp)
    return proposal
