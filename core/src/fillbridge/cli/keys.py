"""How commands come by an operator's private key: a file, and a passphrase that is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fillbridge.cli.output import REDACTOR, failures
from fillbridge_hooks import ConfigurationError, Secret
from fillbridge_hooks.private_files import private_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from fillbridge.operators import Approval

_FILE = click.Path(path_type=Path)
_LONGEST = 10_000


def passphrase_option(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the option that names a file with the passphrase."""
    return click.option(
        "--passphrase-file",
        type=_FILE,
        metavar="FILE",
        help="Where the passphrase stands; asked for without it.",
    )(command)


def key_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that say whose key it signs with."""
    decorated = passphrase_option(command)
    decorated = click.option("--key", type=_FILE, metavar="FILE", help="The private key.")(
        decorated
    )
    return click.option("--operator", metavar="NAME", help="Who approves.")(decorated)


def operator_key(
    operator: str | None, key: Path | None, passphrase_file: Path | None
) -> tuple[str, Ed25519PrivateKey]:
    """Who approves, and the key to sign with.

    :raises ConfigurationError: if one of the two is missing, or the key cannot be read
    """
    from fillbridge.operators import read_key_file

    if operator is None or key is None:
        raise ConfigurationError("--operator and --key: expected both or neither, was one")
    return operator, read_key_file(key, passphrase(passphrase_file))


def signed(
    purpose: str,
    content_hash: str,
    operator: str | None,
    key: Path | None,
    passphrase_file: Path | None,
) -> Approval:
    """The approval of whoever sits here, now; ends the command if the key cannot be read."""
    with failures():
        name, private = operator_key(operator, key, passphrase_file)
        from fillbridge.live import SystemClock
        from fillbridge.operators import sign

        return sign(purpose, content_hash, name, private, SystemClock().now_ns)


def passphrase(file: Path | None, *, is_new: bool = False) -> Secret:
    """The passphrase, from a file or whoever sits at the terminal.

    :param is_new: ask for it twice
    :raises ConfigurationError: if the file is not private, or cannot be read
    """
    if file is None:
        found = Secret(click.prompt("Passphrase", hide_input=True, confirmation_prompt=is_new))
    else:
        found = private_text(file, "the passphrase", largest=_LONGEST)
    REDACTOR.learn(found)
    return found
