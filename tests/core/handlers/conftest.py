"""Handlers of backtests on bars of a minute, without costs unless a test asks for them."""

import itertools
from contextlib import asynccontextmanager

import anyio
import pytest
from tests.core.locks import lock_of_what_is_installed

from fillbridge import (
    BacktestExecutionHandler,
    BarData,
    InProcessBus,
    LiveExecutionHandler,
    Risk_Proposal,
    TradeTick,
    hookimpl,
)
from fillbridge.plugins import Plugins
from fillbridge_hooks import (
    PUBLISHED,
    DriverError,
    Order,
    OrderRole,
    OrderType,
    RetryableError,
    Side,
)
from fillbridge_hooks.testing.clock import ManualClock

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


# Live


class Wire:
    """A plugin that stands between the handler and each session, and breaks when it is told."""

    def __init__(self):
        self.sessions = []
        self.before = {}
        """By role of an order: what is done instead of sending it, once."""
        self.is_deaf = False
        """Whether what the broker says is lost."""

    @hookimpl
    def fillbridge_wrap_session(self, session, broker):
        self.sessions.append(WiredSession(session, self))
        return self.sessions[-1]

    def cut(self, reason="the line broke"):
        """Lose the session that there is."""
        self.sessions[-1].lose(reason)


class WiredSession:
    def __init__(self, session, wire):
        self._session = session
        self._wire = wire
        self._lost = anyio.Event()
        self._reason = ""

    def lose(self, reason):
        self._reason = reason
        self._lost.set()

    def __getattr__(self, name):
        return getattr(self._session, name)

    async def submit(self, approved):
        instead = self._wire.before.pop(approved.order.role.value, None)
        if instead is not None:
            await instead(self._session, approved)
            self.lose("cut while sending")
            raise RetryableError("cut while sending")
        return await self._session.submit(approved)

    async def receive(self):
        while True:
            found = []

            async def hear(found=found):
                try:
                    found.append(await self._session.receive())
                except DriverError as error:
                    found.append(error)
                group.cancel_scope.cancel()

            async with anyio.create_task_group() as group:
                group.start_soon(hear)
                await self._lost.wait()
                group.cancel_scope.cancel()
            if not found:
                raise RetryableError(self._reason)
            if isinstance(found[0], Exception):
                raise found[0]
            if not self._wire.is_deaf or isinstance(found[0], TradeTick):
                return found[0]


class Floor:
    """A live handler on a clock that is moved by hand, with the simulated broker it trades at.

    The broker lives as long as this, whatever happens to handlers.
    """

    def __init__(self, folder, driver="sim", sections=None, **live):
        self.folder = folder
        self.clock = ManualClock(START)
        self.wire = Wire()
        self.plugins = Plugins()
        is_prod = live.get("environment") == "prod"
        self.plugins.load(lock=lock_of_what_is_installed() if is_prod else None)
        self.plugins.register(self.wire, "wire")
        self.driver = self.plugins.driver(driver)
        self.events = []
        self.results = []
        self.handler = None
        self.config = {
            "live_settings": {
                "provider": driver,
                "journal": str(folder),
                "durability": "process",
                "quarantine": 3.0,
                "simulation": {"market": "manual"},
                **live,
            },
            **(sections or {}),
        }

    @asynccontextmanager
    async def running(self):
        """A handler, once it may trade."""
        bus = InProcessBus()
        for event_type in PUBLISHED:
            bus.subscribe(event_type, self._on_event)
        made = LiveExecutionHandler(
            {"execution_handler": {"mode": "live", **self.config}},
            bus,
            plugins=self.plugins,
            clock=self.clock,
            trade_sink=self.results.append,
        )
        async with made:
            self.handler = made
            await self.wait(1.5)
            await self.price(5000.0)
            yield made

    async def _on_event(self, event_type, payload):
        self.events.append((event_type, payload))

    def kill(self):
        """Let the handler do nothing any more, as if its process had been killed."""
        handler = self.handler
        handler._pump.session = None
        handler._trading.outbox.ready.clear()
        handler._journal.close(clean=False)

    async def wait(self, seconds):
        await self.clock.advance(seconds)

    async def price(self, *prices):
        """Let trades happen, a twentieth of a second apart."""
        for price in prices:
            self.broker.trade("ES", price)
            await self.wait(0.05)

    def told(self, event_type):
        return [payload for kind, payload in self.events if kind == event_type]

    @property
    def alarms(self):
        return [payload["error"] for payload in self.told("EXECUTION_ERROR")]

    # The broker's book

    @property
    def broker(self):
        return self.driver.broker

    @property
    def ledger(self):
        return self.broker.accounts["default"].ledger

    @property
    def held(self):
        return {held.symbol: held.quantity for held in self.ledger.positions()}

    @property
    def working(self):
        """By the suffix of its id: what an order works for still."""
        return {
            one.client_order_id.rpartition("_")[2]: one.quantity - one.filled
            for one in self.ledger.working_orders()
        }

    def strange_order(self, name, limit_ticks):
        """Somebody else sells one by a limit, on the same account."""
        instrument = self.broker.instruments["ES"]
        order = Order(
            name, "", OrderRole.TARGET, instrument, Side.SELL, 1, OrderType.LIMIT, limit_ticks
        )
        self.broker.accounts["default"].submit(order)
        return order

    def sent(self, suffix):
        """How many orders of that kind the broker ever had."""
        return sum(one.client_order_id.endswith(suffix) for one in self.ledger.orders())

    def is_agreed(self):
        """Whether the handler and the broker tell the same of positions."""
        ours = {}
        for trade in self.handler._trading.state.trades.values():
            ours["ES"] = ours.get("ES", 0) + trade.held * trade.plan.direction.sign
        return {symbol: held for symbol, held in ours.items() if held} == self.held


@pytest.fixture
def floor(tmp_path):
    """Makes a floor: ``floor(driver="sim-bracket", quarantine=9.0)``."""

    def make(driver="sim", sections=None, **live):
        return Floor(tmp_path / "journal", driver, sections, **live)

    return make
