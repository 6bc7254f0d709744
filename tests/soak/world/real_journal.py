"""The journal as it ships, on files of its own, in place of the disk in memory."""

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from world.disk import Disk, folded, same_state
from world.points import Killed
from world.violations import Violated

from fillbridge.engine import EngineState
from fillbridge.engine.messages import Event
from fillbridge.journal import JournalFailed, open_journal
from fillbridge.journal.records import Note
from fillbridge_hooks import Clock

_ACCOUNT = "FAULTS"
_KEY = b"a key for worlds without secrets"
_MEMORY = Path("/dev/shm")  # noqa: S108  # a folder of its own is made there
_SOUND = ("new", "recovered", "clean")


class JournalDisk(Disk):
    """A disk whose records the real journal keeps; those in memory are only to compare with."""

    def __init__(self, passing: Any, clock: Clock) -> None:
        super().__init__(passing)
        self._clock = clock
        parent = _MEMORY if _MEMORY.is_dir() else None
        self._folder = Path(tempfile.mkdtemp(prefix="fillbridge-", dir=parent))

    def open(self) -> Any:
        """Open the journal; what it recovers must be what was committed."""
        journal = open_journal(
            self._folder, _ACCOUNT, clock=self._clock, durability="process", key=_KEY,
            snapshot_records=40, checkpoint_records=20,
        )  # fmt: skip
        self.starts.append(len(self.records))
        if journal.recovery.status not in _SOUND:
            raise Violated(f"I6: the journal is {journal.recovery.status}")
        if not same_state(folded(self.records).state, journal.state):
            raise Violated("I6: what the journal recovered is not what was committed")
        return JournalRecording(self, journal)

    def tear(self) -> None:
        """Leave the beginning of a commit that did not get further."""
        log = self._folder / _ACCOUNT / "journal.db-wal"
        if log.exists():
            with log.open("ab") as file:
                file.write(b"\x00" * 1000)

    def remove(self) -> None:
        """Give the files back."""
        shutil.rmtree(self._folder, ignore_errors=True)


class JournalRecording:
    """What one process writes through the real journal."""

    def __init__(self, disk: JournalDisk, journal: Any) -> None:
        self.epoch: int = journal.epoch
        self.state: EngineState = journal.state
        self.is_dead = False
        self.failure = ""
        self._disk = disk
        self._journal = journal
        self._pending: list[Any] = []

    @property
    def is_pending(self) -> bool:
        """Whether something was taken and is not committed."""
        return bool(self._pending) and not self.failure

    def append(self, events: Sequence[Event], now_ns: int) -> None:
        """Take events."""
        self._pass("append")
        self._journal.append(events, now_ns)
        self._pending += events

    def note(self, kind: str, payload: Mapping[str, Any], now_ns: int) -> None:
        """Take a note."""
        self._pass("append")
        self._journal.note(kind, payload, now_ns)
        self._pending.append(Note(kind, dict(payload), now_ns))

    def commit(self, *, is_urgent: bool = False) -> None:
        """Keep what was taken, unless something strikes."""
        self._pass("")
        if not self._pending:
            return
        fault = self._disk.passing("commit")
        if fault in ("kill", "torn"):
            self.end()
            if fault == "torn":
                self._disk.tear()
            raise Killed
        if fault == "full" or self._disk.is_full:
            self._disk.is_full = self._disk.proved.is_halted = True
            self.failure = "database or disk is full"
            raise JournalFailed(self.failure)
        self._journal.commit(is_urgent=is_urgent)
        self._disk.keep(self._pending)
        self._pending.clear()
        if fault == "kill_after":
            self.end()
            raise Killed

    def check(self, live: EngineState, *, always: bool = False) -> None:
        """Compare as often as the journal does."""
        if not self.failure:
            self._journal.check(live, always=always)

    def end(self, *, is_clean: bool = False) -> None:
        """The process is gone: what it had not committed is lost."""
        if not self.is_dead:
            self.is_dead = True
            self._journal.close(clean=is_clean and not self._pending and not self.failure)

    def _pass(self, place: str) -> None:
        if self.is_dead:
            raise Killed
        if self.failure:
            raise JournalFailed(self.failure)
        if place and self._disk.passing(place) == "kill":
            self.end()
            raise Killed
