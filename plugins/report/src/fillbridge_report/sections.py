"""The parts of the page that are words and numbers: headline figures, notes, rejections.

The summary is read with care: a report must not fail on a figure that is absent.
"""

from collections.abc import Mapping
from html import escape
from math import isfinite
from typing import Any

from fillbridge_report.analysis import TradeAnalysis
from fillbridge_report.text import (
    MISSING,
    count_text,
    money_text,
    share_text,
    time_text,
    trades_text,
)

REJECTED_LIMIT = 50
"""Rejected proposals that are listed; the summary has them all."""
SYMBOL_LIMIT = 8
"""Symbols that are named."""


def subtitle(analysis: TradeAnalysis | None) -> str:
    """Symbols and period."""
    if analysis is None:
        return ""
    symbols = ", ".join(escape(symbol) for symbol in analysis.symbols[:SYMBOL_LIMIT])
    if len(analysis.symbols) > SYMBOL_LIMIT:
        symbols += f" and {count_text(len(analysis.symbols) - SYMBOL_LIMIT)} more"
    period = f"{time_text(analysis.first_entry_ns)} to {time_text(analysis.last_exit_ns)} UTC"
    return f"<p>{symbols} · {period}</p>" if symbols else f"<p>{period}</p>"


def headline(summary: Mapping[str, Any], analysis: TradeAnalysis | None) -> str:
    """The figures that are read first."""
    net = _number(summary, "pnl_net")
    trades = _number(summary, "trades")
    win_rate = _number(summary, "win_rate") if trades else None
    drawdown = MISSING if analysis is None else money_text(analysis.equity.maximum_drawdown)
    tiles = (
        ("Net PnL", _money(net), _tone(net)),
        ("Gross PnL", _money(_number(summary, "pnl_gross")), ""),
        ("Commission", _money(_number(summary, "commission")), ""),
        ("Slippage", _money(_number(summary, "slippage")), ""),
        ("Trades", MISSING if trades is None else count_text(int(trades)), ""),
        ("Win rate", MISSING if win_rate is None else share_text(win_rate), ""),
        ("Maximum drawdown", drawdown, ""),
        ("Rejected proposals", count_text(len(_rejected(summary))), ""),
    )
    items = (
        f'<div><dt>{label}</dt><dd class="{tone}">{value}</dd></div>'
        for label, value, tone in tiles
    )
    return f'<dl class="tiles">{"".join(items)}</dl>'


def notes(summary: Mapping[str, Any], analysis: TradeAnalysis | None) -> str:
    """What must be known to read the figures right."""
    if analysis is None:
        return '<p class="note">No trade was closed in this run.</p>'
    text = ""
    if analysis.cost_incomplete:
        text += (
            f'<p class="note"><b>{trades_text(analysis.cost_incomplete)} with incomplete '
            "costs:</b> a commission model failed, so commission is understated.</p>"
        )
    dependent = int(_number(summary, "path_dependent") or 0)
    if dependent:
        text += (
            f'<p class="note"><b>{trades_text(dependent)} '
            f"({share_text(dependent / analysis.trades)}) decided by the path inside a bar:</b> "
            "that bar reached both stop and target, and does not say which came first. Over "
            "both outcomes of each, net PnL is between "
            f"<b>{_money(_number(summary, 'pnl_net_low'))}</b> and "
            f"<b>{_money(_number(summary, 'pnl_net_high'))}</b>.</p>"
        )
    return text


def rejections(summary: Mapping[str, Any]) -> str:
    """The first rejected proposals with their reasons."""
    rejected = _rejected(summary)
    if not rejected:
        return ""
    rows = "".join(
        f"<tr><td>{escape(proposal)}</td><td>{escape(reason)}</td></tr>"
        for proposal, reason in rejected[:REJECTED_LIMIT]
    )
    shown = (
        f"<p>The first {REJECTED_LIMIT} of {count_text(len(rejected))}; "
        "all of them are in summary.json.</p>"
        if len(rejected) > REJECTED_LIMIT
        else ""
    )
    return (
        f'<section class="card"><h2>Rejected proposals</h2>{shown}'
        "<table><thead><tr><th>Proposal</th><th>Reason</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></section>"
    )


def _number(summary: Mapping[str, Any], key: str) -> float | None:
    value = summary.get(key)
    return value if isinstance(value, int | float) and isfinite(value) else None


def _money(amount: float | None) -> str:
    return MISSING if amount is None else money_text(amount * 100)


def _tone(amount: float | None) -> str:
    if not amount:
        return ""
    return "gain" if amount > 0 else "loss"


def _rejected(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    entries = summary.get("rejected_proposals") or ()
    return [
        (str(entry.get("proposal_id") or MISSING), str(entry.get("reason") or MISSING))
        for entry in entries
    ]
