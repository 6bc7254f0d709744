"""Cuts the power at every write of a journal and reads what is left.

The journal runs on an apsw VFS that records each write, sync and delete. For each point between two
of them, disks are made as a power failure could leave them: what was synced stands; of what was
not, any sector may be there or not, in any order. Each disk is opened again: no record whose commit
had returned may be missing, and the whole must verify.

The last line is one JSON object: ``cuts``, ``disks``, ``lost`` (disks on which an acknowledged
record was missing, or the journal said so), ``wrong`` (on which something else was),
``quarantined`` (reported as damaged), ``recovered``, ``torn`` (of those, with an incomplete commit
dropped), ``disks_per_s``.

    uv run python tests/soak/powerloss.py [--commits N] [--disks N] [--seed N] [--every N]
        [--durability power|process] [--drop-syncs]
"""

import argparse
import json
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import apsw
import msgspec

from fillbridge.engine import EngineState, decide, fold
from fillbridge.engine.messages import Event, FillBooked, Input, TradeApproved, TradeMeasured
from fillbridge.journal import Journal, open_journal, upkeep
from fillbridge.journal.contents import copy_state, state_bytes
from fillbridge.journal.places import places
from fillbridge.journal.reading import reading
from fillbridge.planning import plan_trade
from fillbridge_hooks import (
    Accepted,
    ArrivalPrice,
    Cancelled,
    Fill,
    Instrument,
    Liquidity,
    RiskProposal,
    VirtualClock,
)

SECTOR = 512
ACCOUNT = "SIM"
START = 1_700_000_000_000_000_000
ES = Instrument(symbol="ES", tick_size=0.25, point_value=50.0)


class Step(NamedTuple):
    """One thing that happened to the disk, or was told to the journal's user."""

    kind: str  # write, sync, truncate, delete, acknowledged
    file: str = ""
    offset: int = 0
    data: bytes = b""


class Beside(NamedTuple):
    """The files that are synced as they are written, as they stood at a step."""

    epoch: bytes
    archived: dict[str, int]
    """The sizes of the archive's files."""


class RecordingVFS(apsw.VFS):
    """The system's VFS, with a list of what changes the disk."""

    def __init__(self, name: str, *, drop_syncs: bool = False) -> None:
        self.steps: list[Step] = []
        self.beside: list[Beside] = []
        """For each step, what stood beside the journal."""
        self.folder: Path | None = None
        self.drop_syncs = drop_syncs
        super().__init__(name, "")

    def record(self, step: Step) -> None:
        """Add a step."""
        self.steps.append(step)
        if self.folder is not None:
            archived = (self.folder / "archive").glob("*")
            sizes = {path.name: path.stat().st_size for path in archived}
            self.beside.append(Beside((self.folder / "epoch").read_bytes(), sizes))

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:
        """Open a file whose changes are recorded."""
        return RecordingFile(self, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:
        """Delete a file."""
        super().xDelete(filename, syncdir)
        self.record(Step("delete", Path(filename).name))


class RecordingFile(apsw.VFSFile):
    """A file whose changes are recorded."""

    def __init__(self, vfs: RecordingVFS, name: Any, flags: list[int]) -> None:
        self._vfs = vfs
        filename = name.filename() if isinstance(name, apsw.URIFilename) else name
        self._name = Path(filename).name if filename else ""
        super().__init__("", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:
        """Write, and say so."""
        super().xWrite(data, offset)
        self._vfs.record(Step("write", self._name, offset, bytes(data)))

    def xTruncate(self, size: int) -> None:
        """Cut the file, and say so."""
        super().xTruncate(size)
        self._vfs.record(Step("truncate", self._name, size))

    def xSync(self, flags: int) -> None:
        """Sync, and say so."""
        if not self._vfs.drop_syncs:
            self._vfs.record(Step("sync", self._name))


class Disk:
    """What is known to stand, and what a power failure may take."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.standing: dict[str, bytes | None] = dict(files)
        self.loose: dict[str, list[Step]] = {}

    def take(self, step: Step) -> None:
        """Go on by one step."""
        if step.kind == "sync":
            loose = self.loose.pop(step.file, [])
            self.standing[step.file] = applied(self.standing.get(step.file), loose)
        elif step.kind != "acknowledged":
            self.loose.setdefault(step.file, []).append(step)

    def after_power_failure(self, source: random.Random, survival: float) -> dict[str, bytes]:
        """The files as they might be found, each loose sector there with this probability."""
        files = dict(self.standing)
        for name, loose in self.loose.items():
            pieces = [piece for step in loose for piece in sectors(step)]
            kept = [piece for piece in pieces if source.random() < survival]
            if 0 < survival < 1:
                source.shuffle(kept)
            files[name] = applied(files.get(name), kept)
        return {name: content for name, content in files.items() if content is not None}


def sectors(step: Step) -> list[Step]:
    """A write as the pieces that reach the disk one by one."""
    if step.kind != "write":
        return [step]
    pieces = []
    start = 0
    while start < len(step.data):
        size = SECTOR - (step.offset + start) % SECTOR
        piece = step.data[start : start + size]
        pieces.append(Step("write", step.file, step.offset + start, piece))
        start += size
    return pieces


def applied(content: bytes | None, steps: list[Step]) -> bytes | None:
    """A file after some steps."""
    found = None if content is None else bytearray(content)
    for step in steps:
        if step.kind == "delete":
            found = None
            continue
        found = bytearray() if found is None else found
        if step.kind == "truncate":
            del found[step.offset :]
            continue
        end = step.offset + len(step.data)
        if len(found) < end:
            found.extend(bytes(end - len(found)))
        found[step.offset : end] = step.data
    return None if found is None else bytes(found)


def session(batches: int) -> list[tuple[tuple[Event, ...], bytes]]:
    """Events of bracket after bracket as the shell records them, and the state after each."""
    state = EngineState()
    found: list[tuple[tuple[Event, ...], bytes]] = []
    number = 0
    while len(found) < batches:
        number += 1
        for message in _bracket(f"T{number}", "LONG" if number % 2 else "SHORT", START + number):
            events, _ = decide(state, message, START + number)
            for event in events:
                fold(state, event)
            found.append((events, state_bytes(copy_state(state))))
    return found[:batches]


def _bracket(trade_id: str, direction: str, now: int) -> list[Input]:
    proposal = RiskProposal(
        position_size=2,
        direction=direction,
        symbol="ES",
        urgency="high",
        stop_loss_ticks=40,
        take_profit_ticks=40,
        timeout_seconds=None,
    )
    plan = plan_trade(proposal, trade_id, ES, ArrivalPrice(last=4000.0), now, None)
    entry, stop, target = (f"{trade_id}_{leg}" for leg in ("ENTRY", "SL", "TP"))
    return [
        TradeApproved(plan, now),
        Accepted(entry, "B1", now),
        _fill(entry, 1, 1, 4000.0, now),
        _fill(entry, 1, 2, 4000.25, now),
        Accepted(stop, "B2", now),
        Accepted(target, "B3", now),
        _fill(target, 2, 2, 4010.0, now),
        Cancelled(stop, "the position is closed", now),
        TradeMeasured(trade_id, 10.0, -1.0, 0.5, now),
    ]


def _fill(order_id: str, quantity: int, total: int, price: float, now: int) -> FillBooked:
    name = f"F-{order_id}-{total}"
    ticks = price * 4
    fill = Fill(name, order_id, "B", quantity, total, price, ticks, 0.0, "", Liquidity.TAKER, now)
    return FillBooked(fill, 225 * quantity)


class Run(NamedTuple):
    """A run of the journal, as it went to the disk."""

    first: dict[str, bytes]
    steps: list[Step]
    beside: list[Beside]
    heads: dict[int, bytes]
    """The chain's value after each commit, by the number of its last record."""
    states: dict[int, bytes]
    folder: Path


def run(folder: Path, commits: int, durability: Any, *, drop_syncs: bool) -> Run:
    """Record so many commits, with everything that a journal does from time to time."""
    clock = VirtualClock(START)
    settings: Any = {"snapshot_records": 60, "checkpoint_records": 50}
    # The files are made before: how they are made is atomic, and none of it is acknowledged.
    journal = open_journal(folder, ACCOUNT, clock=clock, **settings)
    journal.close(clean=True)
    heads = {journal.last_seq: journal._head.chain}
    states = {journal.last_seq: state_bytes(journal.state)}
    where = places(folder, ACCOUNT)
    first = {where.database.name: where.database.read_bytes()}
    vfs = RecordingVFS("powerloss", drop_syncs=drop_syncs)
    vfs.folder = where.folder
    journal = open_journal(
        folder, ACCOUNT, clock=clock, durability=durability, vfs="powerloss", **settings
    )
    journal._store._connection.wal_autocheckpoint(40)  # type: ignore[union-attr]
    state = state_bytes(journal.state)
    _acknowledge(vfs, journal, heads, states, state)
    for number, (events, state) in enumerate(session(commits)):
        journal.append(events, START + number)
        if number % 7 == 3:
            journal.note("gate", {"state": "OPEN", "number": number}, START + number)
        journal.commit()
        _acknowledge(vfs, journal, heads, states, state)
    journal.close(clean=True)
    _acknowledge(vfs, journal, heads, states, state)
    vfs.unregister()
    return Run(first, vfs.steps, vfs.beside, heads, states, where.folder)


def _acknowledge(
    vfs: RecordingVFS,
    journal: Journal,
    heads: dict[int, bytes],
    states: dict[int, bytes],
    state: bytes,
) -> None:
    """Note what the user of the journal was told."""
    vfs.record(Step("acknowledged", offset=journal.last_seq))
    heads[journal.last_seq] = journal._head.chain
    states[journal.last_seq] = state


class Score:
    """What was found on the disks."""

    def __init__(self) -> None:
        self.cuts = self.disks = self.lost = self.wrong = self.quarantined = 0
        self.recovered = self.torn = 0
        self.first_wrong = ""

    def judge(self, run: Run, directory: Path, acknowledged: int) -> None:
        """Open a disk and compare it with what was told."""
        self.disks += 1
        clock = VirtualClock(START)
        journal = open_journal(directory, ACCOUNT, clock=clock, durability="process")
        recovery, is_halted = journal.recovery, journal.state.halted is not None
        # Whatever else the state says was there before the start that halted it.
        state = state_bytes(msgspec.structs.replace(journal.state, halted=None, halts=0))
        is_lost = recovery.status == "lost"
        # A start is one record; that after a loss says so before, and halts.
        found = journal.last_seq - (3 if is_lost else 1)
        journal.close(clean=False)
        if recovery.status == "quarantined":
            self.quarantined += 1
            self.first_wrong = self.first_wrong or recovery.reason
            return
        self.recovered += 1
        self.torn += recovery.torn_bytes > 0
        if is_lost or found < acknowledged:
            self.lost += 1
        objection = self._objection(run, directory, found, state)
        if is_halted is not is_lost:
            objection = objection or f"{recovery.status}, and entries halted: {is_halted}"
        if objection:
            self.wrong += 1
            self.first_wrong = self.first_wrong or objection

    def _objection(self, run: Run, directory: Path, found: int, state: bytes) -> str:
        if found not in run.states:
            return f"ends at record {found}, which ends no commit"
        if run.states[found] != state:
            return f"another state after record {found}"
        if self.disks % 10:
            return ""
        with reading(places(directory, ACCOUNT)) as reader:
            for head, _ in reader.rows():
                if run.heads.get(head.seq, head.chain) != head.chain and head.seq <= found:
                    return f"another record {head.seq}"
            result = reader.verify()
        return "" if result.is_sound and result.first == 1 else f"does not verify: {result}"


def cut_everywhere(
    run: Run, directory: Path, disks: int, every: int, source: random.Random
) -> Score:
    """Make the disks of every cut and judge them."""
    score = Score()
    where = places(directory, ACCOUNT)
    where.folder.mkdir(parents=True)
    disk = Disk(run.first)
    acknowledged = 0
    for number, step in enumerate(run.steps):
        disk.take(step)
        if step.kind == "acknowledged":
            acknowledged = step.offset
        if number % every:
            continue
        score.cuts += 1
        for survival in (0.0, 1.0, *(source.choice((0.1, 0.5, 0.9)) for _ in range(disks - 2))):
            files = disk.after_power_failure(source, survival)
            _lay_out(run, where.folder, files, run.beside[number])
            score.judge(run, directory, acknowledged)
    return score


def _lay_out(run: Run, folder: Path, files: dict[str, bytes], beside: Beside) -> None:
    shutil.rmtree(folder)
    (folder / "archive").mkdir(parents=True)
    shutil.copy(run.folder / "key", folder / "key")
    (folder / "epoch").write_bytes(beside.epoch)
    for name, size in beside.archived.items():
        content = (run.folder / "archive" / name).read_bytes()[:size]
        (folder / "archive" / name).write_bytes(content)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    for path in folder.iterdir():
        path.chmod(0o700 if path.is_dir() else 0o600)


def main() -> int:
    """Run, cut, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--commits", type=int, default=400, metavar="N", help="that are recorded")
    parser.add_argument("--disks", type=int, default=6, metavar="N", help="of each cut, from 2")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only each Nth cut")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of what survives")
    parser.add_argument("--durability", choices=("power", "process"), default="power")
    parser.add_argument("--drop-syncs", action="store_true", help="a disk that syncs nothing")
    options = parser.parse_args()
    upkeep._COMMITS_BETWEEN_MOVES = 5
    upkeep._ROWS_MOVED = 16
    memory = Path("/dev/shm")  # noqa: S108  # syncs cost nothing there
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        made = run(
            Path(folder) / "run",
            options.commits,
            options.durability,
            drop_syncs=options.drop_syncs,
        )
        source = random.Random(options.seed)
        score = cut_everywhere(made, Path(folder) / "cut", options.disks, options.every, source)
    took = time.perf_counter() - started
    if score.first_wrong:
        print(f"first: {score.first_wrong}")
    found = {
        "commits": options.commits,
        "cuts": score.cuts,
        "disks": score.disks,
        "lost": score.lost,
        "wrong": score.wrong,
        "quarantined": score.quarantined,
        "recovered": score.recovered,
        "torn": score.torn,
        "disks_per_s": round(score.disks / took, 1),
        "seed": options.seed,
    }
    print(json.dumps(found))
    return 1 if score.lost or score.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
