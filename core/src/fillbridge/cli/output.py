"""What all commands share: how they print, and how they fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import click
import msgspec

if TYPE_CHECKING:
    from rich.console import Console

_PIPE_WIDTH = 200
"""Columns where the output is no terminal, so that lines of a table are not broken."""


def fail(message: object, code: int) -> NoReturn:
    """Say on standard error what is wrong and exit: 1 for a failure, 2 for bad input."""
    click.echo(f"Error: {message}", err=True)
    raise SystemExit(code)


def print_json(document: object) -> None:
    """Print one JSON document, indented."""
    click.echo(msgspec.json.format(msgspec.json.encode(document), indent=2))


def console() -> Console:
    """A console on standard output, as wide as the terminal."""
    # Imported here because it is slow to import, and --json does not need it.
    from rich.console import Console

    terminal = Console(highlight=False)
    return terminal if terminal.is_terminal else Console(highlight=False, width=_PIPE_WIDTH)
