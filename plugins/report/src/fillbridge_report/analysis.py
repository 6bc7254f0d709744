"""The numbers of a report, computed from the trades in Parquet a few columns at a time.

Money is summed as integer cents: it is booked to the cent, so every sum is exact. Only what is
drawn is ever thinned out, never a figure.
"""

from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from fillbridge_report.equity import EquityCurve, equity_curve
from fillbridge_report.slippage import SlippageDistribution, slippage_distribution

DRAWN_LIMIT = 20_000
"""Points of one figure; beyond that a browser becomes slow."""


class ReasonTotal(msgspec.Struct, frozen=True, kw_only=True):
    """All trades that one exit reason closed; money in cents."""

    reason: str
    trades: int
    pnl_net: int


class TradePoint(msgspec.Struct, frozen=True, kw_only=True):
    """One trade of the excursion scatter, each value as in ``TradeResult``."""

    trade_id: str
    symbol: str
    exit_reason: str
    max_favorable_excursion: float
    max_adverse_excursion: float
    pnl_net: float


class TradeAnalysis(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a report draws or says about one trade or more."""

    trades: int
    first_entry_ns: int
    last_exit_ns: int
    symbols: list[str]
    cost_incomplete: int
    """Trades where a commission model failed, so that a cost is missing."""
    equity: EquityCurve
    reasons: list[ReasonTotal]
    """The most frequent first."""
    slippage: SlippageDistribution
    points: list[TradePoint]
    """Every trade, or every n-th where there are more than can be drawn."""


def analyse_trades(parquet: Path, drawn_limit: int = DRAWN_LIMIT) -> TradeAnalysis | None:
    """Read the trades that ``write_parquet`` wrote; ``None`` where there are none."""
    with pq.ParquetFile(parquet) as file:
        trades = file.metadata.num_rows
        if trades == 0:
            return None
        first_entry_ns = pc.min(_column(file, "entry_timestamp")).as_py()
        exits = _column(file, "exit_timestamp")
        pnl_net = _cents(file, "pnl_net")
        return TradeAnalysis(
            trades=trades,
            first_entry_ns=first_entry_ns,
            last_exit_ns=pc.max(exits).as_py(),
            symbols=sorted(filter(None, pc.unique(_column(file, "symbol")).to_pylist())),
            cost_incomplete=trades - pc.sum(_column(file, "cost_complete")).as_py(),
            equity=equity_curve(first_entry_ns, exits, pnl_net, drawn_limit),
            reasons=_reason_totals(_column(file, "exit_reason"), pnl_net),
            slippage=slippage_distribution(_cents(file, "slippage")),
            points=_sample_points(file, -(-trades // drawn_limit)),
        )


def _column(file: Any, name: str) -> Any:
    return file.read(columns=[name]).column(0)


def _cents(file: Any, name: str) -> Any:
    cents = pc.round(pc.multiply(_column(file, name), 100)).cast(pa.int64())
    return cents.combine_chunks()


def _reason_totals(reasons: Any, pnl_net: Any) -> list[ReasonTotal]:
    table = pa.table({"reason": reasons, "cents": pnl_net})
    groups = table.group_by("reason").aggregate([("cents", "count"), ("cents", "sum")])
    totals = [
        ReasonTotal(reason=row["reason"], trades=row["cents_count"], pnl_net=row["cents_sum"])
        for row in groups.to_pylist()
    ]
    return sorted(totals, key=lambda total: (-total.trades, total.reason))


def _sample_points(file: Any, step: int) -> list[TradePoint]:
    points: list[TradePoint] = []
    seen = 0
    for group in range(file.num_row_groups):
        trades = file.read_row_group(group, columns=list(TradePoint.__struct_fields__))
        rows = pa.array(range(-seen % step, trades.num_rows, step), pa.int64())
        points += [
            TradePoint(**(row | {"symbol": row["symbol"] or ""}))
            for row in trades.take(rows).to_pylist()
        ]
        seen += trades.num_rows
    return points
