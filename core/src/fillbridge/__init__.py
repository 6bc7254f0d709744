"""Fillbridge: from a trade proposal to a filled, protected, closed and accounted trade.

Everything here is the public API: the handlers for those who embed them, the names of the
specification, and the hook markers and messages, so that one import is enough.
"""

from typing import TYPE_CHECKING, Any

from fillbridge.bus import EventBus, InProcessBus
from fillbridge.config import Settings
from fillbridge.cost_models import CommissionModel, SlippageModel
from fillbridge.handlers import (
    AbstractExecutionHandler,
    BacktestExecutionHandler,
    ExecutionHandlerAPI,
)
from fillbridge.metrics import ExecutionMetrics
from fillbridge.plugins import Plugins
from fillbridge.positions import Position, PositionManager
from fillbridge_hooks import (
    ArrivalPrice,
    BarData,
    ConfigurationError,
    Direction,
    ExitReason,
    Fill,
    FillbridgeError,
    Instrument,
    InvalidValue,
    Order,
    OrderInfo,
    OrderRefused,
    OrderStatus,
    OrderType,
    PluginError,
    QuoteTick,
    RiskProposal,
    TradeResult,
    TradeTick,
    UnknownOrder,
    hookimpl,
    hookspec,
    specs,
)

if TYPE_CHECKING:
    from fillbridge.handlers.live import LiveExecutionHandler

Risk_Proposal = RiskProposal
"""The specification's name of ``RiskProposal``."""

__version__ = "0.1.0"

__all__ = (
    "AbstractExecutionHandler",
    "ArrivalPrice",
    "BacktestExecutionHandler",
    "BarData",
    "CommissionModel",
    "ConfigurationError",
    "Direction",
    "EventBus",
    "ExecutionHandlerAPI",
    "ExecutionMetrics",
    "ExitReason",
    "Fill",
    "FillbridgeError",
    "InProcessBus",
    "Instrument",
    "InvalidValue",
    "LiveExecutionHandler",
    "Order",
    "OrderInfo",
    "OrderRefused",
    "OrderStatus",
    "OrderType",
    "PluginError",
    "Plugins",
    "Position",
    "PositionManager",
    "QuoteTick",
    "RiskProposal",
    "Risk_Proposal",
    "Settings",
    "SlippageModel",
    "TradeResult",
    "TradeTick",
    "UnknownOrder",
    "hookimpl",
    "hookspec",
    "specs",
)


def __getattr__(name: str) -> Any:
    """What takes long to import is imported when it is used."""
    if name == "LiveExecutionHandler":
        from fillbridge.handlers.live import LiveExecutionHandler

        return LiveExecutionHandler
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
