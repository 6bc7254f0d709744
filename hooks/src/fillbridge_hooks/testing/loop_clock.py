"""A clock that runs with the event loop, so that it jumps with a loop whose time jumps."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio
import anyio.lowlevel
from anyio.abc import TaskGroup

from fillbridge_hooks.clock import Timer

_SECOND = 1_000_000_000
_MONDAY_NS = 1_772_460_000_000_000_000  # 08:00 in Chicago


class LoopClock:
    """A ``LiveClock``; made by :func:`loop_clock`."""

    def __init__(self, tasks: TaskGroup, start_ns: int) -> None:
        self._tasks = tasks
        self._start_ns = start_ns
        self._began_s = anyio.current_time()

    @property
    def now_ns(self) -> int:
        """The time now, ns UTC."""
        return self._start_ns + round((anyio.current_time() - self._began_s) * _SECOND)

    def call_at(self, time_ns: int, callback: Callable[[], None]) -> Timer:
        """Call ``callback`` once, as soon as the time is after ``time_ns``."""
        scope = anyio.CancelScope()

        async def call() -> None:
            with scope:
                await self.sleep_until(time_ns + 1)
                callback()

        self._tasks.start_soon(call)
        return scope

    async def sleep_until(self, time_ns: int) -> None:
        """Wait until the clock shows ``time_ns`` or later."""
        await anyio.lowlevel.checkpoint()
        while (left_ns := time_ns - self.now_ns) > 0:  # noqa: ASYNC110  # rounding
            await anyio.sleep(left_ns / _SECOND)


@asynccontextmanager
async def loop_clock(start_ns: int = _MONDAY_NS) -> AsyncIterator[LoopClock]:
    """A clock that shows ``start_ns`` now; leaving the context drops the calls it has yet to make.

    An error inside, or of a call, comes out in an ``ExceptionGroup``.
    """
    async with anyio.create_task_group() as tasks:
        yield LoopClock(tasks, start_ns)
        tasks.cancel_scope.cancel()
