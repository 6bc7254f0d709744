"""The section ``risk_controls``: every limit, its bounds, and what is in force where it is absent.

A value in the configuration wins, ``null`` among them: the control is off. What is absent is as the
profile has it: in ``live`` the default of the control, in ``plain`` nothing.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec

from fillbridge_hooks import SHOWN_ENTRIES, SHOWN_MESSAGES, InvalidValue
from fillbridge_risk.calendars import CALENDARS
from fillbridge_risk.sizes import HARD_ORDER_QUANTITY, HARD_ORDER_VALUE

_U = msgspec.UnsetType
Limit = Annotated[int, msgspec.Meta(ge=1)]
"""A whole number >= 1; checked where the configuration is decoded."""
Amount = Annotated[float, msgspec.Meta(gt=0)]
"""Of account currency, seconds, or a factor."""
_Quantity = Annotated[int, msgspec.Meta(ge=1, le=HARD_ORDER_QUANTITY)]
_Value = Annotated[float, msgspec.Meta(gt=0, le=HARD_ORDER_VALUE)]
_Entries = Annotated[int, msgspec.Meta(ge=1, lt=SHOWN_ENTRIES)]
_Burst = Annotated[int, msgspec.Meta(ge=1, lt=SHOWN_MESSAGES)]
_Days = Annotated[int, msgspec.Meta(ge=0)]
_Wait = Annotated[float, msgspec.Meta(ge=0)]
_Percent = Annotated[float, msgspec.Meta(gt=0, lt=100)]
_Calendar = Literal["CMES"]

LIVE: Mapping[str, Any] = {
    "symbols": (),
    "exchanges": ("CME",),
    "strategy_symbols": {},
    "look_alike_seconds": 2.0,
    "max_order_quantity": 5,
    "max_order_value": 2_000_000.0,
    "max_position_size": 5,
    "max_gross_position": 15,
    "max_brackets_per_strategy": 1,
    "max_open_positions": 10,
    "max_entry_drift_ticks": 8,
    "max_price_distance_ticks": 48,
    "max_move_ticks": 40,
    "max_spread_ticks": 4,
    "max_quote_age_s": 1.0,
    "max_quote_age_overnight_s": 5.0,
    "min_stop_ticks": 4,
    "max_stop_ticks": 80,
    "min_target_ticks": 2,
    "max_target_ticks": 400,
    "max_trade_risk": 1_000.0,
    "daily_loss_alarm": 1_000.0,
    "daily_loss_reduce_only": 2_000.0,
    "daily_loss_flatten": 2_500.0,
    "margin_factor": 1.25,
    "messages_per_second": 5.0,
    "messages_per_minute": 100,
    "max_rejects_per_minute": 3,
    "max_same_rejects": 2,
    "max_daily_trades": 50,
    "strategy_entries_10m": 6,
    "strategy_entries_per_day": 40,
    "max_stop_outs": 3,
    "max_messages_per_fill": 20,
    "self_trade": True,
    "trading_hours": CALENDARS[0],
    "exchange_status": True,
    "min_days_to_expiry": 8,
    "anomaly_hold": True,
    "cooling_off_s": 60.0,
    "min_free_disk_mb": 1_024,
    "min_free_disk_percent": 10.0,
    "max_journal_sync_ms": 250.0,
    "max_memory_mb": 2_048,
}
"""What binds in the profile ``live`` where the configuration says nothing, for ES."""

OF_THE_HANDLER = frozenset(
    ("min_free_disk_mb", "min_free_disk_percent", "max_journal_sync_ms", "max_memory_mb")
)
"""The live handler reads these itself: no check and no watch of this plugin follows from them."""


class RiskSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The section ``risk_controls``; once it is made, what is ``None`` does not apply.

    :raises InvalidValue: if the account that is traded is not on the list of accounts
    """

    profile: Literal["live", "plain"] | None = None
    """``None``: ``live`` where orders go to a broker for real, else ``plain``."""
    mode: Literal["live", "backtest"] = "backtest"
    """Read from ``mode``."""
    environment: Literal["sim", "prod"] = "sim"
    """Read from ``live_settings.environment``."""
    account: str = "default"
    """Read from ``live_settings.account``."""

    symbols: tuple[str, ...] | _U | None = msgspec.UNSET
    """Exact symbols that may be entered."""
    exchanges: tuple[str, ...] | _U | None = msgspec.UNSET
    """Exchanges whose contracts may be entered."""
    accounts: tuple[str, ...] | _U | None = msgspec.UNSET
    """Accounts that may be traded; nothing starts with another one."""
    strategy_symbols: dict[str, list[str]] | _U | None = msgspec.UNSET
    """The symbols that each strategy may enter; one that is not named may enter none."""
    look_alike_seconds: Amount | _U | None = msgspec.UNSET
    """An entry like one that the same strategy made within this time is refused, s."""
    max_order_quantity: _Quantity | _U | None = msgspec.UNSET
    """Contracts of one entry."""
    max_order_value: _Value | _U | None = msgspec.UNSET
    """Quantity x point value x price of one entry, account currency."""
    max_position_size: Limit | _U | None = msgspec.UNSET
    """Contracts per symbol, long or short."""
    max_gross_position: Limit | _U | None = msgspec.UNSET
    """Contracts over all symbols."""
    max_brackets_per_strategy: Limit | _U | None = msgspec.UNSET
    """Trades of one strategy open at once in one symbol."""
    max_open_positions: Limit | _U | None = msgspec.UNSET
    """Trades open at once, over all symbols; read from ``performance.max_open_positions``."""
    max_entry_drift_ticks: Limit | _U | None = msgspec.UNSET
    """Of a market entry: from the price it was decided at to the market."""
    max_price_distance_ticks: Limit | _U | None = msgspec.UNSET
    """Of the limit or trigger of an entry, from the market."""
    max_move_ticks: Limit | _U | None = msgspec.UNSET
    """Of the last price within 10 s; beyond it entries pause."""
    move_pause_s: Amount = 30.0
    """For so long."""
    max_spread_ticks: Limit | _U | None = msgspec.UNSET
    """Between bid and ask."""
    max_quote_age_s: Amount | _U | None = msgspec.UNSET
    """Of the quote, while the stock exchanges of New York trade, s."""
    max_quote_age_overnight_s: Amount | _U | None = msgspec.UNSET
    """Of the quote, at any other time, s."""
    min_stop_ticks: Limit | _U | None = msgspec.UNSET
    """From the entry to its stop."""
    max_stop_ticks: Limit | _U | None = msgspec.UNSET
    """From the entry to its stop."""
    min_target_ticks: Limit | _U | None = msgspec.UNSET
    """From the entry to its target."""
    max_target_ticks: Limit | _U | None = msgspec.UNSET
    """From the entry to its target."""
    max_trade_risk: Amount | _U | None = msgspec.UNSET
    """What one trade loses at its stop, account currency."""
    daily_loss_alarm: Amount | _U | None = msgspec.UNSET
    """A loss of the trade date that is told, account currency."""
    daily_loss_reduce_only: Amount | _U | None = msgspec.UNSET
    """A loss of the trade date after which nothing is entered, account currency."""
    daily_loss_flatten: Amount | _U | None = msgspec.UNSET
    """A loss of the trade date at which everything is closed, account currency."""
    margin_factor: Amount | _U | None = msgspec.UNSET
    """Times the margin that an entry needs, it must be available."""
    messages_per_second: Amount | _U | None = msgspec.UNSET
    """Submits, cancels and replaces, beyond a burst of ``message_burst``."""
    message_burst: _Burst = 10
    """Messages at once."""
    messages_per_minute: Limit | _U | None = msgspec.UNSET
    """Submits, cancels and replaces."""
    max_rejects_per_minute: Limit | _U | None = msgspec.UNSET
    """Of the broker; after so many nothing is entered."""
    max_same_rejects: Limit | _U | None = msgspec.UNSET
    """The same with one reason."""
    max_daily_trades: Limit | _U | None = msgspec.UNSET
    """Entries per trade date."""
    strategy_entries_10m: _Entries | _U | None = msgspec.UNSET
    """Entries of one strategy in ten minutes."""
    strategy_entries_per_day: Limit | _U | None = msgspec.UNSET
    """Entries of one strategy per trade date."""
    max_stop_outs: Limit | _U | None = msgspec.UNSET
    """Of one strategy in a row; after so many it is suspended."""
    max_messages_per_fill: Limit | _U | None = msgspec.UNSET
    """In ten minutes; more are told."""
    self_trade: bool | _U | None = msgspec.UNSET
    """Whether an entry that could trade with an order of ours is refused."""
    trading_hours: _Calendar | _U | None = msgspec.UNSET
    """The calendar outside of whose hours nothing is entered."""
    quiet_after_open_s: _Wait = 60.0
    """Nothing is entered for so long after a session opens."""
    quiet_before_close_s: _Wait = 600.0
    """Nothing is entered for so long before it closes."""
    exchange_status: bool | _U | None = msgspec.UNSET
    """Whether nothing is entered in a halt and at a price limit."""
    min_days_to_expiry: _Days | _U | None = msgspec.UNSET
    """Days before the last trade date in which nothing is entered."""
    anomaly_hold: bool | _U | None = msgspec.UNSET
    """Whether entries that are unusual for their strategy wait for a person."""
    cooling_off_s: Amount | _U | None = msgspec.UNSET
    """After a connection, in which entries have at most half of ``max_order_quantity``."""
    min_free_disk_mb: Limit | _U | None = msgspec.UNSET
    """Nothing is entered while the disk of the journal has less room, MiB."""
    min_free_disk_percent: _Percent | _U | None = msgspec.UNSET
    """Nothing is entered while it has less of itself free."""
    max_journal_sync_ms: Amount | _U | None = msgspec.UNSET
    """After a commit of the journal that took longer nothing is entered for 30 s."""
    max_memory_mb: Limit | _U | None = msgspec.UNSET
    """Nothing is entered while the process has more in memory, MiB."""
    emergency_stop_enabled: bool = True
    """Whether the management API may stop trading at once; no check of this plugin uses it."""

    def __post_init__(self) -> None:
        profile = self.profile
        if profile is None:
            for_real = self.mode == "live" and self.environment == "prod"
            profile = "live" if for_real else "plain"
            msgspec.structs.force_setattr(self, "profile", profile)
        is_live = profile == "live"
        for name, default in LIVE.items():
            if getattr(self, name) is msgspec.UNSET:
                msgspec.structs.force_setattr(self, name, default if is_live else None)
        if self.accounts is msgspec.UNSET:
            msgspec.structs.force_setattr(self, "accounts", (self.account,) if is_live else None)
        elif self.accounts is not None and self.account not in self.accounts:
            rule = f"a list with live_settings.account, {self.account!r}"
            raise InvalidValue("accounts", rule, ", ".join(self.accounts))
