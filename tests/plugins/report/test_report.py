"""The hook and the page it writes."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import plotly.graph_objects as go
import pytest

from fillbridge_report import analysis, cards, fillbridge_write_report

HOSTILE = "<script>alert('owned')</script>"
VOID = {"meta", "link", "img", "base", "br"}


class Page(HTMLParser):
    """What a browser would see: elements with attributes, text, scripts."""

    def __init__(self, source):
        super().__init__()
        self.elements = []
        self.text = []
        self.scripts = []
        self.styles = []
        self._open = []
        self.feed(source)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data):
        inside = self._open[-1] if self._open else ""
        {"script": self.scripts, "style": self.styles}.get(inside, self.text).append(data)

    @property
    def words(self):
        return " ".join(" ".join(self.text).split())


@pytest.fixture
def write_report(make_run):
    def write(*args, **summary):
        run = make_run(*args, **summary)
        assert fillbridge_write_report(run) == ["trades.parquet", "report.html"]
        assert (Path(run.directory) / "trades.parquet").is_file()
        return (Path(run.directory) / "report.html").read_text(encoding="utf-8")

    return write


def test_the_page_loads_nothing(write_report, make_trade):
    page = Page(write_report([make_trade()]))
    attributes = {name for _, attrs in page.elements for name in attrs}
    assert not attributes & {"src", "href", "srcset", "data", "action", "poster"}
    assert not {"link", "iframe", "object", "embed", "base"} & {tag for tag, _ in page.elements}
    assert not re.search(r"url\(|@import", "".join(page.styles))
    policy = next(attrs["content"] for tag, attrs in page.elements if "http-equiv" in attrs)
    assert policy.startswith("default-src 'none';")
    assert "http" not in policy
    assert "Plotly.newPlot" in "".join(page.scripts)
    assert "plotly.js v" in "".join(page.scripts)  # the library itself, once
    assert "".join(page.scripts).count("plotly.js v") == 1


def test_text_from_data_is_never_markup(write_report, make_trade):
    trade = make_trade(trade_id=HOSTILE, symbol=HOSTILE, exit_reason=HOSTILE)
    harmless = Page(write_report([make_trade()]))
    source = write_report(
        [trade],
        HOSTILE,
        rejected_proposals=[{"proposal_id": HOSTILE, "reason": HOSTILE + "<img src=x onerror=y>"}],
    )
    page = Page(source)
    assert "<script>alert" not in source
    assert page.words.count("<script>alert('owned')</script>") >= 5
    assert len(page.scripts) == len(harmless.scripts)
    assert not any(tag == "img" for tag, _ in page.elements)


def test_headline_figures_are_those_of_the_summary(write_report, make_trade):
    page = Page(
        write_report(
            [make_trade()],
            trades=1234567,
            pnl_gross=1234.5,
            pnl_net=-1000.25,
            commission=2000.0,
            slippage=234.75,
            win_rate=0.4567,
            rejected_proposals=[],
        )
    )
    for figure in ("1,234,567", "1,234.50", "−1,000.25", "2,000.00", "234.75", "45.7 %"):
        assert figure in page.words
    assert "Rejected proposals 0" in page.words


@pytest.mark.parametrize("bad", [None, "many", float("nan"), float("inf")])
def test_a_figure_that_is_missing_or_unusable_is_a_dash(write_report, make_trade, bad):
    keys = ("trades", "pnl_net", "pnl_gross", "commission", "slippage", "win_rate")
    page = Page(write_report([make_trade()], **dict.fromkeys(keys, bad)))
    assert page.words.count("–") == len(keys)


def test_without_trades_the_page_says_so(write_report):
    page = Page(
        write_report(
            trades=0, pnl_net=0.0, rejected_proposals=[{"proposal_id": "p", "reason": "r"}]
        )
    )
    assert "No trade was closed in this run." in page.words
    assert "Proposal Reason p r" in page.words
    assert not page.scripts


def test_path_dependent_trades_come_with_their_interval(write_report, make_trade):
    trades = [make_trade()] * 8
    page = Page(write_report(trades, path_dependent=2, pnl_net_low=-1500.0, pnl_net_high=20.5))
    assert "2 trades (25.0 %) decided by the path inside a bar" in page.words
    assert "between −1,500.00 and 20.50" in page.words
    assert "path inside a bar" not in Page(write_report(trades, path_dependent=0)).words


def test_incomplete_costs_are_said(write_report, make_trade):
    page = Page(write_report([make_trade(cost_complete=False)]))
    assert "1 trade with incomplete costs" in page.words


def test_the_first_rejections_are_listed_and_the_rest_counted(write_report):
    rejected = [{"proposal_id": f"p{number}", "reason": "too large"} for number in range(60)]
    page = Page(write_report(rejected_proposals=rejected))
    assert "The first 50 of 60" in page.words
    assert "p49 too large" in page.words
    assert "p50" not in page.words


def test_a_thinned_drawing_says_so_and_keeps_its_figures(
    tmp_path, write_trades, make_trade, write_report
):
    trades = [make_trade(pnl_net=1.0, exit_timestamp=time) for time in range(50)]
    write_report(trades)
    parquet = tmp_path / "trades.parquet"
    thinned = Page(cards.figure_cards(analysis.analyse_trades(parquet, drawn_limit=10)))
    assert "of 50 exits" in thinned.words
    assert "A sample: 10 of 50 trades" in thinned.words
    assert "Take profit 50 100.0 % 50.00 1.00" in thinned.words
    whole = Page(cards.figure_cards(analysis.analyse_trades(parquet)))
    assert "of 50" not in whole.words


def test_the_same_run_gives_the_same_page(write_report, make_trade):
    assert write_report([make_trade()]) == write_report([make_trade()])


def test_plotly_accepts_every_figure(write_report, make_trade):
    trades = [
        make_trade(pnl_net=net, exit_reason=reason) for net, reason in [(5, "TP"), (-5, "SL")]
    ]
    scripts = Page(write_report(trades)).scripts
    drawn = []
    for script in scripts:
        call = re.search(r'Plotly\.newPlot\(\s*"(\w+)",\s*(?=\[)', script)
        if call:
            data, end = json.JSONDecoder().raw_decode(script, call.end())
            layout, _ = json.JSONDecoder().raw_decode(script, script.index("{", end))
            go.Figure(data=data, layout=layout)  # raises if a setting is unknown
            drawn.append(call.group(1))
    assert drawn == ["equity", "reasons", "slippage", "excursions"]


def test_a_mark_of_many_trades_names_the_first_ones(write_report, make_trade):
    source = write_report([make_trade(trade_id=f"trade-{number}") for number in range(8)])
    assert "trade-4" in source
    assert "trade-5" not in source
    assert "and 3 more" in source


@pytest.mark.parametrize(
    ("symbols", "heading", "warned"),
    [(1, "S0 ·", False), (2, "S0, S1 ·", True), (9, "S6, S7 and 1 more ·", True)],
)
def test_symbols_are_named_and_their_points_set_apart(
    write_report, make_trade, symbols, heading, warned
):
    page = Page(write_report([make_trade(symbol=f"S{number}") for number in range(symbols)]))
    assert heading in page.words
    assert ("Points of different instruments do not compare." in page.words) is warned
