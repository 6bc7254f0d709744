"""The real clock: wall time that never goes back, with timers that a task runs."""

import heapq
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import anyio

from fillbridge_hooks import Timer
from fillbridge_hooks.clock import PendingCalls

_LONGEST_SLEEP_S = 60.0


class SystemClock(PendingCalls):
    """UTC as it was when the clock was made, carried on by the monotonic clock.

    So it never goes back, and jumps only where :meth:`accept_step` lets it; :attr:`skew_ns` says
    how far the wall clock did.
    """

    def __init__(self) -> None:
        super().__init__()
        self._offset_ns = self._wall_ns() - time.monotonic_ns()
        self._accepted_ns = 0
        self._woken = anyio.Event()
        self._stepped = anyio.Event()

    @property
    def now_ns(self) -> int:
        """The time now, ns UTC."""
        return time.monotonic_ns() + self._offset_ns

    @property
    def skew_ns(self) -> int:
        """How far the wall clock has stepped ahead of this one."""
        return self._wall_ns() - self.now_ns - self._accepted_ns

    def accept_step(self) -> int:
        """Measure :attr:`skew_ns` from where the wall clock is now; how far this one moved, ns.

        It follows a wall clock that is ahead, as after a suspension, in which the monotonic clock
        stands still; whoever waits is woken. It never follows one that is behind.
        """
        ahead_ns = self._wall_ns() - self.now_ns
        if ahead_ns <= 0:
            self._accepted_ns = ahead_ns
            return 0
        self._accepted_ns = 0
        self._offset_ns += ahead_ns
        self._woken.set()
        self._stepped.set()
        self._stepped = anyio.Event()
        return ahead_ns

    def call_at(self, time_ns: int, callback: Callable[[], None]) -> Timer:
        """Call ``callback`` once, as soon as the time is after ``time_ns``; see :meth:`run`."""
        timer = super().call_at(time_ns, callback)
        if self._timers[0][2] is timer:  # else something is waited for that is due before
            self._woken.set()
        return timer

    async def sleep_until(self, time_ns: int) -> None:
        """Wait until the clock shows ``time_ns`` or later."""
        while True:
            left_ns = time_ns - self.now_ns
            if left_ns <= 0:
                await anyio.lowlevel.checkpoint()
                return
            with anyio.move_on_after(min(left_ns / 1e9, _LONGEST_SLEEP_S)):
                await self._stepped.wait()

    async def run(self, guard: Callable[[], AbstractContextManager[None]] = nullcontext) -> None:
        """Make the calls that fall due, for ever.

        :param guard: stands around each call; what it lets through ends the task
        """
        while True:
            self._woken = anyio.Event()
            wait_s = self._call_what_is_due(guard)
            with anyio.move_on_after(wait_s):
                await self._woken.wait()

    def _call_what_is_due(
        self, guard: Callable[[], AbstractContextManager[None]] = nullcontext
    ) -> float:
        """Make the calls that are due; the seconds until the next is."""
        while self._timers:
            left_ns = self._timers[0][0] - self.now_ns
            if left_ns >= 0:
                return min(left_ns / 1e9 + 0.0001, _LONGEST_SLEEP_S)
            timer = heapq.heappop(self._timers)[2]
            callback, timer.callback = timer.callback, None
            if callback is not None:
                with guard():
                    callback()
            else:
                self._void -= 1
        return _LONGEST_SLEEP_S

    @staticmethod
    def _wall_ns() -> int:
        return time.time_ns()  # noqa: TID251  # this is the clock that all others ask
