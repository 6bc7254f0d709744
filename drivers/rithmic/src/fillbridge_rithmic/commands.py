"""``fillbridge rithmic``: what a login can do, found out before anything is traded."""

import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import click
import msgspec

from fillbridge_hooks import (
    ConfigurationError,
    FatalError,
    InvalidValue,
    NotConnected,
    RetryableError,
    Secret,
)
from fillbridge_rithmic.checking import Step, check, find_accounts, find_systems
from fillbridge_rithmic.link.errors import RequestRefused
from fillbridge_rithmic.settings import RithmicSettings

_FAILED, _BAD_INPUT, _NOT_CONNECTED = 1, 2, 3
_OTHERS = stat.S_IRWXG | stat.S_IRWXO

_Command = Callable[..., None]
_as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


def _takes_gateway(command: _Command) -> _Command:
    for option in (
        click.option("--timeout", type=click.FloatRange(0, min_open=True), help="For each, s."),
        click.option("--ca-file", help="PEM file of authorities, in place of the system's."),
        click.option("--uri", envvar="RITHMIC_URI", required=True, help="wss://host:port."),
    ):
        command = option(command)
    return command


def _takes_login(command: _Command) -> _Command:
    for option in (
        click.option("--password-file", help="File of mode 0600 that holds the password alone."),
        click.option(
            "--password-env",
            default="RITHMIC_PASSWORD",
            show_default=True,
            help="Name of the variable that holds the password.",
        ),
        click.option("--system", envvar="RITHMIC_SYSTEM", required=True, help="System to use."),
        click.option("--user", envvar="RITHMIC_USERNAME", required=True, help="Name of the user."),
    ):
        command = option(command)
    return _takes_gateway(command)


@click.group()
def rithmic() -> None:
    """Look at a gateway of Rithmic, and at what a login there may do.

    The variables RITHMIC_URI, RITHMIC_USERNAME, RITHMIC_SYSTEM and RITHMIC_PASSWORD stand in for
    options; a password is never an option, for others can see those.
    """


@rithmic.command("systems")
@_takes_gateway
@_as_json
def systems_command(uri: str, ca_file: str | None, timeout: float | None, as_json: bool) -> None:
    """List the systems that can be logged in to.

    \b
    Example:
      fillbridge rithmic systems --uri wss://rprotocol.rithmic.com:443
    """  # noqa: D301 (click reads the character \b: do not wrap)
    with _failures():
        systems = anyio.run(find_systems, _settings(uri, ca_file, timeout))
    _print(as_json, "\n".join(systems), {"systems": systems})


@rithmic.command("accounts")
@_takes_login
@_as_json
def accounts_command(as_json: bool, **login: Any) -> None:
    """List the accounts that a login may trade.

    \b
    Example:
      RITHMIC_PASSWORD=... fillbridge rithmic accounts \\
        --uri wss://rprotocol.rithmic.com:443 --system "Rithmic Test" --user ann --json
    """  # noqa: D301 (click reads the character \b: do not wrap)
    with _failures():
        settings, credentials = _login(**login)
        accounts = anyio.run(find_accounts, settings, credentials)
    lines = [f"{one.account_id}  {one.account_name} {one.currency}".rstrip() for one in accounts]
    _print(as_json, "\n".join(lines) or "No account may be traded.", {"accounts": accounts})


@rithmic.command("check")
@_takes_login
@click.option("--account", help="Account that must be among those that may be traded.")
@click.option("--market-data/--no-market-data", default=True, help="Whether prices are wanted.")
@_as_json
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

    with _failures():
        settings, credentials = _login(**login, market_data=market_data)
        failure = anyio.run(partial(check, settings, credentials, account, tell))
        if as_json:
            _print(True, "", {"ok": failure is None, "steps": steps})
        if failure is not None:
            raise failure


def _settings(
    uri: str, ca_file: str | None, timeout: float | None, **others: Any
) -> RithmicSettings:
    if timeout is not None:
        others |= {"connect_timeout_s": timeout, "request_timeout_s": timeout}
    return RithmicSettings(uri=uri, ca_file=ca_file, **others)


def _login(
    *,
    uri: str,
    ca_file: str | None,
    timeout: float | None,
    user: str,
    system: str,
    password_env: str,
    password_file: str | None,
    **others: Any,
) -> tuple[RithmicSettings, dict[str, Secret]]:
    settings = _settings(uri, ca_file, timeout, system_name=system, **others)
    password = _password(password_env, password_file)
    return settings, {"username": Secret(user), "password": password}


def _password(name: str, path: str | None) -> Secret:
    if path is None:
        if not (value := os.environ.get(name)):
            raise ConfigurationError(
                f"{name}: missing; expected the password in that variable, or --password-file"
            )
        return Secret(value)
    file = Path(path)
    try:
        mode, text = file.stat().st_mode, file.read_text()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "not a text"
        raise ConfigurationError(f"--password-file: {path!r} cannot be read ({why})") from None
    if mode & _OTHERS:
        raise ConfigurationError(
            f"--password-file: expected mode 0600, was {stat.S_IMODE(mode):04o}: chmod 600 {path}"
        )
    if not (value := text.rstrip("\r\n")):
        raise ConfigurationError(f"--password-file: {path!r} is empty; expected the password")
    return Secret(value)


def _print(as_json: bool, text: str, document: object) -> None:
    click.echo(msgspec.json.encode(document).decode() if as_json else text)
    sys.stdout.flush()


@contextmanager
def _failures() -> Iterator[None]:
    """Turn what goes wrong on purpose into one sentence and an exit code."""
    try:
        yield
    except (ConfigurationError, InvalidValue) as error:
        _fail(error, _BAD_INPUT)
    except (FatalError, RequestRefused) as error:
        _fail(error, _FAILED)
    except (NotConnected, RetryableError) as error:
        _fail(error, _NOT_CONNECTED)


def _fail(error: Exception, code: int) -> None:
    click.echo(f"Error: {' '.join(str(error).splitlines())}", err=True)
    raise SystemExit(code)
