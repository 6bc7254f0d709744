"""Whether this machine is one to trade on: Python, SQLite, clock, time zones, disk."""

from __future__ import annotations

import ctypes
import platform
import shutil
import sys
import tempfile
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import apsw

from fillbridge.doctor.findings import Finding, Patient, fail, ok, warn
from fillbridge.live.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable

_OLDEST_PYTHON = (3, 11)
_LOOK_S = 0.2
_STEP_NS = 250_000_000
"""A wall clock that steps further than this shuts the gate."""
_TIME_ERROR = 5
_LITTLE = 1 << 30
_TOO_LITTLE = 100 << 20
_SHARE = 0.1
_SYNCS = 5
_SLOW_SYNC_S = 0.25
_BLOCK = bytes(4096)


def python(patient: Patient) -> Finding:
    """The version of Python, and what it adds to the path by itself."""
    found = f"Python {platform.python_version()}"
    if sys.version_info < _OLDEST_PYTHON:
        return fail("python", found, "use Python 3.11 or later")
    if sys.flags.safe_path or sys.flags.isolated:
        return ok("python", f"{found}, which takes no module from the working directory")
    said = f"{found}, which may take modules from the working directory or PYTHONPATH"
    if patient.is_prod:
        return warn("python", said, "set PYTHONSAFEPATH=1, and leave PYTHONPATH empty")
    return ok("python", said)


def sqlite(patient: Patient) -> Finding:
    """Whether SQLite keeps a write-ahead log where the journal is to stand."""
    versions = f"SQLite {apsw.sqlite_lib_version()}, apsw {apsw.apsw_version()}"
    try:
        with tempfile.TemporaryDirectory(prefix="fillbridge-doctor-", dir=patient.ground) as folder:
            connection = apsw.Connection(str(Path(folder) / "wal.db"))
            try:
                mode = str(connection.execute("PRAGMA journal_mode=WAL").fetchall()[0][0])
                connection.execute("CREATE TABLE t(a); INSERT INTO t VALUES(1)")
            finally:
                connection.close()
    except (OSError, apsw.Error) as error:
        advice = "let the journal stand where this user may write, on a local disk"
        return fail("sqlite", f"{versions}: cannot write in {patient.ground}: {error}", advice)
    if mode != "wal":
        advice = "let the journal stand on a local disk: network file systems keep no such log"
        return fail("sqlite", f"{versions}: the journal mode in {patient.ground} is {mode}", advice)
    return ok("sqlite", f"{versions}, with a write-ahead log in {patient.ground}")


def clock(patient: Patient) -> Finding:
    """Whether the wall clock runs with the monotonic one, and is set by somebody."""
    watched = SystemClock()
    time.sleep(_LOOK_S)
    skew_ns = watched.skew_ns
    if abs(skew_ns) > _STEP_NS:
        return fail(
            "clock",
            f"the wall clock stepped by {skew_ns / 1e6:.0f} ms within {_LOOK_S} s",
            "have the clock slewed, not stepped (chronyd, systemd-timesyncd)",
        )
    said = f"wall and monotonic clock agree within {abs(skew_ns) / 1e6:.1f} ms"
    if _is_unsynchronised():
        advice = "let chronyd or systemd-timesyncd set the clock"
        return warn("clock", f"{said}; the kernel says that nobody sets the clock", advice)
    return ok("clock", said)


def time_zones(patient: Patient) -> Finding:
    """Whether the zones of the exchanges are known."""
    names = {one.time_zone for one in patient.settings.instruments.values()}
    names |= {"America/Chicago", "America/New_York"}
    missing = sorted(name for name in names if not _is_zone(name))
    if missing:
        said = f"there is no data of {', '.join(missing)}"
        return fail("time zones", said, "install tzdata")
    try:
        data = f"tzdata {version('tzdata')}"
    except PackageNotFoundError:
        data = "the data of the system"
    return ok("time zones", f"{len(names)} zones known, from {data} or the system's own")


def disk(patient: Patient) -> Finding:
    """Whether there is room for the journal."""
    usage = shutil.disk_usage(patient.ground)
    said = f"{usage.free / (1 << 30):,.1f} GiB free of {usage.total / (1 << 30):,.1f} GiB"
    advice = f"make room on the disk of {patient.ground}"
    if usage.free < _TOO_LITTLE:
        return fail("disk", said, advice)
    if usage.free < _LITTLE or usage.free < _SHARE * usage.total:
        return warn("disk", said, advice)
    return ok("disk", said)


def sync(patient: Patient) -> Finding:
    """How long the disk takes to make a commit stand."""
    import os

    try:
        with tempfile.TemporaryFile(dir=patient.ground) as file:
            longest = max(_timed(lambda: _write(file.fileno(), os.fsync)) for _ in range(_SYNCS))
    except OSError as error:
        said = f"{patient.ground}: nothing can be written: {error.strerror}"
        return fail("sync", said, "let this user write there")
    said = f"the longest of {_SYNCS} syncs took {longest * 1e3:,.1f} ms"
    if longest > _SLOW_SYNC_S:
        return warn("sync", said, "use another disk: entries wait for a commit each")
    return ok("sync", said)


def _write(descriptor: int, make_stand: Callable[[int], None]) -> None:
    import os

    os.write(descriptor, _BLOCK)
    make_stand(descriptor)


def _timed(call: Callable[[], None]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def _is_unsynchronised() -> bool:
    """Whether the kernel says so; where it says nothing, nothing is known against the clock."""
    if not sys.platform.startswith("linux"):
        return False
    buffer = ctypes.create_string_buffer(512)  # all zero: only ask
    try:
        return bool(ctypes.CDLL(None).adjtimex(buffer) == _TIME_ERROR)
    except (OSError, AttributeError):
        return False
