"""Keeps what is in this process's memory from the disk and from other processes."""

from __future__ import annotations

import ctypes
import resource
import sys

_PR_GET_DUMPABLE = 3
_PR_SET_DUMPABLE = 4


def forbid_core_dumps() -> bool:
    """Let a crash leave no image of the memory on the disk; whether that was possible."""
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (OSError, ValueError):
        return False
    return True


def forbid_inspection() -> bool:
    """Let no other process of this user read the memory or the environment.

    Linux only; debuggers and profilers cannot attach any more either.

    :returns: whether that was possible
    """
    return _prctl(_PR_SET_DUMPABLE, 0) == 0


def core_limit() -> int:
    """The most bytes of a core dump; -1 without a limit."""
    return resource.getrlimit(resource.RLIMIT_CORE)[0]


def is_dumpable() -> bool | None:
    """Whether other processes of this user may read this one; ``None`` where nothing tells."""
    answer = _prctl(_PR_GET_DUMPABLE, 0)
    return None if answer < 0 else answer != 0


def _prctl(option: int, value: int) -> int:
    if not sys.platform.startswith("linux"):
        return -1
    try:
        return int(ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0))
    except (OSError, AttributeError):
        return -1
