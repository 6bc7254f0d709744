"""Requests that close what is open: all orders, or a position."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fillbridge_rithmic.gateway.answers import Answer, answered, answered_rows, row
from fillbridge_rithmic.gateway.book.linking import flatten
from fillbridge_rithmic.gateway.codec import given
from fillbridge_rithmic.gateway.codes import Plant
from fillbridge_rithmic.gateway.requests.registry import carries_out

if TYPE_CHECKING:
    from fillbridge_rithmic.gateway.gateway import Gateway
    from fillbridge_rithmic.gateway.sessions import Session


@carries_out(346, Plant.ORDER)
def cancel_all(gateway: Gateway, session: Session, request: Any) -> Answer:
    """Withdraw every order of an account."""
    working = gateway.book.working(request.account_id)
    if gateway.faults.take("cancel_all_partly", account=request.account_id):
        working = working[: len(working) // 2]
    for order in working:
        if order.works:
            gateway.book.cancel(order)
    return answered(request)


@carries_out(3504, Plant.ORDER)
def exit_position(gateway: Gateway, session: Session, request: Any) -> Answer:
    """Close the position in a symbol, or all; its legs go first. The closing order has no tag."""
    ledger = gateway.book.ledger(request.account_id)
    symbols = [
        symbol
        for symbol, position in ledger.positions.items()
        if position.net and request.symbol in ("", symbol)
    ]
    rows = []
    for symbol in symbols:
        rows.append(row(request, symbol=symbol, exchange=ledger.positions[symbol].exchange))
        flatten(
            gateway.book,
            request.account_id,
            symbol,
            user=session.user.name if session.user else "",
            window_name=given(request, "window_name"),
            manual_or_auto=given(request, "manual_or_auto"),
        )
    return answered_rows(request, rows)
