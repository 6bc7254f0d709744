"""What a live run tells, as lines and as a live table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.live import Live
from rich.table import Table
from rich.text import Text

from fillbridge.cli.output import cleaned, console
from fillbridge.times import to_datetime

if TYPE_CHECKING:
    from rich.console import RenderableType

    from fillbridge.cli.printing import Told
    from fillbridge_hooks import OrderInfo, TradeResult

GATE_STYLES = {
    "open": "green",
    "reduce_only": "yellow",
    "recovering": "yellow",
    "standby": "red",
    "halted": "red",
}
_STYLES = {"alarm": "red", "warning": "yellow", "refused": "yellow", "started": "bold"}


class TextLines:
    """An event per line; on a terminal with a table of how things stand below them."""

    def __init__(self) -> None:
        self._console = console()
        self._live: Live | None = None
        if self._console.is_terminal:
            self._live = Live(console=self._console, auto_refresh=False)
            self._live.start()

    def show(self, event: Told) -> None:
        """Print it, or show it in the table."""
        if event["event"] == "status":
            if self._live is not None:
                self._live.update(status_table(event), refresh=True)
            return
        self._console.print(event_line(event), soft_wrap=True)

    def close(self) -> None:
        """Leave the table as it was last."""
        if self._live is not None:
            self._live.stop()


def event_line(event: Told) -> Text:
    """An event as a line."""
    kind = event["event"]
    said = cleaned(_SAID.get(kind, _plainly)(event))
    style = GATE_STYLES.get(event["gate"], "") if kind == "gate" else _STYLES.get(kind, "")
    time = f"{to_datetime(event['time_ns']):%H:%M:%S.%f}"[:-3]
    return Text.assemble((time, "dim"), f" {kind:<8} ", (said, style))


def status_table(event: Told) -> RenderableType:
    """How things stand."""
    table = Table(show_header=False, expand=False)
    gate = Text(event["gate"].upper(), style=GATE_STYLES.get(event["gate"], ""))
    for reason in event["reasons"]:
        gate.append(f"\n{cleaned(reason)}")
    account = f"{event['account']} at {event['driver']}, {event['connection']}"
    table.add_row("account", Text(cleaned(account)))
    table.add_row("gate", gate)
    held = "\n".join(
        f"{cleaned(one['trade_id'])} {cleaned(one['symbol'])} {one['direction']} {one['size']} at"
        f" {one['entry_price']:.10g}, stop {one['stop_loss_price']:.10g}, target"
        f" {one['take_profit_price']:.10g}"
        for one in event["positions"]
    )
    table.add_row("positions", Text(held or "flat"))
    table.add_row("entries", f"{event['pending']} waiting")
    table.add_row("trades", f"{event['trades']} closed, net {event['pnl_net']:,.2f}")
    return table


def _started(event: Told) -> str:
    recovery = event["recovery"]
    said = (
        f"account {event['account']} at {event['driver']}, {event['symbol']}; journal"
        f" {recovery.status} ({recovery.records} records, epoch {event['epoch']});"
        f" commands at {event['socket']}"
    )
    if recovery.reason:
        said += f"; {recovery.reason}"
    if event["open_positions"]:
        said += f"; open trades: {event['open_positions']}"
    return said


def _gate(event: Told) -> str:
    return "; ".join((f"{event['gate']}, {event['connection']}", *event["reasons"]))


def _order(event: Told) -> str:
    order: OrderInfo = event["order"]
    said = f"{order.internal_id} {order.direction} {order.size} {order.symbol} {order.order_type}"
    if order.price is not None:
        said += f" {order.price:.10g}"
    said += f": {order.status}"
    if order.filled_size:
        said += f", {order.filled_size} at {order.filled_price:.10g}"
    reason = (order.broker_response or {}).get("reason")
    return f"{said} ({reason})" if reason else said


def _trade(event: Told) -> str:
    trade: TradeResult = event["trade"]
    return (
        f"{trade.trade_id} {trade.direction} {trade.position_size} {trade.symbol}"
        f" {trade.entry_price:.10g} to {trade.exit_price:.10g} ({trade.exit_reason}), net"
        f" {trade.pnl_net:,.2f}"
    )


def _refused(event: Told) -> str:
    proposal_id = event["proposal_id"]
    return f"{proposal_id}: {event['message']}" if proposal_id else str(event["message"])


def _ended(event: Told) -> str:
    said = f"{event['trades']} trades, net {event['pnl_net']:,.2f}"
    open_positions = event["open_positions"]
    if open_positions:
        said += f"; still open: {', '.join(open_positions)}"
    return said if event["is_recorded"] else f"{said}; the journal failed: not all is recorded"


def _plainly(event: Told) -> str:
    for name in ("message", "reason", "lines"):
        if name in event:
            return str(event[name])
    return ""


_SAID: dict[str, Any] = {
    "started": _started,
    "gate": _gate,
    "order": _order,
    "trade": _trade,
    "refused": _refused,
    "ended": _ended,
}
