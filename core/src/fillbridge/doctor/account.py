"""How the files of the account stand, and what the last run left."""

from __future__ import annotations

import fcntl
import os
import stat
from typing import TYPE_CHECKING

from fillbridge.doctor.findings import Finding, Patient, fail, many, ok, warn
from fillbridge.journal.keys import read_key
from fillbridge.journal.latch import LatchFile, objection_to, seal_of
from fillbridge.journal.reading import reading
from fillbridge.management.places import socket_path
from fillbridge_hooks import FillbridgeError

if TYPE_CHECKING:
    from pathlib import Path

    from fillbridge.journal.latch import LatchState
    from fillbridge.journal.places import Places

_OTHERS = 0o077
_OTHERS_WRITE = 0o022
_A_STOP = "find out who changed it; a handler takes that for a stop, until somebody arms it"


def lock(patient: Patient) -> Finding:
    """Whether a handler has the account now."""
    holder = running_process(patient)
    if holder is None:
        return ok("lock", "no handler has the account")
    return warn(
        "lock",
        f"a handler has the account: process {holder}",
        "nothing, if it is meant to run; another one will not start beside it",
    )


def running_process(patient: Patient) -> str | None:
    """The process that holds the account's lock; ``None`` if nobody does."""
    try:
        descriptor = os.open(patient.places.lock, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return os.pread(descriptor, 20, 0).decode("ascii", "replace").strip() or "unknown"
    finally:
        os.close(descriptor)
    return None


def permissions(patient: Patient) -> Finding:
    """Whether nobody else may read what is secret, or write what is relied on."""
    where = patient.places
    private = [where.database, where.key, where.epoch, where.lock, *where.folder.glob("*.latch")]
    wrong = [said for path in private if (said := _objection(path, _OTHERS))]
    wrong += _objections_to_folder(where.folder)
    socket = socket_path(patient.settings)
    if socket.exists() and (said := _objection(socket, _OTHERS)):
        wrong.append(said)
    if patient.config is not None and (said := _objection(patient.config, _OTHERS_WRITE)):
        wrong.append(said)
    if wrong:
        advice = "chmod 600 the files, chmod 700 the folder, and own them"
        return fail("permissions", "; ".join(wrong), advice)
    return ok("permissions", f"what stands in {where.folder} is this user's alone")


def journal(patient: Patient) -> Finding:
    """How the last run ended, and what it left open."""
    where = patient.places
    if not where.database.exists():
        return ok("journal", f"there is none yet in {where.folder}")
    try:
        with reading(where) as reader:
            standing = reader.standing()
    except FillbridgeError as error:
        return fail("journal", str(error), "see docs/journal.md; trade only once it is understood")
    if standing.broken:
        advice = "keep the files, and see docs/journal.md"
        return fail("journal", standing.broken, advice)
    said = f"{many(standing.records, 'record')}, epoch {standing.epoch}"
    open_trades = many(len(standing.open_trades), "trade")
    notes = []
    if standing.halted:
        notes.append(f"halted: {standing.halted}")
    if standing.unknown_orders:
        notes.append(f"no answer to {', '.join(standing.unknown_orders)}")
    if standing.open_trades:
        notes.append(f"{open_trades} open: {', '.join(standing.open_trades)}")
    if not standing.is_clean and running_process(patient) is None:
        notes.insert(0, "the last run did not stop in order")
    if notes:
        advice = "look at the broker's book before and after the start"
        return warn("journal", f"{said}; {'; '.join(notes)}", advice)
    return ok("journal", f"{said}; nothing is open")


def latch(patient: Patient) -> Finding:
    """What the kill latch says, and whether a handler will rely on it."""
    where = patient.places
    if not where.key.exists():
        if os.path.lexists(where.latch):
            said = f"{where.latch} is there without the journal's key, and cannot be verified"
            return fail("kill latch", said, _A_STOP)
        return ok("kill latch", "there is none")
    try:
        found = LatchFile(where.latch, seal_of(read_key(where.key), where.account)).read()
    except FillbridgeError as error:
        return fail("kill latch", str(error), _A_STOP)
    said = _disagreement(where, found)
    if said and running_process(patient) is None:
        return fail("kill latch", said, _A_STOP)
    if found is None:
        return ok("kill latch", "there is none")
    if found.level is None:
        return ok("kill latch", "armed: entries may leave")
    said = f"stopped ({found.level.value}) by {found.by}: {found.reason}"
    return warn("kill latch", said, "see docs/kill-switch.md for who may let it go on")


def _disagreement(where: Places, found: LatchState | None) -> str:
    """Why the latch is not the one that goes with the journal.

    Nothing where that cannot be read: another check says so.
    """
    if not where.database.exists():
        return ""
    try:
        with reading(where) as reader:
            standing = reader.standing()
    except FillbridgeError:
        return ""
    return objection_to(found, standing.stops, is_stopped=bool(standing.halted))


def _objections_to_folder(folder: Path) -> list[str]:
    found = []
    if folder.is_dir() and (said := _objection(folder, _OTHERS)):
        found.append(said)
    for above in folder.absolute().parents:
        try:
            mode = above.stat().st_mode
        except OSError:
            continue
        # Whoever may write a folder may put another one in the place of what stands in it.
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            found.append(f"{above}: anybody may write it")
    return found


def _objection(path: Path, forbidden: int) -> str:
    try:
        status = path.lstat()
    except OSError:
        return ""
    if stat.S_ISLNK(status.st_mode):
        return f"{path} is a link"
    if status.st_uid not in (0, os.geteuid()):
        return f"{path} is owned by user {status.st_uid}"
    mode = stat.S_IMODE(status.st_mode)
    return f"{path} has mode {mode:04o}" if mode & forbidden else ""
