"""Requests that wait for their answers, told apart by ``user_msg``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import anyio
import msgspec

from fillbridge_hooks import DriverError, RetryableError
from fillbridge_rithmic.link.errors import RequestRefused, code_and_text, is_no_data
from fillbridge_rithmic.wire.codes import ResponseCode
from fillbridge_rithmic.wire.messages import field_specs

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_ROWS: Final = 100_000
"""So many rows are kept for one answer; whoever awaits more takes each as it comes."""

_RESPONSES: Final = frozenset(
    template
    for template, (_, fields) in field_specs().items()
    if {"user_msg", "rp_code"} <= {name for name, _, _ in fields}
)
REJECT: Final = 75


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What was answered to one request."""

    rows: tuple[Any, ...]
    """Its messages in order, the last one included; none where there is no data, or where each was
    given away as it came."""
    code: str
    """``0``, or that there is no data."""
    text: str


class Waiter:
    """One request that waits; made by :meth:`Waiters.add`."""

    __slots__ = ("_each", "_end", "_error", "_rows", "is_over", "name")

    def __init__(self, name: str, each: Callable[[Any], None] | None) -> None:
        self.name = name
        """What the request carries as ``user_msg``."""
        self.is_over = anyio.Event()
        self._each = each
        self._rows: list[Any] = []
        self._end: tuple[str, str] | None = None
        self._error: Exception | None = None

    def take(self, message: Any) -> None:
        """A response of this request has arrived."""
        if self.is_over.is_set():
            return
        if message.template_id == REJECT:
            self.fail(RequestRefused(*code_and_text(message)))
            return
        is_last = len(message.rp_code) > 0
        if is_last:
            self._end = code_and_text(message)
            if self._end[0] != ResponseCode.OK:
                self.is_over.set()
                return
        if self._each is not None:
            try:
                self._each(message)
            except Exception as error:  # noqa: BLE001  # it is whoever asked that must hear it
                self.fail(error)
        elif len(self._rows) < MOST_ROWS:
            self._rows.append(message)
        else:
            self.fail(RetryableError(f"expected at most {MOST_ROWS} rows, were more"))
        if is_last:
            self.is_over.set()

    def fail(self, error: Exception) -> None:
        """There will be no answer."""
        if self._error is None:
            self._error = error
        self.is_over.set()

    def answer(self) -> Answer:
        """The answer, once it is over.

        :raises RequestRefused: if it was refused
        :raises DriverError: if none can come any more
        """
        if isinstance(self._error, DriverError):
            raise type(self._error)(*self._error.args)
        if self._error is not None:
            raise self._error
        assert self._end is not None  # noqa: S101
        code, text = self._end
        if code == ResponseCode.OK:
            return Answer(rows=tuple(self._rows), code=code, text=text)
        if is_no_data(code, text):
            return Answer(rows=(), code=code, text=text)
        raise RequestRefused(code, text)


class Waiters:
    """The requests of one connection that wait; whoever adds one removes it."""

    def __init__(self) -> None:
        self._waiting: dict[str, Waiter] = {}
        self._made = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, each: Callable[[Any], None] | None) -> Waiter:
        """A new one, with a name that no other had."""
        self._made += 1
        waiter = Waiter(f"fillbridge-{self._made}", each)
        self._waiting[waiter.name] = waiter
        return waiter

    def remove(self, waiter: Waiter) -> None:
        """Forget one: what is still answered to it is nobody's."""
        self._waiting.pop(waiter.name, None)

    def take(self, message: Any) -> bool:
        """Give a message to the request that waits for it; whether there is one.

        A reject that names no request belongs to the one that waits, where there is only one.
        """
        template = message.template_id
        if template not in _RESPONSES:
            return False
        if message.user_msg:
            waiter = self._waiting.get(message.user_msg[0])
        elif template == REJECT and len(self._waiting) == 1:
            waiter = next(iter(self._waiting.values()))
        else:
            return False
        if waiter is None:
            return False
        waiter.take(message)
        return True

    def fail_all(self, error: Exception) -> None:
        """None will be answered any more."""
        for waiter in self._waiting.values():
            waiter.fail(error)
