"""Every file of real market data reads as it is described."""

import csv
import gzip
import json

import pytest

from fillbridge.files import bar_length_ns, read_bars, read_quotes, read_ticks
from fillbridge_hooks import Instrument

SETS = ("btcusdt_20240808", "es_20180507a", "es_20231225", "gc_20131007", "gc_20131008")
ES = Instrument(symbol="ES", tick_size=0.25, point_value=50)


@pytest.fixture(params=SETS)
def market(request, shared_data):
    """Name, description and instrument of a set."""
    description = json.loads((shared_data / "sets.json").read_text())[request.param]
    instrument = Instrument(
        symbol=description["symbol"],
        tick_size=description["tick_size"],
        point_value=description["point_value"],
    )
    return request.param, description, instrument


def columns_of(path, *names):
    with gzip.open(path, "rt", newline="") as file:
        return [tuple(float(row[name]) for name in names) for row in csv.DictReader(file)]


@pytest.mark.parametrize("seconds", [1, 60, 300])
def test_bars(shared_data, market, seconds):
    name, description, instrument = market
    label = {1: "1s", 60: "1m", 300: "5m"}[seconds]
    path = shared_data / f"bars_{label}_{name}.csv.gz"
    bars = list(read_bars(path, lambda symbol: instrument, instrument.symbol))
    assert len(bars) == description["bars"][str(seconds)]
    assert bar_length_ns(path) == seconds * 1_000_000_000
    assert [(bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in bars] == columns_of(
        path, "open", "high", "low", "close", "volume"
    )


def test_trades(shared_data, market):
    name, description, instrument = market
    path = shared_data / f"trades_{name}.csv.gz"
    trades = list(read_ticks(path, lambda symbol: instrument, instrument.symbol))
    assert [trade.sequence for trade in trades] == list(range(description["trades"]))
    assert {trade.side for trade in trades} <= {"B", "S", "N"}
    assert [(trade.price, trade.size) for trade in trades] == columns_of(path, "price", "size")


def test_quotes(shared_data, market):
    name, description, instrument = market
    path = shared_data / f"quotes_{name}.csv.gz"
    if not description["quotes"]:
        assert not path.exists()
        return
    quotes = list(read_quotes(path, lambda symbol: instrument, instrument.symbol))
    assert len(quotes) == description["quotes"]
    assert [(quote.bid, quote.bid_size, quote.ask, quote.ask_size) for quote in quotes] == (
        columns_of(path, "bid_px", "bid_sz", "ask_px", "ask_sz")
    )


def test_bars_of_several_days(shared_data):
    path = shared_data / "es_bars_1m_2013.csv.gz"
    assert sum(1 for _ in read_bars(path, lambda symbol: ES, "ES")) == 10_899
    assert bar_length_ns(path) == 60_000_000_000


def test_bars_of_several_years(shared_data):
    pytest.importorskip("pyarrow", reason="Parquet is read where pyarrow is installed")
    path = shared_data / "es_bars_5m_2018_2020_2022.parquet"
    assert sum(1 for _ in read_bars(path, lambda symbol: ES, "ES")) == 280_266
    assert bar_length_ns(path) == 300_000_000_000
