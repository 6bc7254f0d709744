"""What a live handler knows: positions, orders, trades, and whether orders can go out."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

from fillbridge.config import Settings, find_instrument
from fillbridge.engine.state import Trade
from fillbridge.handlers.orders import KnownOrders
from fillbridge.handlers.requesting import RequestingHandler
from fillbridge.journal import Journal, Recovery
from fillbridge.live import Connection, GateState, LiveTrading
from fillbridge.live.waking import Bell
from fillbridge.positions import OpenPositions
from fillbridge.publishing import Publisher
from fillbridge.results import order_info
from fillbridge_hooks import (
    FillbridgeError,
    Instrument,
    LiveClock,
    OrderInfo,
    RiskProposal,
    TradeResult,
    UnknownOrder,
)


class LiveKnowledge(RequestingHandler):
    """The questions to a handler of live trading, answered from what it holds."""

    settings: Settings
    clock: LiveClock
    _driver_name: str
    _events: Publisher
    _closed_trades: OrderedDict[str, TradeResult]
    _changed: Bell
    # From here on: since it was entered.
    _journal: Journal
    _trading: LiveTrading
    _connection: Connection
    _orders: KnownOrders
    _open_positions: OpenPositions

    @property
    def open_positions(self) -> Mapping[str, Any]:
        """Trades that hold a position, or whose entry may still fill, by trade id."""
        return self._open_positions

    @property
    def closed_trades(self) -> Sequence[TradeResult]:
        """The last 1,000 trades that closed since the start, the oldest first."""
        return tuple(self._closed_trades.values())

    async def wait_ready(self) -> None:
        """Wait until entries may leave: connected, and reconciled with the broker."""
        while self._trading.gate.state is not GateState.OPEN:
            await self._changed.wait()

    async def wait_open(self, trade_id: str) -> None:
        """Wait until a trade holds a position, or held one.

        :raises UnknownOrder: if no such trade is known
        :raises FillbridgeError: if its entry ended without a fill
        """
        while not self._trade(trade_id).entry_quantity:
            await self._changed.wait()

    async def wait_closed(self, trade_id: str) -> TradeResult:
        """Wait until a trade has closed; its result.

        :raises UnknownOrder: if no such trade is known
        :raises FillbridgeError: if its entry ended without a fill
        """
        while True:
            result = self._closed_trades.get(trade_id)
            if result is not None:
                return result
            self._trade(trade_id)
            await self._changed.wait()

    def _trade(self, trade_id: str) -> Trade:
        state = self._trading.state
        trade = state.trades.get(trade_id) or state.ended.get(trade_id)
        if trade is None:
            raise UnknownOrder("trade", trade_id)
        if trade.closed and not trade.entry_quantity:
            raise FillbridgeError(f"trade {trade_id} ended without a fill: {trade.entry.reason}")
        return trade

    @property
    def is_recording(self) -> bool:
        """Whether what is asked for stands in the journal; ``False`` once that has failed."""
        return not self._journal.failure

    @property
    def connection_failure(self) -> FillbridgeError | None:
        """Why it does not connect before somebody resumes; ``None`` if it does."""
        return self._connection.failure

    @property
    def recovery(self) -> Recovery:
        """How the journal was found at the start."""
        return self._journal.recovery

    @property
    def order_history(self) -> Mapping[str, OrderInfo]:
        """Orders of open trades, and of those that ended in the last minutes."""
        return self._orders.history()

    def order_status(self, order_id: str) -> OrderInfo:
        """An order by its client order id or the broker's, as it stands.

        :raises UnknownOrder: if no such order is known
        """
        return order_info(*self._orders.find(order_id))

    def instrument(self, symbol: str | None) -> Instrument:
        """The contract of that symbol; the default one for ``None``.

        :raises InvalidValue: if nothing is known of the symbol
        """
        name = symbol or self.settings.live_settings.symbol
        return find_instrument(name, self.settings.instruments)

    def get_connection_status(self) -> dict[str, Any]:
        """``status``, ``mode``, ``gate`` with its ``reasons``, and whose account it is."""
        gate = self._trading.gate
        return {
            "status": "connected" if self._trading.is_connected else "disconnected",
            "mode": "live",
            "driver": self._driver_name,
            "account": self.settings.live_settings.account,
            "epoch": self._journal.epoch,
            "time_ns": self._now_ns(),
            "open_positions": len(self._open_positions),
            "entries": "open" if gate.state is GateState.OPEN else "stopped",
            "gate": gate.state.value,
            "reasons": list(gate.reasons()),
            "kill": self._trading.kill_switch.document(),
            "suspended": dict(self._trading.state.activity.suspended),
        }

    def _validate_proposal(self, proposal: RiskProposal) -> None:
        self._trading.validate(proposal)

    def _is_ready_for_execution(self) -> bool:
        return self._trading.gate.state is GateState.OPEN

    def _now_ns(self) -> int:
        return self.clock.now_ns

    @property
    def _publisher(self) -> Publisher:
        return self._events

    def _excursion_of(self, trade: Trade) -> tuple[float, float]:
        instrument = trade.plan.instrument
        excursion = self._trading.excursions.get(instrument.symbol, trade.plan.trade_id)
        if excursion is None:
            return 0.0, 0.0
        entry_price = trade.entry_value / trade.entry_quantity
        return excursion.measure(instrument, entry_price, entry_price)
