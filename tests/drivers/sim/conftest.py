"""A simulated market to send orders to, and a handler to run whole trades through it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import msgspec
import pytest

from fillbridge import BacktestExecutionHandler, Plugins, Settings
from fillbridge_hooks import (
    ApprovedOrder,
    BarData,
    Direction,
    Fill,
    Instrument,
    Order,
    OrderRole,
    OrderType,
    Permit,
    PriceWatch,
    QuoteTick,
    Replacement,
    Report,
    RiskProposal,
    Side,
    SlippageFunction,
    TimeInForce,
    TradeResult,
    TradeTick,
    Urgency,
    VirtualClock,
)
from fillbridge_sim import SimDriver, SimulationSettings, market

ES = Instrument(symbol="ES", tick_size=0.25, point_value=50)
SECOND = 1_000_000_000
MINUTE = 60 * SECOND


class Exchange:
    """One simulated market, told in points what to do; it keeps every report it receives."""

    def __init__(
        self,
        simulation: dict[str, Any],
        slippage: SlippageFunction | float | None,
        instrument: Instrument,
        start_ns: int,
    ) -> None:
        self.instrument = instrument
        self.clock = VirtualClock(start_ns)
        self.reports: list[Report] = []
        self.prices: list[float] = []
        self.reaction: Callable[[Report], None] | None = None
        """Called with each report once it is kept, as the core would act on it."""
        self._next_bar = start_ns
        self._made = 0
        self._traded = 0
        model = None
        if slippage is not None:
            function = slippage if callable(slippage) else lambda order, market: slippage
            model = ("model", function)
        self.session = SimDriver().open_session(
            msgspec.convert(simulation, SimulationSettings), self.clock, model, self
        )
        self.watch = self.session.open_market(instrument)

    # What the market reports

    def on_report(self, report: Report) -> None:
        self.reports.append(report)
        if self.reaction is not None:
            self.reaction(report)

    def on_price(self, symbol: str, ticks: int, direction: Direction | None) -> None:
        self.prices.append(self.instrument.to_price(ticks))

    @property
    def fills(self) -> list[Fill]:
        return [report for report in self.reports if isinstance(report, Fill)]

    @property
    def traded(self) -> list[tuple[str, int, float]]:
        """Order, quantity and price of each fill."""
        return [(fill.client_order_id, fill.quantity, fill.price) for fill in self.fills]

    @property
    def story(self) -> list[tuple[str, str]]:
        """Kind of each report, and its order."""
        return [(type(report).__name__, report.client_order_id) for report in self.reports]

    # Orders

    def submit(
        self,
        side: str,
        quantity: int = 1,
        limit: float | None = None,
        stop: float | None = None,
        trail: float | None = None,
        name: str | None = None,
        trade_id: str | None = None,
        role: str = "entry",
        urgency: str = "normal",
        time_in_force: str = "GTC",
    ) -> str:
        """Send an order whose type follows from the prices it has; answers its id."""
        self._made += 1
        name = name or f"O{self._made}"
        if trail is not None:
            kind = OrderType.TRAILING_STOP
        elif stop is not None:
            kind = OrderType.STOP if limit is None else OrderType.STOP_LIMIT
        else:
            kind = OrderType.MARKET if limit is None else OrderType.LIMIT
        order = Order(
            client_order_id=name,
            trade_id=trade_id or name,
            role=OrderRole(role),
            instrument=self.instrument,
            side=Side(side),
            quantity=quantity,
            order_type=kind,
            limit_ticks=self.ticks(limit),
            trigger_ticks=self.ticks(stop),
            trail_ticks=self.ticks(trail),
            time_in_force=TimeInForce(time_in_force),
            urgency=Urgency(urgency),
        )
        self.session.submit(ApprovedOrder(order, Permit()))
        return name

    def buy(self, quantity: int = 1, **terms: Any) -> str:
        return self.submit("BUY", quantity, **terms)

    def sell(self, quantity: int = 1, **terms: Any) -> str:
        return self.submit("SELL", quantity, **terms)

    def cancel(self, name: str) -> None:
        self.session.cancel(name)

    def replace(
        self,
        name: str,
        quantity: int,
        kind: OrderType,
        limit: float | None = None,
        stop: float | None = None,
    ) -> None:
        self.session.replace(Replacement(name, quantity, kind, self.ticks(limit), self.ticks(stop)))

    def ticks(self, price: float | None) -> int | None:
        return None if price is None else self.instrument.to_ticks(price)

    # Market data

    def bar(
        self,
        opened: float,
        high: float,
        low: float,
        closed: float,
        volume: float = 1000,
        at: int | None = None,
    ) -> None:
        """The next bar of one minute."""
        assert low <= min(opened, closed) <= max(opened, closed) <= high, "no such bar exists"
        start = self._next_bar if at is None else at
        self._next_bar = start + MINUTE
        self.session.on_bar(
            BarData(start, opened, high, low, closed, volume, self.instrument.symbol),
            start + MINUTE,
        )

    def trade(self, price: float, size: float = 1, at: int | None = None) -> None:
        at = self.clock.now_ns if at is None else at
        self._traded += 1
        self.session.on_trade(TradeTick(at, price, size, self.instrument.symbol, self._traded))

    def quote(
        self,
        bid: float,
        ask: float,
        bid_size: float = 100,
        ask_size: float = 100,
        at: int | None = None,
    ) -> None:
        at = self.clock.now_ns if at is None else at
        self.session.on_quote(QuoteTick(at, bid, bid_size, ask, ask_size, self.instrument.symbol))


@pytest.fixture(scope="session")
def exchange() -> Callable[..., Exchange]:
    """Open a market: ``exchange(slippage=0.25, bar_path="nearest")``."""

    def open_exchange(
        slippage: SlippageFunction | float | None = None,
        instrument: Instrument = ES,
        start_ns: int = 0,
        **simulation: Any,
    ) -> Exchange:
        return Exchange(simulation, slippage, instrument, start_ns)

    return open_exchange


class Backtest:
    """A handler that is fed bars of one minute, ticks and proposals, in points."""

    def __init__(self, settings: Settings, plugins: Plugins) -> None:
        self.handler = BacktestExecutionHandler(settings, plugins=plugins)
        self._next_bar = 0

    @property
    def trades(self) -> list[TradeResult]:
        return self.handler.closed_trades

    @property
    def trade(self) -> TradeResult:
        """The only trade that has closed."""
        (trade,) = self.handler.closed_trades
        return trade

    @property
    def outcome(self) -> list[dict[str, Any]]:
        """Every field of every closed trade."""
        return [msgspec.structs.asdict(trade) for trade in self.trades]

    def bar(
        self,
        opened: float,
        high: float,
        low: float,
        closed: float,
        volume: float = 1000,
        symbol: str = "",
        at: int | None = None,
    ) -> None:
        start = self._next_bar if at is None else at
        self._next_bar = start + MINUTE
        bar = BarData(start, opened, high, low, closed, volume, symbol)
        self.handler.update_market_data(start, bar)

    def tick(self, price: float, at: int, size: float = 1) -> None:
        self.handler.update_trade(TradeTick(at, price, size))

    def quote(self, bid: float, ask: float, at: int) -> None:
        self.handler.update_quote(QuoteTick(at, bid, 100, ask, 100))

    def enter(
        self,
        direction: str,
        stop: float | None = None,
        target: float | None = None,
        size: int = 1,
        **terms: Any,
    ) -> str:
        """Propose a trade: at the market, unless ``terms`` say otherwise."""
        proposal = RiskProposal(
            direction=direction,
            position_size=size,
            stop_loss_price=stop,
            take_profit_price=target,
            **{"urgency": "high", "max_slippage": None, "timeout_seconds": None, **terms},
        )
        return self.handler.propose(proposal)


@pytest.fixture(scope="session")
def settings_for() -> Callable[..., tuple[Settings, Plugins]]:
    """Settings of a backtest on bars of one minute, with the plugins that know them."""
    plugins = Plugins()
    plugins.load(only=("commission", "sim", "slippage"))

    def settings(
        slippage: float | None = None,
        commission: float | None = None,
        symbol: str = "ES",
        instruments: dict[str, Any] | None = None,
        **simulation: Any,
    ) -> tuple[Settings, Plugins]:
        section: dict[str, Any] = {
            "symbol": symbol,
            "bar_seconds": 60,
            "simulation": msgspec.to_builtins(simulation),
        }
        if slippage is not None:
            section["slippage"] = {"type": "fixed", "fixed_amount": slippage}
        if commission is not None:
            section["commission"] = {
                "per_contract": commission,
                "exchange_fees": 0,
                "nfa_fees": 0,
            }
        config = {
            "execution_handler": {"backtest_settings": section, "instruments": instruments or {}}
        }
        return BacktestExecutionHandler(config, plugins=plugins).settings, plugins

    return settings


@pytest.fixture(scope="session")
def backtest(settings_for: Callable[..., tuple[Settings, Plugins]]) -> Callable[..., Backtest]:
    """Start a backtest: ``backtest(slippage=0.25, limit_fill="touch")``."""

    def start(**options: Any) -> Backtest:
        return Backtest(*settings_for(**options))

    return start


class SleeplessWatch(PriceWatch):
    """A watch that lets no data pass quietly."""

    @property
    def floor(self) -> float:
        return float("inf")

    @floor.setter
    def floor(self, value: float) -> None:
        pass


@pytest.fixture(scope="session")
def sleepless() -> Callable[[], AbstractContextManager[None]]:
    """A context in which markets that are opened are told of every bar and tick."""

    @contextmanager
    def patched() -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(market, "PriceWatch", SleeplessWatch)
            yield

    return patched
