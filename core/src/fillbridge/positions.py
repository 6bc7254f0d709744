"""Positions as users see and keep them: mutable facades outside the engine."""

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from fillbridge.engine.state import EngineState, Trade
from fillbridge.results import order_info
from fillbridge.times import to_datetime
from fillbridge_hooks import Direction, ExitReason, OrderInfo, OrderRole

ExcursionOf = Callable[[Trade], tuple[float, float]]
"""Favourable (>= 0) and adverse (<= 0) excursion of an open trade, in points."""


@dataclass
class Position:
    """A position of one trade. Prices and excursions in points, times UTC, size >= 0."""

    trade_id: str
    entry_timestamp: datetime
    entry_price: float
    size: int
    direction: str
    stop_loss_price: float
    take_profit_price: float
    status: str
    entry_order: OrderInfo | None = None
    bracket_orders: list[OrderInfo] = field(default_factory=list)
    mfe: float = 0.0
    mae: float = 0.0
    exit_timestamp: datetime | None = None
    exit_price: float | None = None

    def update_excursions(self, current_price: float) -> None:
        """Widen ``mfe`` (>= 0) and ``mae`` (<= 0) by ``current_price``."""
        excursion = current_price - self.entry_price
        if self.direction != Direction.LONG:
            excursion = -excursion
        self.mfe = max(self.mfe, excursion)
        self.mae = min(self.mae, excursion)


class PositionManager:
    """Open positions and their history, for use from several threads."""

    def __init__(self) -> None:
        self.positions: dict[str, Position] = {}
        self.position_history: dict[str, Position] = {}
        self._lock = threading.RLock()

    def add_position(self, position: Position) -> None:
        """Keep a position as open."""
        with self._lock:
            self.positions[position.trade_id] = position

    def close_position(
        self, trade_id: str, exit_price: float, exit_time: datetime, reason: ExitReason
    ) -> Position | None:
        """Move a position to the history and return it; ``None`` where none is open."""
        with self._lock:
            position = self.positions.pop(trade_id, None)
            if position is None:
                return None
            position.exit_price = exit_price
            position.exit_timestamp = exit_time
            position.status = "closed"
            self.position_history[trade_id] = position
            return position

    def get_open_positions(self) -> dict[str, Position]:
        """A copy of the open positions, by trade id."""
        with self._lock:
            return self.positions.copy()

    def get_position_count(self) -> int:
        """How many positions are open."""
        with self._lock:
            return len(self.positions)


class OpenPositions(Mapping[str, Position]):
    """The trades of an engine that hold a position, or whose entry may still fill.

    A live view by trade id; each look-up makes the ``Position`` as it stands then. ``status`` is
    ``open``, or ``pending`` before the first fill; pending prices are those of the proposal.
    """

    def __init__(self, state: EngineState, excursion_of: ExcursionOf) -> None:
        self._trades = state.trades
        self._excursion_of = excursion_of

    def __len__(self) -> int:
        return len(self._trades)

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._trades))

    def __getitem__(self, trade_id: str) -> Position:
        return _position(self._trades[trade_id], self._excursion_of)


def _position(trade: Trade, excursion_of: ExcursionOf) -> Position:
    plan = trade.plan
    mfe, mae = excursion_of(trade) if trade.entry_quantity else (0.0, 0.0)
    entry = trade.entry
    legs = [leg for leg in trade.orders if leg.order.role is not OrderRole.ENTRY]
    started_ns = entry.first_fill_ns or entry.submitted_ns
    arrival = plan.entry.arrival
    expected = None if arrival is None else arrival.price
    quantity = trade.entry_quantity
    stop = trade.stop.order.trigger_ticks if trade.stop else plan.stop_ticks
    target = trade.target.order.limit_ticks if trade.target else plan.target_ticks
    to_price = plan.instrument.to_price
    return Position(
        trade_id=plan.trade_id,
        entry_timestamp=to_datetime(started_ns),
        entry_price=trade.entry_value / quantity if quantity else (expected or float("nan")),
        size=abs(trade.held),
        direction=plan.direction.value,
        stop_loss_price=float("nan") if stop is None else to_price(stop),
        take_profit_price=float("nan") if target is None else to_price(target),
        status="open" if quantity else "pending",
        entry_order=order_info(trade, entry),
        bracket_orders=[order_info(trade, leg) for leg in legs],
        mfe=mfe,
        mae=mae,
    )
