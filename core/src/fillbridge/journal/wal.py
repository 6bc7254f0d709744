"""What SQLite's write-ahead log holds beyond the last transaction that counts.

SQLite drops what follows the first frame that does not fit, without a word. Here it is measured,
and damage is told from a crash. After a crash only the last transaction can be incomplete, for the
next begins once it stands: a whole commit that is followed by more frames was acknowledged.
"""

import struct
from pathlib import Path

import msgspec

_HEADER = struct.Struct(">IIIIIIII")
_FRAME = struct.Struct(">IIIIII")
_LITTLE_ENDIAN, _BIG_ENDIAN = 0x377F0682, 0x377F0683
_SMALLEST_PAGE, _LARGEST_PAGE = 512, 65536
_SECTOR = 512
_WORD = 0xFFFFFFFF


class LogTail(msgspec.Struct, frozen=True):
    """What stands in a write-ahead log and does not count."""

    size: int
    """Bytes, of this log; what an earlier one left further on is not among them."""
    is_damage: bool
    """Whether commits are among it that must have been acknowledged."""


_NOTHING = LogTail(0, is_damage=False)


def log_of(database: Path) -> Path:
    """The write-ahead log of a database."""
    return database.with_name(f"{database.name}-wal")


def read_tail(database: Path, counted: int) -> LogTail:
    """What follows the first ``counted`` frames of a database's log, before anything is written."""
    try:
        content = log_of(database).read_bytes()
    except FileNotFoundError:
        return _NOTHING
    if len(content) < _HEADER.size + _FRAME.size + _SMALLEST_PAGE:
        return LogTail(max(0, len(content) - _HEADER.size), is_damage=False)
    magic, _, page, _, *salts, first, second = _HEADER.unpack_from(content)
    words = "<" if magic == _LITTLE_ENDIAN else ">"
    if magic not in {_LITTLE_ENDIAN, _BIG_ENDIAN} or _checksum(
        words, content[: _HEADER.size - 8], (0, 0)
    ) != (first, second):
        # It is written and synced before the first frame.
        return LogTail(len(content), is_damage=True)
    if not _SMALLEST_PAGE <= page <= _LARGEST_PAGE:
        return LogTail(len(content), is_damage=True)
    frame = _FRAME.size + page
    begin = _HEADER.size + counted * frame
    end = begin
    is_commit_before = is_damage = False
    for place in range(begin, len(content) - frame + 1, frame):
        _, commit, *found, _, _ = _FRAME.unpack_from(content, place)
        if found != salts:
            continue
        end = place + frame
        if _is_in_a_sector(place) or _fits(content, place, frame, words):
            is_damage = is_damage or is_commit_before
            is_commit_before = is_commit_before or commit > 0
    rest = (len(content) - _HEADER.size) % frame
    if end + rest == len(content):
        end += rest
    return LogTail(end - begin, is_damage)


def _is_in_a_sector(place: int) -> bool:
    """Whether a frame's header reaches the disk whole or not at all, so that it can be believed."""
    return place // _SECTOR == (place + _FRAME.size - 1) // _SECTOR


def _fits(content: bytes, place: int, frame: int, words: str) -> bool:
    """Whether a frame's checksum continues that of the frame before it."""
    if place == _HEADER.size:
        return False  # else it would count
    _, _, _, _, *before = _FRAME.unpack_from(content, place - frame)
    _, _, _, _, *here = _FRAME.unpack_from(content, place)
    summed = content[place : place + 8] + content[place + _FRAME.size : place + frame]
    return _checksum(words, summed, (before[0], before[1])) == (here[0], here[1])


def _checksum(words: str, content: bytes, start: tuple[int, int]) -> tuple[int, int]:
    """SQLite's checksum of the log, going on from another."""
    first, second = start
    for one, other in struct.iter_unpack(f"{words}II", content):
        first = (first + one + second) & _WORD
        second = (second + other + first) & _WORD
    return first, second
