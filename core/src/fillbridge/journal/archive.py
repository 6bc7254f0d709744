"""Records that recovery does not need any more, compressed, in files that only grow.

A file begins with the place in the chain that it continues. Then come frames: length, checksum, and
compressed rows. What a crash left twice is skipped when it is read.
"""

import os
import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from fillbridge.journal import chain
from fillbridge.journal.errors import BrokenRecord
from fillbridge.journal.private_files import PRIVATE, make_folder, sync_folder
from fillbridge.journal.store import Head, Row

_MAGIC = b"FBJA1\n"
_FRAME = struct.Struct(">II")
_LEVEL = 1
_PATTERN = "segment-*.fbj"


class _Header(msgspec.Struct, frozen=True):
    account: str
    born: int
    seq: int
    chain: bytes
    seal: bytes = b""


_encode = msgspec.msgpack.encode
_headers = msgspec.msgpack.Decoder(_Header)
_rows = msgspec.msgpack.Decoder(list[tuple[int, int, bytes, bytes]])


class Archive:
    """Writes the archive of one journal."""

    def __init__(
        self, folder: Path, key: bytes, account: str, born: int, segment_records: int
    ) -> None:
        self._folder = folder
        self._key = key
        self._account = account
        self._born = born
        self._segment_records = segment_records
        self._path: Path | None = None
        self._first = 0

    def add(self, base: Head, rows: Sequence[Row]) -> None:
        """Keep rows that follow ``base``; they stand when this returns.

        :raises OSError: if they cannot be written
        """
        path = self._path or self._continue()
        if path is None or base.seq - self._first >= self._segment_records:
            path = self._begin(base)
        packed = zlib.compress(
            _encode([(row.seq, row.wall_ns, row.payload, row.chain) for row in rows]), _LEVEL
        )
        _append(path, _frame(packed))

    def _continue(self) -> Path | None:
        """Go on with the newest file, less a frame that was cut short."""
        make_folder(self._folder)
        segments = _segments(self._folder)
        if not segments:
            return None
        path = segments[-1]
        sound = _sound_size(path)
        if sound <= len(_MAGIC):
            path.unlink()
            return None
        os.truncate(path, sound)
        self._path = path
        self._first = int(path.stem.removeprefix("segment-"))
        return path

    def _begin(self, base: Head) -> Path:
        path = self._folder / f"segment-{base.seq:016d}.fbj"
        sealed = _seal(self._key, self._account, self._born, base)
        header = _Header(self._account, self._born, base.seq, base.chain, sealed)
        _append(path, _MAGIC + _frame(_encode(header)))
        sync_folder(self._folder)
        self._path = path
        self._first = base.seq
        return path


class ArchiveReader:
    """Reads the archive of one journal back.

    :param key: verifies where a file continues the chain
    """

    def __init__(self, folder: Path, key: bytes, account: str, born: int) -> None:
        self._segments = _segments(folder)
        self._key = key
        self._account = account
        self._born = born

    def start(self) -> Head | None:
        """The place before the first record that is still here; ``None`` for no archive.

        :raises BrokenRecord: if the first file is not as it was written
        """
        return self._header(self._segments[0]) if self._segments else None

    def rows(self) -> Iterator[Row]:
        """Every row once, the oldest first.

        :raises BrokenRecord: if a file is not as it was written
        """
        last = -1
        for path in self._segments:
            for row in self._rows(path):
                if row.seq > last:
                    yield row
                    last = row.seq

    def rows_back(self, before: int) -> Iterator[Row]:
        """The rows whose number is below ``before``, the newest first."""
        for path in reversed(self._segments):
            for row in reversed(list(self._rows(path))):
                if row.seq < before:
                    yield row
                    before = row.seq

    def _header(self, path: Path) -> Head:
        with path.open("rb") as file:
            found = next(_frames(file.read()), b"")
        try:
            header = _headers.decode(found)
        except msgspec.MsgspecError:
            raise BrokenRecord(_first_of(path), f"{path}: expected an archive file") from None
        head = Head(header.seq, header.chain)
        expected = _seal(self._key, self._account, self._born, head)
        is_ours = (header.account, header.born) == (self._account, self._born)
        if not is_ours or not chain.same(header.seal, expected):
            raise BrokenRecord(head.seq + 1, f"{path}: its beginning was changed")
        return head

    def _rows(self, path: Path) -> Iterator[Row]:
        with path.open("rb") as file:
            frames = _frames(file.read())
        next(frames, b"")
        for frame in frames:
            try:
                found = _rows.decode(zlib.decompress(frame))
            except (zlib.error, msgspec.MsgspecError):
                raise BrokenRecord(_first_of(path), f"{path}: it is damaged") from None
            for row in found:
                yield Row(*row)


def _segments(folder: Path) -> list[Path]:
    return sorted(folder.glob(_PATTERN))


def _first_of(path: Path) -> int:
    digits = path.stem.removeprefix("segment-")
    return int(digits) + 1 if digits.isdecimal() else 0


def _seal(key: bytes, account: str, born: int, head: Head) -> bytes:
    parts = (account.encode(), str(born).encode(), str(head.seq).encode(), head.chain)
    return chain.seal(key, "archive", *parts)


def _frame(content: bytes) -> bytes:
    return _FRAME.pack(len(content), zlib.crc32(content)) + content


def _frames(content: bytes) -> Iterator[bytes]:
    """The frames of a file up to the first that is cut short or damaged."""
    if not content.startswith(_MAGIC):
        return
    place = len(_MAGIC)
    while place + _FRAME.size <= len(content):
        size, checksum = _FRAME.unpack_from(content, place)
        start = place + _FRAME.size
        frame = content[start : start + size]
        # Zeros, as a crash may leave them, would be a sound frame without content.
        if not frame or len(frame) < size or zlib.crc32(frame) != checksum:
            return
        yield frame
        place = start + size


def _sound_size(path: Path) -> int:
    content = path.read_bytes()
    return len(_MAGIC) + sum(_FRAME.size + len(frame) for frame in _frames(content))


def _append(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, PRIVATE)
    try:
        written = os.write(descriptor, content)
        if written != len(content):
            raise OSError(28, "No space left on device", str(path))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
