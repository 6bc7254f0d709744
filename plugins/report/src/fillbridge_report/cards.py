"""The figures on the page, each with its heading and a caption that says what is drawn."""

from fillbridge_report.analysis import TradeAnalysis
from fillbridge_report.drawing import Figure, figure_html, reason_name
from fillbridge_report.excursions import excursion_figure
from fillbridge_report.figures import equity_figure, reason_figure, slippage_figure
from fillbridge_report.slippage import SlippageDistribution
from fillbridge_report.text import count_text, money_text, share_text


def figure_cards(analysis: TradeAnalysis) -> str:
    """All figures, in reading order."""
    equity = _card(
        "Equity and drawdown",
        "equity",
        equity_figure(analysis.equity),
        "<p>Net PnL of closed trades by exit time, and its distance from the highest so far."
        f"{_equity_thinning(analysis)}</p>",
        with_plotly=True,
    )
    reasons = _card(
        "Net PnL by exit reason",
        "reasons",
        reason_figure(analysis.reasons),
        _reason_table(analysis),
    )
    slippage = _card(
        "Slippage per trade",
        "slippage",
        slippage_figure(analysis.slippage),
        _slippage_table(analysis.slippage),
    )
    excursions = _card(
        "Excursions",
        "excursions",
        excursion_figure(analysis.points),
        "<p>How far the price went against each trade (MAE) and in its favour (MFE), in points "
        f"from the entry. A larger mark stands for more trades.{_excursion_limits(analysis)}</p>",
    )
    return f'{equity}<div class="pair">{reasons}{slippage}</div>{excursions}'


def _card(
    title: str, div_id: str, figure: Figure, caption: str, *, with_plotly: bool = False
) -> str:
    drawing = figure_html(figure, div_id, with_plotly=with_plotly)
    return (
        f'<section class="card"><h2>{title}</h2>'
        f"<figure>{drawing}<figcaption>{caption}</figcaption></figure></section>"
    )


def _equity_thinning(analysis: TradeAnalysis) -> str:
    drawn = len(analysis.equity.times_ns) - 1
    if drawn == analysis.trades:
        return ""
    return (
        f" Drawn with {count_text(drawn)} of {count_text(analysis.trades)} exits, the "
        "highs, lows and deepest drawdowns among them; figures count all trades."
    )


def _excursion_limits(analysis: TradeAnalysis) -> str:
    text = ""
    if len(analysis.symbols) > 1:
        text += " Points of different instruments do not compare."
    drawn = len(analysis.points)
    if drawn < analysis.trades:
        text += (
            f" A sample: {count_text(drawn)} of {count_text(analysis.trades)} trades, "
            "evenly spaced; figures count all trades."
        )
    return text


def _reason_table(analysis: TradeAnalysis) -> str:
    rows = "".join(
        f"<tr><td>{reason_name(total.reason)}</td>"
        f'<td class="number">{count_text(total.trades)}</td>'
        f'<td class="number">{share_text(total.trades / analysis.trades)}</td>'
        f'<td class="number">{money_text(total.pnl_net)}</td>'
        f'<td class="number">{money_text(total.pnl_net / total.trades)}</td></tr>'
        for total in analysis.reasons
    )
    return (
        '<table><thead><tr><th>Exit reason</th><th class="number">Trades</th>'
        '<th class="number">Share</th><th class="number">Net PnL</th>'
        '<th class="number">Per trade</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )


def _slippage_table(slippage: SlippageDistribution) -> str:
    rows = "".join(
        f'<tr><td>{name}</td><td class="number">{money_text(cents)}</td></tr>'
        for name, cents in (
            ("Mean", slippage.mean),
            ("Median", slippage.median),
            ("99th percentile", slippage.percentile_99),
            ("Largest", slippage.largest),
        )
    )
    return (
        '<table><thead><tr><th>All trades</th><th class="number">Slippage</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )
