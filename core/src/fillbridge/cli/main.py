"""The command ``fillbridge``: its own commands, and those of plugins."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fillbridge.cli.backtest import backtest
from fillbridge.cli.config import config
from fillbridge.cli.conformance import conformance
from fillbridge.cli.crash import crash_line, guard_crashes
from fillbridge.cli.demo import demo
from fillbridge.cli.doctor import doctor
from fillbridge.cli.holds import COMMANDS as HOLDS
from fillbridge.cli.journal import journal
from fillbridge.cli.kill import alive, arm, kill
from fillbridge.cli.limits import limits
from fillbridge.cli.manage import COMMANDS
from fillbridge.cli.operators import operators
from fillbridge.cli.output import fail, failures, warnings
from fillbridge.cli.plugins import plugins
from fillbridge.cli.propose import propose
from fillbridge.cli.run import run
from fillbridge.cli.secrets import secrets
from fillbridge.trusted import load_trusted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fillbridge.plugins import Plugins


class _Commands(click.Group):
    """Its own commands; those of plugins once one of them is asked for, or all are listed.

    So a command that loads plugins itself decides which, and nothing was imported before.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.load_more: Callable[[], None] | None = None
        """Adds the commands of plugins; ``None`` once it was called."""

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """The command of that name."""
        own = super().get_command(context, name)
        if own is None and self._load():
            return super().get_command(context, name)
        return own

    def list_commands(self, context: click.Context) -> list[str]:
        """The names of all commands."""
        self._load()
        return super().list_commands(context)

    def _load(self) -> bool:
        load, self.load_more = self.load_more, None
        if load is not None:
            load()
        return load is not None


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="fillbridge", prog_name="fillbridge")
@click.pass_context
def cli(context: click.Context) -> None:
    """Fill trade proposals, keep them protected, and say what they cost.

    \b
    Example:
      fillbridge demo
    """  # noqa: D301 (click reads the character \b: do not wrap)
    context.with_resource(warnings())


_OWN = (
    backtest,
    config,
    conformance,
    demo,
    doctor,
    journal,
    limits,
    operators,
    plugins,
    propose,
    run,
    secrets,
)
for _command in (*_OWN, *HOLDS, *COMMANDS, kill, alive, arm):
    cli.add_command(_command)


def add_plugin_commands(group: click.Group, installed: Plugins) -> None:
    """Let plugins add their commands; one that fails is left out, and that is said."""
    for found in installed.resolve("fillbridge_register_commands"):
        before = dict(group.commands)
        try:
            found.function(group)
            for name, command in before.items():
                if group.commands.get(name) is not command:
                    raise ValueError(f"the command '{name}' is another's")
        except (Exception, SystemExit) as error:  # noqa: BLE001  # its defect must not stop others
            group.commands = before
            message = f"its commands are absent: {type(error).__name__}: {error}"
            click.echo(f"Warning: {found.error(message)}", err=True)


def _add_installed() -> None:
    """Add the commands of the plugins that the configuration on the command line trusts."""
    with failures():
        add_plugin_commands(cli, load_trusted(_named_config(sys.argv[1:]), strict=False))


def _named_config(arguments: Sequence[str]) -> Path | None:
    for place, argument in enumerate(arguments):
        name, is_joined, value = argument.partition("=")
        if name == "--config":
            following = arguments[place + 1 : place + 2]
            return Path(value) if is_joined else Path(following[0]) if following else None
    return None


def main() -> None:
    """Run the command line; exits with 0 done, 1 failed, 2 usage or bad input."""
    try:
        guard_crashes()
        cli.load_more = _add_installed
        cli(prog_name="fillbridge")
    except Exception as error:  # noqa: BLE001  # a defect, of which users see a sentence
        fail(crash_line(error), 1)
