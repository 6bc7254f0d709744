"""From the settings to the checks and watches that they switch on."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from fillbridge_hooks import RiskCheck, WatchFunction
from fillbridge_risk import (
    allow_lists,
    brackets,
    expiry,
    fraud,
    hours,
    losses,
    prices,
    rates,
    sizes,
    watches,
)
from fillbridge_risk.settings import RiskSettings
from fillbridge_risk.sizes import HARD_ORDER_QUANTITY, HARD_ORDER_VALUE

Checks = Iterator[tuple[str, RiskCheck]]
Watches = Iterator[tuple[str, WatchFunction]]


def _simple() -> Iterator[tuple[str, Callable[[Any], RiskCheck]]]:
    """Settings whose value is all that their check takes."""
    yield "symbols", allow_lists.symbols
    yield "exchanges", allow_lists.exchanges
    yield "strategy_symbols", fraud.strategy_symbols
    yield "look_alike_seconds", fraud.look_alike
    yield "max_position_size", sizes.max_position_size
    yield "max_gross_position", sizes.max_gross_position
    yield "max_brackets_per_strategy", sizes.max_brackets_per_strategy
    yield "max_open_positions", sizes.max_open_positions
    yield "max_entry_drift_ticks", prices.max_entry_drift_ticks
    yield "max_price_distance_ticks", prices.max_price_distance_ticks
    yield "max_spread_ticks", prices.max_spread_ticks
    yield "max_trade_risk", brackets.max_trade_risk
    yield "daily_loss_reduce_only", losses.daily_loss_reduce_only
    yield "margin_factor", losses.margin_factor
    yield "messages_per_minute", rates.messages_per_minute
    yield "max_daily_trades", rates.max_daily_trades
    yield "strategy_entries_10m", rates.strategy_entries_10m
    yield "strategy_entries_per_day", rates.strategy_entries_per_day
    yield "min_days_to_expiry", expiry.min_days_to_expiry


def checks(settings: RiskSettings) -> Checks:
    """Every check of an entry that these settings switch on, by the name of its setting."""
    for name, make in _simple():
        value = getattr(settings, name)
        if value is not None:
            yield name, make(value)
    yield from _order_ceilings(settings)
    yield from _pairs(settings)
    if settings.self_trade:
        yield "self_trade", prices.self_trade()
    if settings.exchange_status:
        yield "exchange_status", prices.exchange_status()
    if settings.anomaly_hold:
        yield from fraud.anomalies()


def _order_ceilings(settings: RiskSettings) -> Checks:
    # In the profile live the hard ceilings bind even where the limits below them are off.
    is_live = settings.profile == "live"
    quantity = _set(settings.max_order_quantity)
    value = _set(settings.max_order_value)
    if quantity is not None or is_live:
        quantity = quantity or HARD_ORDER_QUANTITY
        yield "max_order_quantity", sizes.max_order_quantity(quantity)
    if value is not None or is_live:
        yield "max_order_value", sizes.max_order_value(value or HARD_ORDER_VALUE)
    seconds = _set(settings.cooling_off_s)
    if seconds is not None:
        quantity = quantity or HARD_ORDER_QUANTITY
        yield "cooling_off_s", sizes.cooling_off(seconds, quantity)


def _pairs(settings: RiskSettings) -> Checks:
    day, night = _set(settings.max_quote_age_s), _set(settings.max_quote_age_overnight_s)
    if day is not None or night is not None:
        yield "max_quote_age_s", prices.max_quote_age_s(day, night)
    least, most = _set(settings.min_stop_ticks), _set(settings.max_stop_ticks)
    if least is not None or most is not None:
        yield "stop_distance_ticks", brackets.stop_distance_ticks(least, most)
    least, most = _set(settings.min_target_ticks), _set(settings.max_target_ticks)
    if least is not None or most is not None:
        yield "target_distance_ticks", brackets.target_distance_ticks(least, most)
    rate, calendar = _set(settings.messages_per_second), _set(settings.trading_hours)
    if rate is not None:
        check = rates.messages_per_second(rate, settings.message_burst)
        yield "messages_per_second", check
    if calendar is not None:
        check = hours.trading_hours(
            calendar, settings.quiet_after_open_s, settings.quiet_before_close_s
        )
        yield "trading_hours", check


def account_watches(settings: RiskSettings) -> Watches:
    """Every watch over the account that these settings switch on, by name."""
    moved, messages = _set(settings.max_move_ticks), _set(settings.max_messages_per_fill)
    if moved is not None:
        yield "max_move_ticks", watches.max_move_ticks(moved, settings.move_pause_s)
    limits = (
        _set(settings.daily_loss_alarm),
        _set(settings.daily_loss_reduce_only),
        _set(settings.daily_loss_flatten),
    )
    if limits != (None, None, None):
        yield "daily_loss", watches.daily_loss(*limits)
    rejects = _set(settings.max_rejects_per_minute), _set(settings.max_same_rejects)
    if rejects != (None, None):
        yield "max_rejects", watches.max_rejects(*rejects)
    strategy = (
        _set(settings.strategy_entries_10m),
        _set(settings.strategy_entries_per_day),
        _set(settings.max_stop_outs),
    )
    if strategy != (None, None, None):
        yield "strategy_throttle", watches.strategy_throttle(*strategy)
    if messages is not None:
        yield "max_messages_per_fill", watches.max_messages_per_fill(messages)


def _set(value: Any) -> Any:
    """The value of a setting; settings that were made are never unset."""
    return None if value is msgspec.UNSET else value
