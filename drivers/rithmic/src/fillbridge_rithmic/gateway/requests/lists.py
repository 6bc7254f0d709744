"""Requests of the order plant that only read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from fillbridge_rithmic.gateway.answers import Answer, answered, answered_rows, row
from fillbridge_rithmic.gateway.clock import SECOND_NS
from fillbridge_rithmic.gateway.codes import Plant
from fillbridge_rithmic.gateway.requests.registry import carries_out

if TYPE_CHECKING:
    from fillbridge_rithmic.gateway.gateway import Gateway
    from fillbridge_rithmic.gateway.sessions import Session

_TRADER = 3
_OTHER_HOUSE = ("OTHER-FCM", "OTHER-IB")


@carries_out(300)
def show_login(gateway: Gateway, session: Session, request: Any) -> Answer:
    """Who the user is."""
    user = session.user
    fcm_id, ib_id = gateway.house_of(user)
    return answered(
        request,
        fcm_id=fcm_id,
        ib_id=ib_id,
        user=user.name if user else None,
        user_type=_TRADER,
        tp_max_session_count=gateway.settings.max_sessions,
        op_max_session_count=gateway.settings.max_sessions,
    )


@carries_out(302, Plant.ORDER, Plant.PNL)
def list_accounts(gateway: Gateway, session: Session, request: Any) -> Answer:
    """The accounts that the user may trade."""
    rows = [
        row(
            request,
            fcm_id=account.fcm_id,
            ib_id=account.ib_id,
            account_id=account.account_id,
            account_name=account.account_id,
            account_currency="USD",
            loss_limit="0.00",
        )
        for account in gateway.accounts_of(session.user)
    ]
    return answered_rows(request, rows)


@carries_out(310, Plant.ORDER)
def list_routes(gateway: Gateway, session: Session, request: Any) -> Answer:
    """The ways to the exchanges; their changes too, if that is wished."""
    session.hears_of_routes = request.subscribe_for_updates
    routes = list(gateway.settings.routes)
    if gateway.faults.take("route_down"):
        routes = [msgspec.structs.replace(route, status="DOWN") for route in routes]
    if gateway.faults.take("no_default_route"):
        routes = [msgspec.structs.replace(route, is_default=False) for route in routes]
    houses = {(each.fcm_id, each.ib_id) for each in gateway.accounts_of(session.user)}
    if gateway.faults.take("two_houses"):
        houses.add(_OTHER_HOUSE)
    rows = [
        row(
            request,
            fcm_id=fcm_id,
            ib_id=ib_id,
            exchange=route.exchange,
            trade_route=route.trade_route,
            status=route.status,
            is_default=route.is_default,
        )
        for fcm_id, ib_id in sorted(houses)
        for route in routes
    ]
    return answered_rows(request, rows)


@carries_out(308, Plant.ORDER)
def hear_of_orders(gateway: Gateway, session: Session, request: Any) -> Answer:
    """Tell what happens to an account's orders from now on."""
    session.order_accounts.add(request.account_id)
    return answered(request)


@carries_out(336, Plant.ORDER)
def hear_of_brackets(gateway: Gateway, session: Session, request: Any) -> Answer:
    """Tell what happens to an account's brackets from now on."""
    session.bracket_accounts.add(request.account_id)
    return answered(request)


@carries_out(320, Plant.ORDER)
def show_orders(gateway: Gateway, session: Session, request: Any) -> Answer:
    """The orders that work."""
    working = gateway.book.working(request.account_id)
    rows = [gateway.notices.snapshot(order) for order in working]
    return answered_rows(request, rows)


@carries_out(3506, Plant.ORDER)
def replay_fills(gateway: Gateway, session: Session, request: Any) -> Answer:
    """The fills of a time, told once more."""
    start_ns = request.start_index * SECOND_NS
    end_ns = (request.finish_index + 1) * SECOND_NS
    rows = [
        gateway.notices.replayed(gateway.book.orders[fill.basket_id], fill)
        for fill in gateway.book.ledger(request.account_id).fills
        if start_ns <= fill.time_ns < end_ns
    ]
    return answered_rows(request, rows)
