"""Files that nobody but their owner may read, and files that stand before anything goes on."""

import os
import stat
from pathlib import Path

from fillbridge.journal.errors import JournalUnusable

_OTHERS = 0o077
PRIVATE = 0o600


def make_folder(path: Path) -> None:
    """Make a folder that only its owner may enter, if there is none; it stands when this returns.

    :raises OSError: if it cannot be made
    """
    if not path.is_dir():
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        sync_folder(path.parent)


def check_private(path: Path, what: str) -> None:
    """Refuse a file that others may read or write.

    :raises JournalUnusable: saying how to mend it
    """
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError as error:
        raise JournalUnusable(f"{path}: {what} cannot be read: {error.strerror}") from None
    if mode & _OTHERS:
        raise JournalUnusable(
            f"{path}: expected {what} with mode 0600, was {mode:04o}: others may read it "
            f"(chmod 600 it)"
        )
    if not os.access(path, os.R_OK):
        raise JournalUnusable(f"{path}: {what} cannot be read: Permission denied")


def read_private(path: Path, what: str) -> bytes:
    """The content of a file that only its owner may read.

    :raises JournalUnusable: if others may read it too, or it cannot be read
    """
    check_private(path, what)
    try:
        return path.read_bytes()
    except OSError as error:
        raise JournalUnusable(f"{path}: {what} cannot be read: {error.strerror}") from None


def write_private(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; it stands when this returns."""
    partial = path.with_name(f"{path.name}-new")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE)
    try:
        os.fchmod(descriptor, PRIVATE)
        os.write(descriptor, content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    partial.replace(path)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Make the names in a folder stand."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
