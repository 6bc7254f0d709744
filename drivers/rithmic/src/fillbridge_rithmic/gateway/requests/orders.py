"""Requests that place, change and withdraw orders."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

from fillbridge_rithmic.gateway.answers import Answer, answered, ended, row
from fillbridge_rithmic.gateway.book.brackets import on_tick
from fillbridge_rithmic.gateway.book.events import Happening
from fillbridge_rithmic.gateway.book.order import Ticket
from fillbridge_rithmic.gateway.clock import stamps
from fillbridge_rithmic.gateway.codec import given
from fillbridge_rithmic.gateway.codes import (
    LIMITED,
    STOPS,
    Duration,
    Plant,
    PriceType,
    Side,
)
from fillbridge_rithmic.gateway.faults.orders import (
    fill_before_modify,
    fill_while_cancelling,
    refusal_in_answer,
    spoils_change,
)
from fillbridge_rithmic.gateway.requests.registry import carries_out

if TYPE_CHECKING:
    from fillbridge_rithmic.gateway.book.order import Order
    from fillbridge_rithmic.gateway.gateway import Gateway
    from fillbridge_rithmic.gateway.sessions import Session

IS_COMPLETE = (
    "Cancellation rejected by the Order Management System - Order is complete. "
    "Further cancellations on this order may lead to logoff/disable"
)
_OFF_GRID = 1e-6
UNKNOWN_BASKET = ("1062", "basket id is unknown")


class Refused(Exception):
    """An order that cannot be; the code goes back to who sent it."""

    def __init__(self, text: str, code: str = "6") -> None:
        super().__init__(text)
        self.code = (code, text)


@carries_out(312, Plant.ORDER)
def place_order(gateway: Gateway, session: Session, request: Any) -> Answer:
    """Take a new order. Nothing keeps one that is sent twice from being two."""
    try:
        ticket = read_ticket(gateway, session, request)
    except Refused as refused:
        return answered(request, refused.code, user_tag=given(request, "user_tag"))
    return acknowledged(gateway, request, gateway.place(ticket))


def acknowledged(gateway: Gateway, request: Any, order: Order) -> Answer:
    """The answer to an order that was taken: a row with its basket, then the end."""
    ssboe, usecs = stamps(gateway.now_ns())
    fields = {"basket_id": order.basket_id, "ssboe": ssboe, "usecs": usecs}
    tag = {"user_tag": order.ticket.user_tag} if request.template_id in (312, 330) else {}
    return Answer(rows=[row(request, **fields, **tag)], end=ended(request))


def read_ticket(gateway: Gateway, session: Session, request: Any) -> Ticket:
    """What a request asks for.

    :raises Refused: if it cannot be
    """
    refusal = refusal_in_answer(gateway.faults, request)
    if refusal is not None:
        raise Refused(refusal[1], refusal[0])
    contract = gateway.book.contracts.get(request.symbol)
    if contract is None or contract.exchange != request.exchange:
        raise Refused(f"{request.symbol} is not traded at {request.exchange}")
    if request.quantity <= 0:
        raise Refused("quantity is invalid")
    try:
        side = Side(request.transaction_type)
        price_type = PriceType(request.price_type)
        duration = Duration(request.duration)
    except ValueError as error:
        raise Refused(str(error)) from None
    price, trigger_price = given(request, "price"), given(request, "trigger_price")
    if price_type in LIMITED:
        check_price(price, "price", contract.tick_size)
    if price_type in STOPS:
        check_price(trigger_price, "trigger price", contract.tick_size)
    return Ticket(
        account=request.account_id,
        user=session.user.name if session.user else "",
        symbol=contract.symbol,
        exchange=contract.exchange,
        side=side,
        quantity=request.quantity,
        price_type=price_type,
        duration=duration,
        price=price,
        trigger_price=trigger_price,
        user_tag=given(request, "user_tag"),
        window_name=given(request, "window_name"),
        trade_route=given(request, "trade_route"),
        manual_or_auto=given(request, "manual_or_auto"),
        cancel_after_s=given(request, "cancel_after_secs"),
    )


def check_price(price: float | None, name: str, tick_size: float) -> None:
    """Go on if there is a price, and it is on the grid.

    :raises Refused: if not
    """
    if price is None:
        raise Refused(f"{name} field is not received.")
    if not isfinite(price) or abs(price - on_tick(price, tick_size)) > _OFF_GRID:
        raise Refused(f"{name} {price} is not on a tick of {tick_size}")


@carries_out(314, Plant.ORDER)
def modify_order(gateway: Gateway, session: Session, request: Any) -> Answer:
    """Change a working order.

    A stop that is sent a price and no trigger price is told that it was modified, and is not.
    """
    order = order_of(gateway, request)
    if order is None:
        return answered(request, UNKNOWN_BASKET)
    fill_before_modify(gateway, order)
    if not order.works:
        gateway.book.fail(order, Happening.MODIFY_FAILED, "Order is complete")
        return acknowledged(gateway, request, order)
    if spoils_change(gateway, request, order, Happening.MODIFY_FAILED):
        return acknowledged(gateway, request, order)
    price_type = given(request, "price_type")
    try:
        wanted = PriceType(order.price_type if price_type is None else price_type)
    except ValueError as error:
        return answered(request, ("6", str(error)))
    price, trigger_price = given(request, "price"), given(request, "trigger_price")
    tick_size = gateway.book.contracts[order.ticket.symbol].tick_size
    try:
        if wanted in LIMITED:
            check_price(order.price if price is None else price, "price", tick_size)
        if wanted in STOPS:
            trigger = order.trigger_price if trigger_price is None else trigger_price
            check_price(trigger, "trigger price", tick_size)
    except Refused as refused:
        return answered(request, refused.code)
    gateway.book.modify(
        order,
        quantity=given(request, "quantity"),
        price_type=wanted,
        price=price if wanted in LIMITED else None,
        trigger_price=trigger_price if wanted in STOPS else None,
    )
    return acknowledged(gateway, request, order)


@carries_out(316, Plant.ORDER)
def cancel_order(gateway: Gateway, session: Session, request: Any) -> Answer:
    """Withdraw an order; of one that is complete, too many tries end the session."""
    order = order_of(gateway, request)
    if order is None:
        return answered(request, UNKNOWN_BASKET)
    if order.works:
        if spoils_change(gateway, request, order, Happening.CANCEL_FAILED):
            return acknowledged(gateway, request, order)
        if not fill_while_cancelling(gateway, order):
            gateway.book.cancel(order)
            return acknowledged(gateway, request, order)
        if order.works:
            gateway.book.end(order)
            return acknowledged(gateway, request, order)
    gateway.book.fail(order, Happening.CANCEL_FAILED, IS_COMPLETE)
    session.futile_cancels += 1
    most = gateway.settings.max_futile_cancels
    if most is not None and session.futile_cancels >= most:
        gateway.force_out(session)
    return acknowledged(gateway, request, order)


def order_of(gateway: Gateway, request: Any) -> Order | None:
    """The order that a request names, if it is one of its account."""
    order = gateway.book.orders.get(request.basket_id)
    return order if order is not None and order.ticket.account == request.account_id else None
