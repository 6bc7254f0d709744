"""How commands reach a running handler, and what they do with its answer."""

from __future__ import annotations

import getpass
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from fillbridge.cli.output import cleaned, fail, failures, print_json
from fillbridge.config import load_settings
from fillbridge.trusted import load_trusted
from fillbridge_hooks import NotConnected

if TYPE_CHECKING:
    from collections.abc import Callable

    from fillbridge.config import Settings
    from fillbridge.management import Answer
    from fillbridge.management.messages import Asked
    from fillbridge.plugins import Plugins

_FILE = click.Path(path_type=Path)
_LONGEST_TEXT = 500
EXIT_CODES = {"done": 0, "refused": 1, "held": 1, "failed": 1, "invalid": 2}
"""By the kind of an answer."""


class Where(msgspec.Struct, frozen=True):
    """Which handler is meant."""

    config: Path | None
    account: str | None
    socket: Path | None


def to_a_handler(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that say which handler is meant, and ``--json``."""

    def with_place(
        config: Path | None, account: str | None, socket: Path | None, **others: Any
    ) -> None:
        command(Where(config, account, socket), **others)

    with_place.__name__, with_place.__doc__ = command.__name__, command.__doc__
    decorated: Callable[..., None] = with_place
    # What the command has declared for itself comes first in its help.
    declared = getattr(command, "__click_params__", [])
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print one JSON document."),
        click.option("--socket", type=_FILE, metavar="PATH", help="Its socket, wherever that is."),
        click.option("--account", metavar="A", help="Its account, if the file names another."),
        click.option("--config", type=_FILE, metavar="FILE", help="What it was started with."),
    ):
        decorated = option(decorated)
    decorated.__click_params__ += declared  # type: ignore[attr-defined]  # click puts it there
    return decorated


def bounded(context: click.Context, option: click.Parameter, value: str) -> str:
    """A text that fits into a request."""
    if len(value) > _LONGEST_TEXT:
        rule = f"expected at most {_LONGEST_TEXT} characters, was {len(value)}"
        raise click.BadParameter(rule, context, option)
    return value


def who() -> str:
    """Who asks, as the journal keeps it."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError, ImportError):
        name = f"user {os.getuid()}"
    return f"{name} (command line)"


def find_socket(where: Where) -> tuple[Path, Settings | None]:
    """The socket of the handler that is meant, and the settings that named it.

    :raises ConfigurationError: if the configuration or the path cannot be used
    """
    from fillbridge.management import check_socket_path, socket_path

    if where.socket is not None:
        return check_socket_path(where.socket), None
    settings, _ = found_settings(where)
    return socket_path(settings), settings


def found_settings(where: Where) -> tuple[Settings, Plugins]:
    """The settings of the handler that is meant, and the plugins they are for.

    :raises ConfigurationError: if the configuration cannot be used
    """
    plugins = load_trusted(where.config)
    options = {} if where.account is None else {"live_settings.account": where.account}
    loaded = load_settings(where.config, plugins.settings_sections(), options=options)
    return loaded.settings, plugins


def ask(where: Where, name: str, **fields: Any) -> Any:
    """What the handler answers to the request of that name; ends the command if it is not done."""
    # Imported here because it is slow to import, and most commands do not need it.
    import anyio

    from fillbridge.management import make_request

    with failures():
        request = make_request(name, by=who(), **fields)
        path, settings = find_socket(where)
        try:
            answer = anyio.run(_ask, path, request)
        except NotConnected as error:
            raise hinted(error, settings) from None
    if EXIT_CODES[answer.kind]:
        fail(answer.error, EXIT_CODES[answer.kind])
    return answer.result


async def _ask(path: Path, request: Asked) -> Answer:
    from fillbridge.management import connect

    async with connect(path) as client:
        return await client.ask(request)


def hinted(error: NotConnected, settings: Settings | None) -> NotConnected:
    """The error, with the accounts whose handlers might have been meant."""
    from fillbridge.management import other_sockets

    if settings is None:
        return error
    account = settings.live_settings.account
    others = ", ".join(name for name, _ in other_sockets(settings))
    hint = f"; there are sockets of other accounts: {others}" if others else ""
    return NotConnected(f"account {account!r}: {error}{hint}")


def say(result: dict[str, Any], *, as_json: bool) -> None:
    """Print the answer to a command that changed something."""
    if as_json:
        print_json(result)
    else:
        click.echo(cleaned(result["said"]))
