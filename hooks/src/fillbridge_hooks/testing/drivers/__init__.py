"""What is demanded of a driver, a module for each group of requirements."""

from fillbridge_hooks.testing.drivers import (
    bracketing,
    cancelling,
    connecting,
    filling,
    leaving,
    losing,
    ordering,
    partly_filling,
    rejecting,
    replacing,
    returning,
    submitting,
)
from fillbridge_hooks.testing.drivers.stage import Stage
from fillbridge_hooks.testing.drivers.table import TABLE

DRIVER_REQUIREMENTS = tuple(TABLE)
"""Everything that is demanded of a driver, in the order of the ids."""

__all__ = ("DRIVER_REQUIREMENTS", "Stage")
