"""The handler that trades on market data it is fed."""

import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from fillbridge.bus import EventBus
from fillbridge.config import Settings, decode_settings
from fillbridge.engine.messages import (
    CancelRequested,
    CloseRequested,
    ReplaceRequested,
    TradePlan,
)
from fillbridge.engine.state import OrderState, Trade
from fillbridge.feed import MarketFeed
from fillbridge.handlers.abstract import AbstractExecutionHandler
from fillbridge.planning import plan_trade
from fillbridge.plugins import Plugins
from fillbridge.positions import OpenPositions
from fillbridge.publishing import Publisher
from fillbridge.results import order_info
from fillbridge.shell import Shell, ShellHooks
from fillbridge_hooks import (
    NEVER,
    ArrivalPrice,
    BarData,
    ConfigurationError,
    ExitReason,
    FillbridgeError,
    Instrument,
    InvalidValue,
    OrderInfo,
    OrderRefused,
    OrderRole,
    QuoteTick,
    Refuse,
    RiskProposal,
    SimulationDriver,
    TradeResult,
    TradeTick,
    UnknownOrder,
    VirtualClock,
)

_HOUR_NS = 3_600_000_000_000
_PROTECTING = (OrderRole.STOP, OrderRole.EXIT)

TradeSink = Callable[[TradeResult], None]
"""Takes each closed trade; what it takes is not kept in memory."""

FailedEntrySink = Callable[[RiskProposal, str], None]
"""Takes each proposal whose entry ended without a fill, and why."""


class BacktestExecutionHandler(AbstractExecutionHandler):
    """Simulates trades on bars, trades and quotes, with the engine that also trades live.

    Feed it with :meth:`update_market_data` (bars), :meth:`update_trade` and :meth:`update_quote`;
    propose trades in between. A proposal made after a bar can fill from the next bar on. Events
    are delivered at the next ``await`` of a method, or by :meth:`drain`.

    :param config: a ``Settings``, or a mapping: the configuration file's, or its
        ``backtest_settings``
    :param event_bus: where events come from and go to; an in-process bus where ``None``
    :param plugins: the plugins to use; those installed where ``None``
    :param trade_sink: takes closed trades instead of :attr:`closed_trades`
    :param failed_entry_sink: takes proposals whose entry ended without a fill
    :raises ConfigurationError: if the configuration cannot be used
    :raises PluginError: if a plugin cannot be loaded
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
        super().__init__(config, event_bus)
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
        self._archive: list[Trade] = []
        self._proposed: dict[str, str] = {}
        self._trades = 0
        self._is_stopped = False
        backtest = settings.backtest_settings
        hours = settings.performance.position_timeout_hours
        self._position_life_ns = None if hours is None else round(hours * _HOUR_NS)
        self._is_netting = backtest.account == "netting"

        models = plugins.configure(settings.plugin_sections)
        self._events = Publisher(self.event_bus, plugins.resolve("fillbridge_handle_event"))
        hooks = ShellHooks(
            prepare_order=plugins.resolve("fillbridge_prepare_order"),
            risk_checks=models.risk_checks(),
            commission=(
                None
                if backtest.commission_type is None
                else models.commission(backtest.commission_type)
            ),
            handle_fill=plugins.resolve("fillbridge_handle_fill"),
            score_execution=plugins.resolve("fillbridge_score_execution"),
        )
        self._shell = Shell(
            hooks,
            VirtualClock(),
            self._events,
            self.metrics,
            self._trade_closed,
            self._entry_failed,
        )
        driver = plugins.driver(backtest.driver)
        if not isinstance(driver, SimulationDriver):
            raise ConfigurationError(
                f"backtest_settings.driver: expected a simulation driver, was '{backtest.driver}'"
            )
        slippage = backtest.slippage_type
        session = driver.open_session(
            settings.plugin_sections.get(plugins.driver_plugin(backtest.driver)),
            self._shell.clock,
            None if slippage is None else models.slippage(slippage),
            self._shell,
        )
        self._shell.attach(session)
        self._feed = MarketFeed(
            self._shell, session, settings.instruments, backtest.symbol, backtest.bar_seconds
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
            # The order of comparisons lets NaN, an inverted bar and a repeated time fall through.
            # A datetime cannot be compared to them either.
            if watch.floor < low <= high < watch.ceiling and watch.now < timestamp < watch.deadline:  # type: ignore[operator]
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

    def instrument(self, symbol: str) -> Instrument:
        """The contract of that symbol, which is traded from now on.

        :raises InvalidValue: if nothing is known of the symbol
        """
        return self._feed.instrument(symbol)

    # Trades

    async def execute_trade(self, proposal: RiskProposal) -> str:
        """Send the entry of a trade; see :meth:`AbstractExecutionHandler.execute_trade`."""
        started = time.perf_counter()
        trade_id = self.propose(proposal)
        self.metrics.update_execution_time((time.perf_counter() - started) * 1000)
        if self._events.is_pending:
            await self.drain()
        return trade_id

    def propose(self, proposal: RiskProposal) -> str:
        """:meth:`execute_trade` without delivering events.

        A ``proposal_id`` that was proposed before answers with its trade and sends nothing.

        :raises InvalidValue: if the proposal breaks a rule; nothing was sent
        :raises OrderRefused: if a check refuses it; nothing was sent
        """
        proposal_id = proposal.proposal_id
        if proposal_id is not None and proposal_id in self._proposed:
            return self._proposed[proposal_id]
        try:
            self._require_ready()
            plan = self._plan(proposal)
            if self._is_netting:
                self._refuse_opposite(plan)
            # Taken before anything is sent: whoever is told of a fill may propose again.
            self._trades += 1
            if proposal_id is not None:
                self._proposed[proposal_id] = plan.trade_id
            try:
                self._shell.open_trade(plan)
            except OrderRefused:
                self._trades -= 1
                if proposal_id is not None:
                    del self._proposed[proposal_id]
                raise
        except FillbridgeError:
            self.metrics.execution_errors += 1
            raise
        self._feed.rearm()
        return plan.trade_id

    def _plan(self, proposal: RiskProposal) -> TradePlan:
        instrument = self._feed.instrument(proposal.symbol)
        self._feed.synchronise()
        decided_ns = proposal.decided_at_ns
        if decided_ns is None:
            decided_ns = self._now_ns()
        elif type(decided_ns) is not int:
            raise InvalidValue("decided_at_ns", "integer nanoseconds UTC", decided_ns)
        arrival = proposal.arrival
        if arrival is None:
            quote = self._watches[instrument.symbol].quote
            last = self._feed.last_price_at(instrument, decided_ns)
            if quote is not None:
                arrival = ArrivalPrice(quote.bid, quote.ask, last)
            elif last is not None:
                arrival = ArrivalPrice(None, None, last)
        return plan_trade(
            proposal,
            f"T{self._trades + 1}",
            instrument,
            arrival,
            decided_ns,
            self._position_life_ns,
        )

    def _refuse_opposite(self, plan: TradePlan) -> None:
        for trade in self._shell.state.trades.values():
            same_symbol = trade.plan.instrument.symbol == plan.instrument.symbol
            if same_symbol and trade.plan.direction is not plan.direction:
                raise OrderRefused(
                    [
                        Refuse(
                            check="account",
                            limit=f"no bracket against {trade.plan.trade_id} (netting)",
                            value=plan.direction.value,
                        )
                    ]
                )

    async def cancel_order(self, order_id: str) -> bool:
        """Withdraw an order; see :meth:`AbstractExecutionHandler.cancel_order`."""
        self._feed.synchronise()
        trade, order_state = self._find_order(order_id)
        if trade.held and order_state.order.role in _PROTECTING:
            raise InvalidValue(
                "order_id", "an order that neither protects nor closes a position", order_id
            )
        done = self._request(
            CancelRequested(
                order_state.order.client_order_id, "cancelled on request", self._now_ns()
            )
        )
        await self.drain()
        return done

    async def modify_order(
        self,
        order_id: str,
        *,
        limit_price: float | None = None,
        trigger_price: float | None = None,
    ) -> bool:
        """Move the price levels of a working order; ``False`` if it no longer works.

        :raises UnknownOrder: if no such order is known
        :raises InvalidValue: if a price is off the grid, or not one that this order type has
        """
        self._feed.synchronise()
        _, order_state = self._find_order(order_id)
        order = order_state.order
        levels: list[int | None] = []
        for field, price, current in (
            ("limit_price", limit_price, order.limit_ticks),
            ("trigger_price", trigger_price, order.trigger_ticks),
        ):
            if price is not None and current is None:
                raise InvalidValue(field, f"absent for a {order.order_type.value} order", price)
            levels.append(current if price is None else order.instrument.to_ticks(price, field))
        done = self._request(
            ReplaceRequested(order.client_order_id, levels[0], levels[1], self._now_ns())
        )
        await self.drain()
        return done

    async def close_position(
        self, position_id: str, reason: ExitReason = ExitReason.MANUAL_OVERRIDE
    ) -> bool:
        """End a trade; see :meth:`AbstractExecutionHandler.close_position`."""
        done = self.request_close(position_id, reason)
        await self.drain()
        return done

    def request_close(self, position_id: str, reason: ExitReason) -> bool:
        """:meth:`close_position` without delivering events.

        :raises UnknownOrder: if no such trade is open
        """
        self._feed.synchronise()
        if position_id not in self._shell.state.trades:
            raise UnknownOrder("open trade", position_id)
        return self._request(CloseRequested(position_id, reason, self._now_ns()))

    def cancel_entries(self) -> None:
        """Withdraw every entry that may still fill; stops and targets stay."""
        self._feed.synchronise()
        for trade in tuple(self._shell.state.trades.values()):
            client_order_id = trade.entry.order.client_order_id
            self._request(CancelRequested(client_order_id, "all orders cancelled", self._now_ns()))

    def stop_entries(self) -> None:
        """Refuse every proposal from now on."""
        self._is_stopped = True

    def _request(self, message: CancelRequested | ReplaceRequested | CloseRequested) -> bool:
        before = self._shell.events_recorded
        self._shell.step(message)
        self._feed.rearm()
        return self._shell.events_recorded > before

    # A trade on its own

    def simulate_trade(
        self, proposal: RiskProposal, market_data: Iterable[BarData | TradeTick]
    ) -> TradeResult:
        """What becomes of one trade on this market data, with these settings and nothing else.

        The trade is decided before the first bar or trade at or after ``decided_at_ns``, the very
        first where that is ``None``; where nothing is known before, its open is the arrival price.
        A position still open at the end is closed at the last price.

        :raises InvalidValue: if the proposal or the data breaks a rule
        :raises OrderRefused: if a check refuses the trade
        :raises FillbridgeError: if the entry does not fill
        """
        failures: list[str] = []
        handler = BacktestExecutionHandler(
            self.settings,
            plugins=self._plugins,
            failed_entry_sink=lambda _, reason: failures.append(reason),
        )
        decided_ns = proposal.decided_at_ns
        is_proposed = False
        for item in market_data:
            if not is_proposed and (decided_ns is None or item.timestamp >= decided_ns):
                handler._propose_before(proposal, item)
                is_proposed = True
            if isinstance(item, BarData):
                handler.update_market_data(item.timestamp, item)
            else:
                handler.update_trade(item)
        handler.finish()
        if not handler.closed_trades:
            reason = failures[0] if failures else "no market data at or after its decision"
            raise FillbridgeError(f"the trade was not entered: {reason}")
        return handler.closed_trades[0]

    def _propose_before(self, proposal: RiskProposal, item: BarData | TradeTick) -> None:
        known = self._feed.last_price_at(self._feed.instrument(proposal.symbol), item.timestamp)
        if proposal.arrival is None and known is None:
            price = item.open if isinstance(item, BarData) else item.price
            proposal = msgspec.structs.replace(proposal, arrival=ArrivalPrice(last=price))
        if proposal.decided_at_ns is None:
            proposal = msgspec.structs.replace(proposal, decided_at_ns=item.timestamp)
        self.propose(proposal)

    # What is known

    @property
    def open_positions(self) -> Mapping[str, Any]:
        """Trades that hold a position, or whose entry may still fill, by trade id."""
        return self._open_positions

    @property
    def order_history(self) -> Mapping[str, OrderInfo]:
        """Orders of open trades, and of closed ones unless a sink takes those."""
        return {
            order_state.order.client_order_id: order_info(trade, order_state)
            for trade in (*self._archive, *self._shell.state.trades.values())
            for order_state in trade.orders
        }

    def order_status(self, order_id: str) -> OrderInfo:
        """An order by its client order id or the broker's, as it stands.

        :raises UnknownOrder: if no such order is known, or its trade went to a sink
        """
        return order_info(*self._find_order(order_id))

    @property
    def current_time(self) -> int:
        """The time of the simulation, ns UTC."""
        self._feed.synchronise()
        return self._now_ns()

    def get_connection_status(self) -> dict[str, Any]:
        """``status``, ``mode``, ``driver``, ``time_ns``, ``open_positions``, ``entries``."""
        return {
            "status": "connected",
            "mode": "backtest",
            "driver": self.settings.backtest_settings.driver,
            "time_ns": self.current_time,
            "open_positions": len(self._open_positions),
            "entries": "stopped" if self._is_stopped else "open",
        }

    def _find_order(self, order_id: str) -> tuple[Trade, OrderState]:
        known = self._shell.state.orders.get(order_id)
        if known is not None:
            return known
        for trade in (*self._shell.state.trades.values(), *self._archive):
            for order_state in trade.orders:
                if order_id in (order_state.broker_order_id, order_state.order.client_order_id):
                    return trade, order_state
        raise UnknownOrder("order", order_id)

    def _excursion_of(self, trade: Trade) -> tuple[float, float]:
        instrument = trade.plan.instrument
        self._shell.flush_extremes(self._watches[instrument.symbol], instrument)
        excursion = self._shell.excursions.get(instrument.symbol, {}).get(trade.plan.trade_id)
        if excursion is None:
            return 0.0, 0.0
        entry_price = trade.entry_value / trade.entry_quantity
        return excursion.measure(instrument, entry_price, entry_price)

    def _trade_closed(self, trade: Trade, result: TradeResult) -> None:
        if self._trade_sink is not None:
            self._trade_sink(result)
            return
        self.closed_trades.append(result)
        self._archive.append(trade)

    def _entry_failed(self, trade: Trade, reason: str) -> None:
        if self._failed_entry_sink is not None:
            self._failed_entry_sink(trade.plan.proposal, reason)
        elif self._trade_sink is None:
            self._archive.append(trade)

    def _validate_proposal(self, proposal: RiskProposal) -> None:
        self._plan(proposal)

    def _is_ready_for_execution(self) -> bool:
        return not self._is_stopped

    def _now_ns(self) -> int:
        return self._shell.clock.now_ns()

    @property
    def _publisher(self) -> Publisher:
        return self._events
