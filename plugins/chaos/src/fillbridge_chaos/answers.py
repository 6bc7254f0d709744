"""Answers to queries that are wrong now and then, and never too often in a row."""

from collections import deque
from collections.abc import Hashable
from typing import TypeVar

from fillbridge_chaos.dice import Dice
from fillbridge_chaos.faults import Fault, Faults
from fillbridge_chaos.latency import SECOND
from fillbridge_chaos.trace import Trace
from fillbridge_hooks import Fill

T = TypeVar("T", bound=Hashable)

Answer = tuple[T, ...]

_MOST_REMEMBERED = 64


class Answers:
    """Replaces some true answers; what equals the truth is no lie and does not count."""

    def __init__(self, faults: Faults, dice: Dice, trace: Trace) -> None:
        self._faults = faults
        self._dice = dice
        self._trace = trace
        self._lies: dict[str, int] = {}
        self._earlier: dict[str, deque[tuple[int, Answer[Hashable]]]] = {}

    def snapshot(self, query: str, truth: Answer[T], now_ns: int) -> Answer[T]:
        """What is answered to a query for how things stand."""
        stale = self._remembered(query, truth, now_ns)
        return self._answered(query, truth, stale, now_ns)

    def fills(self, truth: Answer[Fill], now_ns: int) -> Answer[Fill]:
        """What is answered to a query for fills."""
        since_ns = now_ns - round(self._faults.stale_s * SECOND)
        stale = tuple(fill for fill in truth if fill.time_ns <= since_ns)
        return self._answered("fills", truth, stale, now_ns)

    def _remembered(self, query: str, truth: Answer[T], now_ns: int) -> Answer[T]:
        if self._faults.stale_answer <= 0:
            return truth
        earlier = self._earlier.setdefault(query, deque(maxlen=_MOST_REMEMBERED))
        since_ns = now_ns - round(self._faults.stale_s * SECOND)
        while earlier and earlier[0][0] < since_ns:
            earlier.popleft()
        stale = earlier[0][1] if earlier else truth
        earlier.append((now_ns, truth))
        return stale  # type: ignore[return-value]  # a query is answered in one type

    def _answered(self, query: str, truth: Answer[T], stale: Answer[T], now_ns: int) -> Answer[T]:
        lies = (
            (Fault.EMPTY_ANSWER, self._faults.empty_answer, ()),
            (Fault.STALE_ANSWER, self._faults.stale_answer, stale),
        )
        # Each stream moves at every query, so that what is true now shifts nothing.
        drawn = [(fault, lie) for fault, rate, lie in lies if self._dice.happens(fault, rate)]
        told = self._lies.get(query, 0)
        for fault, lie in drawn:
            if lie != truth and told < self._faults.max_consecutive_lies:
                self._lies[query] = told + 1
                self._trace.record(now_ns, fault, "")
                return lie
        self._lies[query] = 0
        return truth
