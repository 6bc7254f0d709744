"""Executions are counted; of those that took too long one a minute is told of."""

from fillbridge.metrics import ExecutionMetrics
from fillbridge_hooks import Clock

_QUIET_NS = 60_000_000_000


class SlowExecutions:
    """Counts executions, and makes one sentence a minute of the slow ones.

    :param limit_ms: what takes longer is slow
    """

    def __init__(self, metrics: ExecutionMetrics, clock: Clock, limit_ms: float) -> None:
        self._metrics = metrics
        self._clock = clock
        self._limit_ms = limit_ms
        self._quiet_until_ns = 0
        self._untold = 0
        self._longest_ms = 0.0

    def count(self, ms: float) -> str:
        """Count an execution; what to say of it now, nothing where one was told of lately."""
        self._metrics.update_execution_time(ms)
        if ms <= self._limit_ms:
            return ""
        self._metrics.slow_executions += 1
        if self._clock.now_ns < self._quiet_until_ns:
            self._untold += 1
            self._longest_ms = max(self._longest_ms, ms)
            return ""
        said = f"an execution took {ms:.1f} ms, expected at most {self._limit_ms} ms"
        if self._untold:
            said += f"; {self._untold} more since the last warning, up to {self._longest_ms:.1f} ms"
        self._quiet_until_ns = self._clock.now_ns + _QUIET_NS
        self._untold, self._longest_ms = 0, 0.0
        return said
