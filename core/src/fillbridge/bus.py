"""An event bus inside the process, and what any bus must offer."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Protocol, runtime_checkable

from fillbridge_hooks import PUBLISHED

EventHandler = Callable[[str, Any], Awaitable[None] | None]
"""Called with the event type and the payload; awaited if it returns something to wait for."""


@runtime_checkable
class EventBus(Protocol):
    """What Fillbridge asks of a bus; the caller's own object may be used."""

    def subscribe(self, event_type: str, handler: EventHandler) -> None:
        """Call ``handler(event_type, payload)`` for every event of that type."""

    async def publish(self, event_type: str, payload: Any, **meta: Any) -> None:
        """Deliver an event; ``meta`` holds ``priority``, ``timestamp`` and ``metadata``."""


class Interest:
    """Which published events anybody wants; shared with whoever makes them.

    ``any`` is a plain attribute because it is read for every step of the engine.
    """

    __slots__ = ("any", "types")

    def __init__(self, types: Iterable[str] = ()) -> None:
        self.any = False
        self.types: set[str] = set()
        for event_type in types:
            self.add(event_type)

    def add(self, event_type: str) -> None:
        """Somebody wants events of this type."""
        if event_type in PUBLISHED:
            self.types.add(event_type)
            self.any = True


class InProcessBus:
    """Delivers each event to its subscribers, in the order in which they subscribed.

    A subscriber that raises does not keep the others from being called; when all were called the
    errors are raised together.
    """

    def __init__(self) -> None:
        self._handlers: dict[str, list[EventHandler]] = {}
        self.interest = Interest()

    def subscribe(self, event_type: str, handler: EventHandler) -> None:
        """Call ``handler(event_type, payload)`` for every event of that type."""
        self._handlers.setdefault(event_type, []).append(handler)
        self.interest.add(event_type)

    def unsubscribe(self, event_type: str, handler: EventHandler) -> None:
        """Call ``handler`` for events of that type no more."""
        self._handlers[event_type].remove(handler)

    async def publish(self, event_type: str, payload: Any, **meta: Any) -> None:
        """Deliver an event to every subscriber of its type.

        :raises ExceptionGroup: of what the subscribers raised
        """
        errors: list[Exception] = []
        for handler in tuple(self._handlers.get(event_type, ())):
            try:
                result = handler(event_type, payload)
                if result is not None:
                    await result
            except Exception as error:  # noqa: BLE001  # one subscriber must not stop the others
                errors.append(error)
        if errors:
            raise ExceptionGroup(f"subscribers of {event_type} failed", errors)
