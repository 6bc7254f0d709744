"""What a session has yet to hand on."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

import anyio
import anyio.lowlevel

from fillbridge_hooks import ForcedLogout, RetryableError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fillbridge_hooks import DriverError, Message

LIMIT: Final = 1_000_000
"""Messages that wait at most; whoever does not take them loses the session."""


class Inbox:
    """Messages in the order in which they were heard, and then the end."""

    def __init__(self) -> None:
        self._messages: deque[Message] = deque()
        self._woken = anyio.Event()
        self.end_reason: DriverError | None = None
        """Why nothing more comes."""

    def put(self, messages: Iterable[Message]) -> None:
        """Add messages; none is added once the end was said."""
        if self.end_reason is not None:
            return
        self._messages.extend(messages)
        if len(self._messages) > LIMIT:
            self.end(RetryableError(f"more than {LIMIT} messages were not received"))
        self._woken.set()

    def end(self, reason: DriverError) -> None:
        """Nothing more comes; what came before can still be taken."""
        # What another login ended must not be taken for a fault of the network.
        if self.end_reason is None or isinstance(reason, ForcedLogout):
            self.end_reason = reason
        self._woken.set()

    def check(self) -> None:
        """Raise why nothing more comes, if nothing does."""
        if self.end_reason is not None:
            raise type(self.end_reason)(*self.end_reason.args)

    async def take(self) -> Message:
        """Wait for the next message; the end is raised, at every further call too."""
        messages = self._messages
        if messages:  # whoever takes what is there already lets others run first
            await anyio.lowlevel.checkpoint()
        while not messages:
            self.check()
            self._woken = anyio.Event()
            await self._woken.wait()
        return messages.popleft()
