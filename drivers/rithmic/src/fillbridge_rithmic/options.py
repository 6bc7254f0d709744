"""What the commands that log in have in common: options, the password, exit codes."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

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
from fillbridge_hooks.private_files import read_private
from fillbridge_rithmic.link.errors import RequestRefused
from fillbridge_rithmic.settings import RithmicSettings

FAILED: Final = 1
BAD_INPUT: Final = 2
NOT_CONNECTED: Final = 3

Command = Callable[..., None]
as_json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


def takes_gateway(command: Command) -> Command:
    """Add the options that say where the gateway is."""
    for option in (
        click.option("--timeout", type=click.FloatRange(0, min_open=True), help="For each, s."),
        click.option("--ca-file", help="PEM file of authorities, in place of the system's."),
        click.option("--uri", envvar="RITHMIC_URI", required=True, help="wss://host:port."),
    ):
        command = option(command)
    return command


def takes_login(command: Command) -> Command:
    """Add the options that say where the gateway is, and who logs in."""
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
    return takes_gateway(command)


def settings_of(
    uri: str, ca_file: str | None, timeout: float | None, **others: Any
) -> RithmicSettings:
    """Settings from the options of :func:`takes_gateway`.

    :raises ConfigurationError: if they cannot be used
    """
    if timeout is not None:
        others |= {"connect_timeout_s": timeout, "request_timeout_s": timeout}
    return RithmicSettings(uri=uri, ca_file=ca_file, **others)


def login_of(
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
    """Settings and credentials from the options of :func:`takes_login`.

    :raises ConfigurationError: if they cannot be used, or there is no password
    """
    settings = settings_of(uri, ca_file, timeout, system_name=system, **others)
    password = _password(password_env, password_file)
    return settings, {"username": Secret(user), "password": password}


def _password(name: str, path: str | None) -> Secret:
    if path is None:
        if not (value := os.environ.get(name)):
            raise ConfigurationError(
                f"{name}: missing; expected the password in that variable, or --password-file"
            )
        return Secret(value)
    try:
        text = read_private(Path(path), "the password").decode()
    except UnicodeDecodeError:
        raise ConfigurationError(f"--password-file: {path!r} cannot be read (not a text)") from None
    except ConfigurationError as error:
        raise ConfigurationError(f"--password-file: {error}") from None
    if not (value := text.rstrip("\r\n")):
        raise ConfigurationError(f"--password-file: {path!r} is empty; expected the password")
    return Secret(value)


def print_result(as_json: bool, text: str, document: object) -> None:
    """Print the document as JSON, or else the text."""
    click.echo(msgspec.json.encode(document).decode() if as_json else text)
    sys.stdout.flush()


@contextmanager
def failures(fatal: int = FAILED) -> Iterator[None]:
    """Turn what goes wrong on purpose into one sentence and an exit code.

    :param fatal: the code for what Rithmic refuses
    """
    try:
        yield
    except (ConfigurationError, InvalidValue) as error:
        _fail(error, BAD_INPUT)
    except (FatalError, RequestRefused) as error:
        _fail(error, fatal)
    except (NotConnected, RetryableError) as error:
        _fail(error, NOT_CONNECTED)


def _fail(error: Exception, code: int) -> None:
    click.echo(f"Error: {' '.join(str(error).splitlines())}", err=True)
    raise SystemExit(code)
