"""Ties the limits of the configuration to their checks."""

from typing import Annotated

import msgspec

from fillbridge_hooks import RegisterModels, RegisterSettings, hookimpl
from fillbridge_risk.checks import max_daily_trades, max_open_positions, max_position_size
from fillbridge_risk.fraud import anomalies, look_alike, strategy_symbols

Limit = Annotated[int, msgspec.Meta(ge=1)]
"""A whole number >= 1; checked where the configuration is decoded."""


Seconds = Annotated[float, msgspec.Meta(gt=0)]


class RiskSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The section ``risk_controls``; a limit that is ``None`` does not apply."""

    max_position_size: Limit | None = None
    """Contracts per symbol, long or short."""
    max_daily_trades: Limit | None = None
    """Entries per trade date."""
    max_open_positions: Limit | None = None
    """Trades open at once, over all symbols; read from ``performance.max_open_positions``."""
    strategy_symbols: dict[str, list[str]] | None = None
    """The symbols that each strategy may enter; one that is not named may enter none."""
    look_alike_seconds: Seconds | None = None
    """An entry like one that the same strategy made within this time is refused, s."""
    anomaly_hold: bool | None = None
    """Whether entries that are unusual for their strategy wait for a person."""
    emergency_stop_enabled: bool = True
    """Whether the management API may stop trading at once; no check of this plugin uses it."""


@hookimpl
def fillbridge_register_settings(register: RegisterSettings) -> None:
    """Claim ``risk_controls`` and read ``performance.max_open_positions`` with it."""
    register(
        "risk_controls",
        RiskSettings,
        aliases={"max_open_positions": "performance.max_open_positions"},
    )


@hookimpl
def fillbridge_configure(settings: RiskSettings, register: RegisterModels) -> None:
    """Add a check for each limit that is set."""
    for check, limit in (
        (max_position_size, settings.max_position_size),
        (max_open_positions, settings.max_open_positions),
        (max_daily_trades, settings.max_daily_trades),
    ):
        if limit is not None:
            register.risk_check(check.__name__, check(limit))
    if settings.strategy_symbols is not None:
        register.risk_check("strategy_symbols", strategy_symbols(settings.strategy_symbols))
    if settings.look_alike_seconds is not None:
        register.risk_check("look_alike", look_alike(settings.look_alike_seconds))
    if settings.anomaly_hold:
        for name, anomaly in anomalies():
            register.risk_check(name, anomaly)
