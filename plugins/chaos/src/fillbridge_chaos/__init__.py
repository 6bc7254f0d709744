"""A seeded faulty link around any driver, to rehearse with; this package is a plugin."""

from fillbridge_chaos.driver import ChaosDriver
from fillbridge_chaos.faults import Fault, Faults, Latency
from fillbridge_chaos.plugin import (
    fillbridge_register_commands,
    fillbridge_register_settings,
    fillbridge_wrap_driver,
)
from fillbridge_chaos.profiles import PROFILES
from fillbridge_chaos.settings import ChaosSettings
from fillbridge_chaos.trace import ChaosEvent

__all__ = (
    "ChaosDriver",
    "ChaosEvent",
    "ChaosSettings",
    "Fault",
    "Faults",
    "Latency",
    "PROFILES",
    "fillbridge_register_commands",
    "fillbridge_register_settings",
    "fillbridge_wrap_driver",
)
