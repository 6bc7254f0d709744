"""The private files of a journal: what is wrong with one makes the journal unusable."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fillbridge.journal.errors import JournalUnusable
from fillbridge_hooks import ConfigurationError, private_files
from fillbridge_hooks.private_files import PRIVATE, make_folder, sync_folder

__all__ = (
    "PRIVATE",
    "check_private",
    "make_folder",
    "read_private",
    "sync_folder",
    "write_private",
)


def check_private(path: Path, what: str) -> None:
    """Refuse a file that is not private.

    :raises JournalUnusable: saying how to mend it
    """
    with _of_the_journal():
        private_files.check_private(path, what)


def read_private(path: Path, what: str) -> bytes:
    """The content of a private file.

    :raises JournalUnusable: if it is not private, or it cannot be read
    """
    with _of_the_journal():
        return private_files.read_private(path, what)


def write_private(path: Path, content: bytes) -> None:
    """Write a private file whole or not at all; it stands when this returns.

    :raises JournalUnusable: if strangers can change a folder above it
    :raises OSError: if it cannot be written
    """
    with _of_the_journal():
        private_files.write_private(path, content)


@contextmanager
def _of_the_journal() -> Iterator[None]:
    try:
        yield
    except ConfigurationError as error:
        raise JournalUnusable(str(error)) from None
