"""A clock for tests: it stands still until it is told to move."""

import heapq
from collections.abc import Callable

import anyio
import anyio.lowlevel

from fillbridge_hooks.clock import NEVER, Timer, VirtualClock

_SECOND = 1_000_000_000
_TURNS = 30
"""Turns that tasks are given before they are looked at; on asyncio a look may cost 0.1 s."""


class ManualClock:
    """A ``LiveClock`` that a test moves; nothing waits for real time.

    Moving stops at each time for which a task sleeps or a callback is due, and goes on when all
    that follows from it has settled, so tasks see the times they asked for, in their order.
    """

    def __init__(self, now_ns: int = 0) -> None:
        self._timers = VirtualClock(now_ns)
        self._sleepers: list[tuple[int, int, anyio.Event]] = []
        self._order = 0

    @property
    def now_ns(self) -> int:
        """The time now, ns UTC."""
        return self._timers.now_ns

    @property
    def next_due_ns(self) -> int:
        """When the next sleeper wakes or the next callback is made; ``NEVER`` where none is."""
        due_ns = self._timers.next_due_ns
        due_ns = due_ns + 1 if due_ns < NEVER else NEVER  # made once the time is after it
        return min(due_ns, self._sleepers[0][0]) if self._sleepers else due_ns

    def call_at(self, time_ns: int, callback: Callable[[], None]) -> Timer:
        """Call ``callback`` once, as soon as the time is after ``time_ns``."""
        return self._timers.call_at(time_ns, callback)

    async def sleep_until(self, time_ns: int) -> None:
        """Wait until the clock shows ``time_ns`` or later."""
        await anyio.lowlevel.checkpoint()
        if time_ns <= self.now_ns:
            return
        self._order += 1
        sleeper = (time_ns, self._order, anyio.Event())
        heapq.heappush(self._sleepers, sleeper)
        try:
            await sleeper[2].wait()
        finally:
            if sleeper in self._sleepers:
                self._sleepers.remove(sleeper)
                heapq.heapify(self._sleepers)

    async def advance(self, seconds: float) -> None:
        """Move on by ``seconds``; see :meth:`advance_to`."""
        await self.advance_to(self.now_ns + round(seconds * _SECOND))

    async def advance_to(self, time_ns: int) -> None:
        """Move to ``time_ns``, stopping wherever something is due, and let everything settle.

        To be called from one task at a time, and from no task that others wait for.
        """
        await self.settle()
        while (due_ns := self.next_due_ns) <= time_ns:
            self._move_to(due_ns)
            await self.settle()
        self._move_to(time_ns)
        await self.settle()

    async def settle(self) -> None:
        """Let all other tasks run until each of them waits for something."""
        for _ in range(_TURNS):
            await anyio.lowlevel.checkpoint()
        await anyio.wait_all_tasks_blocked()

    def _move_to(self, time_ns: int) -> None:
        self._timers.advance_to(time_ns)
        while self._sleepers and self._sleepers[0][0] <= self.now_ns:
            heapq.heappop(self._sleepers)[2].set()
