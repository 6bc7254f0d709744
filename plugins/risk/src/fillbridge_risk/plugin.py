"""Ties the limits of the configuration to their checks and watches."""

import logging

from fillbridge_hooks import RegisterModels, RegisterSettings, hookimpl
from fillbridge_risk.controls import CONTROLS
from fillbridge_risk.making import account_watches, checks
from fillbridge_risk.settings import RiskSettings

_logger = logging.getLogger(__name__)

_READ_ELSEWHERE = {
    "mode": "mode",
    "environment": "live_settings.environment",
    "account": "live_settings.account",
    "max_open_positions": "performance.max_open_positions",
}


@hookimpl
def fillbridge_register_settings(register: RegisterSettings) -> None:
    """Claim ``risk_controls``, and read with it what tells the profile."""
    register("risk_controls", RiskSettings, aliases=_READ_ELSEWHERE)


@hookimpl
def fillbridge_configure(settings: RiskSettings, register: RegisterModels) -> None:
    """Add a check or a watch for each control that is on."""
    for name, check in checks(settings):
        register.risk_check(name, check)
    for name, watch in account_watches(settings):
        register.watch(name, watch)
    if settings.profile == "live":
        for control in CONTROLS:
            if control.lacks:
                _logger.info("%s is without %s", control.number, control.lacks)
