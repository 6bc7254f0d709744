"""Ties the section ``chaos`` to the driver that is configured."""

from typing import Any

from fillbridge_chaos.commands import chaos
from fillbridge_chaos.driver import ChaosDriver
from fillbridge_chaos.settings import ChaosSettings
from fillbridge_hooks import Driver, RegisterSettings, hookimpl


@hookimpl
def fillbridge_register_settings(register: RegisterSettings) -> None:
    """Claim the section ``chaos``."""
    register("chaos", ChaosSettings)


@hookimpl
def fillbridge_wrap_driver(driver: Driver, settings: ChaosSettings) -> Driver | None:
    """Put the chaos around the driver, unless its profile is ``off``."""
    faults = settings.faults
    return None if faults is None else ChaosDriver(driver, faults, settings.seed)


@hookimpl
def fillbridge_register_commands(group: Any) -> None:
    """Add ``fillbridge chaos``."""
    group.add_command(chaos)
