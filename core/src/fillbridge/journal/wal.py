"""What SQLite's write-ahead log holds beyond the last transaction that counts.

SQLite drops an incomplete last transaction without a word. Here it is counted, and told from
damage: after a crash at most one transaction can be incomplete, for the next begins once it stands.
"""

import struct
from pathlib import Path

import msgspec

_HEADER = struct.Struct(">IIIIII")
_HEADER_SIZE = 32
_FRAME = struct.Struct(">IIII")
_FRAME_SIZE = 24
_MAGIC = (0x377F0682, 0x377F0683)
_LARGEST_PAGE = 65536


class LogTail(msgspec.Struct, frozen=True):
    """Frames that belong to a write-ahead log but do not count."""

    size: int
    """Bytes."""
    complete: int
    """How many transactions end among them before another one begins."""


def log_of(database: Path) -> Path:
    """The write-ahead log of a database."""
    return database.with_name(f"{database.name}-wal")


class LogFrames(msgspec.Struct, frozen=True):
    """The frames of a log as they were before SQLite opened it: whether each ends a transaction."""

    ends: tuple[bool | None, ...]
    """``None`` for a frame of an earlier log, which was overwritten from the start."""
    frame_size: int
    rest: int
    """Bytes of an incomplete last frame."""
    is_sound: bool
    """Whether the log begins as a log must."""

    def tail(self, counted: int) -> LogTail:
        """What stands after the first ``counted`` frames.

        An incomplete last frame counts as torn only where the frame before it is of this log.
        """
        ends = self.ends[counted:]
        while ends and ends[-1] is None:
            ends = ends[:-1]
        size = len(ends) * self.frame_size
        if self.rest and len(ends) == len(self.ends) - counted:
            size += self.rest
        return LogTail(size, sum(end is True for end in ends[:-1]))


def read_log(database: Path) -> LogFrames:
    """The frames of a database's log; none where there is no log."""
    try:
        file = log_of(database).open("rb")
    except FileNotFoundError:
        return LogFrames((), 0, 0, True)
    with file:
        header = file.read(_HEADER_SIZE)
        if len(header) < _HEADER_SIZE:
            return LogFrames((), 0, len(header), True)
        magic, _, page, _, *salts = _HEADER.unpack_from(header)
        if magic not in _MAGIC or not 512 <= page <= _LARGEST_PAGE or page & (page - 1):
            return LogFrames((), 0, 0, False)
        size = _FRAME_SIZE + page
        ends: list[bool | None] = []
        while len(frame := file.read(_FRAME_SIZE)) == _FRAME_SIZE:
            _, commit, *found = _FRAME.unpack_from(frame)
            if len(file.read(page)) < page:
                break
            ends.append(bool(commit) if found == salts else None)
        length = file.seek(0, 2)
        return LogFrames(tuple(ends), size, (length - _HEADER_SIZE) % size, True)
