"""What is handed to the user when orders move and trades close."""

from datetime import datetime
from typing import Any

import msgspec

from fillbridge_hooks.terms import ExitReason, OrderStatus, OrderType


class OrderInfo(msgspec.Struct, frozen=True, kw_only=True):
    """An order as it stood at one moment; prices in points, times UTC."""

    order_id: str
    internal_id: str
    order_type: OrderType
    status: OrderStatus
    symbol: str
    size: int
    direction: str
    price: float | None = None
    filled_price: float | None = None
    filled_size: int = 0
    timestamp_submitted: datetime | None = None
    timestamp_filled: datetime | None = None
    broker_response: dict[str, Any] | None = None


class TradeResult(msgspec.Struct, frozen=True, gc=False):
    """A closed trade. Made for every trade of a simulation, so by position.

    Money is account currency, exact to the cent, and
    ``pnl_net == pnl_gross - commission - slippage``. ``pnl_gross`` is at reference prices;
    ``entry_price`` and ``exit_price`` are average fill prices. Excursions are points from the
    entry price: favourable >= 0, adverse <= 0. Times are UTC.
    """

    trade_id: str
    entry_timestamp: datetime
    exit_timestamp: datetime
    entry_price: float
    exit_price: float
    position_size: int
    direction: str
    pnl_gross: float
    pnl_net: float
    commission: float
    slippage: float
    exit_reason: ExitReason
    duration_seconds: float
    max_favorable_excursion: float
    max_adverse_excursion: float
    execution_quality_score: float
    symbol: str = ""
    proposal_id: str | None = None
    strategy: str | None = None
    entry_time_ns: int = 0
    """The entry's first fill, ns UTC; ``entry_timestamp`` rounds it down to a microsecond."""
    exit_time_ns: int = 0
    path_dependent: bool = False
    """Simulation on bars: the assumed path through a bar, that of the exit or of an entry on the
    way through it, decided how the trade ended."""
    other_exit_reason: ExitReason | None = None
    other_exit_price: float | None = None
    pnl_net_low: float = 0.0
    """The lower of the net PnL and that of the other path; equal to it where there is none."""
    pnl_net_high: float = 0.0
    cost_complete: bool = True
    """False where a commission model failed, so that a cost is missing."""
