"""The answers of a running handler as tables."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from fillbridge.cli.live_lines import GATE_STYLES
from fillbridge.cli.output import cleaned, console

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_NUMBERS = {"size", "price", "in", "out", "stop", "target", "filled", "gross", "costs", "net"}


def print_status(status: dict[str, Any]) -> None:
    """Whether entries may leave, and what else there is to say."""
    gate = Text(status["gate"], style=GATE_STYLES.get(status["gate"], ""))
    recovery = status["recovery"]
    journal = f"{recovery['status']} at the start, epoch {status['epoch']}"
    if recovery["reason"]:
        journal += f": {recovery['reason']}"
    if not status["is_recording"]:
        journal += "; nothing is recorded any more"
    rows = [
        ("account", f"{status['account']} at {status['driver']}, {status['status']}"),
        ("gate", gate),
        *(("", reason) for reason in status["reasons"]),
        *(("suspended", f"{name!r}: {why}") for name, why in status["suspended"].items()),
        ("open trades", status["open_positions"]),
        ("journal", journal),
        ("process", status["process"]),
    ]
    _print_pairs(rows)


def print_positions(positions: Sequence[dict[str, Any]]) -> None:
    """What is held, and entries that may still fill."""
    table = _table("trade", "symbol", "side", "size", "in", "stop", "target", "status")
    for one in positions:
        entry = one["entry_order"]
        _add(
            table,
            one["trade_id"],
            entry["symbol"],
            one["direction"],
            one["size"] or entry["size"],
            one["entry_price"],
            one["stop_loss_price"],
            one["take_profit_price"],
            one["status"],
        )
    _print(table, "flat: no position, and no entry that may still fill")


def print_orders(orders: Sequence[dict[str, Any]]) -> None:
    """Orders as they stand."""
    table = _table("order", "symbol", "side", "size", "type", "price", "filled", "status")
    for one in orders:
        _add(
            table,
            one["internal_id"],
            one["symbol"],
            one["direction"],
            one["size"],
            one["order_type"],
            one["price"],
            one["filled_size"],
            one["status"],
        )
    _print(table, "no order may still fill")


def print_holds(held: Sequence[dict[str, Any]]) -> None:
    """Proposals that wait for a person."""
    table = _table("hold", "proposal", "strategy", "side", "until, UTC", "why")
    for one in held:
        until = datetime.fromtimestamp(one["expires_ns"] // 1_000_000_000, UTC)
        _add(
            table,
            one["hold_id"],
            one["proposal_id"],
            one["strategy"],
            f"{one['direction']} {one['position_size']} {one['symbol']}",
            f"{until:%Y-%m-%d %H:%M:%S}",
            "; ".join(one["reasons"]),
        )
    _print(table, "no proposal waits for approval")


def print_closed(trades: Sequence[dict[str, Any]]) -> None:
    """Trades that closed, the oldest first."""
    table = _table("trade", "closed, UTC", "side", "in", "out", "exit", "gross", "costs", "net")
    for one in trades:
        _add(
            table,
            one["trade_id"],
            one["exit_timestamp"][:19].replace("T", " "),
            f"{one['direction']} {one['position_size']} {one['symbol']}",
            one["entry_price"],
            one["exit_price"],
            one["exit_reason"],
            f"{one['pnl_gross']:,.2f}",
            f"{one['commission'] + one['slippage']:,.2f}",
            f"{one['pnl_net']:,.2f}",
        )
    _print(table, "no trade has closed since the start")


def print_metrics(metrics: dict[str, Any]) -> None:
    """Counters and latencies."""
    rows = []
    for name, value in metrics.items():
        if isinstance(value, dict):
            value = ", ".join(f"{key} {_shown(one)}" for key, one in value.items()) or "-"
        rows.append((name.replace("_", " "), value))
    _print_pairs(rows)


def _table(*names: str) -> Table:
    table = Table(box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    for name in names:
        justify: Literal["left", "right"] = "right" if name in _NUMBERS else "left"
        table.add_column(name, justify=justify, overflow="fold")
    return table


def _add(table: Table, *values: object) -> None:
    table.add_row(*(Text(_shown(value)) for value in values))


def _shown(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.10g}" if isinstance(value, float) else cleaned(value)


def _print(table: Table, empty: str) -> None:
    console().print(table if table.row_count else empty)


def _print_pairs(rows: Iterable[tuple[str, object]]) -> None:
    table = Table("", "", show_header=False)
    for name, value in rows:
        table.add_row(name, value if isinstance(value, Text) else Text(_shown(value)))
    console().print(table)
