"""What a handler of a simulated market is made of, and how market data comes in."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from fillbridge.bus import EventBus
from fillbridge.config import Settings, decode_settings
from fillbridge.config.sealing import sealed
from fillbridge.engine.messages import (
    CancelRequested,
    CloseRequested,
)
from fillbridge.engine.state import Trade
from fillbridge.feed import MarketFeed
from fillbridge.handlers.orders import KnownOrders
from fillbridge.handlers.requesting import RequestingHandler
from fillbridge.handlers.wiring import simulation_shell
from fillbridge.plugins import Plugins
from fillbridge.positions import OpenPositions
from fillbridge.publishing import Publisher
from fillbridge_hooks import (
    NEVER,
    BarData,
    ExitReason,
    Instrument,
    QuoteTick,
    RiskProposal,
    TradeResult,
    TradeTick,
)

TradeSink = Callable[[TradeResult], None]
"""Takes each closed trade; what it takes is not kept in memory."""

FailedEntrySink = Callable[[RiskProposal, str], None]
"""Takes each proposal whose entry ended without a fill, and why."""


class SimulationHandler(RequestingHandler):
    """A handler whose market is a simulation: it is fed bars, trades and quotes.

    The parameters are those of :class:`BacktestExecutionHandler`.
    """

    def __init__(
        self,
        config: Settings | Mapping[str, Any] | None = None,
        event_bus: EventBus | None = None,
        *,
        plugins: Plugins | None = None,
        trade_sink: TradeSink | None = None,
        failed_entry_sink: FailedEntrySink | None = None,
    ) -> None:
        super().__init__(config := sealed(config), event_bus)
        if plugins is None:
            plugins = Plugins()
            plugins.load()
        if isinstance(config, Settings):
            settings = config
        else:
            settings = decode_settings(config or {}, plugins.settings_sections())
        self.settings = settings
        self.closed_trades: list[TradeResult] = []
        """Closed trades in the order in which they closed, unless a sink takes them."""
        self._plugins = plugins
        self._trade_sink = trade_sink
        self._failed_entry_sink = failed_entry_sink
        backtest = settings.backtest_settings
        self._events = Publisher(self.event_bus, plugins.resolve("fillbridge_handle_event"))
        self._shell = simulation_shell(
            settings, plugins, self._events, self.metrics, self._trade_closed, self._entry_failed
        )
        self._orders = KnownOrders(self._shell.state)
        self._feed = MarketFeed(
            self._shell, settings.instruments, backtest.symbol, backtest.bar_seconds
        )
        self._watches = self._feed.watches
        self._open_positions = OpenPositions(self._shell.state, self._excursion_of)

    # Market data

    def update_market_data(self, timestamp: datetime | int, bar_data: BarData) -> None:
        """Take the next bar: what it fills has happened when this returns.

        :param timestamp: start of the bar, an aware datetime or ns UTC, after the one before
        :raises InvalidValue: naming what is wrong with the bar; it is not used then
        """
        try:
            watch = self._watches[bar_data.symbol]
            low = bar_data.low
            high = bar_data.high
            # The order of comparisons lets NaN, an impossible bar and a repeated time fall through.
            # A datetime cannot be compared to them either.
            if (
                watch.floor < low <= bar_data.open <= high < watch.ceiling
                and low <= bar_data.close <= high
                and watch.now < timestamp < watch.deadline  # type: ignore[operator]
            ):
                watch.now = timestamp  # type: ignore[assignment]
                watch.last = bar_data
                if high > watch.high:
                    watch.high = high
                if low < watch.low:
                    watch.low = low
                return
        except (KeyError, TypeError):
            pass
        self._feed.on_bar(timestamp, bar_data)

    def update_trade(self, trade: TradeTick) -> None:
        """Take the next trade of the tape.

        :raises InvalidValue: naming what is wrong with it; it is not used then
        """
        watch = self._watches.get(trade.symbol)
        if watch is not None:
            price = trade.price
            time_ns = trade.timestamp
            if watch.floor < price < watch.ceiling and watch.now <= time_ns < watch.deadline:
                watch.now = time_ns
                watch.last = trade
                if price > watch.high:
                    watch.high = price
                if price < watch.low:
                    watch.low = price
                return
        self._feed.on_trade(trade)

    def update_quote(self, quote: QuoteTick) -> None:
        """Take the next change of the best bid and offer.

        :raises InvalidValue: naming what is wrong with it; it is not used then
        """
        watch = self._watches.get(quote.symbol)
        if (
            watch is not None
            and watch.floor < watch.ceiling
            and quote.bid <= quote.ask
            and watch.now <= quote.timestamp < watch.deadline
        ):
            watch.now = quote.timestamp
            watch.quote = quote
            return
        self._feed.on_quote(quote)

    def advance_to(self, time_ns: int) -> None:
        """Move the clock to ``time_ns`` (ns UTC) between two pieces of market data."""
        self._feed.synchronise()
        self._shell.clock.advance_to(time_ns)
        self._feed.rearm()

    def finish(self, reason: ExitReason = ExitReason.SYSTEM_SHUTDOWN) -> None:
        """The data has ended: withdraw entries and close positions at the last price."""
        self._feed.synchronise()
        for watch in self._watches.values():
            if watch.last is not None:
                watch.quote = None  # what closes now takes the last price, not the far side
        now = self._now_ns()
        for trade_id, trade in tuple(self._shell.state.trades.items()):
            if not trade.entry_quantity:
                entry_id = trade.entry.order.client_order_id
                ended = "not filled before the end of the data"
                self._shell.step(CancelRequested(entry_id, ended, now))
            self._shell.step(CloseRequested(trade_id, reason, now))
        self._shell.session.settle()
        clock = self._shell.clock
        while self._shell.state.trades and clock.next_due_ns != NEVER:  # requests take a latency
            clock.advance_to(clock.next_due_ns + 1)
            self._shell.session.settle()

    def instrument(self, symbol: str | None) -> Instrument:
        """The contract of that symbol, which is traded from now on.

        :raises InvalidValue: if nothing is known of the symbol
        """
        return self._feed.instrument(symbol)

    # What the shell tells

    @property
    def current_time(self) -> int:
        """The time of the simulation, ns UTC."""
        self._feed.synchronise()
        return self._now_ns()

    def _trade_closed(self, trade: Trade, result: TradeResult) -> None:
        if self._trade_sink is not None:
            self._trade_sink(result)
            return
        self.closed_trades.append(result)
        self._orders.keep(trade)

    def _entry_failed(self, trade: Trade, reason: str) -> None:
        if self._failed_entry_sink is not None:
            self._failed_entry_sink(trade.plan.proposal, reason)
        elif self._trade_sink is None:
            self._orders.keep(trade)

    def _now_ns(self) -> int:
        return self._shell.clock.now_ns

    @property
    def _publisher(self) -> Publisher:
        return self._events

    def _excursion_of(self, trade: Trade) -> tuple[float, float]:
        instrument = trade.plan.instrument
        self._shell.excursions.flush(self._watches[instrument.symbol], instrument)
        excursion = self._shell.excursions.get(instrument.symbol, trade.plan.trade_id)
        if excursion is None:
            return 0.0, 0.0
        entry_price = trade.entry_value / trade.entry_quantity
        return excursion.measure(instrument, entry_price, entry_price)
