"""The table of all that is demanded of a driver; the modules beside it fill it."""

from collections.abc import Awaitable, Callable

from fillbridge_hooks.testing.drivers.stage import Stage
from fillbridge_hooks.testing.requirements import Requirements

TABLE: Requirements[Callable[[Stage], Awaitable[None]]] = Requirements("EX")
"""Ids ``EX-010`` and on; a hundred to a group."""
