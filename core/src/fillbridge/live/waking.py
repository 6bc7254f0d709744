"""Ways to wake whoever waits; where nobody does they cost next to nothing."""

import anyio
import anyio.lowlevel


class Bell:
    """Wakes those who wait when it rings; who begins to wait later waits for the next time."""

    __slots__ = ("_event",)

    def __init__(self) -> None:
        self._event: anyio.Event | None = None

    def ring(self) -> None:
        """Wake everyone who waits."""
        event, self._event = self._event, None
        if event is not None:
            event.set()

    async def wait(self) -> None:
        """Wait until it rings next."""
        event = self._event
        if event is None:
            event = self._event = anyio.Event()
        await event.wait()


class Reminder:
    """Wakes the one task that waits for it, which may begin to wait after it was set."""

    __slots__ = ("_event", "_is_set")

    def __init__(self) -> None:
        self._event: anyio.Event | None = None
        self._is_set = False

    def set(self) -> None:
        """Wake it, or let it not begin to wait."""
        self._is_set = True
        if self._event is not None:
            self._event.set()

    def clear(self) -> None:
        """What it was set for until now is about to be done."""
        self._is_set = False

    async def wait(self) -> None:
        """Wait until it is set; where it was since it was cleared, others may run first."""
        if self._is_set:
            await anyio.lowlevel.checkpoint()
        while not self._is_set:
            self._event = anyio.Event()
            try:
                await self._event.wait()
            finally:
                self._event = None
