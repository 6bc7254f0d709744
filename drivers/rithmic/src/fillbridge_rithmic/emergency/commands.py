"""``fillbridge rithmic flatten`` and ``fillbridge rithmic cancel-all``."""

import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, Final

import anyio
import click

from fillbridge_hooks import ConfigurationError
from fillbridge_rithmic.emergency.account import OpenAccount, open_account
from fillbridge_rithmic.emergency.cancelling import cancel_all
from fillbridge_rithmic.emergency.flattening import Scope, flatten
from fillbridge_rithmic.emergency.outcome import Outcome, State
from fillbridge_rithmic.options import (
    FAILED,
    NOT_CONNECTED,
    Command,
    as_json_option,
    failures,
    login_of,
    print_result,
    takes_login,
)

_CODES: Final = {State.CLEAR: 0, State.LEFT: FAILED, State.UNKNOWN: NOT_CONNECTED}
_ENDS_OTHERS: Final = "Other sessions of this user, a running handler's too, may end by this."


def _takes_account(command: Command) -> Command:
    for option in (
        as_json_option,
        click.option("--yes", is_flag=True, help="Do not ask whether it is meant."),
        click.option(
            "--wait",
            "wait_s",
            type=click.FloatRange(0),
            default=10.0,
            show_default=True,
            help="Until nothing is left, s.",
        ),
        click.option("--account", required=True, help="Account that it is about."),
    ):
        command = option(command)
    return takes_login(command)


@click.command("flatten")
@_takes_account
@click.option("--symbol", help="Only this contract, as Rithmic names it.")
@click.option("--exchange", help="Only at this exchange; with --symbol.")
def flatten_command(
    account: str,
    wait_s: float,
    yes: bool,
    as_json: bool,
    symbol: str | None,
    exchange: str | None,
    **login: Any,
) -> None:
    """Close positions at the market; once they are closed, withdraw the orders.

    For when the handler is dead or not to be trusted. The login ends the handler's session where a
    user may have only one. A stop is never withdrawn from what is still open.

    Exit codes: 0 flat, and nothing works; 1 something is left, as is printed; 2 bad input; 3 not
    connected, or not known what is left.

    \b
    Example:
      RITHMIC_PASSWORD=... fillbridge rithmic flatten --account A1 \\
        --uri wss://rprotocol.rithmic.com:443 --system "Rithmic Test" --user ann
    """  # noqa: D301 (click reads the character \b: do not wrap)
    if exchange is not None and symbol is None:
        raise click.UsageError("--exchange: expected --symbol with it")
    what = "every position" if symbol is None else f"the position in {symbol}"
    with failures(fatal=NOT_CONNECTED):
        settings, credentials = login_of(**login)
        _confirm(yes, f"Close {what} of {account} at the market, and withdraw its orders?")
        scope = Scope(symbol=symbol, exchange=exchange)
        opened = open_account(settings, credentials, account)
        _run(opened, partial(_flatten, scope=scope, wait_s=wait_s), as_json)


@click.command("cancel-all")
@_takes_account
@click.option(
    "--although-positions",
    is_flag=True,
    help="Withdraw also the stops of what is open; positions are not even read.",
)
def cancel_all_command(
    account: str,
    wait_s: float,
    yes: bool,
    as_json: bool,
    although_positions: bool,
    **login: Any,
) -> None:
    """Withdraw every order of an account.

    For when the handler is dead or not to be trusted. The login ends the handler's session where a
    user may have only one. Nothing is withdrawn while a position is open, for its stops would go
    too: use flatten, or say --although-positions.

    Exit codes: 0 nothing works; 1 something is left, as is printed; 2 bad input; 3 not connected,
    or not known what is left.

    \b
    Example:
      RITHMIC_PASSWORD=... fillbridge rithmic cancel-all --account A1 \\
        --uri wss://rprotocol.rithmic.com:443 --system "Rithmic Test" --user ann
    """  # noqa: D301 (click reads the character \b: do not wrap)
    stops = " EVEN THE STOPS OF OPEN POSITIONS," if although_positions else ""
    with failures(fatal=NOT_CONNECTED):
        settings, credentials = login_of(**login)
        _confirm(yes, f"Withdraw every order of {account},{stops} now?")
        opened = open_account(settings, credentials, account, with_positions=not although_positions)
        _run(opened, partial(_cancel_all, wait_s=wait_s), as_json)


async def _flatten(
    account: OpenAccount, tell: Callable[[str], None], scope: Scope, wait_s: float
) -> Outcome:
    return await flatten(account, scope, wait_s, tell)


async def _cancel_all(account: OpenAccount, tell: Callable[[str], None], wait_s: float) -> Outcome:
    return await cancel_all(account, wait_s, tell)


def _run(
    opened: AbstractAsyncContextManager[OpenAccount],
    act: Callable[[OpenAccount, Callable[[str], None]], Awaitable[Outcome]],
    as_json: bool,
) -> None:
    """Do it, print what is done as it is done, and exit with the code that says what is left."""

    def tell(sentence: str) -> None:
        if not as_json:
            click.echo(sentence)
            sys.stdout.flush()

    async def run() -> Outcome:
        async with opened as account:
            return await act(account, tell)

    outcome = anyio.run(run)
    if as_json:
        print_result(True, "", outcome)
    raise SystemExit(_CODES[outcome.state])


def _confirm(is_said: bool, question: str) -> None:
    """Ask a person, before anything is done that ends a session or an order.

    :raises ConfigurationError: if nobody can be asked
    """
    if is_said:
        return
    if not _is_terminal():
        raise ConfigurationError("--yes: expected it, since there is no terminal to ask at")
    click.echo(_ENDS_OTHERS, err=True)
    try:
        is_meant = click.confirm(question, err=True)
    except click.Abort:
        is_meant = False
    if not is_meant:
        raise ConfigurationError("not confirmed: nothing was done")


def _is_terminal() -> bool:
    return sys.stdin.isatty()
