"""The management interface: what an operator may ask of a handler."""

from typing import Any

from fillbridge.handlers.backtest import BacktestExecutionHandler
from fillbridge.metrics import ExecutionMetrics
from fillbridge.positions import Position
from fillbridge_hooks import ExitReason, OrderInfo


class ExecutionHandlerAPI:
    """Questions and commands to one handler. A ``True`` says that the request is recorded."""

    def __init__(self, handler: BacktestExecutionHandler) -> None:
        self._handler = handler

    def get_open_positions(self) -> list[Position]:
        """Trades that hold a position, or whose entry may still fill."""
        return list(self._handler.open_positions.values())

    def get_order_status(self, order_id: str) -> OrderInfo:
        """An order by its client order id or the broker's, as it stands.

        :raises UnknownOrder: if no such order is known
        """
        return self._handler.order_status(order_id)

    def close_all_positions(self, reason: ExitReason = ExitReason.MANUAL_OVERRIDE) -> bool:
        """End every trade: entries are withdrawn, positions closed at the market."""
        for trade_id in self._handler.open_positions:
            self._handler.request_close(trade_id, reason)
        return True

    def cancel_all_orders(self) -> bool:
        """Withdraw every entry that may still fill.

        Stops and targets stay: a position is never left without them.
        """
        self._handler.cancel_entries()
        return True

    def get_execution_metrics(self) -> ExecutionMetrics:
        """The handler's counters, live."""
        return self._handler.metrics

    def get_connection_status(self) -> dict[str, Any]:
        """As the handler says it."""
        return self._handler.get_connection_status()

    def emergency_stop(self) -> bool:
        """Refuse entries from now on, withdraw those that work, close every position.

        ``False``, and nothing is done, where ``risk_controls.emergency_stop_enabled`` is off.
        """
        controls = self._handler.settings.plugin_sections.get("risk")
        if not getattr(controls, "emergency_stop_enabled", True):
            return False
        self._handler.stop_entries()
        self._handler.cancel_entries()
        return self.close_all_positions()
