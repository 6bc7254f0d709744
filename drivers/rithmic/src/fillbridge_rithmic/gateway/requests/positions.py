"""Requests of the PnL plant, and what it tells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fillbridge_rithmic.gateway.answers import Answer, answered, ended
from fillbridge_rithmic.gateway.clock import stamps
from fillbridge_rithmic.gateway.codec import build
from fillbridge_rithmic.gateway.codes import Plant
from fillbridge_rithmic.gateway.requests.registry import carries_out

if TYPE_CHECKING:
    from fillbridge_rithmic.gateway.gateway import Gateway
    from fillbridge_rithmic.gateway.sessions import Session

_SUBSCRIBE = 1


@carries_out(400, Plant.PNL)
def hear_of_positions(gateway: Gateway, session: Session, request: Any) -> Answer:
    """Tell an account's positions from now on, or no longer."""
    if request.request == _SUBSCRIBE:
        session.position_accounts.add(request.account_id)
    else:
        session.position_accounts.discard(request.account_id)
    return answered(request)


@carries_out(402, Plant.PNL)
def show_positions(gateway: Gateway, session: Session, request: Any) -> Answer:
    """An account's positions as they are."""
    return Answer(rows=position_rows(gateway, request.account_id, True), end=ended(request))


def position_rows(gateway: Gateway, account_id: str, is_snapshot: bool) -> list[Any]:
    """A row for each symbol that an account has traded, then one for the account."""
    account = gateway.accounts[account_id]
    ssboe, usecs = stamps(gateway.now_ns())
    common = {
        "is_snapshot": is_snapshot,
        "fcm_id": account.fcm_id,
        "ib_id": account.ib_id,
        "account_id": account_id,
        "ssboe": ssboe,
        "usecs": usecs,
    }
    fault = gateway.faults.take("net_disagrees", account=account_id)
    surplus = 0 if fault is None else fault.options.get("by", 1)
    rows = []
    opened = closed = used = 0.0
    net = bought = sold = 0
    for position in gateway.book.ledger(account_id).positions.values():
        net_quantity = position.net + surplus
        contract = gateway.book.contracts[position.symbol]
        profit = position.open_profit(gateway.book.markets[position.symbol].last)
        opened, closed = opened + profit, closed + position.closed_profit
        used += abs(position.net) * contract.margin
        net, bought, sold = net + position.net, bought + position.bought, sold + position.sold
        rows.append(
            build(
                450,
                **common,
                symbol=position.symbol,
                exchange=position.exchange,
                product_code=contract.product_code or position.symbol,
                instrument_type="Future",
                fill_buy_qty=position.bought,
                fill_sell_qty=position.sold,
                buy_qty=position.bought,
                sell_qty=position.sold,
                avg_open_fill_price=position.average,
                open_position_pnl=f"{profit:.2f}",
                open_position_quantity=abs(position.net),
                closed_position_pnl=f"{position.closed_profit:.2f}",
                closed_position_quantity=min(position.bought, position.sold),
                net_quantity=net_quantity,
            )
        )
    rows.append(
        build(
            451,
            **common,
            fill_buy_qty=bought,
            fill_sell_qty=sold,
            buy_qty=bought,
            sell_qty=sold,
            open_position_pnl=f"{opened:.2f}",
            closed_position_pnl=f"{closed:.2f}",
            net_quantity=net,
            account_balance=f"{account.balance + closed:.2f}",
            cash_on_hand=f"{account.balance + closed:.2f}",
            margin_balance="0.00",
            min_margin_balance="0.00",
            min_account_balance="0.00",
            available_buying_power=f"{account.balance + closed + opened - used:.2f}",
            used_buying_power=f"{used:.2f}",
        )
    )
    return rows
