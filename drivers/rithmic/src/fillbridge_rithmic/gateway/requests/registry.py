"""Which function carries out which request, and at which plants."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fillbridge_rithmic.gateway.answers import Answer
    from fillbridge_rithmic.gateway.codes import Plant
    from fillbridge_rithmic.gateway.gateway import Gateway
    from fillbridge_rithmic.gateway.sessions import Session

Handler = Callable[["Gateway", "Session", Any], "Answer"]

_HANDLERS: dict[int, tuple[frozenset[Plant] | None, Handler]] = {}


def carries_out(template: int, *plants: Plant) -> Callable[[Handler], Handler]:
    """Register what carries out a request at these plants; none given: at all."""

    def register(handler: Handler) -> Handler:
        _HANDLERS[template] = (frozenset(plants) or None, handler)
        return handler

    return register


def carried_out() -> list[int]:
    """The templates that are carried out after a login."""
    return sorted(_HANDLERS)


def handler_of(template: int, plant: Plant) -> Handler | None:
    """What carries out a request at a plant; ``None``: nothing does."""
    plants, handler = _HANDLERS.get(template, (None, None))
    return handler if plants is None or plant in plants else None
