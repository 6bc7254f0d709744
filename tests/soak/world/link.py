"""The way between the process and the broker: it delays, loses, repeats and ends."""

from collections.abc import Callable
from random import Random
from typing import Any

from world.timeline import MILLISECOND, SECOND, Timeline

from fillbridge_hooks import OrderRole


class Link:
    """One connection after the other, each with its number.

    What is under way when a connection ends may still arrive at the broker; what is on its way
    back never arrives.
    """

    def __init__(self, timeline: Timeline, random: Random, delay_ms: int) -> None:
        self.is_up = False
        self.is_hung = False
        """Up for whoever looks, but nothing arrives any more."""
        self.number = 0
        self._timeline = timeline
        self._random = random
        self._delay_ns = delay_ms * MILLISECOND
        self._out_ns = 0
        self._in_ns = 0

    def begin(self) -> None:
        """A new connection."""
        self.number += 1
        self.is_up, self.is_hung = True, False

    def end(self) -> None:
        """It is lost."""
        self.is_up = self.is_hung = False

    def to_broker(self, call: Callable[..., Any], *arguments: Any, held_ns: int = 0) -> None:
        """Let a request arrive at the broker, in order unless it is held."""
        due = self._timeline.now_ns + self._delay()
        if held_ns:
            self._timeline.at(due + held_ns, call, *arguments)
            return
        self._out_ns = due = max(due, self._out_ns + 1)
        self._timeline.at(due, call, *arguments)

    def to_process(self, call: Callable[..., Any], *arguments: Any, held_ns: int = 0) -> None:
        """Let an answer arrive, if the connection lives until then."""
        if not self.is_up or self.is_hung:
            return
        due = self._timeline.now_ns + self._delay()
        if held_ns:
            due += held_ns
        else:
            self._in_ns = due = max(due, self._in_ns + 1)
        self._timeline.at(due, self._arrive, self.number, call, arguments)

    def _arrive(self, number: int, call: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        if self.is_up and number == self.number and not self.is_hung:
            call(*arguments)

    def _delay(self) -> int:
        return int(self._delay_ns * (0.5 + self._random.random()))


LONGEST_HOLD_NS = 4 * SECOND
"""How long the broker may sit on an order before it works it; well below any quarantine."""


def role_name(role: OrderRole | None) -> str:
    """A role as part of a place."""
    return "none" if role is None else role.value
