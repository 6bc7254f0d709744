"""The clock of a broker that is a process of its own."""

import time

import anyio

_SECOND = 1_000_000_000


class SystemClock:
    """Real time, as it was at the start and has passed since: it never goes back."""

    def __init__(self) -> None:
        self._start_ns = time.clock_gettime_ns(time.CLOCK_REALTIME)
        self._origin_ns = time.monotonic_ns()

    @property
    def now_ns(self) -> int:
        """The time now, ns UTC."""
        return self._start_ns + time.monotonic_ns() - self._origin_ns

    async def sleep_until(self, time_ns: int) -> None:
        """Wait until the clock shows ``time_ns`` or later."""
        # A sleep may end a little early.
        while (left := time_ns - self.now_ns) > 0:  # noqa: ASYNC110
            await anyio.sleep(left / _SECOND)
