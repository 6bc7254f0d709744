"""Runs as tables on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from fillbridge.cli.output import console
from fillbridge.times import to_datetime

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from fillbridge.runs import RunResult
    from fillbridge_hooks import TradeResult

_BLOCKS = "▁▂▃▄▅▆▇█"
_MOST_REJECTED = 5


def print_summary(result: RunResult, directory: Path) -> None:
    """The figures of a run, the first rejected proposals, and where its files are."""
    summary = result.summary
    table = Table("", "", show_header=False)
    counts = summary["by_exit_reason"].items()
    reasons = ", ".join(f"{name} {count}" for name, count in counts if count)
    win_rate = summary["win_rate"]
    table.add_row("proposals", f"{summary['proposals']:,} ({summary['rejected']:,} rejected)")
    table.add_row("trades", f"{summary['trades']:,}" + (f" ({reasons})" if reasons else ""))
    table.add_row("win rate", "-" if win_rate is None else f"{win_rate:.1%}")
    table.add_row("gross PnL", _money(summary["pnl_gross"]))
    table.add_row("commission", _money(-summary["commission"]))
    table.add_row("slippage", _money(-summary["slippage"]))
    table.add_row("net PnL", _money(summary["pnl_net"]))
    if summary["path_dependent"]:
        interval = f"{_money(summary['pnl_net_low'])} to {_money(summary['pnl_net_high'])}"
        table.add_row("path dependent", f"{summary['path_dependent']:,} trades, net {interval}")
    out = console()
    out.print(Text(summary["title"], style="bold"))
    out.print(table)
    for one in summary["rejected_proposals"][:_MOST_REJECTED]:
        out.print(Text(f"rejected {one['proposal_id']} (row {one['row']}): {one['reason']}"))
    if summary["rejected"] > _MOST_REJECTED:
        out.print(Text(f"... and {summary['rejected'] - _MOST_REJECTED:,} more in summary.json"))
    out.print(Text(f"{', '.join(result.files)} in {directory}"))


def print_trades(trades: Sequence[TradeResult]) -> None:
    """One line per trade, with what it cost."""
    table = Table(
        *("trade", "entry (UTC)", "", "size", "in", "out", "exit", "gross", "costs", "net")
    )
    for column in table.columns[3:6] + table.columns[7:]:
        column.justify = "right"
    for trade in trades:
        costs = trade.commission + trade.slippage
        color = "green" if trade.pnl_net > 0 else "red"
        table.add_row(
            trade.trade_id,
            f"{to_datetime(trade.entry_time_ns):%H:%M}",
            trade.direction,
            str(trade.position_size),
            f"{trade.entry_price:.2f}",
            f"{trade.exit_price:.2f}",
            trade.exit_reason.value + ("*" if trade.path_dependent else ""),
            _money(trade.pnl_gross),
            _money(-costs),
            Text(_money(trade.pnl_net), style=color),
        )
    out = console()
    out.print(table)
    if any(trade.path_dependent for trade in trades):
        out.print("* the bar reached stop and target: its assumed path decided")


def print_equity(trades: Sequence[TradeResult], width: int = 72) -> None:
    """Net PnL after each trade, as a line of blocks."""
    equity = [0.0]
    for trade in trades:
        equity.append(equity[-1] + trade.pnl_net)
    points = [equity[round(i * (len(equity) - 1) / (width - 1))] for i in range(width)]
    low, high = min(points), max(points)
    span = (high - low) or 1.0
    line = "".join(_BLOCKS[round((point - low) / span * (len(_BLOCKS) - 1))] for point in points)
    console().print(Text(f"equity {_money(low)} {line} {_money(high)}"))


def _money(amount: float) -> str:
    return f"{amount:,.2f}" if amount else "0.00"
