"""What the figures have in common: colours, words, layout, and the way into HTML.

Each trace has one colour that reads on light and on dark ground; what belongs to the ground
(text, grid) is coloured by the style sheet.
"""

from html import escape
from typing import Any

import plotly.io

from fillbridge_hooks import ExitReason

# Blue and vermilion stay apart under every common colour vision deficiency.
GAIN = "#2b83c6"
LOSS = "#d55e00"
FONT = "system-ui, sans-serif"

Figure = dict[str, Any]
"""A figure, or a part of one, as Plotly's JSON has it."""

REASON_NAMES: dict[str, str] = {
    ExitReason.TAKE_PROFIT: "Take profit",
    ExitReason.STOP_LOSS: "Stop loss",
    ExitReason.MANUAL_OVERRIDE: "Manual",
    ExitReason.TIMEOUT: "Timeout",
    ExitReason.SYSTEM_SHUTDOWN: "Shutdown",
}


def escaped(text: str) -> str:
    """Text from data for HTML and for Plotly, which reads every label as HTML.

    Quotation marks stay, as Plotly would print their entities; so never use it in an attribute.
    """
    return escape(text, quote=False)


def reason_name(reason: str) -> str:
    """The exit reason in words, escaped; as it stands where it is not a known one."""
    return REASON_NAMES.get(reason, escaped(reason))


def axis(title: str, **settings: Any) -> Figure:
    """An axis on a muted grid; ``settings`` are Plotly's."""
    return {
        "title": {"text": title, "standoff": 10},
        "automargin": True,
        "gridcolor": "#8895a7",
        "zerolinecolor": "#8895a7",
        "zerolinewidth": 1,
        **settings,
    }


def layout(**settings: Any) -> Figure:
    """A layout on transparent ground; ``settings`` are Plotly's, ``height`` (px) among them."""
    return {
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 10, "r": 10, "t": 10, "b": 10},
        "font": {"family": FONT, "size": 12, "color": "#5b6776"},
        "hoverlabel": {
            "align": "left",
            "bgcolor": "#1f2933",
            "bordercolor": "#1f2933",
            "font": {"family": FONT, "color": "#ffffff"},
        },
        "separators": ".,",
        "template": {},
        **settings,
    }


def figure_html(figure: Figure, div_id: str, *, with_plotly: bool) -> str:
    """The figure as a fragment of HTML; the first one of a page carries Plotly itself."""
    html: str = plotly.io.to_html(
        figure,
        config={"displayModeBar": False},
        include_plotlyjs=with_plotly,
        full_html=False,
        default_height=figure["layout"]["height"],
        validate=False,
        div_id=div_id,
    )
    return html
