"""The handler of backtests: trades on market data it is fed."""

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fillbridge.bus import EventBus
from fillbridge.config import Settings
from fillbridge.config.sealing import sealed
from fillbridge.engine.messages import ReplaceRequested, TradePlan
from fillbridge.engine.proposal_events import TradeHeld
from fillbridge.engine.state import EngineState
from fillbridge.handlers.requesting import Request
from fillbridge.handlers.requests import decided_before, refuse_opposite
from fillbridge.handlers.simulation import FailedEntrySink, SimulationHandler, TradeSink
from fillbridge.operators import Approval
from fillbridge.planning import plan_trade
from fillbridge.plugins import Plugins
from fillbridge.results import order_info
from fillbridge_hooks import (
    ArrivalPrice,
    BarData,
    FillbridgeError,
    Instrument,
    InvalidValue,
    OrderInfo,
    OrderRefused,
    OrderRole,
    RiskProposal,
    TradeResult,
    TradeTick,
    UnknownOrder,
)

_HOUR_NS = 3_600_000_000_000
_PROTECTING = (OrderRole.STOP, OrderRole.EXIT)


class BacktestExecutionHandler(SimulationHandler):
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
        config = sealed(config)  # an error keeps the variables of every frame
        super().__init__(
            config,
            event_bus,
            plugins=plugins,
            trade_sink=trade_sink,
            failed_entry_sink=failed_entry_sink,
        )
        hours = self.settings.performance.position_timeout_hours
        self._position_life_ns = None if hours is None else round(hours * _HOUR_NS)
        self._is_netting = self.settings.backtest_settings.account == "netting"
        self._trades = 0
        self._is_stopped = False

    # Trades

    async def execute_trade(self, proposal: RiskProposal) -> str:
        """Send the entry of a trade; see :meth:`AbstractExecutionHandler.execute_trade`."""
        started = time.perf_counter()
        trade_id = self.propose(proposal)
        self._count_latency((time.perf_counter() - started) * 1000)
        if self._events.is_pending:
            await self.drain()
        return trade_id

    def _count_latency(self, ms: float) -> None:
        # Counted and not published: what a simulation publishes depends on its data alone.
        self.metrics.update_execution_time(ms)
        if ms > self.settings.performance.max_execution_latency_ms:
            self.metrics.slow_executions += 1

    def propose(self, proposal: RiskProposal) -> str:
        """:meth:`execute_trade` without delivering events.

        A ``proposal_id`` that was proposed before, on that trade date or the one before, answers
        with its trade and sends nothing.

        :raises InvalidValue: if the proposal breaks a rule; nothing was sent
        :raises OrderRefused: if a check refuses it; nothing was sent
        """
        known = self._answered(proposal.proposal_id)
        if known is not None:
            return known
        try:
            self._require_ready()
            plan = self._plan(proposal)
            if self._is_netting:
                refuse_opposite(self._shell.state, plan)
            # Taken before anything is sent: whoever is told of a fill may propose again.
            self._trades += 1
            try:
                self._shell.open_trade(plan)
            except OrderRefused:
                self._trades -= 1
                raise
        except FillbridgeError:
            self.metrics.execution_errors += 1
            raise
        self._feed.rearm()
        return plan.trade_id

    def _answered(self, proposal_id: str | None) -> str | None:
        """The trade that a proposal of this id became; what was refused may be proposed again."""
        if proposal_id is None:
            return None
        state = self._shell.state
        answer = state.proposed.get(proposal_id) or state.proposed_before.get(proposal_id)
        return answer if isinstance(answer, str) else None

    def _plan(self, proposal: RiskProposal) -> TradePlan:
        instrument = self._feed.instrument(proposal.symbol)
        self._feed.synchronise()
        decided_ns = proposal.decided_at_ns
        if decided_ns is None:
            decided_ns = self._now_ns()
        elif type(decided_ns) is not int:
            raise InvalidValue("decided_at_ns", "integer nanoseconds UTC", decided_ns)
        elif decided_ns > self._now_ns():
            self._shell.clock.advance_to(decided_ns)
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

    def stop_entries(self, reason: str = "", by: str = "") -> None:
        """Refuse every proposal from now on; a simulation keeps neither reason nor name."""
        self._is_stopped = True

    def alive(self, by: str = "") -> None:
        """A simulation has no timer that would be waited for."""

    @property
    def is_recording(self) -> bool:
        """A simulation keeps nothing, and all it was asked for stands as long as it does."""
        return True

    def note_request(self, request: str, by: str, **details: Any) -> None:
        """A simulation keeps no record of who asked for what."""

    def keep_requests(self) -> None:
        """Nothing was noted."""

    @property
    def holds(self) -> Sequence[TradeHeld]:
        """None: a simulation has nobody to ask, so what is held is refused."""
        return ()

    def hold_hash(self, held: TradeHeld) -> str:
        """There is nothing to sign."""
        return ""

    async def approve_hold(
        self, hold_id: str, by: str = "", approval: Approval | None = None
    ) -> str:
        """Find nothing that waits.

        :raises UnknownOrder: always
        """
        raise UnknownOrder("held proposal", hold_id)

    def reject_hold(self, hold_id: str, reason: str = "", by: str = "") -> None:
        """Find nothing that waits.

        :raises UnknownOrder: always
        """
        raise UnknownOrder("held proposal", hold_id)

    # What requests need

    @property
    def _state(self) -> EngineState:
        return self._shell.state

    def _catch_up(self) -> None:
        self._feed.synchronise()

    def _last_price(self, instrument: Instrument) -> float | None:
        return self._feed.last_price_at(instrument, self._now_ns())

    async def _deliver_events(self) -> None:
        await self.drain()

    def _request(self, message: Request) -> bool:
        if isinstance(message, ReplaceRequested):
            self._shell.judgement.refuse_change(message)
        before = self._shell.recorded
        self._shell.step(message)
        self._feed.rearm()
        return self._shell.recorded > before

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
                instrument = handler.instrument(proposal.symbol)
                known = handler._feed.last_price_at(instrument, item.timestamp)
                handler.propose(decided_before(proposal, item, known))
                is_proposed = True
            if isinstance(item, BarData):
                handler.update_market_data(item.timestamp, item)
            else:
                handler.update_trade(item)
            if handler.closed_trades or failures:
                break
        handler.finish()
        if not handler.closed_trades:
            reason = failures[0] if failures else "no market data at or after its decision"
            raise FillbridgeError(f"the trade was not entered: {reason}")
        return handler.closed_trades[0]

    # What is known

    @property
    def open_positions(self) -> Mapping[str, Any]:
        """Trades that hold a position, or whose entry may still fill, by trade id."""
        return self._open_positions

    @property
    def order_history(self) -> Mapping[str, OrderInfo]:
        """Orders of open trades, and of closed ones unless a sink takes those."""
        return self._orders.history()

    def order_status(self, order_id: str) -> OrderInfo:
        """An order by its client order id or the broker's, as it stands.

        :raises UnknownOrder: if no such order is known, or its trade went to a sink
        """
        return order_info(*self._orders.find(order_id))

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

    def _validate_proposal(self, proposal: RiskProposal) -> None:
        self._plan(proposal)

    def _is_ready_for_execution(self) -> bool:
        return not self._is_stopped
