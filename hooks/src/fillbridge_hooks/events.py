"""The events that Fillbridge publishes, as observers and buses receive them."""

from typing import Any, Final

import msgspec

EXECUTE_TRADE: Final = "EXECUTE_TRADE"
"""In: payload is a ``RiskProposal``."""
TRADE_CLOSED: Final = "TRADE_CLOSED"
"""Out: payload is a ``TradeResult``."""
EXECUTION_ERROR: Final = "EXECUTION_ERROR"
"""Out: payload is a mapping with ``error``, ``proposal`` and ``timestamp``."""
POSITION_UPDATE: Final = "POSITION_UPDATE"
"""Out: payload is a ``PositionView``."""
ORDER_STATUS_CHANGE: Final = "ORDER_STATUS_CHANGE"
"""Out: payload is an ``OrderInfo``."""

PUBLISHED: Final = (TRADE_CLOSED, EXECUTION_ERROR, POSITION_UPDATE, ORDER_STATUS_CHANGE)


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One published event; ``timestamp_ns`` is UTC, ``priority`` ``HIGH`` or ``NORMAL``."""

    event_type: str
    payload: Any
    priority: str
    timestamp_ns: int
    metadata: dict[str, Any]


class PositionView(msgspec.Struct, frozen=True, gc=False):
    """The position of one trade after a fill. Made per fill, so by position."""

    trade_id: str
    symbol: str
    quantity: int
    """Signed: positive is long."""
    average_price: float
    """Of the entry, points."""
    time_ns: int


class TradeExecution(msgspec.Struct, frozen=True, kw_only=True):
    """How a closed trade was executed: what a score is computed from.

    Prices are points, times ns UTC, ``None`` where unknown.
    """

    trade_id: str
    symbol: str
    direction: str
    requested_quantity: int
    filled_quantity: int
    arrival_price: float | None
    entry_price: float
    max_slippage: float | None
    tick_size: float
    decided_at_ns: int
    submitted_ns: int
    acknowledged_ns: int | None
    first_fill_ns: int
    last_fill_ns: int
    timeout_seconds: float | None


class RunFiles(msgspec.Struct, frozen=True, kw_only=True):
    """The files of a finished run, for those who write a report of it."""

    directory: str
    trades_csv: str
    """Path of the closed trades: every field of ``TradeResult``, times in ns UTC."""
    summary: dict[str, Any]
    title: str
