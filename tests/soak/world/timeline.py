"""Virtual time: one heap of everything that will happen, in one order."""

import heapq
from collections.abc import Callable
from typing import Any

SECOND = 1_000_000_000
MILLISECOND = 1_000_000
START_NS = 1_700_002_790 * SECOND
"""2023-11-14, 10 s before the trade date ends at 17:00 in Chicago: every run lives through that."""

Call = Callable[..., Any]


class Timeline:
    """What happens when; equal times happen in the order in which they were asked for."""

    def __init__(self) -> None:
        self.now_ns = START_NS
        self._heap: list[tuple[int, int, Call, tuple[Any, ...]]] = []
        self._asked = 0

    @property
    def seconds(self) -> float:
        """Since the start."""
        return (self.now_ns - START_NS) / SECOND

    def at(self, time_ns: int, call: Call, *arguments: Any) -> None:
        """Make a call then; at once, but after this one, where that time is past."""
        self._asked += 1
        when = time_ns if time_ns > self.now_ns else self.now_ns
        heapq.heappush(self._heap, (when, self._asked, call, arguments))

    def after(self, nanoseconds: int, call: Call, *arguments: Any) -> None:
        """Make a call in so many nanoseconds."""
        self._asked += 1
        heapq.heappush(self._heap, (self.now_ns + nanoseconds, self._asked, call, arguments))

    def step(self) -> None:
        """Make the next call."""
        self.now_ns, _, call, arguments = heapq.heappop(self._heap)
        call(*arguments)
