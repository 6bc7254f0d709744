"""Whether the memory of a run stays its own."""

from __future__ import annotations

import os
from pathlib import Path

from fillbridge.doctor.findings import Finding, Patient, ok, warn
from fillbridge.hardening import core_limit, is_dumpable

_PATTERN = Path("/proc/sys/kernel/core_pattern")
_PTRACE = Path("/proc/sys/kernel/yama/ptrace_scope")


def core_dumps(patient: Patient) -> Finding:
    """Whether a crash would write the memory to the disk."""
    allowed = core_limit()
    if _read(_PATTERN).startswith("|"):
        said = "a run forbids core dumps; the kernel hands them to a program, which heeds that"
        return ok("core dumps", said)
    limit = "none" if allowed == 0 else "unlimited" if allowed < 0 else f"{allowed:,} bytes"
    return ok("core dumps", f"a run forbids them; allowed here: {limit}")


def inspection(patient: Patient) -> Finding:
    """Whether another process of this user could read the memory of a run."""
    dumpable, scope = is_dumpable(), _read(_PTRACE)
    if dumpable is None:
        said = "this system cannot keep processes of one user apart"
        return warn("inspection", said, "run nothing else as this user")
    if os.geteuid() == 0:
        said = "this is root, whose processes nothing keeps apart"
        return warn("inspection", said, "run as a user of its own, for whom nothing else runs")
    if patient.is_prod:
        return ok("inspection", "a run in prod lets no other process read its memory")
    if scope in ("", "0"):
        said = "other processes of this user may read the memory of a run"
        advice = "run as a user of its own; in prod a run forbids it by itself"
        return warn("inspection", said, advice)
    return ok("inspection", f"only parents may look into a process (ptrace_scope {scope})")


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
