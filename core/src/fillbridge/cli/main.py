"""The command ``fillbridge``: its own commands, and those of plugins."""

from __future__ import annotations

import traceback

import click

from fillbridge.cli.backtest import backtest
from fillbridge.cli.config import config
from fillbridge.cli.conformance import conformance
from fillbridge.cli.demo import demo
from fillbridge.cli.holds import COMMANDS as HOLDS
from fillbridge.cli.journal import journal
from fillbridge.cli.kill import alive, arm, kill
from fillbridge.cli.limits import limits
from fillbridge.cli.manage import COMMANDS
from fillbridge.cli.operators import operators
from fillbridge.cli.output import fail, warnings
from fillbridge.cli.plugins import plugins
from fillbridge.cli.propose import propose
from fillbridge.cli.run import run
from fillbridge.cli.secrets import secrets
from fillbridge.plugins import Plugins


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
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


def main() -> None:
    """Run the command line; exits with 0 done, 1 failed, 2 usage or bad input."""
    try:
        installed = Plugins()
        installed.load(strict=False)
        add_plugin_commands(cli, installed)
        cli(prog_name="fillbridge")
    except Exception as error:  # noqa: BLE001  # a defect, of which users see a sentence
        place = traceback.extract_tb(error.__traceback__)[-1]
        fail(f"unexpected {type(error).__name__} at {place.filename}:{place.lineno}: {error}", 1)
