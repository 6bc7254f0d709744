"""The number of the start, kept beside the journal so that it rises even if that is lost.

While a start is being recorded, the number of the last one that was stands behind it: a start that
is cut short in between is none that the journal has lost.
"""

from pathlib import Path

import msgspec

from fillbridge.journal.private_files import read_private, write_private

_WHAT = "the epoch"


class KeptEpoch(msgspec.Struct, frozen=True):
    """What is known of starts without the journal."""

    last: int
    """The number of the last start; 0 if there was none."""
    recorded: int
    """The number of the last start that stands in the journal."""


def last_epoch(path: Path) -> KeptEpoch | None:
    """What was kept; ``None`` if the file is damaged.

    :raises JournalUnusable: if others may read the file, or it cannot be read
    """
    if not path.exists():
        return KeptEpoch(0, 0)
    words = read_private(path, _WHAT).decode("ascii", "replace").split()
    if len(words) not in {1, 2} or not all(map(str.isdecimal, words)):
        return None
    return KeptEpoch(int(words[0]), int(words[-1]))


def keep_epoch(path: Path, kept: KeptEpoch) -> None:
    """Write the number of this start; it stands when this returns."""
    numbers = (kept.last,) if kept.last == kept.recorded else (kept.last, kept.recorded)
    write_private(path, f"{' '.join(map(str, numbers))}\n".encode())
