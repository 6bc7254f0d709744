"""The figures of money: equity and drawdown, PnL by exit reason, slippage."""

from collections.abc import Sequence

from fillbridge_report.analysis import ReasonTotal
from fillbridge_report.drawing import GAIN, LOSS, Figure, axis, layout, reason_name
from fillbridge_report.equity import EquityCurve
from fillbridge_report.slippage import SlippageDistribution
from fillbridge_report.text import money_text, trades_text


def equity_figure(curve: EquityCurve) -> Figure:
    """Equity above, drawdown below, over one time axis."""
    times = [time_ns // 1_000_000 for time_ns in curve.times_ns]
    line = {"type": "scatter", "mode": "lines", "x": times}
    return {
        "data": [
            line
            | {
                "name": "Equity",
                "y": _money(curve.equity),
                "line": {"color": GAIN, "width": 1.8, "shape": "hv"},
                "hovertemplate": "%{y:,.2f}",
            },
            line
            | {
                "name": "Drawdown",
                "y": _money(curve.drawdown),
                "yaxis": "y2",
                "line": {"color": LOSS, "width": 1.2, "shape": "hv"},
                "fill": "tozeroy",
                "fillcolor": "rgba(213, 94, 0, 0.22)",
                "hovertemplate": "%{y:,.2f}",
            },
        ],
        "layout": layout(
            height=460,
            showlegend=False,
            hovermode="x unified",
            hoversubplots="axis",
            xaxis=axis(
                "Exit time (UTC)",
                type="date",
                anchor="y2",
                showgrid=False,
                spikethickness=1,
                spikecolor="#8895a7",
                spikedash="solid",
            ),
            yaxis=axis("Net PnL", domain=[0.36, 1], tickformat=",~f"),
            yaxis2=axis("Drawdown", domain=[0, 0.27], tickformat=",~f", nticks=4),
        ),
    }


def reason_figure(reasons: list[ReasonTotal]) -> Figure:
    """Net PnL by exit reason as bars, with the number of trades at each."""
    labels = [f"{reason_name(row.reason)}<br>{trades_text(row.trades)}" for row in reasons]
    return {
        "data": [
            {
                "type": "bar",
                "orientation": "h",
                "y": labels,
                "x": _money([row.pnl_net for row in reasons]),
                "marker": {"color": [GAIN if row.pnl_net > 0 else LOSS for row in reasons]},
                "width": min(0.55, 0.15 * len(reasons)),
                "text": [money_text(row.pnl_net) for row in reasons],
                "textposition": "auto",
                "textangle": 0,
                "hovertemplate": "%{y}: %{text}<extra></extra>",
            }
        ],
        "layout": layout(
            height=340,
            xaxis=axis("Net PnL", tickformat=",~f", nticks=6),
            yaxis=axis("", type="category", autorange="reversed", showgrid=False),
        ),
    }


def slippage_figure(distribution: SlippageDistribution) -> Figure:
    """A histogram of the slippage per trade."""
    width = distribution.width
    starts = [distribution.start + width * index for index in range(len(distribution.counts))]
    whole_ticks = min(6, max(distribution.counts) + 1)
    return {
        "data": [
            {
                "type": "bar",
                "x": _money([start + width / 2 for start in starts]),
                "y": distribution.counts,
                "width": width / 100,
                "marker": {"color": GAIN},
                "customdata": [[money_text(start), money_text(start + width)] for start in starts],
                "hovertemplate": "%{customdata[0]} to under %{customdata[1]}<br>"
                "Trades: %{y:,}<extra></extra>",
            }
        ],
        "layout": layout(
            height=340,
            bargap=0.05,
            xaxis=axis("Slippage per trade", tickformat=",~f", showgrid=False),
            yaxis=axis("Trades", tickformat=",d", nticks=whole_ticks),
        ),
    }


def _money(cents: Sequence[float]) -> list[float]:
    return [value / 100 for value in cents]
