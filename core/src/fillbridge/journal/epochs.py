"""The number of the start, kept beside the journal so that it rises even if that is lost."""

from pathlib import Path

from fillbridge.journal.private_files import read_private, write_private

_WHAT = "the epoch"


def last_epoch(path: Path) -> int | None:
    """The number of the last start: 0 if there was none, ``None`` if the file is damaged.

    :raises JournalUnusable: if others may read the file, or it cannot be read
    """
    if not path.exists():
        return 0
    text = read_private(path, _WHAT).decode("ascii", "replace").strip()
    return int(text) if text.isdecimal() else None


def keep_epoch(path: Path, epoch: int) -> None:
    """Write the number of this start; it stands when this returns."""
    write_private(path, f"{epoch}\n".encode())
