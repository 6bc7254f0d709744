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

DRIVER_GROUPS = tuple(
    module.GROUP
    for module in (
        connecting,
        submitting,
        filling,
        partly_filling,
        cancelling,
        replacing,
        bracketing,
        rejecting,
        losing,
        returning,
        ordering,
        leaving,
    )
)
"""The groups in the order of their ids."""

DRIVER_REQUIREMENTS = tuple(TABLE)
"""Everything that is demanded of a driver, in the order of the ids."""

__all__ = ("DRIVER_GROUPS", "DRIVER_REQUIREMENTS", "Stage")
