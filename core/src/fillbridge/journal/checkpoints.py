"""Signed places of a chain, kept outside of the journal: a cut tail shows up to the last."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from fillbridge.journal import chain
from fillbridge.journal.errors import BrokenRecord
from fillbridge.journal.places import file_name
from fillbridge.journal.private_files import PRIVATE, make_folder
from fillbridge.journal.store import Head


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A place in the chain of an account's journal; bytes as hexadecimal digits."""

    account: str
    born: int
    """The epoch in which the journal was made."""
    epoch: int
    seq: int
    chain: str
    time_ns: int
    seal: str = ""

    def sealed(self, key: bytes) -> "Checkpoint":
        """The same, signed."""
        return msgspec.structs.replace(self, seal=self._seal(key))

    def is_sound(self, key: bytes) -> bool:
        """Whether it is as it was signed."""
        return chain.same(self.seal.encode(), self._seal(key).encode())

    def _seal(self, key: bytes) -> str:
        unsigned = msgspec.structs.replace(self, seal="")
        return chain.seal(key, "checkpoint", msgspec.json.encode(unsigned)).hex()


_decoder = msgspec.json.Decoder(Checkpoint)


def checkpoint_file(folder: Path, account: str) -> Path:
    """The file of an account's checkpoints, one JSON object for each line."""
    return folder / f"{file_name(account)}.jsonl"


def add_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Append a checkpoint to its file; it stands when this returns.

    :raises OSError: if it cannot be written
    """
    make_folder(folder)
    path = checkpoint_file(folder, checkpoint.account)
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
    descriptor = os.open(path, flags, PRIVATE)
    try:
        # First a line break: what a crash cut short must not swallow this one.
        os.write(descriptor, b"\n" + msgspec.json.encode(checkpoint) + b"\n")
        os.fdatasync(descriptor)
    finally:
        os.close(descriptor)


def read_checkpoints(path: Path) -> Iterator[Checkpoint]:
    """The checkpoints of a file in the order in which they were written.

    Lines that were cut short, or are none of ours, are left out.

    :raises OSError: if the file cannot be read
    """
    with path.open("rb") as file:
        for line in file:
            if not line.strip():
                continue
            try:
                yield _decoder.decode(line)
            except msgspec.MsgspecError:
                continue


def newest_checkpoint(path: Path, key: bytes) -> Checkpoint | None:
    """The one that was written last and is as it was signed; ``None`` where none can be read."""
    newest = None
    with suppress(OSError):
        for checkpoint in read_checkpoints(path):
            if checkpoint.is_sound(key):
                newest = checkpoint
    return newest


class CheckpointTest:
    """Compares a chain, read from its beginning, with a file of checkpoints."""

    def __init__(self, path: Path | None, key: bytes, born: int) -> None:
        self.passed = 0
        """How many are in the chain."""
        self._checkpoints = iter(()) if path is None else read_checkpoints(path)
        self._key = key
        self._born = born
        self._next: Checkpoint | None = None

    def begin(self, head: Head) -> None:
        """Leave out the checkpoints before a place: their records are no longer here.

        :raises BrokenRecord: if one was changed, or that of this place says otherwise
        """
        self._advance()
        while self._next is not None and self._next.seq < head.seq:
            self._advance()
        self.pass_by(head)

    def pass_by(self, head: Head) -> None:
        """Compare the checkpoints up to this place.

        :raises BrokenRecord: if one says otherwise
        """
        while self._next is not None and self._next.seq <= head.seq:
            if self._next.seq < head.seq or self._next.chain != head.chain.hex():
                raise BrokenRecord(self._next.seq, "its checkpoint belongs to another chain")
            self.passed += 1
            self._advance()

    def end(self, head: Head) -> None:
        """Find what was cut off after the last record.

        :raises BrokenRecord: if a checkpoint lies beyond it
        """
        if self._next is not None:
            raise BrokenRecord(
                head.seq + 1, f"cut off: a checkpoint says there were {self._next.seq} records"
            )

    def _advance(self) -> None:
        self._next = checkpoint = next(self._checkpoints, None)
        if checkpoint is None:
            return
        if not checkpoint.is_sound(self._key):
            raise BrokenRecord(checkpoint.seq, "its checkpoint was changed")
        if checkpoint.born != self._born:
            raise BrokenRecord(
                checkpoint.seq,
                f"its checkpoint is of a journal made in epoch {checkpoint.born}, "
                f"and this one was made in epoch {self._born}",
            )
