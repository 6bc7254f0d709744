"""How long a message takes in one direction."""

import math

from fillbridge_chaos.dice import Dice
from fillbridge_chaos.faults import Fault, Latency
from fillbridge_chaos.trace import Trace

MILLISECOND = 1_000_000
SECOND = 1_000_000_000


class Delays:
    """The latencies of one direction, one after the other."""

    def __init__(self, name: str, latency: Latency, dice: Dice, trace: Trace) -> None:
        self._name = name
        self._spike = f"{name} spike"
        self._latency = latency
        self._dice = dice
        self._trace = trace

    def next_ns(self, now_ns: int, client_order_id: str = "") -> int:
        """The latency of the next message, ns."""
        latency = self._latency
        delay_ms = latency.fixed_ms
        if latency.median_ms > 0:
            stream = self._dice.stream(self._name)
            delay_ms += stream.lognormvariate(math.log(latency.median_ms), latency.sigma)
        if self._dice.happens(self._spike, latency.spike):
            delay_ms += latency.spike_ms
            self._trace.record(now_ns, Fault.SPIKE, client_order_id)
        if delay_ms > 0:
            self._trace.record(now_ns, Fault.LATENCY, client_order_id)
        return round(delay_ms * MILLISECOND)
