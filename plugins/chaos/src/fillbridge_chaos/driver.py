"""A driver whose link goes wrong."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from fillbridge_chaos.answers import Answers
from fillbridge_chaos.dice import Dice
from fillbridge_chaos.faults import Fault, Faults
from fillbridge_chaos.latency import SECOND
from fillbridge_chaos.session import ChaosSession
from fillbridge_chaos.trace import ChaosEvent, Trace
from fillbridge_chaos.wire import Wire
from fillbridge_hooks import ConnectionTerms, Driver, RetryableError, Session


class ChaosDriver:
    """Any driver behind a bad link.

    The chaos lies about the link, never about the money: lost reports are found by queries, and a
    query is wrong at most ``max_consecutive_lies`` times in a row.
    """

    def __init__(self, driver: Driver, faults: Faults, seed: int = 0) -> None:
        self.capabilities = driver.capabilities
        """Those of the driver inside."""
        self._driver = driver
        self._faults = faults
        self._dice = Dice(seed)
        self._trace = Trace()
        self._answers = Answers(faults, self._dice, self._trace)
        self._refused_until_ns = 0
        self._was_refused = False

    @property
    def counters(self) -> Mapping[str, int]:
        """How often each fault happened so far, over all connections."""
        return dict(self._trace.counters)

    @property
    def trace(self) -> tuple[ChaosEvent, ...]:
        """The last 10,000 faults, oldest first."""
        return tuple(self._trace.events)

    @property
    def trace_hash(self) -> str:
        """SHA-256 of every fault so far: equal where the same happened at the same times."""
        return self._trace.hash

    @asynccontextmanager
    async def connect(self, terms: ConnectionTerms) -> AsyncIterator[Session]:
        """Connect through the chaos, once.

        :raises RetryableError: if the connection is refused, or the driver says so
        :raises FatalError: if the driver does
        """
        self._refuse(terms.clock.now_ns)
        async with self._driver.connect(terms) as session:
            wire = Wire(session, terms.clock, self._faults, self._dice, self._trace)
            chaos = ChaosSession(wire, self._answers)
            try:
                yield chaos
            finally:
                chaos.leave()

    def _refuse(self, now_ns: int) -> None:
        rate = self._faults.connect_refused
        if now_ns >= self._refused_until_ns:
            if self._was_refused or not self._dice.happens(Fault.CONNECT_REFUSED, rate):
                self._was_refused = False
                return
            self._was_refused = True
            self._refused_until_ns = now_ns + round(self._faults.refused_s * SECOND)
        self._trace.record(now_ns, Fault.CONNECT_REFUSED, "")
        raise RetryableError("chaos: connection refused")
