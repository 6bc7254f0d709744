"""The provider ``vault``: secrets in one encrypted file."""

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from fillbridge_hooks import ConfigurationError, Secret
from fillbridge_hooks.private_files import make_folder, read_private, write_private
from fillbridge_secrets.envelope import (
    LARGEST,
    MOST_SLOTS,
    NAME,
    Box,
    Contents,
    Hidden,
    decode,
    encode,
    is_sealed,
    new_id,
    new_key,
    put,
    sealed,
    take,
)
from fillbridge_secrets.passphrases import Passphrase, long_enough
from fillbridge_secrets.slots import key_in, new_slot

_WHAT = "the vault"


class Vault:
    """Secrets in a file of mode 0600, under a key that a passphrase opens.

    Once unlocked, the key stays in memory and a secret is decrypted when it is asked for; nothing
    that was decrypted is kept. Whoever can read the memory of this process can read the key.
    """

    def __init__(self, path: Path, passphrase: Passphrase, *, asks: bool = False) -> None:
        """Look at nothing yet.

        :param passphrase: answers what opens it
        :param asks: whether that asks a person, which must not happen while it trades
        """
        self._path = path
        self._passphrase = passphrase
        self._asks = asks
        self._opened: tuple[str, bytes] | None = None
        self._learn: Callable[[Secret], None] | None = None

    def tell(self, learn: Callable[[Secret], None]) -> None:
        """Tell ``learn`` of the passphrase, once it is read."""
        self._learn = learn

    def unlock(self) -> None:
        """Open the vault.

        :raises ConfigurationError: if there is none, it is damaged or the passphrase is another's
        """
        self._opened = None
        self._key(self._read())

    def __call__(self, reference: str) -> Secret | None:
        """The secret of that name; ``None`` where the vault has none.

        :raises ConfigurationError: if the vault cannot be read, was damaged, or must be unlocked
        """
        contents = self._read()
        key = self._key(contents)
        box = contents.secrets.get(reference)
        return None if box is None else Secret(self._taken(key, contents, reference).decode())

    def names(self) -> Sequence[str]:
        """The names of the secrets, which stand in the file as they are; asks for no passphrase.

        :raises ConfigurationError: if the vault cannot be read
        """
        return sorted(self._read().secrets)

    def keep(self, name: str, secret: Secret) -> None:
        """Keep the secret; the first one makes the vault.

        :raises ConfigurationError: if the name or the secret cannot be used, or the vault cannot
            be read, written or unlocked
        """
        if not NAME.fullmatch(name):
            raise ConfigurationError(
                f"the name of a secret: expected letters, digits, '_', '.', '-', was {name!r}"
            )
        if not secret.reveal():
            raise ConfigurationError(f"the secret {name!r}: expected some text, was none")
        with self._changing():
            if self._path.exists() or self._path.is_symlink():
                contents = self._read()
                key = self._key(contents)
                key_id, slots, boxes = contents.key_id, contents.slots, dict(contents.secrets)
            else:
                key, key_id, boxes = new_key(), new_id(), {}
                slots = (new_slot(long_enough(self._asked(True)), key, key_id),)
            boxes[name] = _put(key, key_id, name, Hidden(secret.reveal().encode()))
            self._write(sealed(key, key_id, slots, boxes))
            self._opened = key_id, key

    def rotate(self, passphrase: Secret | None, *, keep_old: bool = False) -> None:
        """Put the secrets under a new key, or let one more passphrase open the one there is.

        :raises ConfigurationError: if it cannot be unlocked, or the passphrase is too short
        """
        with self._changing():
            contents = self._read()
            present = self._asked(False)
            key = self._key_by(present, contents)
            if passphrase is not None:
                self._told(passphrase)
            opens = present if passphrase is None else long_enough(passphrase)
            if keep_old:
                if len(contents.slots) == MOST_SLOTS:
                    raise self._error(f"expected at most {MOST_SLOTS} passphrases; rotate it whole")
                key_id, boxes = contents.key_id, dict(contents.secrets)
                slots = (*contents.slots, new_slot(opens, key, key_id))
            else:
                old, key, key_id = key, new_key(), new_id()
                boxes = {
                    name: _put(key, key_id, name, self._taken(old, contents, name))
                    for name in contents.secrets
                }
                slots = (new_slot(opens, key, key_id),)
            self._write(sealed(key, key_id, slots, boxes))
            self._opened = key_id, key

    def _asked(self, is_new: bool) -> Secret:
        passphrase = self._passphrase(is_new)
        self._told(passphrase)
        return passphrase

    def _told(self, passphrase: Secret) -> None:
        if self._learn is not None:
            self._learn(passphrase)

    def _key(self, contents: Contents) -> bytes:
        """The key that these contents are sealed with."""
        if self._opened is not None and self._opened[0] != contents.key_id and self._asks:
            raise self._error("its key was changed since it was unlocked; start again to unlock it")
        if self._opened is None or self._opened[0] != contents.key_id:
            self._opened = contents.key_id, self._key_by(self._asked(False), contents)
        key = self._opened[1]
        self._check_seal(key, contents)
        return key

    def _key_by(self, passphrase: Secret, contents: Contents) -> bytes:
        for slot in contents.slots:
            key = key_in(slot, passphrase, contents.key_id)
            if key is not None:
                self._check_seal(key, contents)
                return key
        raise self._error("expected its passphrase, was another one (or the vault is damaged)")

    def _check_seal(self, key: bytes, contents: Contents) -> None:
        if not is_sealed(key, contents):
            raise self._error("it was changed by somebody who does not have its key")

    def _taken(self, key: bytes, contents: Contents, name: str) -> bytes:
        content = take(key, contents.secrets[name], "secret", name, contents.key_id)
        if content is None:
            raise self._error(f"the secret {name!r} is not what was kept under that name")
        return content

    def _read(self) -> Contents:
        if not (self._path.exists() or self._path.is_symlink()):
            raise self._error("expected a vault, was none (fillbridge secrets set NAME makes one)")
        try:
            return decode(read_private(self._path, _WHAT, largest=LARGEST))
        except ConfigurationError as error:
            known = str(error).startswith(f"{self._path}: ")
            raise (error if known else self._error(str(error))) from None

    def _write(self, contents: Contents) -> None:
        content = encode(contents)
        if len(content) > LARGEST:
            raise self._error(f"expected a vault of at most {LARGEST:,} bytes, was larger")
        try:
            write_private(self._path, content)
        except OSError as error:
            raise self._error(f"cannot be written: {error.strerror}") from None

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Let one process at a time change what is in the folder."""
        try:
            make_folder(self._path.parent)
            descriptor = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise self._error(f"its folder cannot be used: {error.strerror}") from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _error(self, message: str) -> ConfigurationError:
        return ConfigurationError(f"{self._path}: {message}")


def _put(key: bytes, key_id: str, name: str, content: bytes) -> Box:
    return put(key, content, "secret", name, key_id)
