"""The figure of excursions: how far each trade went for and against its entry."""

from collections.abc import Iterable
from math import sqrt

from fillbridge_report.analysis import TradePoint
from fillbridge_report.drawing import GAIN, LOSS, Figure, axis, escaped, layout, reason_name
from fillbridge_report.text import count_text, money_text

HOVER_TRADES = 5
"""Trades that a mark names where several share it."""

Places = dict[tuple[float, float], list[TradePoint]]


def excursion_figure(points: list[TradePoint]) -> Figure:
    """MFE over MAE, winners and losers apart in colour and in shape.

    Prices lie on a grid, so trades share places; a place is one mark, its size their number.
    """
    won = _places(point for point in points if point.pnl_net > 0)
    lost = _places(point for point in points if point.pnl_net <= 0)
    most = max(len(here) for places in (won, lost) for here in places.values())
    return {
        "data": [
            _marks("Won", won, GAIN, "circle", most),
            _marks("Lost or even", lost, LOSS, "diamond", most),
        ],
        "layout": layout(
            height=460,
            hovermode="closest",
            showlegend=True,
            legend={
                "orientation": "h",
                "x": 0,
                "y": 1.02,
                "yanchor": "bottom",
                "itemsizing": "constant",
            },
            xaxis=axis("Maximum adverse excursion (points)", tickformat=",~f"),
            yaxis=axis("Maximum favourable excursion (points)", tickformat=",~f"),
        ),
    }


def _places(points: Iterable[TradePoint]) -> Places:
    places: Places = {}
    for point in points:
        place = (abs(point.max_adverse_excursion), point.max_favorable_excursion)
        places.setdefault(place, []).append(point)
    return places


def _marks(name: str, places: Places, color: str, symbol: str, most: int) -> Figure:
    growth = min(2, 21 / sqrt(most))
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [adverse for adverse, _ in places],
        "y": [favorable for _, favorable in places],
        "marker": {
            "color": color,
            "symbol": symbol,
            "size": [round(5 + growth * sqrt(len(here)), 1) for here in places.values()],
            "opacity": 0.7,
            "line": {"width": 0},
        },
        "text": [_trade_lines(here) for here in places.values()],
        "hovertemplate": "%{text}<br>MFE %{y:,}, MAE %{x:,} points<extra></extra>",
    }


def _trade_lines(points: list[TradePoint]) -> str:
    lines = [
        f"<b>{escaped(point.trade_id)}</b> {escaped(point.symbol)} "
        f"{reason_name(point.exit_reason)}, net {money_text(point.pnl_net * 100)}"
        for point in points[:HOVER_TRADES]
    ]
    if len(points) > HOVER_TRADES:
        lines.append(f"and {count_text(len(points) - HOVER_TRADES)} more")
    return "<br>".join(lines)
