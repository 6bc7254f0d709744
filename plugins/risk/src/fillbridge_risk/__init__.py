"""The pre-trade risk controls that Fillbridge comes with; this package is a plugin."""

from fillbridge_risk.checks import max_daily_trades, max_open_positions, max_position_size
from fillbridge_risk.plugin import (
    RiskSettings,
    fillbridge_configure,
    fillbridge_register_settings,
)

__all__ = (
    "RiskSettings",
    "fillbridge_configure",
    "fillbridge_register_settings",
    "max_daily_trades",
    "max_open_positions",
    "max_position_size",
)
