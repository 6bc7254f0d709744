"""Runs as tables on the terminal."""

from __future__ import annotations

from itertools import accumulate
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Literal

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from fillbridge.cli.output import cleaned, console
from fillbridge.times import to_datetime

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from fillbridge_hooks import TradeResult

_BLOCKS = " ▁▂▃▄▅▆▇█"
_CHART_WIDTH = 64
_CHART_HEIGHT = 6
_MOST_REJECTED = 5
_TEXT_COLUMNS = {"trade", "UTC", "side", "exit"}


def print_summary(summary: dict[str, Any], files: Sequence[str], directory: Path) -> None:
    """The figures of a run, the first rejected proposals, and where its files are."""
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
        table.add_row("path dependent", f"{summary['path_dependent']:,} (net PnL {interval})")
    if summary["cost_unknown"]:
        table.add_row("cost unknown", f"{summary['cost_unknown']:,} (commission is missing)")
    out = console()
    out.print(Text(cleaned(summary["title"]), style="bold"))
    out.print(table)
    for one in summary["rejected_proposals"][:_MOST_REJECTED]:
        rejected = f"rejected {one['proposal_id']} (row {one['row']}): {one['reason']}"
        out.print(Text(cleaned(rejected)))
    if summary["rejected"] > _MOST_REJECTED:
        out.print(Text(f"... and {summary['rejected'] - _MOST_REJECTED:,} more in summary.json"))
    out.print(Text(f"{', '.join(files)} in {directory}"))


def print_trades(trades: Sequence[TradeResult]) -> None:
    """One line per trade, in the order of entries, with what it cost."""
    table = Table(box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    for name in ("trade", "UTC", "side", "in", "out", "exit", "gross", "costs", "net"):
        justify: Literal["left", "right"] = "left" if name in _TEXT_COLUMNS else "right"
        table.add_column(name, justify=justify, overflow="fold")
    for trade in sorted(trades, key=attrgetter("entry_time_ns")):
        table.add_row(
            cleaned(trade.trade_id),
            f"{to_datetime(trade.entry_time_ns):%H:%M}",
            f"{trade.direction} {trade.position_size}",
            f"{trade.entry_price:.2f}",
            f"{trade.exit_price:.2f}",
            trade.exit_reason.value + ("*" if trade.path_dependent else ""),
            _money(trade.pnl_gross),
            _money(-trade.commission - trade.slippage),
            Text(_money(trade.pnl_net), style="green" if trade.pnl_net > 0 else "red"),
        )
    out = console()
    out.print(table)
    if any(trade.path_dependent for trade in trades):
        out.print("* on another path through its bar it would have ended otherwise")


def print_equity(trades: Sequence[TradeResult]) -> None:
    """Net PnL after each trade, as a picture, where the output can show one."""
    out = console()
    if out.options.ascii_only:
        return
    equity = list(accumulate((trade.pnl_net for trade in trades), initial=0.0))
    width = max(2, min(_CHART_WIDTH, out.width - 11))
    points = [equity[i * (len(equity) - 1) // (width - 1)] for i in range(width)]
    low, high = min(points), max(points)
    eighths = (_CHART_HEIGHT * 8 - 1) / ((high - low) or 1.0)
    heights = [1 + round((point - low) * eighths) for point in points]
    out.print(Text("\nequity: net PnL after each trade", style="bold"))
    for row in reversed(range(_CHART_HEIGHT)):
        label = {_CHART_HEIGHT - 1: _money(high), 0: _money(low)}.get(row, "")
        line = "".join(_BLOCKS[min(8, max(0, height - row * 8))] for height in heights)
        out.print(Text.assemble(f"{label:>10} ", (line, "green" if equity[-1] > 0 else "red")))
    out.print()


def _money(amount: float) -> str:
    return f"{amount:,.2f}" if amount else "0.00"
