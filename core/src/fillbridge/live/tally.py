"""What left against what was recorded: an order that is sent more often than decided stops it all.

The two sides are counted in different places: what is allowed where events are recorded, what
left right at the driver. Nothing in between can miscount both.
"""

from collections.abc import Callable, Iterator, Sequence

import msgspec

from fillbridge.engine.messages import (
    CancelSent,
    Event,
    OrdersPlaced,
    ReplaceSent,
    TradeApproved,
)
from fillbridge.engine.state import EngineState

SUBMIT, CANCEL, CHANGE = range(3)
_WORDS = ("submitted", "cancelled", "changed")
_SECOND = 1_000_000_000
_KEPT_NS = 600 * _SECOND
_TOLD = 5


class _Intent(msgspec.Struct, gc=False):
    """Of one order, by kind: how often a request may leave, and how often one did."""

    touched_ns: int
    allowed: tuple[int, int, int] = (0, 0, 0)
    left: tuple[int, int, int] = (0, 0, 0)


class Tally:
    """Counts the requests of one account since its start.

    :param now_ns: the time, ns UTC
    """

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self._now_ns = now_ns
        self._intents: dict[str, _Intent] = {}
        self._next_ns = 0

    # What may leave

    def allow(self, events: Sequence[Event]) -> None:
        """Take in what was recorded: each request that it decided may leave once."""
        for event in events:
            if isinstance(event, TradeApproved):
                self._allow(event.plan.entry.client_order_id, SUBMIT)
            elif isinstance(event, OrdersPlaced):
                for order in event.orders:
                    self._allow(order.client_order_id, SUBMIT)
            elif isinstance(event, CancelSent):
                self._allow(event.client_order_id, CANCEL)
            elif isinstance(event, ReplaceSent):
                self._allow(event.change.client_order_id, CHANGE)

    def allow_again(self, client_order_id: str, kind: int) -> None:
        """A cancel or a change may leave once more: the broker does not know of the first."""
        self._allow(client_order_id, kind)

    def _allow(self, client_order_id: str, kind: int) -> None:
        intent = self._of(client_order_id)
        intent.allowed = _more(intent.allowed, kind)

    # What left

    def left(self, client_order_id: str, kind: int) -> None:
        """A request is handed to the driver."""
        intent = self._of(client_order_id)
        intent.left = _more(intent.left, kind)

    def _of(self, client_order_id: str) -> _Intent:
        now_ns = self._now_ns()
        intent = self._intents.get(client_order_id)
        if intent is None:
            intent = self._intents[client_order_id] = _Intent(now_ns)
        intent.touched_ns = now_ns
        return intent

    # The comparison

    def look(self, state: EngineState) -> str:
        """Compare once a second: what left that was not decided, each told once; else empty."""
        now_ns = self._now_ns()
        if now_ns < self._next_ns:
            return ""
        self._next_ns = now_ns + _SECOND
        excess = tuple(self._excess())
        # What may leave no more needs no memory: whatever leaves again is one too many without it.
        self._intents = {
            order_id: intent
            for order_id, intent in self._intents.items()
            if intent.left != intent.allowed
            and (order_id in state.orders or intent.touched_ns > now_ns - _KEPT_NS)
        }
        if not excess:
            return ""
        more = f"; and {len(excess) - _TOLD} more" if len(excess) > _TOLD else ""
        return f"more left than was decided: {'; '.join(excess[:_TOLD])}{more}"

    def _excess(self) -> Iterator[str]:
        for order_id, intent in self._intents.items():
            for word, allowed, left in zip(_WORDS, intent.allowed, intent.left, strict=True):
                if left > allowed:
                    yield f"{order_id}: expected to be {word} at most {allowed} times, was {left}"
            intent.allowed = _most(intent)


def _more(counts: tuple[int, int, int], kind: int) -> tuple[int, int, int]:
    submits, cancels, changes = counts
    if kind == SUBMIT:
        return submits + 1, cancels, changes
    if kind == CANCEL:
        return submits, cancels + 1, changes
    return submits, cancels, changes + 1


def _most(intent: _Intent) -> tuple[int, int, int]:
    """What counts as allowed from here on, so that an excess is told once."""
    submits, cancels, changes = map(max, intent.allowed, intent.left)
    return submits, cancels, changes
