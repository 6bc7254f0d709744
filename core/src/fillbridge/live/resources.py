"""Whether the machine leaves enough to go on with: space and speed of the disk, memory.

What blocks is asked in a thread of its own; nothing here is on the way of an order.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

import anyio
import anyio.to_thread
import msgspec

from fillbridge.live.trading import LiveTrading
from fillbridge_hooks import LiveClock

MIB = 1 << 20
_SECOND = 1_000_000_000
_LOOK_NS = _SECOND // 4
_SURVEY_NS = 5 * _SECOND
_PATIENCE_S = 5.0
_CALM_NS = 30 * _SECOND
_MARGIN = 0.1
"""How much better than its bound a figure must be before entries leave again."""
_DISK, _SYNC, _MEMORY = "disk", "sync", "memory"
_STATM = "/proc/self/statm"


_Found = TypeVar("_Found")


class ResourceLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Beyond these no entry leaves; ``None`` is not looked at."""

    min_free_bytes: int | None = None
    min_free_share: float | None = None
    """Of the volume, 0 to 1."""
    max_sync_ns: int | None = None
    """Of one commit of the journal."""
    max_memory_bytes: int | None = None
    """Resident, of this process."""


class Volume(NamedTuple):
    """The room of a disk, bytes."""

    free: int
    total: int


def room(folder: Path) -> Volume:
    """The room of the disk of a folder, for this user.

    :raises OSError: if nobody can tell
    """
    found = os.statvfs(folder)
    return Volume(found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize)


def resident_memory() -> int | None:
    """What this process has in memory, bytes; ``None`` on a system that does not say so."""
    try:
        pages = int(Path(_STATM).read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return None


def _looks_at_room(limits: ResourceLimits) -> bool:
    return limits.min_free_bytes is not None or limits.min_free_share is not None


class Resources:
    """Shuts the gate for entries while one of them is short, and lifts that by itself.

    :param slowest_commit_ns: how long the slowest commit since the last call of it took, ns
    :param measure_room: may block
    :param measure_memory: may block
    """

    def __init__(
        self,
        trading: LiveTrading,
        clock: LiveClock,
        limits: ResourceLimits,
        slowest_commit_ns: Callable[[], int],
        measure_room: Callable[[], Volume],
        measure_memory: Callable[[], int | None] = resident_memory,
    ) -> None:
        self._trading = trading
        self._clock = clock
        self._limits = limits
        self._slowest_commit_ns = slowest_commit_ns
        self._measure_room = measure_room
        self._measure_memory = measure_memory
        self._last_slow_ns: int | None = None

    @property
    def limits(self) -> ResourceLimits:
        """What is in force; others may take its place, and what they leave out shuts nothing."""
        return self._limits

    @limits.setter
    def limits(self, limits: ResourceLimits) -> None:
        self._limits = limits
        # Nobody looks at it any more, so nobody else would lift what it shut.
        if limits.max_sync_ns is None:
            self._last_slow_ns = None
            self._trading.lift(_SYNC)
        if not _looks_at_room(limits):
            self._trading.lift(_DISK)
        if limits.max_memory_bytes is None:
            self._trading.lift(_MEMORY)

    async def run(self) -> None:
        """Watch, for ever."""
        async with anyio.create_task_group() as group:
            group.start_soon(self._watch_commits)
            group.start_soon(self._survey)

    async def _watch_commits(self) -> None:
        while True:
            with self._trading.guard():
                self.see_commit(self._slowest_commit_ns())
            await self._clock.sleep_until(self._clock.now_ns + _LOOK_NS)

    async def _survey(self) -> None:
        while True:
            limits = self.limits
            if _looks_at_room(limits):
                found = await self._asked(self._measure_room)
                with self._trading.guard():
                    self.see_room(found)
            if limits.max_memory_bytes is not None:
                memory = await self._asked(self._measure_memory)
                with self._trading.guard():
                    self.see_memory(memory)
            await self._clock.sleep_until(self._clock.now_ns + _SURVEY_NS)

    async def _asked(self, measure: Callable[[], _Found]) -> _Found | str:
        """What a measurement says, or why there is none: a disk may not answer at all."""
        with anyio.move_on_after(_PATIENCE_S):
            try:
                return await anyio.to_thread.run_sync(measure, abandon_on_cancel=True)
            except OSError as error:
                return error.strerror or str(error)
        return f"no answer for {_PATIENCE_S:g} s"

    # What is seen

    def see_commit(self, slowest_ns: int) -> None:
        """Take in how long the slowest commit took lately, ns."""
        limit_ns, now_ns = self.limits.max_sync_ns, self._clock.now_ns
        if limit_ns is None:
            return
        if slowest_ns > limit_ns:
            self._last_slow_ns = now_ns
            took = f"a commit of the journal took {slowest_ns / 1e6:,.0f} ms"
            self._trading.shut(_SYNC, f"{took}, more than {limit_ns / 1e6:,.10g}")
        elif self._last_slow_ns is not None and now_ns - self._last_slow_ns >= _CALM_NS:
            self._last_slow_ns = None
            self._trading.lift(_SYNC)

    def see_room(self, found: Volume | str) -> None:
        """Take in the room of the disk, or why nobody can tell."""
        limits = self.limits
        if not _looks_at_room(limits):
            return  # not since it was asked for
        if isinstance(found, str):
            self._trading.shut(_DISK, f"the room for the journal: {found}")
            return
        share = limits.min_free_share
        wanted = max(limits.min_free_bytes or 0, 0 if share is None else round(share * found.total))
        if found.free < wanted:
            said = f"{found.free / MIB:,.0f} MiB are free for the journal"
            self._trading.shut(_DISK, f"{said}, less than {wanted / MIB:,.0f}")
        elif found.free >= wanted * (1 + _MARGIN) or found.free >= found.total:
            self._trading.lift(_DISK)

    def see_memory(self, resident: int | str | None) -> None:
        """Take in what this process has in memory, bytes; what nobody can tell changes nothing."""
        limit = self.limits.max_memory_bytes
        if limit is None or not isinstance(resident, int):
            return
        if resident > limit:
            said = f"{resident / MIB:,.0f} MiB are in memory"
            self._trading.shut(_MEMORY, f"{said}, more than {limit / MIB:,.0f}")
        elif resident <= limit * (1 - _MARGIN):
            self._trading.lift(_MEMORY)
