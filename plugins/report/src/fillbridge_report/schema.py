"""The columns of a trade, with their Arrow types: the one place that fixes them."""

from typing import Final

import pyarrow as pa

SCHEMA: Final = pa.schema(
    [
        pa.field("proposal_id", pa.string()),
        pa.field("trade_id", pa.string(), nullable=False),
        pa.field("symbol", pa.string()),
        pa.field("strategy", pa.string()),
        pa.field("direction", pa.string(), nullable=False),
        pa.field("position_size", pa.int64(), nullable=False),
        pa.field("entry_timestamp", pa.int64(), nullable=False),
        pa.field("exit_timestamp", pa.int64(), nullable=False),
        pa.field("entry_price", pa.float64(), nullable=False),
        pa.field("exit_price", pa.float64(), nullable=False),
        pa.field("pnl_gross", pa.float64(), nullable=False),
        pa.field("pnl_net", pa.float64(), nullable=False),
        pa.field("commission", pa.float64(), nullable=False),
        pa.field("slippage", pa.float64(), nullable=False),
        pa.field("exit_reason", pa.string(), nullable=False),
        pa.field("duration_seconds", pa.float64(), nullable=False),
        pa.field("max_favorable_excursion", pa.float64(), nullable=False),
        pa.field("max_adverse_excursion", pa.float64(), nullable=False),
        pa.field("execution_quality_score", pa.float64(), nullable=False),
        pa.field("path_dependent", pa.bool_(), nullable=False),
        pa.field("other_exit_reason", pa.string()),
        pa.field("other_exit_price", pa.float64()),
        pa.field("pnl_net_low", pa.float64(), nullable=False),
        pa.field("pnl_net_high", pa.float64(), nullable=False),
        pa.field("cost_complete", pa.bool_(), nullable=False),
    ]
)
"""One row per closed trade, as ``trades.csv`` has it.

Timestamps are integer ns UTC, prices and excursions points, money account currency. A nullable
column is null where the trade has no such value.
"""
