"""The configuration: what may be set, where it is read from, and what is in force."""

from fillbridge.config.instruments import BUILT_IN, find_instrument
from fillbridge.config.loading import LoadedSettings, decode_settings, load_settings
from fillbridge.config.schema import BacktestSettings, LiveSettings, Performance, Settings

__all__ = (
    "BUILT_IN",
    "BacktestSettings",
    "LiveSettings",
    "LoadedSettings",
    "Performance",
    "Settings",
    "decode_settings",
    "find_instrument",
    "load_settings",
)
