"""Whether this process can be relied on: its tasks run in time, and its clock does not step."""

from fillbridge.live.clock import SystemClock
from fillbridge.live.trading import LiveTrading
from fillbridge_hooks import LiveClock

_MILLISECOND = 1_000_000
_SAMPLE_NS = 50 * _MILLISECOND
_LAG, _STEP = "lag", "clock"
_STALL_NS = 1_000 * _MILLISECOND
_MAX_STEP_NS = 250 * _MILLISECOND
"""From one sample to the next."""
_MAX_SKEW_NS = 500 * _MILLISECOND
"""Come together little by little, as while the wall clock is being slewed."""
_CALM_NS = 10_000 * _MILLISECOND
_STEADY_NS = 30_000 * _MILLISECOND


class Health:
    """Shuts the gate for entries while something about this process is wrong.

    :param max_lag_ns: how much later than asked a task may run
    """

    def __init__(self, trading: LiveTrading, clock: LiveClock, max_lag_ns: int) -> None:
        self._trading = trading
        self._clock = clock
        self._max_lag_ns = max_lag_ns
        self._last_bad: dict[str, int] = {}
        self._skew_ns = 0

    async def run(self) -> None:
        """Watch, for ever."""
        while True:
            due_ns = self._clock.now_ns + _SAMPLE_NS
            await self._clock.sleep_until(due_ns)
            with self._trading.guard():
                self.sample(self._clock.now_ns - due_ns)

    def sample(self, lag_ns: int) -> None:
        """Take in how late a task ran."""
        if lag_ns > self._max_lag_ns:
            self._is_bad(_LAG, f"tasks ran {lag_ns / 1e6:.0f} ms late")
            if lag_ns > _STALL_NS:
                self._trading.doubt(f"the process stood still for {lag_ns / 1e9:.1f} s")
        else:
            self._is_good(_LAG, _CALM_NS)
        if not isinstance(self._clock, SystemClock):
            return
        skew_ns = self._clock.skew_ns
        step_ns, self._skew_ns = skew_ns - self._skew_ns, skew_ns
        if abs(step_ns) > _MAX_STEP_NS:
            self._accept(f"the wall clock stepped by {step_ns / 1e6:.0f} ms")
        elif abs(skew_ns) > _MAX_SKEW_NS:
            self._accept(f"the wall clock went astray by {skew_ns / 1e6:.0f} ms")
        else:
            self._is_good(_STEP, _STEADY_NS)

    def _accept(self, reason: str) -> None:
        if not isinstance(self._clock, SystemClock):
            return
        # First, for the clock may move with it, and the calm is counted by the clock.
        moved_ns = self._clock.accept_step()
        self._skew_ns = self._clock.skew_ns
        self._is_bad(_STEP, reason)
        if moved_ns:
            self._trading.doubt(reason)

    def _is_bad(self, cause: str, reason: str) -> None:
        self._last_bad[cause] = self._clock.now_ns
        self._trading.shut(cause, reason)

    def _is_good(self, cause: str, calm_ns: int) -> None:
        since = self._last_bad.get(cause)
        if since is not None and self._clock.now_ns - since >= calm_ns:
            del self._last_bad[cause]
            self._trading.lift(cause)
