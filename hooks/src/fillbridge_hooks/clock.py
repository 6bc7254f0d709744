"""Time as the core sees it: a clock that can be read and asked to call back.

Nothing in Fillbridge reads the system clock but a real clock made for that purpose; a simulation
runs on :class:`VirtualClock`.
"""

import heapq
from collections.abc import Callable
from typing import Protocol

NEVER = 1 << 62
"""A time in ns UTC that is never reached."""

_FEW = 64


class Timer(Protocol):
    """A call that a clock will make."""

    def cancel(self) -> None:
        """Do not make the call; without effect once it was made."""


class Clock(Protocol):
    """Nanoseconds UTC and callbacks at a time."""

    @property
    def now_ns(self) -> int:
        """The time now, ns UTC."""

    def call_at(self, time_ns: int, callback: Callable[[], None]) -> Timer:
        """Call ``callback`` once, as soon as the time is after ``time_ns``."""


class LiveClock(Clock, Protocol):
    """A clock that can be waited on."""

    async def sleep_until(self, time_ns: int) -> None:
        """Wait until the clock shows ``time_ns`` or later."""


class _Timer:
    __slots__ = ("_calls", "callback")

    def __init__(self, calls: "PendingCalls", callback: Callable[[], None]) -> None:
        self.callback: Callable[[], None] | None = callback
        self._calls = calls

    def cancel(self) -> None:
        if self.callback is not None:
            self.callback = None
            self._calls.count_void()


class PendingCalls:
    """The calls that a clock has yet to make, in order; of those cancelled few are kept."""

    def __init__(self) -> None:
        self._order = 0
        self._timers: list[tuple[int, int, _Timer]] = []
        self._void = 0
        """How many of the timers were cancelled."""

    def call_at(self, time_ns: int, callback: Callable[[], None]) -> Timer:
        """Call ``callback`` once, as soon as the time is after ``time_ns``."""
        timer = _Timer(self, callback)
        self._order += 1
        heapq.heappush(self._timers, (time_ns, self._order, timer))
        return timer

    def count_void(self) -> None:
        """A timer was cancelled: drop such timers once they are more than the others."""
        self._void += 1
        timers = self._timers
        if self._void > _FEW and 2 * self._void > len(timers):
            # In place, for whoever is making calls goes on with the same list.
            timers[:] = [entry for entry in timers if entry[2].callback is not None]
            heapq.heapify(timers)
            self._void = 0


class VirtualClock(PendingCalls):
    """A clock that moves only when it is told to, and then calls what fell due, in order.

    What is due exactly at the new time waits: an order lives through the end of its time.
    """

    def __init__(self, now_ns: int = 0) -> None:
        super().__init__()
        self.now_ns = now_ns
        """The time now, ns UTC; to be read only."""
        self.heading_to_ns = now_ns
        """Where the clock is being moved to while it makes calls; to be read only."""

    @property
    def next_due_ns(self) -> int:
        """When the next callback falls due; ``NEVER`` where none does."""
        timers = self._timers
        while timers and timers[0][2].callback is None:
            heapq.heappop(timers)
            self._void -= 1
        return timers[0][0] if timers else NEVER

    def advance_to(self, time_ns: int) -> None:
        """Move to ``time_ns``, making every call that was due before it; never backwards."""
        timers = self._timers
        self.heading_to_ns = time_ns
        while timers and timers[0][0] < time_ns:
            due_ns, _, timer = heapq.heappop(timers)
            callback, timer.callback = timer.callback, None
            if callback is not None:
                self.now_ns = max(self.now_ns, due_ns)
                callback()
            else:
                self._void -= 1
        if time_ns > self.now_ns:
            self.now_ns = time_ns
