"""Requests for brackets and for orders of which one cancels the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from fillbridge_rithmic.gateway.answers import Answer, answered, answered_rows, row
from fillbridge_rithmic.gateway.book.order import Bracket
from fillbridge_rithmic.gateway.codec import given
from fillbridge_rithmic.gateway.codes import BracketType, Plant
from fillbridge_rithmic.gateway.requests.orders import (
    UNKNOWN_BASKET,
    Refused,
    acknowledged,
    order_of,
    read_ticket,
)
from fillbridge_rithmic.gateway.requests.registry import carries_out

if TYPE_CHECKING:
    from fillbridge_rithmic.gateway.book.order import Order
    from fillbridge_rithmic.gateway.gateway import Gateway
    from fillbridge_rithmic.gateway.sessions import Session

_WITH_TARGET = {
    BracketType.TARGET_ONLY,
    BracketType.TARGET_AND_STOP,
    BracketType.TARGET_ONLY_STATIC,
    BracketType.TARGET_AND_STOP_STATIC,
}
_WITH_STOP = {
    BracketType.STOP_ONLY,
    BracketType.TARGET_AND_STOP,
    BracketType.STOP_ONLY_STATIC,
    BracketType.TARGET_AND_STOP_STATIC,
}
_WRONG_LEVEL = ("6", "level is invalid")
"""A leg is named by the ticks that it has."""
_TOO_LATE = ("6", "the bracket has been released")


@carries_out(330, Plant.ORDER)
def place_bracket(gateway: Gateway, session: Session, request: Any) -> Answer:
    """Take an entry whose fills have legs of their own."""
    try:
        ticket = read_ticket(gateway, session, request)
        bracket = _read_bracket(request)
    except Refused as refused:
        return answered(request, refused.code, user_tag=given(request, "user_tag"))
    order = gateway.place(msgspec.structs.replace(ticket, bracket=bracket))
    return acknowledged(gateway, request, order)


def _read_bracket(request: Any) -> Bracket:
    try:
        bracket_type = BracketType(request.bracket_type)
    except ValueError as error:
        raise Refused(str(error)) from None
    return Bracket(
        bracket_type=bracket_type,
        target_ticks=_ticks(request, "target", bracket_type in _WITH_TARGET),
        stop_ticks=_ticks(request, "stop", bracket_type in _WITH_STOP),
        trails_after_ticks=given(request, "trailing_stop_trigger_ticks"),
        market_on_reject=request.stop_market_on_reject,
    )


def _ticks(request: Any, leg: str, is_wanted: bool) -> int | None:
    if not is_wanted:
        return None
    ticks, quantity = given(request, f"{leg}_ticks"), given(request, f"{leg}_quantity")
    if ticks is None or ticks <= 0:
        raise Refused(f"{leg} ticks field is not received.")
    if quantity != request.quantity:
        raise Refused(f"{leg} quantity is invalid")
    return int(ticks)


@carries_out(332, Plant.ORDER)
def move_target(gateway: Gateway, session: Session, request: Any) -> Answer:
    """Change how far from its fills the targets of an entry will stand."""
    return _move(gateway, request, "target_ticks")


@carries_out(334, Plant.ORDER)
def move_stop(gateway: Gateway, session: Session, request: Any) -> Answer:
    """Change how far from its fills the stops of an entry will stand."""
    return _move(gateway, request, "stop_ticks")


def _move(gateway: Gateway, request: Any, field: str) -> Answer:
    order = order_of(gateway, request)
    bracket = order.ticket.bracket if order is not None else None
    if order is None or bracket is None:
        return answered(request, UNKNOWN_BASKET)
    if gateway.faults.take("level_wrong", template=request.template_id):
        return answered(request, _WRONG_LEVEL)
    if not order.works:
        return answered(request, _TOO_LATE)
    ticks, held = given(request, field), getattr(bracket, field)
    if held is None or ticks is None or ticks <= 0:
        return answered(request, ("6", f"{field} is invalid"))
    if given(request, "level") != held:
        return answered(request, _WRONG_LEVEL)
    setattr(bracket, field, ticks)
    gateway.audience.tell_bracket(order)
    return answered(request)


@carries_out(338, Plant.ORDER)
def list_targets(gateway: Gateway, session: Session, request: Any) -> Answer:
    """The targets that are still to come, by entry."""
    rows = [
        row(
            request,
            basket_id=order.basket_id,
            target_quantity=str(order.quantity),
            target_quantity_released=str(bracket.released),
            target_ticks=str(bracket.target_ticks),
        )
        for order, bracket in _unreleased(gateway, request)
        if bracket.target_ticks is not None
    ]
    return answered_rows(request, rows)


@carries_out(340, Plant.ORDER)
def list_stops(gateway: Gateway, session: Session, request: Any) -> Answer:
    """The stops that are still to come, by entry."""
    rows = [
        row(
            request,
            basket_id=order.basket_id,
            stop_quantity=str(order.quantity),
            stop_quantity_released=str(bracket.released),
            stop_ticks=str(bracket.stop_ticks),
            trailing_stop_trigger_ticks=(
                None if bracket.trails_after_ticks is None else str(bracket.trails_after_ticks)
            ),
        )
        for order, bracket in _unreleased(gateway, request)
        if bracket.stop_ticks is not None
    ]
    return answered_rows(request, rows)


def _unreleased(gateway: Gateway, request: Any) -> list[tuple[Order, Bracket]]:
    return [
        (order, order.ticket.bracket)
        for order in gateway.book.working(request.account_id)
        if order.ticket.bracket is not None
    ]
