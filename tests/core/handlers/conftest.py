"""Handlers of backtests on bars of a minute, without costs unless a test asks for them."""

import itertools

import pytest

from fillbridge import BacktestExecutionHandler, BarData, Risk_Proposal, TradeTick
from fillbridge.plugins import Plugins

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
START = 1_700_000_100 * SECOND  # 22:15 UTC, on the minute


class Feed:
    """Bars of a minute, one after the other, of any number of symbols."""

    def __init__(self, handler):
        self.handler = handler
        self._minutes = {}

    def bar(self, open_, high=None, low=None, close=None, *, symbol="ES", volume=1_000):
        """The next bar of a symbol; of one price where only that is given."""
        close = open_ if close is None else close
        high = max(open_, close) if high is None else high
        low = min(open_, close) if low is None else low
        minute = self._minutes.setdefault(symbol, itertools.count())
        made = BarData(START + next(minute) * MINUTE, open_, high, low, close, volume, symbol)
        self.handler.update_market_data(made.timestamp, made)
        return made

    def bars(self, *prices, symbol="ES"):
        """Bars of one price each."""
        return [self.bar(price, symbol=symbol) for price in prices]

    def ticks(self, *prices, symbol="ES"):
        """Trades a second apart, of one contract each."""
        minute = self._minutes.setdefault(symbol, itertools.count())
        for price in prices:
            time_ns = START + next(minute) * SECOND
            self.handler.update_trade(TradeTick(time_ns, price, 1, symbol))


@pytest.fixture(scope="session")
def installed():
    """The installed plugins."""
    plugins = Plugins()
    plugins.load()
    return plugins


@pytest.fixture
def make(installed):
    """Makes a handler for bars of a minute; ``extra`` holds further plugins by name."""

    def make(config=None, bus=None, *, extra=None, **arguments):
        plugins = installed
        if extra:
            plugins = Plugins()
            plugins.load()
            for name, plugin in extra.items():
                plugins.register(plugin, name)
        settings = {"backtest_settings": {"bar_seconds": 60, **(config or {})}}
        for section in ("performance", "risk_controls", "instruments"):
            if section in settings["backtest_settings"]:
                settings[section] = settings["backtest_settings"].pop(section)
        # A slow machine is no failure: an alarm for it would be one more event.
        settings.setdefault("performance", {}).setdefault("max_execution_latency_ms", 60_000)
        return BacktestExecutionHandler(settings, bus, plugins=plugins, **arguments)

    return make


@pytest.fixture
def handler(make):
    return make()


@pytest.fixture
def feed(handler):
    return Feed(handler)


@pytest.fixture
def feed_of():
    """Makes the feed of a handler."""
    return Feed


@pytest.fixture
def proposal():
    """Makes a proposal: two ES at the market, ten points to the stop and to the target."""

    def make(**fields):
        values = {
            "position_size": 2,
            "direction": "LONG",
            "urgency": "high",
            "stop_loss_ticks": 40,
            "take_profit_ticks": 40,
            **fields,
        }
        return Risk_Proposal(**values)

    return make
