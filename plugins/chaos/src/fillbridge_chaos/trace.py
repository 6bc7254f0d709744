"""What went wrong: counted, hashed, and the last of it kept."""

import hashlib
from collections import deque

import msgspec

from fillbridge_chaos.faults import Fault

_KEPT = 10_000


class ChaosEvent(msgspec.Struct, frozen=True):
    """One fault: when it happened, ns UTC, and to which order; empty where to none."""

    time_ns: int
    fault: Fault
    client_order_id: str


class Trace:
    """Every fault in the order in which they happened."""

    def __init__(self) -> None:
        self.counters: dict[str, int] = {fault.value: 0 for fault in Fault}
        """How often each fault happened."""
        self.events: deque[ChaosEvent] = deque(maxlen=_KEPT)
        """The last 10,000 of them; the counters and the hash know all."""
        self._hash = hashlib.sha256()

    def record(self, time_ns: int, fault: Fault, client_order_id: str) -> None:
        """Add one fault; plain latency, which every message has, is counted and not kept."""
        self.counters[fault.value] += 1
        if fault is not Fault.LATENCY:
            self.events.append(ChaosEvent(time_ns, fault, client_order_id))
        self._hash.update(f"{time_ns}|{fault.value}|{client_order_id}\n".encode())

    @property
    def hash(self) -> str:
        """SHA-256 of all faults so far: equal where the same happened in the same order."""
        return self._hash.hexdigest()
