"""Faults of orders: what is rejected, and what fills when it should not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fillbridge_rithmic.gateway.book.events import Happening
from fillbridge_rithmic.gateway.book.order import Rejection
from fillbridge_rithmic.gateway.codes import FAILED, REJECTED

if TYPE_CHECKING:
    from fillbridge_rithmic.gateway.book.order import Order
    from fillbridge_rithmic.gateway.faults.faults import Faults
    from fillbridge_rithmic.gateway.gateway import Gateway

ATOMIC = "Atomic order operation in progress"


def rejection_of(faults: Faults, order: Order) -> Rejection | None:
    """Why an accepted order is not to work; ``None``: nothing is wrong with it."""
    account = order.ticket.account
    if order.ticket.leg is not None:
        if order.ticket.leg == "stop" and faults.take("stop_leg_rejected", account=account):
            return Rejection(text="Rejected at exchange", is_by_exchange=True)
        return None
    if fault := faults.take("rejected_by_risk", account=account):
        text = fault.options.get("text", "Rejected at RMS - Available margin exhausted")
        return Rejection(text=text, reason=fault.options.get("reason", REJECTED))
    if fault := faults.take("rejected_at_exchange", account=account):
        text = fault.options.get("text", "Rejected at exchange")
        return Rejection(text=text, is_by_exchange=True)
    if faults.take("rejected_as_bracket", account=account):
        text = "The bracket order management system rejected request"
        return Rejection(text=text, reason=FAILED)
    return None


def surplus_of(faults: Faults, order: Order) -> int:
    """Contracts by which the last fill of an order is too large."""
    fault = faults.take("overfill", account=order.ticket.account)
    return 0 if fault is None else int(fault.options.get("size", 1))


def refusal_in_answer(faults: Faults, request: Any) -> tuple[str, ...] | None:
    """The code that a new order is refused with; ``None``: it is not."""
    fault = faults.take(
        "rejected_in_answer", template=request.template_id, account=request.account_id
    )
    if fault is None:
        return None
    text = fault.options.get("text", "permission denied")
    return str(fault.options.get("code", "13")), str(text)


def spoils_change(gateway: Gateway, request: Any, order: Order, failed: Happening) -> bool:
    """Whether a change of a working order goes wrong; what happens then has happened."""
    name = "not_modified" if failed is Happening.MODIFY_FAILED else "not_cancelled"
    where = {"template": request.template_id, "account": request.account_id}
    if gateway.faults.take("atomic_operation", **where):
        gateway.book.fail(order, failed, ATOMIC)
        return True
    if fault := gateway.faults.take(name, **where):
        gateway.book.fail(order, failed, fault.options.get("text", name.replace("_", " ")))
        return True
    return False


def fill_before_modify(gateway: Gateway, order: Order) -> None:
    """Let the order fill just before it is changed."""
    if fault := gateway.faults.take("fill_before_modify", account=order.ticket.account):
        gateway.fill(order.basket_id, fault.options.get("size"), fault.options.get("price"))


def fill_while_cancelling(gateway: Gateway, order: Order) -> bool:
    """Whether the order fills between the wish to cancel it and the cancel."""
    fault = gateway.faults.take("fill_while_cancelling", account=order.ticket.account)
    if fault is None:
        return False
    size = fault.options.get("size", max(1, order.left // 2))
    gateway.book.ask_cancel(order)
    gateway.fill(order.basket_id, size, fault.options.get("price"))
    return True
