"""The key of the chain: given, or in a file that is made at first use."""

import secrets
from pathlib import Path

from fillbridge.journal.errors import JournalUnusable
from fillbridge.journal.private_files import read_private, write_private
from fillbridge_hooks import Secret

_SIZE = 32
_WHAT = "the journal's key"


def given_key(key: bytes | Secret) -> bytes:
    """The bytes of a key that the caller has.

    :raises JournalUnusable: if it is shorter than 16 bytes
    """
    found = key.reveal().encode() if isinstance(key, Secret) else key
    return _long_enough(found, "the journal's key")


def read_key(path: Path) -> bytes:
    """The key in a file.

    :raises JournalUnusable: if others may read the file, or it cannot be read
    """
    return _long_enough(read_private(path, _WHAT), str(path))


def make_key(path: Path) -> bytes:
    """A new random key, which stands in the file when this returns."""
    key = secrets.token_bytes(_SIZE)
    write_private(path, key)
    return key


def _long_enough(key: bytes, where: str) -> bytes:
    if len(key) < _SIZE // 2:
        raise JournalUnusable(f"{where}: expected a key of at least 16 bytes, was {len(key)}")
    return key
