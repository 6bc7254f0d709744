"""Slippage by order quantity: ``fixed``, ``linear`` or ``impact``. A plugin module."""

import math

import msgspec

from fillbridge_costs._amount import Amount
from fillbridge_hooks import (
    InvalidValue,
    MarketView,
    Order,
    RegisterModels,
    RegisterSettings,
    SlippageFunction,
    hookimpl,
)


class SlippageSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The section ``backtest_settings.slippage``. Points are of the price, not ticks."""

    type: str = "fixed"
    """Name of the model to use, of this plugin or of another."""
    fixed_amount: Amount = 0.25
    """Points per contract that every model charges whatever the quantity."""
    linear_rate: Amount = 0.1
    """Points per contract for each contract of the order (``linear``)."""
    impact_factor: Amount = 0.001
    """Share of the price that an order of one contract moves the market (``impact``)."""


def fixed(settings: SlippageSettings) -> SlippageFunction:
    """The same slippage for every fill: ``fixed_amount``."""
    amount = settings.fixed_amount

    def slippage(order: Order, market: MarketView) -> float:
        return amount

    return slippage


def linear(settings: SlippageSettings) -> SlippageFunction:
    """Slippage in proportion to the order: ``fixed_amount + quantity * linear_rate``."""
    amount = settings.fixed_amount
    rate = settings.linear_rate

    def slippage(order: Order, market: MarketView) -> float:
        return amount + order.quantity * rate

    return slippage


def impact(settings: SlippageSettings) -> SlippageFunction:
    """Square-root market impact: ``fixed_amount + price * impact_factor * sqrt(quantity)``.

    The price is ``market.last``, which during a simulated fill is the price that the order is
    matched at; a negative one counts by its distance from zero.

    The model's function raises:

    :raises InvalidValue: if the last price is not known
    """
    amount = settings.fixed_amount
    factor = settings.impact_factor
    square_root = math.sqrt

    def slippage(order: Order, market: MarketView) -> float:
        price = market.last
        if price is None:
            raise InvalidValue("market.last", "a known price", price)
        return amount + abs(price) * (factor * square_root(order.quantity))

    return slippage


@hookimpl
def fillbridge_register_settings(register: RegisterSettings) -> None:
    """Claim ``backtest_settings.slippage``."""
    register("backtest_settings.slippage", SlippageSettings)


@hookimpl
def fillbridge_configure(settings: SlippageSettings, register: RegisterModels) -> None:
    """Offer the three models; the core picks one by ``type``."""
    for model in (fixed, linear, impact):
        register.slippage(model.__name__, model(settings))
