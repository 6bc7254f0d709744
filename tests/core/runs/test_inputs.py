from pathlib import Path

import pytest

from fillbridge.files import EventKind
from fillbridge.runs import MarketFiles
from fillbridge_hooks import ConfigurationError, Instrument

ES = Instrument(symbol="ES", tick_size=0.25, point_value=50)
FILE = Path("file.csv")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "bars, ticks: expected one of them, was neither"),
        ({"bars": FILE, "ticks": FILE}, "bars, ticks: expected one of them, was both"),
        ({"quotes": FILE}, "bars, ticks: expected one of them, was neither"),
        ({"bars": FILE, "quotes": FILE}, "quotes: expected together with ticks, was with bars"),
    ],
)
def test_other_combinations_are_refused(files, message):
    with pytest.raises(ConfigurationError) as caught:
        MarketFiles(**files)
    assert str(caught.value) == message


def test_the_main_file_is_the_one_that_prices_come_from():
    assert MarketFiles(bars=FILE).main == FILE
    assert MarketFiles(ticks=FILE, quotes=Path("quotes.csv")).main == FILE


def test_the_length_of_bars_comes_from_their_times(bars, write):
    assert MarketFiles(bars=bars).bar_seconds() == 60
    one = write("one.csv", "".join(bars.read_text().splitlines(keepends=True)[:2]))
    assert MarketFiles(bars=one).bar_seconds() is None
    assert MarketFiles(ticks=FILE).bar_seconds() is None


def test_events_are_of_the_files_that_were_given(bars, write):
    ticks = write("ticks.csv", "ts_event,price,size\n5,4750,1\n")
    quotes = write("quotes.csv", "ts_event,bid_px,bid_sz,ask_px,ask_sz\n4,4750,1,4750.25,1\n")

    def kinds(market):
        return [kind for kind, _ in market.events([], lambda symbol: ES, "ES", None)]

    assert kinds(MarketFiles(bars=bars)) == [EventKind.BAR] * 4
    assert kinds(MarketFiles(ticks=ticks)) == [EventKind.TRADE]
    assert kinds(MarketFiles(ticks=ticks, quotes=quotes)) == [EventKind.QUOTE, EventKind.TRADE]


def test_progress_is_told_of_the_main_file(bars):
    told = []
    list(MarketFiles(bars=bars).events([], lambda symbol: ES, "ES", told.append))
    assert told[-1] == bars.stat().st_size
