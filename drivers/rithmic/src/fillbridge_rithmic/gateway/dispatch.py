"""From a request to its answer, and to what goes wrong on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fillbridge_rithmic.gateway.answers import Answer, answered, rejected
from fillbridge_rithmic.gateway.codec import given, has_field
from fillbridge_rithmic.gateway.codes import BAD_INPUT, DENIED
from fillbridge_rithmic.gateway.requests import handler_of
from fillbridge_rithmic.gateway.requests.login import list_systems, log_in

if TYPE_CHECKING:
    from fillbridge_rithmic.gateway.gateway import Gateway
    from fillbridge_rithmic.gateway.sessions import Session

_SYSTEMS, _LOGIN = 16, 10


def carry_out(gateway: Gateway, session: Session, request: Any) -> None:
    """Do what a client asks for, and answer it."""
    template = request.template_id
    where = {"template": template, "account": _account_of(request)}
    if gateway.faults.take("drop_before_accept", **where):
        session.abort()
        return
    if gateway.faults.take("silence", **where):
        return
    with gateway.notifications_held() as notifications:
        answer = _answer(gateway, session, request)
    if gateway.faults.take("drop_before_ack", **where):
        session.abort()
    elif gateway.faults.take("ack_never", **where):
        answer = Answer()
    elif delayed := gateway.faults.take("ack_delayed", **where):
        gateway.later(delayed.options.get("delay_s", 30.0), lambda: _say(session, answer))
        gateway.release(notifications)
        return
    elif gateway.faults.take("ack_after_notifications", **where):
        gateway.release(notifications)
        _say(session, answer)
        return
    _say(session, answer)
    gateway.release(notifications)


def _account_of(request: Any) -> str | None:
    return given(request, "account_id") if has_field(request, "account_id") else None


def _say(session: Session, answer: Answer) -> None:
    for message in (*answer.before, *answer.rows):
        session.send(message)
    if answer.end is not None:
        session.send(answer.end)
    if answer.closes:
        session.finish()


def _answer(gateway: Gateway, session: Session, request: Any) -> Answer:
    template = request.template_id
    if template == _SYSTEMS and session.plant is None:
        return list_systems(gateway, request)
    if template == _LOGIN and session.plant is None:
        return log_in(gateway, session, request)
    if session.plant is None:
        return Answer(end=rejected(request, DENIED))
    handler = handler_of(template, session.plant)
    if handler is None:
        return Answer(end=rejected(request, BAD_INPUT))
    refusal = _refusal(gateway, session, request)
    return handler(gateway, session, request) if refusal is None else answered(request, refusal)


def _refusal(gateway: Gateway, session: Session, request: Any) -> tuple[str, ...] | None:
    """Why a request is refused whatever it asks for."""
    if not has_field(request, "account_id"):
        return None
    for field, name in (("fcm_id", "FCM"), ("ib_id", "IB"), ("account_id", "Account")):
        if not given(request, field):
            return ("1039", f"{name} Id field is not received.")
    for account in gateway.accounts_of(session.user):
        wanted = (request.fcm_id, request.ib_id, request.account_id)
        if (account.fcm_id, account.ib_id, account.account_id) == wanted:
            return None
    return DENIED
