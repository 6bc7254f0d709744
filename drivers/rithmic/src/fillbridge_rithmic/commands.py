"""``fillbridge rithmic``: what a login can do, and what to do when nothing else works."""

import sys
from functools import partial
from typing import Any

import anyio
import click

from fillbridge_rithmic.checking import Step, check, find_accounts, find_systems
from fillbridge_rithmic.emergency.commands import cancel_all_command, flatten_command
from fillbridge_rithmic.options import (
    as_json_option,
    failures,
    login_of,
    print_result,
    settings_of,
    takes_gateway,
    takes_login,
)


@click.group()
def rithmic() -> None:
    """Look at a gateway of Rithmic, at what a login there may do, and close all in an emergency.

    The variables RITHMIC_URI, RITHMIC_USERNAME, RITHMIC_SYSTEM and RITHMIC_PASSWORD stand in for
    options; a password is never an option, for others can see those.
    """


@rithmic.command("systems")
@takes_gateway
@as_json_option
def systems_command(uri: str, ca_file: str | None, timeout: float | None, as_json: bool) -> None:
    """List the systems that can be logged in to.

    \b
    Example:
      fillbridge rithmic systems --uri wss://rprotocol.rithmic.com:443
    """  # noqa: D301 (click reads the character \b: do not wrap)
    with failures():
        systems = anyio.run(find_systems, settings_of(uri, ca_file, timeout))
    print_result(as_json, "\n".join(systems), {"systems": systems})


@rithmic.command("accounts")
@takes_login
@as_json_option
def accounts_command(as_json: bool, **login: Any) -> None:
    """List the accounts that a login may trade.

    \b
    Example:
      RITHMIC_PASSWORD=... fillbridge rithmic accounts \\
        --uri wss://rprotocol.rithmic.com:443 --system "Rithmic Test" --user ann --json
    """  # noqa: D301 (click reads the character \b: do not wrap)
    with failures():
        settings, credentials = login_of(**login)
        accounts = anyio.run(find_accounts, settings, credentials)
    lines = [f"{one.account_id}  {one.account_name} {one.currency}".rstrip() for one in accounts]
    print_result(as_json, "\n".join(lines) or "No account may be traded.", {"accounts": accounts})


@rithmic.command("check")
@takes_login
@click.option("--account", help="Account that must be among those that may be traded.")
@click.option("--market-data/--no-market-data", default=True, help="Whether prices are wanted.")
@as_json_option
def check_command(account: str | None, market_data: bool, as_json: bool, **login: Any) -> None:
    """Try all that trading needs, but an order: every login, accounts, trade routes.

    \b
    Example:
      RITHMIC_PASSWORD=... fillbridge rithmic check \\
        --uri wss://rprotocol.rithmic.com:443 --system "Rithmic Test" --user ann
    """  # noqa: D301 (click reads the character \b: do not wrap)
    steps: list[Step] = []

    def tell(step: Step) -> None:
        steps.append(step)
        if not as_json:
            click.echo(f"{'ok' if step.ok else 'FAILED':7} {step.step}: {step.detail}")
            sys.stdout.flush()

    with failures():
        settings, credentials = login_of(**login, market_data=market_data)
        failure = anyio.run(partial(check, settings, credentials, account, tell))
        if as_json:
            print_result(True, "", {"ok": failure is None, "steps": steps})
        if failure is not None:
            raise failure


rithmic.add_command(flatten_command)
rithmic.add_command(cancel_all_command)
