"""Which requirement catches which broken driver."""

from collections.abc import Callable

from tests.hooks.testing.honest import Broker, HonestDriver

CAUGHT_BY: dict[type[HonestDriver], str] = {}
"""Which requirement catches which driver."""


def caught_by(requirement: str) -> Callable[[type], type]:
    """Enter a driver, or the driver of a broken broker or session, in the table."""

    def enter(broken: type) -> type:
        attributes: dict[str, object] = {"__doc__": broken.__doc__}
        if issubclass(broken, HonestDriver):
            CAUGHT_BY[broken] = requirement
            return broken
        attributes["broker_class" if issubclass(broken, Broker) else "session_class"] = broken
        CAUGHT_BY[type(broken.__name__, (HonestDriver,), attributes)] = requirement
        return broken

    return enter
