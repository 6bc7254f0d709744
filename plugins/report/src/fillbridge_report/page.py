"""The report as one HTML page that loads nothing."""

from collections.abc import Mapping
from html import escape
from importlib.resources import files
from typing import Any

from fillbridge_report.analysis import TradeAnalysis
from fillbridge_report.cards import figure_cards
from fillbridge_report.sections import headline, notes, rejections, subtitle

POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
"""Content security policy: everything is inline, and the browser refuses any network access."""

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{title} · Fillbridge report</title>
<style>
{style}</style>
</head>
<body>
<main>
<header><h1>{title}</h1>{subtitle}</header>
{body}
<footer>
Amounts in account currency, times in UTC. Net = gross − commission − slippage.
Drag over a figure to zoom in, double-click to zoom out.
</footer>
</main>
</body>
</html>
"""


def render_page(title: str, summary: Mapping[str, Any], analysis: TradeAnalysis | None) -> str:
    """The whole page; the same input gives the same page.

    Headline figures come from ``summary``, where a missing or unusable one becomes a dash. What
    is drawn comes from ``analysis``, ``None`` where no trade was closed.
    """
    return PAGE.format(
        policy=POLICY,
        title=escape(title),
        style=files("fillbridge_report").joinpath("report.css").read_text(encoding="utf-8"),
        subtitle=subtitle(analysis),
        body="\n".join(
            [
                headline(summary, analysis),
                notes(summary, analysis),
                figure_cards(analysis) if analysis else "",
                rejections(summary),
            ]
        ),
    )
