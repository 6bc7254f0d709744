"""The cost models that Fillbridge comes with; each module is a plugin of its own."""

from fillbridge_costs.commission import CommissionSettings, per_contract
from fillbridge_costs.slippage import SlippageSettings, fixed, impact, linear

__all__ = (
    "CommissionSettings",
    "SlippageSettings",
    "fixed",
    "impact",
    "linear",
    "per_contract",
)
