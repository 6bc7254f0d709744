"""Requests that every plant knows: the login, heartbeats, reference data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fillbridge_rithmic.gateway.answers import Answer, answered, ended, response_to
from fillbridge_rithmic.gateway.clock import stamps
from fillbridge_rithmic.gateway.codes import DENIED, NO_DATA, OK, Plant
from fillbridge_rithmic.gateway.requests.registry import carries_out

if TYPE_CHECKING:
    from fillbridge_rithmic.gateway.gateway import Gateway
    from fillbridge_rithmic.gateway.sessions import Session


def list_systems(gateway: Gateway, request: Any) -> Answer:
    """Name the systems (16); the connection ends with it."""
    systems = list(gateway.settings.systems)
    if gateway.faults.take("no_system"):
        systems = []
    return Answer(
        end=ended(request, system_name=systems, has_aggregated_quotes=[False] * len(systems)),
        closes=True,
    )


def log_in(gateway: Gateway, session: Session, request: Any) -> Answer:
    """Make a connection one of a user at a plant (10)."""
    users = {user.name: user for user in gateway.settings.users}
    user = users.get(request.user)
    plants = {int(plant) for plant in Plant}
    if (
        gateway.faults.take("login_denied")
        or user is None
        or user.password != request.password
        or request.system_name not in gateway.settings.systems
        or request.infra_type not in plants
    ):
        return Answer(end=ended(request, DENIED), closes=True)
    session.user, session.plant = user, Plant(request.infra_type)
    gateway.logged_in(session)
    fcm_id, ib_id = gateway.house_of(user)
    return answered(
        request,
        template_version=request.template_version,
        fcm_id=fcm_id,
        ib_id=ib_id,
        unique_user_id=f"{user.name}-{session.number}",
        heartbeat_interval=gateway.settings.heartbeat_interval_s,
    )


@carries_out(12)
def log_out(gateway: Gateway, session: Session, request: Any) -> Answer:
    """End a session as its client wishes."""
    return Answer(end=ended(request), closes=True)


@carries_out(18)
def beat(gateway: Gateway, session: Session, request: Any) -> Answer:
    """Show that the gateway is there."""
    if gateway.faults.take("heartbeat_unanswered"):
        return Answer()
    code = ("5", "heartbeat failed") if gateway.faults.take("heartbeat_error") else OK
    ssboe, usecs = stamps(gateway.now_ns())
    return answered(request, code, ssboe=ssboe, usecs=usecs)


@carries_out(14)
def describe_contract(gateway: Gateway, session: Session, request: Any) -> Answer:
    """Reference data of a contract."""
    contract = gateway.book.contracts.get(request.symbol)
    if contract is None or contract.exchange != request.exchange:
        return answered(request, NO_DATA)
    return Answer(
        end=response_to(
            request,
            rp_code=list(OK),
            symbol=contract.symbol,
            exchange=contract.exchange,
            exchange_symbol=contract.symbol,
            symbol_name=contract.product_code or contract.symbol,
            product_code=contract.product_code or contract.symbol,
            instrument_type="Future",
            expiration_date=contract.expiration_date,
            currency="USD",
            is_tradable="true",
            min_qprice_change=contract.tick_size,
            single_point_value=contract.point_value,
        )
    )
