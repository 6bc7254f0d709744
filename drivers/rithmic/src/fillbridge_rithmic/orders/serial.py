"""One operation at a time on a basket: Rithmic refuses what overlaps.

Here stands what is under way, not what is wanted: that is worked out anew whenever a basket is
free, so the newest wish wins by itself.
"""

from __future__ import annotations

from typing import Final

import msgspec

from fillbridge_rithmic.orders.lines import LineTerms
from fillbridge_rithmic.orders.notices import Phase

_SECOND: Final = 1_000_000_000
ANSWER_NS: Final = _SECOND
"""An operation of which nothing is heard for so long no longer holds up another."""
PAUSE_NS: Final = _SECOND // 10
"""Before what overlapped is asked again."""
MOST_TRIES: Final = 3
"""An operation that leaves a basket as it was is not asked for more often than this."""
MOST_OVERLAPS: Final = 30

_OVERLAP: Final = "atomic order operation"
_REFUSALS: Final = (Phase.CHANGE_REFUSED, Phase.CANCEL_REFUSED)
_UNEXPLAINED: Final = "no reason given"
_DONE: Final = ("order is complete", "already complete")


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """A cancel of a basket, or new terms for it."""

    basket_id: str
    quantity: int = 0
    """The new total; 0 for a cancel."""
    terms: LineTerms | None = None

    @property
    def is_cancel(self) -> bool:
        """Whether all that is left shall be withdrawn."""
        return self.terms is None


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """An operation that was refused for good, and why."""

    operation: Operation
    reason: str


class _Flight(msgspec.Struct, kw_only=True):
    operation: Operation
    key: str
    sent_ns: int


class _Tries(msgspec.Struct, kw_only=True):
    operation: Operation
    times: int = 0
    overlaps: int = 0
    again_ns: int = 0
    is_silent: bool = False
    """Whether nothing was heard of the last one: it may be carried out yet."""


class Serial:
    """What is under way on which basket."""

    def __init__(self) -> None:
        self._flights: dict[str, _Flight] = {}
        self._keys: dict[str, str] = {}
        """By key: the basket."""
        self._tries: dict[str, _Tries] = {}
        self._late: set[str] = set()
        """Baskets with an operation that was not answered in time: its refusal may come yet."""
        self._complete: set[str] = set()
        """Baskets of which Rithmic said, to an operation, that they are complete."""

    def is_free(self, basket_id: str, now_ns: int) -> bool:
        """Whether an operation on a basket may be sent now."""
        tries = self._tries.get(basket_id)
        if basket_id in self._flights or basket_id in self._complete:
            return False
        return tries is None or now_ns >= tries.again_ns

    def is_busy(self, basket_id: str) -> bool:
        """Whether an operation is under way on a basket."""
        return basket_id in self._flights

    def is_complete(self, basket_id: str) -> bool:
        """Whether Rithmic said, to an operation, that a basket is complete."""
        return basket_id in self._complete

    def works_after_all(self, basket_id: str) -> None:
        """A basket was heard to work, whatever was said before."""
        self._complete.discard(basket_id)

    def forget(self, gone: set[str]) -> None:
        """Baskets are no longer known."""
        self._complete -= gone
        self._late -= gone

    def is_in_vain(self, operation: Operation) -> bool:
        """Whether it was tried often enough."""
        tries = self._tries.get(operation.basket_id)
        return tries is not None and tries.operation == operation and tries.times >= MOST_TRIES

    def is_silent(self, basket_id: str) -> bool:
        """Whether nothing was heard of the last operation on a basket, for too long."""
        tries = self._tries.get(basket_id)
        return tries is not None and tries.is_silent

    def begin(self, operation: Operation, key: str, now_ns: int) -> None:
        """An operation is about to be sent; its answer will bear ``key``."""
        basket_id = operation.basket_id
        self._flights[basket_id] = _Flight(operation=operation, key=key, sent_ns=now_ns)
        self._keys[key] = basket_id
        tries = self._tries.get(basket_id)
        if tries is None or tries.operation != operation:
            tries = self._tries[basket_id] = _Tries(operation=operation)
        tries.times += 1
        tries.again_ns = 0
        tries.is_silent = False

    def was_not_sent(self, key: str) -> None:
        """It is proved that it did not leave."""
        basket_id = self._keys.get(key)
        if basket_id is not None:
            self._end(basket_id)

    def answer(self, key: str, reason: str, now_ns: int) -> Refused | None:
        """The answer to an operation; ``reason`` is empty where it was taken.

        That it was taken is not that it was done: that comes as a notification.
        """
        basket_id = self._keys.get(key)
        if basket_id is None or not reason:
            return None
        return self._refuse(basket_id, reason, now_ns)

    def hear(
        self, basket_id: str, phase: Phase, text: str, has_ended: bool, now_ns: int
    ) -> Refused | None:
        """What a notification says of the operation on its basket."""
        if has_ended:
            self._end(basket_id)
            self._tries.pop(basket_id, None)
            self._late.discard(basket_id)
            return None
        if phase in _REFUSALS and basket_id in self._late:
            # It may be of the operation before; if it is of this one, that goes unanswered, too.
            self._late.discard(basket_id)
            return None
        flight = self._flights.get(basket_id)
        if flight is None:
            return None
        is_cancel = flight.operation.is_cancel
        if phase is Phase.CHANGED and not is_cancel:
            self._end(basket_id)
        if phase is not (Phase.CANCEL_REFUSED if is_cancel else Phase.CHANGE_REFUSED):
            return None
        return self._refuse(basket_id, text or _UNEXPLAINED, now_ns)

    def give_up_waiting(self, now_ns: int) -> None:
        """What was not answered for too long holds up nothing any more, nor does a pause."""
        for tries in self._tries.values():
            if tries.again_ns <= now_ns:
                tries.again_ns = 0
        for basket_id, flight in tuple(self._flights.items()):
            if now_ns - flight.sent_ns >= ANSWER_NS:
                self._end(basket_id)
                self._tries[basket_id].is_silent = True
                self._late.add(basket_id)

    def next_due_ns(self) -> int | None:
        """When a basket becomes free by time alone."""
        times = [flight.sent_ns + ANSWER_NS for flight in self._flights.values()]
        times += [tries.again_ns for tries in self._tries.values() if tries.again_ns]
        return min(times, default=None)

    def forget_tries(self, basket_id: str) -> None:
        """A new wish begins to count anew; what is under way stays so."""
        tries = self._tries.get(basket_id)
        if tries is not None and not tries.again_ns:
            tries.times = 0

    def _refuse(self, basket_id: str, reason: str, now_ns: int) -> Refused | None:
        flight = self._flights.get(basket_id)
        if flight is None:
            return None
        self._end(basket_id)
        tries = self._tries[basket_id]
        if _OVERLAP in reason.lower() and tries.overlaps < MOST_OVERLAPS:
            # It was not carried out, so it may be asked again.
            tries.times -= 1
            tries.overlaps += 1
            tries.again_ns = now_ns + PAUSE_NS
            return None
        if any(words in reason.lower() for words in _DONE):
            # Whoever goes on cancelling what is complete may be locked out.
            self._complete.add(basket_id)
        return Refused(operation=flight.operation, reason=reason)

    def _end(self, basket_id: str) -> None:
        flight = self._flights.pop(basket_id, None)
        if flight is not None:
            self._keys.pop(flight.key, None)
