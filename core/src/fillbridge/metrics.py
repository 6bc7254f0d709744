"""What a handler counts while it runs."""

from bisect import bisect_left
from collections import Counter
from typing import NamedTuple

from fillbridge.engine.state import REMEMBERED_TRADES, Trade
from fillbridge_hooks import OrderStatus, TradeResult

_BOUNDS_MS: tuple[float, ...] = tuple(0.001 * 2**step for step in range(28))
"""Upper bounds of the latency histogram: 1 microsecond, doubled up to about 2 minutes."""


class _Counted(NamedTuple):
    """What was counted of a closed trade."""

    is_winning: bool
    statuses: tuple[OrderStatus, ...]
    contracts: int


class ExecutionMetrics:
    """Counters and latencies of one handler.

    Latencies are kept as a histogram whose buckets double, so memory stays constant; a percentile
    is the upper bound of its bucket, the maximum is exact.
    """

    def __init__(self) -> None:
        self.trades_executed = 0
        """Entries that filled at least in part."""
        self.trades_closed = 0
        self.winning_trades = 0
        self.losing_trades = 0
        self.execution_errors = 0
        """Proposals that were refused or invalid, and entries that ended without a fill."""
        self.slow_executions = 0
        """Executions that took longer than ``performance.max_execution_latency_ms``."""
        self.defects = 0
        """Errors in this program itself; the first of a kind is logged with its traceback."""
        self.security_events = 0
        """Proposals that were not what they said: forged, stale, replayed, of another strategy."""
        self.reconnects = 0
        self.unknown_orders = 0
        self.orders_by_status: Counter[str] = Counter()
        """The orders of trades that are done, by the status in which they ended."""
        self.contracts_requested = 0
        self.contracts_filled = 0
        self._counted: dict[str, _Counted] = {}
        """By trade id, of as many as the engine remembers: a late fill or a bust may change one."""
        self._latencies = [0] * (len(_BOUNDS_MS) + 1)
        self._latency_max = 0.0

    @property
    def fill_ratio(self) -> float | None:
        """Contracts filled of those asked for by entries; ``None`` before the first."""
        if not self.contracts_requested:
            return None
        return self.contracts_filled / self.contracts_requested

    def count_trade(self, result: TradeResult, trade: Trade) -> None:
        """Count a closed trade and its orders; one that was counted before is counted anew."""
        trade_id = result.trade_id
        self.forget_trade(trade_id)
        statuses = tuple(order_state.status for order_state in trade.orders)
        counted = _Counted(result.pnl_net > 0, statuses, trade.entry.filled)
        self._count(counted, 1)
        self._counted[trade_id] = counted
        if len(self._counted) > REMEMBERED_TRADES:
            del self._counted[next(iter(self._counted))]

    def forget_trade(self, trade_id: str) -> None:
        """Take back what was counted of a trade: it did not close that way, or not at all.

        Without effect on a trade that is not known, or closed long ago.
        """
        counted = self._counted.pop(trade_id, None)
        if counted is not None:
            self._count(counted, -1)

    def _count(self, counted: "_Counted", sign: int) -> None:
        self.trades_closed += sign
        if counted.is_winning:
            self.winning_trades += sign
        else:
            self.losing_trades += sign
        counts = self.orders_by_status
        for status in counted.statuses:
            counts[status] += sign
        self.contracts_filled += sign * counted.contracts

    def update_execution_time(self, ms: float) -> None:
        """Count one execution that took ``ms`` milliseconds."""
        self._latencies[bisect_left(_BOUNDS_MS, ms)] += 1
        if ms > self._latency_max:
            self._latency_max = ms

    def latency_ms(self) -> dict[str, float | None]:
        """``p50``, ``p95``, ``p99`` and ``max`` of the execution times, in milliseconds."""
        total = sum(self._latencies)
        if not total:
            return {"p50": None, "p95": None, "p99": None, "max": None}
        return {
            "p50": self._percentile(0.50, total),
            "p95": self._percentile(0.95, total),
            "p99": self._percentile(0.99, total),
            "max": self._latency_max,
        }

    def _percentile(self, share: float, total: int) -> float:
        seen = 0
        for bound, count in zip(_BOUNDS_MS, self._latencies, strict=False):
            seen += count
            if seen >= share * total:
                return min(bound, self._latency_max)
        return self._latency_max
