"""How many orders may leave in a second."""

_SECOND = 1_000_000_000


class Throttle:
    """A bucket of tokens that holds those of one second."""

    def __init__(self, per_second: float) -> None:
        self._per_second = per_second
        self._most = max(1.0, per_second)
        self._tokens = self._most
        self._at_ns = 0

    def allows(self, now_ns: int) -> bool:
        """Whether one more may leave now, which it then does."""
        gained = max(0, now_ns - self._at_ns) / _SECOND * self._per_second
        self._tokens = min(self._most, self._tokens + gained)
        self._at_ns = max(now_ns, self._at_ns)
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
