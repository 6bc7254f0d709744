"""Faults of the notifications of orders, on their way to those who hear of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fillbridge_rithmic.gateway.codec import bare, has_field
from fillbridge_rithmic.gateway.codes import Reported, Told
from fillbridge_rithmic.gateway.faults.table import STREAM_FAULTS

if TYPE_CHECKING:
    from fillbridge_rithmic.gateway.faults.faults import Fault, Faults

OTHER_ACCOUNT: Final = "SOMEBODY-ELSE"
UNDECODABLE: Final = b"\x00\x00\x00\x04\xff\xff\xff\xff"

_UNKNOWN_NOTIFY_TYPE = 22
_UNKNOWN_TEMPLATE = 358
_LATE_S = 0.2

Sent = Any
"""A message, or bytes that are none."""


class _Held(msgspec.Struct, kw_only=True):
    message: Any
    until: Callable[[Any], bool]


class Stream:
    """Passes notifications on, or not as they are."""

    def __init__(
        self, faults: Faults, send_later: Callable[[float, str, Callable[[], list[Sent]]], object]
    ) -> None:
        """Begin.

        :param send_later: after so many seconds, sends what it is then told to those who hear of
            an account
        """
        self._faults = faults
        self._send_later = send_later
        self._held: list[_Held] = []

    def pass_on(self, account: str, message: Any) -> list[Sent]:
        """What is sent instead of a notification, in order."""
        sent: list[Sent] = list(self._spoiled(account, message))
        for held in list(self._held):
            if held.message is not message and held.until(message):
                self._held.remove(held)
                sent.append(held.message)
        return sent

    def _spoiled(self, account: str, message: Any) -> Iterator[Sent]:
        name, options = self._fault_of(account, message)
        if name is None:
            yield message
        elif name == "lost":
            return
        elif name == "late":
            self._send_later(options.get("delay_s", _LATE_S), account, lambda: [message])
        elif (until := _KEPT_UNTIL.get(name)) is not None:
            basket_id = message.basket_id
            held = _Held(
                message=message,
                until=lambda later: later.basket_id == basket_id and until(later),
            )
            self._held.append(held)
            self._send_later(_LATE_S, account, lambda: self._let_go(held))
        else:
            yield from _CHANGED[name](message)

    def _let_go(self, held: _Held) -> list[Sent]:
        """What is still kept back when its time is up."""
        if held not in self._held:
            return []
        self._held.remove(held)
        return [held.message]

    def _fault_of(self, account: str, message: Any) -> tuple[str | None, dict[str, Any]]:
        profile = self._faults.profile
        drawn = None if profile is None else profile.draw()
        if drawn is not None and _applies(drawn, message):
            self._faults.happened.append(drawn)
            return drawn, {}
        for name in STREAM_FAULTS if self._faults.armed else ():
            if _applies(name, message) and (fault := self._take(name, account, message)):
                return name, fault.options
        return None, {}

    def _take(self, name: str, account: str, message: Any) -> Fault | None:
        return self._faults.take(
            name,
            template=message.template_id,
            account=account,
            notify_type=message.notify_type,
        )


def _is_fill(message: Any) -> bool:
    return bool(message.template_id == 352 and message.notify_type == Reported.FILL)


def _is_complete(message: Any) -> bool:
    return bool(message.template_id == 351 and message.notify_type == Told.COMPLETE)


_KEPT_UNTIL: Final[dict[str, Callable[[Any], bool]]] = {
    "complete_before_fill": _is_complete,
    "open_after_fill": _is_fill,
    "swapped": lambda later: True,
    "trigger_after_fill": _is_fill,
}


def _applies(name: str, message: Any) -> bool:
    if name == "complete_before_fill":
        return _is_fill(message) and not message.total_unfilled_size
    if name == "open_after_fill":
        return bool(message.template_id == 351 and message.notify_type == Told.OPEN)
    if name == "trigger_after_fill":
        return bool(message.template_id == 352 and message.notify_type == Reported.TRIGGER)
    if name == "price_minus_one":
        return not (message.HasField("price") and message.HasField("trigger_price"))
    return True


def _copy(message: Any) -> Any:
    copied = type(message)()
    copied.CopyFrom(message)
    return copied


def _blank_account(message: Any) -> Iterator[Sent]:
    changed = _copy(message)
    changed.account_id = ""
    yield changed


def with_minus_one(message: Any) -> Any:
    """A notification that has -1 for the prices that it does not have."""
    changed = _copy(message)
    for field in ("price", "trigger_price"):
        if has_field(changed, field) and not changed.HasField(field):
            setattr(changed, field, -1.0)
    return changed


def _zero_quantity(message: Any) -> Iterator[Sent]:
    changed = _copy(message)
    changed.ClearField("quantity")
    yield changed


def _of_other_account(message: Any) -> Iterator[Sent]:
    other = _copy(message)
    other.account_id = OTHER_ACCOUNT
    other.basket_id = f"9{message.basket_id}"
    other.ClearField("user_tag")
    other.ClearField("original_basket_id")
    yield other
    yield message


def _unknown_kind(message: Any) -> Iterator[Sent]:
    other = _copy(message)
    other.notify_type = _UNKNOWN_NOTIFY_TYPE
    yield other
    yield message


_CHANGED: Final[dict[str, Callable[[Any], Iterator[Sent]]]] = {
    "blank_account": _blank_account,
    "duplicated": lambda message: iter((message, message)),
    "other_account": _of_other_account,
    "price_minus_one": lambda message: iter((with_minus_one(message),)),
    "undecodable": lambda message: iter((UNDECODABLE, message)),
    "unknown_notify_type": _unknown_kind,
    "unknown_template": lambda message: iter((bare(_UNKNOWN_TEMPLATE), message)),
    "zero_quantity": _zero_quantity,
}
