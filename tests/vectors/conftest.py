"""A handler for the published numbers of other systems, on an instrument with any tick size."""

from collections.abc import Callable
from typing import Any

import pytest

from fillbridge import BacktestExecutionHandler, Plugins
from fillbridge_hooks import (
    BarData,
    RiskProposal,
    SlippageFunction,
    TradeResult,
    TradeTick,
    hookimpl,
)

HOUR = 3_600_000_000_000


class Model:
    """A slippage model in one file, as a stranger would write it."""

    def __init__(self, function: SlippageFunction) -> None:
        self._function = function

    @hookimpl
    def fillbridge_slippage(self, order, market):
        return self._function(order, market)


class Tape:
    """Quantity and price of every fill, in the order in which they happened."""

    def __init__(self) -> None:
        self.fills: list[tuple[int, float]] = []

    @hookimpl
    def fillbridge_handle_fill(self, fill):
        self.fills.append((fill.quantity, fill.price))


class Run:
    """One backtest on hourly bars, or on ticks, of the instrument ``X``."""

    def __init__(
        self, tick_size: float, slippage: SlippageFunction | None, simulation: dict[str, Any]
    ) -> None:
        plugins = Plugins()
        plugins.load(only=("sim",))
        self._tape = Tape()
        plugins.register(self._tape, "tape")
        backtest: dict[str, Any] = {"symbol": "X", "bar_seconds": 3600, "simulation": simulation}
        if slippage is not None:
            plugins.register(Model(slippage), "model")
            backtest["slippage"] = {"type": "model"}
        config = {
            "backtest_settings": backtest,
            "instruments": {"X": {"tick_size": tick_size, "point_value": 1}},
            "performance": {"position_timeout_hours": None},
        }
        self.handler = BacktestExecutionHandler({"execution_handler": config}, plugins=plugins)
        self._bars = 0

    @property
    def trade(self) -> TradeResult:
        """The only trade that has closed."""
        (trade,) = self.handler.closed_trades
        return trade

    @property
    def fills(self) -> list[tuple[int, float]]:
        """Quantity and price of every fill, in the order in which they happened."""
        return self._tape.fills

    def bar(
        self, opened: float, high: float, low: float, closed: float, volume: float = 1_000_000
    ) -> None:
        start = self._bars * HOUR
        self._bars += 1
        self.handler.update_market_data(start, BarData(start, opened, high, low, closed, volume))

    def flat(self, price: float, volume: float = 1_000_000) -> None:
        """A bar that stands at one price."""
        self.bar(price, price, price, price, volume)

    def tick(self, price: float, at: int) -> None:
        self.handler.update_trade(TradeTick(at, price, 1_000_000))

    def enter(self, direction: str, stop: float, target: float, size: int = 1, **terms: Any) -> str:
        proposal = RiskProposal(
            direction=direction,
            position_size=size,
            stop_loss_price=stop,
            take_profit_price=target,
            **{"urgency": "high", "max_slippage": None, "timeout_seconds": None, **terms},
        )
        return self.handler.propose(proposal)


@pytest.fixture
def backtest() -> Callable[..., Run]:
    """Start one: ``backtest(tick_size=0.01, bar_path="nearest")``."""

    def start(
        tick_size: float = 0.01, slippage: SlippageFunction | None = None, **simulation: Any
    ) -> Run:
        return Run(tick_size, slippage, simulation)

    return start
