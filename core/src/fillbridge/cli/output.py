"""What all commands share: how they print, and how they fail."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

import click
import msgspec

from fillbridge.escaping import printable, printable_json
from fillbridge.files import BadFile
from fillbridge.logs import RedactionFilter, cause_of
from fillbridge.redaction import Redactor, mask_named
from fillbridge_hooks import ConfigurationError, FillbridgeError, InvalidValue, NotConnected

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

_PIPE_WIDTH = 200
"""Columns where the output is no terminal, so that lines of a table are not broken."""

_MOST_WARNINGS = 20

REDACTOR = Redactor()
"""What this process has learned that must not be shown: a command is one process."""


def fail(message: object, code: int) -> NoReturn:
    """Say on standard error what is wrong and exit.

    :param code: 1 for a failure, 2 for bad input, 3 where nobody answers
    """
    click.echo(f"Error: {cleaned(message)}", err=True)
    raise SystemExit(code)


@contextmanager
def failures() -> Iterator[None]:
    """Turn what goes wrong on purpose into one sentence and an exit code."""
    try:
        yield
    except (BadFile, ConfigurationError, InvalidValue) as error:
        fail(error, 2)
    except NotConnected as error:
        fail(error, 3)
    except FillbridgeError as error:
        fail(error, 1)
    except OSError as error:
        place = "" if error.filename is None else f"{error.filename}: "
        fail(f"{place}{error.strerror or error}", 1)


@contextmanager
def warnings() -> Iterator[None]:
    """Show what Fillbridge logs, a line each and on standard error.

    A plugin that fails usually does so again and again: of what one statement says of one plugin
    the first is shown, and at the end how many more there were.
    """
    handler = _Warnings(logging.WARNING)
    logger = logging.getLogger("fillbridge")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        if handler.hidden:
            click.echo(f"Warning: {handler.hidden:,} more like these", err=True)


def print_json(document: object) -> None:
    """Print one JSON document, indented."""
    click.echo(json_text(msgspec.json.format(msgspec.json.encode(document), indent=2).decode()))


def json_text(text: str) -> str:
    """A JSON document as it may be printed: without secrets, and harmless to a terminal."""
    return printable_json(REDACTOR(text))


def cleaned(message: object) -> str:
    """A message in one line, without secrets, and harmless to a terminal."""
    return printable(mask_named(REDACTOR(" ".join(str(message).splitlines()))))


def console() -> Console:
    """A console on standard output, as wide as the terminal."""
    # Imported here because it is slow to import, and --json does not need it.
    from rich.console import Console

    terminal = Console(highlight=False)
    return terminal if terminal.is_terminal else Console(highlight=False, width=_PIPE_WIDTH)


class _Warnings(logging.Handler):
    def __init__(self, level: int) -> None:
        super().__init__(level)
        self.addFilter(RedactionFilter(REDACTOR))
        self.hidden = 0
        self._shown: set[tuple[str, str]] = set()

    def emit(self, record: logging.LogRecord) -> None:
        subject = record.args[0] if isinstance(record.args, tuple) and record.args else None
        kind = (record.msg, str(subject))
        if kind in self._shown or len(self._shown) == _MOST_WARNINGS:
            self.hidden += 1
            return
        self._shown.add(kind)
        cause = cause_of(record)
        click.echo(f"Warning: {record.getMessage()}{cause and f': {cause}'}", err=True)
