"""The pre-trade risk controls that Fillbridge comes with; this package is a plugin."""

from fillbridge_risk.controls import CONTROLS, Control
from fillbridge_risk.making import account_watches, checks
from fillbridge_risk.plugin import fillbridge_configure, fillbridge_register_settings
from fillbridge_risk.rates import max_daily_trades
from fillbridge_risk.settings import RiskSettings
from fillbridge_risk.sizes import max_open_positions, max_position_size

__all__ = (
    "CONTROLS",
    "Control",
    "RiskSettings",
    "account_watches",
    "checks",
    "fillbridge_configure",
    "fillbridge_register_settings",
    "max_daily_trades",
    "max_open_positions",
    "max_position_size",
)
