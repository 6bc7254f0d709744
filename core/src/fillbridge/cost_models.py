"""The specification's cost models as objects, on top of the installed cost plugins."""

from collections.abc import Mapping
from typing import Any

from fillbridge.config import decode_settings
from fillbridge.plugins import Models, Plugins
from fillbridge_hooks import (
    Direction,
    Fill,
    Instrument,
    Liquidity,
    MarketView,
    Order,
    OrderRole,
    OrderType,
    Side,
)

# The formulas are per point and contract: no instrument enters them.
_ANY = Instrument(symbol="ANY", tick_size=0.01, point_value=1)


class SlippageModel:
    """The slippage that ``backtest_settings.slippage`` describes.

    :param config: the section's keys; ``type`` names any installed model, ``fixed`` by default
    :param plugins: where models are looked up; those installed where ``None``
    :raises ConfigurationError: if a key is unknown, or nobody offers the model
    """

    def __init__(self, config: Mapping[str, Any], plugins: Plugins | None = None) -> None:
        models = _models("slippage", config, plugins)
        self.model_type: str = config.get("type", "fixed")
        self._function = models.slippage(self.model_type)[1]

    def calculate_slippage(self, price: float, size: int, direction: str) -> float:
        """Points per contract, adverse >= 0, of an order of ``size`` contracts at ``price``."""
        side = Side.BUY if Direction(direction) is Direction.LONG else Side.SELL
        order = Order("", "", OrderRole.ENTRY, _ANY, side, abs(size), OrderType.MARKET)
        market = MarketView(_ANY.symbol, None, None, None, price, None, None)
        return self._function(order, market)


class CommissionModel:
    """The commission that ``backtest_settings.commission`` describes.

    :param config: the section's keys; ``type`` names any installed model, ``per_contract`` by
        default
    :param plugins: where models are looked up; those installed where ``None``
    :raises ConfigurationError: if a key is unknown, or nobody offers the model
    """

    def __init__(self, config: Mapping[str, Any], plugins: Plugins | None = None) -> None:
        models = _models("commission", config, plugins)
        self.model_type: str = config.get("type", "per_contract")
        self._function = models.commission(self.model_type)[1]

    def calculate_commission(self, size: int) -> float:
        """Account currency for a round trip: ``size`` contracts in, and out again."""
        size = abs(size)
        fill = Fill("", "", "", size, size, 0.0, 0, 0.0, "", Liquidity.TAKER, 0)
        return round(2 * self._function(fill, _ANY), 2)


def _models(section: str, config: Mapping[str, Any], plugins: Plugins | None) -> Models:
    if plugins is None:
        plugins = Plugins()
        plugins.load()
    settings = decode_settings({section: dict(config)}, plugins.settings_sections())
    return plugins.configure(settings.plugin_sections)
