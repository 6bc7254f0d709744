"""What a session has yet to hear."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from fillbridge_hooks import Message


LIMIT = 1_000_000
"""Messages that wait at most; whoever does not read them loses the session."""


class Inbox:
    """Messages for one session, in the order in which they happened.

    :param symbols: whose market data is wanted
    """

    def __init__(self, symbols: frozenset[str]) -> None:
        self.symbols = symbols
        self.messages: deque[Message] = deque()
        self.ended_by_login = False
        """Whether another login took the session."""
        self.has_overflowed = False
        """Whether there were too many, so that nothing more was put in."""
        self.wake: Callable[[], None] | None = None
        """Called when there is something new to see."""

    def put(self, message: Message) -> None:
        """Add a message."""
        if len(self.messages) >= LIMIT:
            self.has_overflowed = True
        if not self.has_overflowed:
            self.messages.append(message)
        self._notify()

    def end_by_login(self) -> None:
        """Say that another login took the session; what it has yet to hear stays."""
        self.ended_by_login = True
        self._notify()

    def _notify(self) -> None:
        if self.wake is not None:
            self.wake()
