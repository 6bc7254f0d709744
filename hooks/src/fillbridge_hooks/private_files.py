"""Files that nobody but their owner may read, and files that stand before anything goes on.

A private file is a regular file of this user, with a mode no wider than 0600, that is reached
without a symbolic link of its own and stands below folders that strangers cannot change. Everything
that holds a secret or decides about money is read and written here: vaults, keys, latches.
"""

import errno
import os
import stat
from pathlib import Path

from fillbridge_hooks.errors import ConfigurationError
from fillbridge_hooks.secret import Secret

PRIVATE = 0o600
"""The mode of a private file."""

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_SYSTEM = 0
_LARGEST = 1 << 24


def check_private(path: Path, what: str) -> None:
    """Refuse a file that is not private.

    :param what: what it is, as the sentence calls it: ``the vault``
    :raises ConfigurationError: saying how to mend it
    """
    try:
        _check(path, what, path.lstat())
    except OSError as error:
        raise _unreadable(path, what, error) from None
    if not os.access(path, os.R_OK):
        raise ConfigurationError(f"{path}: {what} cannot be read: Permission denied")


def read_private(path: Path, what: str, *, largest: int = _LARGEST, given: bool = False) -> bytes:
    """The content of a private file; what was checked is what is read.

    :param what: what it is, as the sentence calls it: ``the vault``
    :param largest: bytes that it may have
    :param given: whether the system put it there for this process, as systemd does with
        credentials: then it may be the system's own, and its group may read it, which is how an
        access list for one user shows
    :raises ConfigurationError: if it is not private, too large or cannot be read; says how to mend
        it
    """
    try:
        # Without O_NONBLOCK a named pipe would be waited for.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _linked(path, what) from None
        raise _unreadable(path, what, error) from None
    try:
        _check(path, what, os.fstat(descriptor), given=given)
        content = b""
        while len(content) <= largest and (more := os.read(descriptor, largest + 1)):
            content += more
    except OSError as error:
        raise _unreadable(path, what, error) from None
    finally:
        os.close(descriptor)
    if len(content) > largest:
        raise ConfigurationError(
            f"{path}: expected {what} of at most {largest:,} bytes, was larger"
        )
    return content


def private_text(path: Path, what: str, *, largest: int = _LARGEST, given: bool = False) -> Secret:
    """The secret in a private file; a line break at its end does not belong to it.

    :param what: as for :func:`read_private`, like what follows
    :raises ConfigurationError: as :func:`read_private`, and if it is not UTF-8
    """
    try:
        content = read_private(path, what, largest=largest, given=given).decode()
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path}: expected {what} in UTF-8") from None
    return Secret(content.removesuffix("\n").removesuffix("\r"))


def write_private(path: Path, content: bytes) -> None:
    """Write a private file whole or not at all; it stands when this returns.

    :raises ConfigurationError: if strangers can change a folder above it
    :raises OSError: if it cannot be written; what was there before is still there
    """
    check_folders(path)
    partial = path.with_name(f"{path.name}-new")
    partial.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(partial, flags, PRIVATE)
    try:
        os.fchmod(descriptor, PRIVATE)
        left = memoryview(content)
        while left:
            left = left[os.write(descriptor, left) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    partial.replace(path)
    sync_folder(path.parent)


def make_folder(path: Path) -> None:
    """Make a folder that only its owner may enter, if there is none; it stands when this returns.

    :raises OSError: if it cannot be made
    """
    if not path.is_dir():
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Make the names in a folder stand."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def check_folders(path: Path) -> None:
    """Refuse a path on which anybody could put another file in the place of this one.

    A folder that everybody may write is tolerated where it is sticky, as ``/tmp`` is: there
    nobody can move what is another's.

    :raises ConfigurationError: naming the folder, and saying how to mend it
    """
    for folder in Path(os.path.realpath(path)).parents:
        try:
            mode = folder.stat().st_mode
        except OSError:  # one above it was told of, or what reads the file will say it
            continue
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            raise ConfigurationError(
                f"{path}: expected folders that only their owners may write, but {folder} has mode "
                f"{stat.S_IMODE(mode):04o}: anybody can replace the file (chmod o-w it)"
            )


def _check(path: Path, what: str, status: os.stat_result, *, given: bool = False) -> None:
    if stat.S_ISLNK(status.st_mode):
        raise _linked(path, what)
    if not stat.S_ISREG(status.st_mode):
        kind = "Is a directory" if stat.S_ISDIR(status.st_mode) else "Not a regular file"
        raise ConfigurationError(f"{path}: {what} cannot be read: {kind}")
    owner, mode = status.st_uid, stat.S_IMODE(status.st_mode)
    mine = os.geteuid()
    if owner != mine and not (given and owner == _SYSTEM):
        raise ConfigurationError(
            f"{path}: expected {what} to belong to user {mine}, was user {owner}'s, who can change "
            f"it (chown {mine} it)"
        )
    allowed = stat.S_IRGRP if given else 0
    if mode & _OTHERS & ~allowed:
        raise ConfigurationError(
            f"{path}: expected {what} with mode 0600, was {mode:04o}: others may read or write it "
            f"(chmod 600 it)"
        )
    check_folders(path)


def _linked(path: Path, what: str) -> ConfigurationError:
    return ConfigurationError(
        f"{path}: expected {what}, was a symbolic link, whose target can be exchanged (name the "
        f"file itself)"
    )


def _unreadable(path: Path, what: str, error: OSError) -> ConfigurationError:
    return ConfigurationError(f"{path}: {what} cannot be read: {error.strerror}")
