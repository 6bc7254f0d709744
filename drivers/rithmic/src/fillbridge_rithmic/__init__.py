"""The plugin with the driver ``rithmic``, which trades by R|Protocol, and a local gateway."""

from typing import Any

from fillbridge_hooks import RegisterDriver, RegisterSettings, hookimpl
from fillbridge_rithmic.driver import RithmicDriver
from fillbridge_rithmic.settings import RithmicSettings

__all__ = ("RithmicDriver", "RithmicSettings")

_READ_ELSEWHERE = {
    "mode": "mode",
    "provider": "live_settings.provider",
    "environment": "live_settings.environment",
}


@hookimpl
def fillbridge_register_settings(register: RegisterSettings) -> None:
    """Claim the section that says where Rithmic is."""
    register("live_settings.rithmic", RithmicSettings, aliases=_READ_ELSEWHERE)


@hookimpl
def fillbridge_register_drivers(register: RegisterDriver) -> None:
    """Offer ``rithmic``."""
    register("rithmic", RithmicDriver())


@hookimpl
def fillbridge_register_commands(group: Any) -> None:
    """Add ``fillbridge rithmic``."""
    # Imported here because click is needed at the command line alone.
    from fillbridge_rithmic.commands import rithmic
    from fillbridge_rithmic.gateway.commands import gateway

    rithmic.add_command(gateway)
    group.add_command(rithmic)
