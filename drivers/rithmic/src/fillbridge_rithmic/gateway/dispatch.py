"""From a request to its answer, and to what goes wrong on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fillbridge_rithmic.gateway.answers import Answer, answered, ended, rejected
from fillbridge_rithmic.gateway.codec import given, has_field
from fillbridge_rithmic.gateway.codes import BAD_INPUT, DENIED, NO_DATA
from fillbridge_rithmic.gateway.faults.rows import spoil_rows
from fillbridge_rithmic.gateway.requests import handler_of
from fillbridge_rithmic.gateway.requests.login import list_systems, log_in

if TYPE_CHECKING:
    from fillbridge_rithmic.gateway.gateway import Gateway
    from fillbridge_rithmic.gateway.sessions import Session

_SYSTEMS, _LOGIN = 16, 10
_DELAY_S = 30.0


class _Faults:
    """The faults that meet one request."""

    def __init__(self, gateway: Gateway, request: Any) -> None:
        account = given(request, "account_id") if has_field(request, "account_id") else None
        self._where = {"template": request.template_id, "account": account}
        self._faults = gateway.faults

    def __getitem__(self, name: str) -> dict[str, Any] | None:
        """The options of a fault that happens now; ``None``: it does not."""
        fault = self._faults.take(name, **self._where)
        return None if fault is None else fault.options

    def __contains__(self, name: str) -> bool:
        return self[name] is not None


def carry_out(gateway: Gateway, session: Session, request: Any) -> None:
    """Do what a client asks for, and answer it."""
    faults = _Faults(gateway, request)
    _spoil_connection(session, faults)
    if "drop_before_accept" in faults:
        session.abort()
    elif "silence" in faults or session.is_silent:
        pass
    elif (options := faults["rejected"]) is not None:
        say(session, Answer(end=rejected(request, _code_of(options))))
    elif (options := faults["refused"]) is not None:
        say(session, answered(request, _code_of(options)))
    elif "no_data" in faults:
        say(session, answered(request, NO_DATA))
    else:
        with gateway.audience.held() as notifications:
            answer = _answer(gateway, session, request)
            if answer.rows:
                answer = spoil_rows(gateway, request, answer)
        _answer_and_tell(gateway, session, answer, notifications, faults)


def _spoil_connection(session: Session, faults: _Faults) -> None:
    if "half_open" in faults:
        session.fall_silent()
    if (options := faults["fragmented"]) is not None:
        session.frame_parts = options.get("parts", 3)
    if (options := faults["slow_drip"]) is not None:
        session.websocket.drip_s = options.get("pause_s", 0.001)
    if "coalesced" in faults:
        session.coalesces = True


def _code_of(options: dict[str, Any]) -> tuple[str, ...]:
    return str(options.get("code", "6")), str(options.get("text", "bad input"))


def _answer_and_tell(
    gateway: Gateway,
    session: Session,
    answer: Answer,
    notifications: list[tuple[str, Any]],
    faults: _Faults,
) -> None:
    """Answer first and tell what happened then, unless something goes wrong."""
    if (options := faults["bare_ack"]) is not None and answer.rows and answer.end is not None:
        answer = _without_rows(answer, options.get("basket", True))
    if "drop_before_ack" in faults:
        session.abort()
    elif "ack_never" in faults:
        pass
    elif (options := faults["ack_delayed"]) is not None:
        gateway.later(options.get("delay_s", _DELAY_S), lambda: say(session, answer))
    elif answer.tells_first or "ack_after_notifications" in faults:
        gateway.audience.release(notifications)
        say(session, answer)
        return
    else:
        say(session, answer)
    gateway.audience.release(notifications)


def _without_rows(answer: Answer, with_basket: bool) -> Answer:
    """The answer as its end alone, which names the basket or does not."""
    first, end = answer.rows[0], answer.end
    for field in ("user_tag", "basket_id", "ssboe", "usecs"):
        if with_basket and has_field(first, field) and first.HasField(field):
            setattr(end, field, getattr(first, field))
    return Answer(end=end)


def say(session: Session, answer: Answer) -> None:
    """Send an answer to who asked."""
    for message in (*answer.before, *answer.rows):
        session.send(message)
    if answer.end is not None:
        session.send(answer.end)
    for message in answer.behind:
        session.send(message)
    if answer.closes or answer.breaks:
        session.finish(breaks=answer.breaks)


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
    if refusal is not None:
        return Answer(end=ended(request, refusal))
    return handler(gateway, session, request)


def _refusal(gateway: Gateway, session: Session, request: Any) -> tuple[str, ...] | None:
    """Why a request is refused whatever it asks for."""
    if not has_field(request, "account_id"):
        return None
    for field, name in (("fcm_id", "FCM"), ("ib_id", "IB"), ("account_id", "Account")):
        if not given(request, field):
            return "1039", f"{name} Id field is not received."
    wanted = (request.fcm_id, request.ib_id, request.account_id)
    for account in gateway.accounts_of(session.user):
        if (account.fcm_id, account.ib_id, account.account_id) == wanted:
            return None
    return DENIED
