"""The newest of many times, shown without a copy: it would go through memory long gone cold."""

from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import overload


class NewestTimes(Sequence[int]):
    """Times after a given one, the newest first; it counts until the next time is added.

    :param times: ns UTC, the oldest first
    :param most: so many are shown at most
    """

    __slots__ = ("_count", "_times")

    def __init__(self, times: deque[int], since_ns: int, most: int) -> None:
        count = min(len(times), most)
        if count and times[-count] <= since_ns:
            count = len(times) - bisect_right(times, since_ns, len(times) - count)
        self._times = times
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[int]:
        return islice(reversed(self._times), self._count)

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[int, ...]: ...
    def __getitem__(self, index: int | slice) -> int | tuple[int, ...]:
        if isinstance(index, slice):
            return tuple(self)[index]
        place = range(self._count)[index]
        return self._times[-1 - place]
