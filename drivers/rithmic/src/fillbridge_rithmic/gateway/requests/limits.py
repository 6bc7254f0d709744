"""Requests for what the risk management allows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fillbridge_rithmic.gateway.answers import Answer, answered_rows, row
from fillbridge_rithmic.gateway.codes import Plant
from fillbridge_rithmic.gateway.requests.registry import carries_out

if TYPE_CHECKING:
    from fillbridge_rithmic.gateway.gateway import Gateway
    from fillbridge_rithmic.gateway.sessions import Session


@carries_out(304, Plant.ORDER)
def show_account_limits(gateway: Gateway, session: Session, request: Any) -> Answer:
    """What each account may do."""
    rows = [
        row(
            request,
            fcm_id=account.fcm_id,
            ib_id=account.ib_id,
            account_id=account.account_id,
            currency="USD",
            status="active",
            buy_limit=account.max_order_quantity,
            sell_limit=account.max_order_quantity,
            max_order_quantity=account.max_order_quantity,
            loss_limit=account.loss_limit or None,
        )
        for account in gateway.accounts_of(session.user)
    ]
    return answered_rows(request, rows)


@carries_out(306, Plant.ORDER)
def show_product_limits(gateway: Gateway, session: Session, request: Any) -> Answer:
    """What an account may do in each product."""
    account = gateway.accounts[request.account_id]
    products = {each.product_code or each.symbol: each for each in gateway.book.contracts.values()}
    rows = [
        row(
            request,
            fcm_id=account.fcm_id,
            ib_id=account.ib_id,
            account_id=account.account_id,
            product_code=product,
            buy_margin_rate=contract.margin or None,
            sell_margin_rate=contract.margin or None,
            buy_limit=account.max_order_quantity,
            sell_limit=account.max_order_quantity,
            max_order_quantity=account.max_order_quantity,
        )
        for product, contract in sorted(products.items())
    ]
    return answered_rows(request, rows)
