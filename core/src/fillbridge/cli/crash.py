"""What the command says of a defect: where it is, and no secret."""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from typing import TYPE_CHECKING, Any

import click

from fillbridge.cli.output import REDACTOR, cleaned
from fillbridge.logs import RedactionFilter

if TYPE_CHECKING:
    from types import TracebackType


def crash_line(error: BaseException) -> str:
    """One sentence for a defect that nobody foresaw."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return f"unexpected {type(error).__name__}{place}: {error}"


def guard_crashes() -> None:
    """Let errors that end a thread, or the process, be told in one line each.

    Python's own report repeats the text of every error, and nobody has looked through that.
    """
    if logging.lastResort is not None:  # prints what libraries log where nobody else does
        logging.lastResort.addFilter(RedactionFilter(REDACTOR))
    sys.excepthook = _on_error
    threading.excepthook = _on_thread
    sys.unraisablehook = _on_unraisable


def _on_error(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    _say(error)


def _on_thread(failed: threading.ExceptHookArgs) -> None:
    if failed.exc_value is not None:
        _say(failed.exc_value)


def _on_unraisable(failed: Any) -> None:
    if failed.exc_value is not None:
        _say(failed.exc_value)


def _say(error: BaseException) -> None:
    click.echo(f"Error: {cleaned(crash_line(error))}", err=True)
