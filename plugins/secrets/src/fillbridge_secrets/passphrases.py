"""Where a passphrase comes from: a person, a file, the keyring; never arguments or variables."""

import getpass
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from fillbridge_hooks import ConfigurationError, Secret
from fillbridge_hooks.private_files import private_text
from fillbridge_secrets.keyrings import KeyringSecrets

SHORTEST: Final = 12
"""Characters of a new passphrase."""

KEYRING_NAME: Final = "vault-passphrase"
"""Under which the keyring has the passphrase of the vault."""

_TERMINAL = "/dev/tty"
_SYSTEMD = "CREDENTIALS_DIRECTORY"
_LARGEST: Final = 4096

Passphrase = Callable[[bool], Secret]
"""Answers the passphrase; told whether it is a new one, which a person types twice."""


def asked(vault: Path) -> Passphrase:
    """A person types it at the terminal."""

    def ask(is_new: bool) -> Secret:
        try:
            Path(_TERMINAL).open("rb").close()
        except OSError:
            raise ConfigurationError(
                f"{vault}: its passphrase is asked for at a terminal, and there is none; set "
                f"execution_handler.vault.unlock to file or keyring"
            ) from None
        if not is_new:
            return Secret(getpass.getpass(f"Passphrase of {vault}: "))
        first = Secret(getpass.getpass(f"New passphrase of {vault}: "))
        if first != Secret(getpass.getpass("Once more: ")):
            raise ConfigurationError("the two passphrases differ")
        return first

    return ask


def in_file(name: str, environ: Mapping[str, str] = os.environ) -> Passphrase:
    """It stands in a private file; a name alone is one of systemd's credentials, if it gave any."""

    def read(is_new: bool) -> Secret:
        folder = environ.get(_SYSTEMD)
        given = folder is not None and "/" not in name
        path = Path(folder or "", name) if given else Path(name)
        found = private_text(path, "the passphrase", largest=_LARGEST, given=given)
        return _not_empty(found, str(path))

    return read


def in_keyring(service: str) -> Passphrase:
    """The keyring has it."""

    def find(is_new: bool) -> Secret:
        found = KeyringSecrets(service)(KEYRING_NAME) or Secret("")
        return _not_empty(found, f"keyring {service!r}, {KEYRING_NAME}")

    return find


def long_enough(passphrase: Secret) -> Secret:
    """A passphrase that may open a vault from now on.

    :raises ConfigurationError: if it is too short
    """
    length = len(passphrase.reveal())
    if length < SHORTEST:
        raise ConfigurationError(
            f"the passphrase: expected at least {SHORTEST} characters, was {length}"
        )
    return passphrase


def _not_empty(found: Secret, place: str) -> Secret:
    if not found.reveal():
        raise ConfigurationError(f"{place}: expected the passphrase, was nothing")
    return found
