"""What every handler of logging is given: no secret, and nothing that forges a line."""

from __future__ import annotations

import logging
import traceback
from typing import TYPE_CHECKING

from fillbridge.escaping import printable
from fillbridge.redaction import mask_named

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    _ErrorOf = (
        tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
    )

PINNED = ("asyncio", "websockets")
"""Libraries of which nothing below INFO is let through, whatever the levels are: at DEBUG they
write what is sent and received, and the arguments of callbacks."""

_INDENT = "  "


class RedactionFilter(logging.Filter):
    """Takes secrets out of a record, and spells its control characters out.

    It belongs on a handler: a filter on a logger does not see what the loggers below it say. A
    record is changed for every handler that comes after. Of an error nothing but text is kept, and
    no variables: ``record.cause`` says what it was in one line.
    """

    def __init__(self, redact: Callable[[str], str]) -> None:
        """Make one.

        :param redact: masks what is known to be secret, as a handler's ``redactor`` does
        """
        super().__init__()
        self._redact = redact

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record; ``False`` for what a pinned library says below INFO."""
        if record.levelno < logging.INFO and record.name.partition(".")[0] in PINNED:
            return False
        if record.exc_info and record.exc_info[1] is not None:
            record.cause = self.clean(f"{type(record.exc_info[1]).__name__}: {record.exc_info[1]}")
            record.exc_text = self._traceback(record.exc_info)
        record.exc_info = None
        if record.stack_info:
            record.stack_info = self._lines(record.stack_info)
        record.msg = self.clean(str(record.msg))
        if isinstance(record.args, dict):
            record.args = {name: self._argument(value) for name, value in record.args.items()}
        elif record.args:
            record.args = tuple(self._argument(value) for value in record.args)
        self._settle(record)
        return True

    def clean(self, text: str) -> str:
        """One line of text without secrets."""
        return printable(mask_named(self._redact(text)))

    def _argument(self, value: object) -> object:
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, str):
            return self.clean(value)
        return _Shown(self.clean(str(value)), self.clean(repr(value)))

    def _settle(self, record: logging.LogRecord) -> None:
        """Look at the whole message: a secret may only be one where its parts are joined."""
        try:
            message = record.getMessage()
        except Exception:  # noqa: BLE001  # a mistake of whoever logs, which must not end a run
            record.msg, record.args = self.clean(f"{record.msg} % {record.args!r}"), ()
            return
        cleaned = self.clean(message)
        if cleaned != message:
            record.msg, record.args = cleaned, ()

    def _traceback(self, error: _ErrorOf) -> str:
        # Its lines are set in, so that no text of an error begins a line as a record does.
        return self._lines("".join(traceback.format_exception(error[1])).rstrip())

    def _lines(self, text: str) -> str:
        return "\n".join(
            _INDENT + printable(line) for line in mask_named(self._redact(text)).split("\n")
        )


class _Shown:
    """Stands for an argument in a message."""

    def __init__(self, text: str, representation: str) -> None:
        self._text = text
        self._representation = representation

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return self._representation


def cause_of(record: logging.LogRecord) -> str:
    """The error that a filtered record tells of, in one line; empty where there is none."""
    return str(getattr(record, "cause", ""))
