"""Keys of operators: the private one in a file under a passphrase, the public one in a line."""

from __future__ import annotations

import base64
import binascii
import os
import re
from typing import TYPE_CHECKING

from fillbridge_hooks import ConfigurationError, InvalidValue
from fillbridge_hooks.private_files import read_private

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey,
        Ed25519PublicKey,
    )

    from fillbridge_hooks import Secret

_PREFIX = "ed25519:"
_SIZE = 32
_PRIVATE = 0o600
_LARGEST = 10_000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_SHORTEST_PASSPHRASE = 8


def check_name(name: str) -> str:
    """``name``, if an operator may have it.

    :raises InvalidValue: if it may not
    """
    if not _NAME.fullmatch(name):
        rule = "1 to 63 letters, digits, '_', '.' or '-', the first a letter or digit"
        raise InvalidValue("operator", rule, name)
    return name


def make_key_file(path: Path, passphrase: Secret) -> str:
    """Make a key; its private half stands in ``path``, encrypted; the public line.

    :raises InvalidValue: if the passphrase has less than 8 characters
    :raises ConfigurationError: if the file is there already, or cannot be written
    """
    # Imported here because it loads OpenSSL, and few processes need keys.
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import (
        BestAvailableEncryption,
        Encoding,
        PrivateFormat,
    )

    if len(passphrase.reveal()) < _SHORTEST_PASSPHRASE:
        rule = f"at least {_SHORTEST_PASSPHRASE} characters"
        raise InvalidValue("passphrase", rule, passphrase)
    key = Ed25519PrivateKey.generate()
    content = key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(passphrase.reveal().encode())
    )
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, _PRIVATE)
    except FileExistsError:
        raise ConfigurationError(f"{path}: expected no file yet, was one") from None
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be written: {error.strerror}") from None
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(file.fileno(), _PRIVATE)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return public_line(key)


def read_key_file(path: Path, passphrase: Secret) -> Ed25519PrivateKey:
    """The private key of an operator.

    :raises ConfigurationError: if the file is not private, it holds no such key, or the passphrase
        is another
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    content = read_private(path, "the key", largest=_LARGEST)
    try:
        key = load_pem_private_key(content, passphrase.reveal().encode())
    except (ValueError, TypeError):
        message = "expected an encrypted private key and its passphrase, one of them is not"
        raise ConfigurationError(f"{path}: {message}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigurationError(f"{path}: expected an Ed25519 key, was one of another kind")
    return key


def public_line(key: Ed25519PrivateKey) -> str:
    """What the configuration says of an operator: ``ed25519:`` and the public key in base64."""
    return _PREFIX + base64.b64encode(key.public_key().public_bytes_raw()).decode()


def check_public_line(field: str, line: str) -> bytes:
    """The bytes of a public key.

    :raises InvalidValue: if the line is none
    """
    try:
        if line.startswith(_PREFIX):
            found = base64.b64decode(line.removeprefix(_PREFIX), validate=True)
            if len(found) == _SIZE:
                return found
    except (binascii.Error, ValueError):
        pass
    raise InvalidValue(field, "ed25519: and the base64 of a public key", line)


def public_key(field: str, line: str) -> Ed25519PublicKey:
    """The public key of a line.

    :raises InvalidValue: if the line is none
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    return Ed25519PublicKey.from_public_bytes(check_public_line(field, line))
