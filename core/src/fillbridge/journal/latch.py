"""The kill latch: a file beside the journal that says whether its account is stopped.

It is written before anything else when the account is stopped, and after everything else when it
is let go on. Who reads it takes one that is absent, unreadable or forged for a stop.
"""

import hmac
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import msgspec

from fillbridge.journal import chain
from fillbridge.journal.errors import JournalUnusable
from fillbridge.journal.private_files import read_private, sync_folder, write_private
from fillbridge_hooks import FillbridgeError, KillLevel

_PURPOSE = "latch"
_WHAT = "the kill latch"
_LARGEST = 10_000
Seal = Callable[[str, bytes], bytes]
"""Signs a content for a purpose."""


class BrokenLatch(FillbridgeError):
    """A latch that cannot be relied on; the message says why."""


class LatchState(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the latch says."""

    level: KillLevel | None
    """How much is stopped; ``None``: armed, entries may leave."""
    sequence: int
    """Rises with every change; it tells an old copy of the file from the last one."""
    reason: str
    by: str
    via: str
    """How it came: ``api``, ``command``, ``signal``, ``file``, ``dead man``, ``watch`` ..."""
    time_ns: int


class Latch(Protocol):
    """Keeps whether an account is stopped."""

    def read(self) -> LatchState | None:
        """What it says; ``None`` where there is none.

        :raises BrokenLatch: if it cannot be relied on
        """

    def write(self, state: LatchState) -> None:
        """Let it say ``state``; that stands when this returns.

        :raises OSError: if that failed: then it says nothing any more, which is a stop
        """


class LatchFile:
    """The latch of one account on the disk.

    :param seal: the journal's: without its key nobody can write a latch, and one of another account
        is none
    """

    def __init__(self, path: Path, seal: Seal) -> None:
        self.path = path
        self._seal = seal

    def read(self) -> LatchState | None:
        """What it says; ``None`` where there is none.

        :raises BrokenLatch: if others may write it, or it was changed or is of another account
        """
        if not self.path.exists() and not self.path.is_symlink():
            return None
        try:
            if self.path.is_symlink() or self.path.stat().st_size > _LARGEST:
                raise BrokenLatch(f"{self.path}: expected the kill latch, was something else")
            content = read_private(self.path, _WHAT)
        except (OSError, JournalUnusable) as error:
            raise BrokenLatch(str(error)) from None
        return latch_of(content, self._seal, str(self.path))

    def write(self, state: LatchState) -> None:
        """Let it say ``state``, whole or not at all; that stands when this returns.

        :raises OSError: if that failed: then the file is gone if it could be removed
        """
        try:
            write_private(self.path, latch_bytes(state, self._seal))
        except (OSError, JournalUnusable) as error:
            # What it said before may no longer be so, and a full disk lets a file be removed.
            self.path.unlink(missing_ok=True)
            sync_folder(self.path.parent)
            if isinstance(error, OSError):
                raise
            raise OSError(str(error)) from None  # whoever stops an account minds this one alone


def seal_of(key: bytes, account: str) -> Seal:
    """What signs the files of an account beside its journal, with the journal's key."""

    def seal(purpose: str, content: bytes) -> bytes:
        return chain.seal(key, purpose, account.encode(), content)

    return seal


def objection_to(found: LatchState | None, stops: int, *, is_stopped: bool) -> str:
    """Why a genuine latch is not the one that goes with the journal; empty if it is.

    :param stops: how often the journal says that the account was stopped or let go on
    :param is_stopped: whether the journal says that it is stopped
    """
    if found is None:
        return "the kill latch is gone" if stops else ""
    is_first = not stops and found.sequence == 1
    if found.level is None and found.sequence != stops and not is_first and not is_stopped:
        return (
            f"expected the kill latch with number {stops}, was {found.sequence}: it is another copy"
        )
    return ""


def latch_bytes(state: LatchState, seal: Seal) -> bytes:
    """The latch as it stands in a file: a line of JSON, and its signature."""
    content = msgspec.json.encode(state)
    return content + b"\n" + seal(_PURPOSE, content).hex().encode() + b"\n"


def latch_of(content: bytes, seal: Seal, where: str) -> LatchState:
    """What the bytes of a latch say.

    :raises BrokenLatch: if they are not what was written with this seal
    """
    line, _, signature = content.partition(b"\n")
    if not hmac.compare_digest(signature.strip(), seal(_PURPOSE, line).hex().encode()):
        raise BrokenLatch(f"{where}: expected the kill latch as it was written, was changed")
    try:
        return msgspec.json.decode(line, type=LatchState)
    except msgspec.MsgspecError as error:
        raise BrokenLatch(f"{where}: this version cannot read it: {error}") from None
