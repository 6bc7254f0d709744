import gzip
from itertools import islice

import anyio
import pytest
from tests.drivers.rithmic.gateway.client import logged_in

from fillbridge_hooks import ConfigurationError
from fillbridge_rithmic.gateway import GatewaySettings, MarketSettings, serve_gateway
from fillbridge_rithmic.gateway.market.tick_files import recorded_ticks
from fillbridge_rithmic.gateway.market.ticks import Quote, Trade
from fillbridge_rithmic.gateway.market.walk import random_walk
from fillbridge_rithmic.gateway.settings import CONTRACTS

BY_SYMBOL = {each.symbol: each for each in CONTRACTS}


def walk(seed):
    return random_walk(CONTRACTS, seed=seed, trades_per_s=2.0, volatility=4.0)


def test_the_same_seed_is_the_same_market():
    first, again, other = (list(islice(walk(seed), 400)) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert [each.time_ns for each in first] == sorted(each.time_ns for each in first)


def test_the_market_stands_on_its_ticks_and_trades_at_its_quote():
    for quote, trade in zip(*[iter(list(islice(walk(3), 4000)))] * 2, strict=True):
        contract = BY_SYMBOL[trade.symbol]
        assert trade.price in (quote.bid, quote.ask)
        assert quote.bid > 0
        assert quote.ask - quote.bid == pytest.approx(contract.tick_size)
        assert trade.price / contract.tick_size == pytest.approx(
            round(trade.price / contract.tick_size)
        )


def read(tmp_path, trades, quotes=None, symbol="ES"):
    paths = []
    for name, text in (("trades.csv", trades), ("quotes.csv", quotes)):
        if text is not None:
            (tmp_path / name).write_text(text)
        paths.append(None if text is None else str(tmp_path / name))
    return list(recorded_ticks(*paths, BY_SYMBOL, symbol))


def test_a_recording_is_read_with_quotes_before_trades(tmp_path):
    ticks = read(
        tmp_path,
        "ts_event,price,size,symbol\n1000,5000.25,2.0,\n2000,70.01,1,CLF7\n3000,1,1,OTHER\n",
        "ts_event,bid_px,bid_sz,ask_px,ask_sz\n1970-01-01T00:00:00.000001Z,5000,1,5000.25,3\n",
    )
    assert ticks == [
        Quote(time_ns=1000, symbol="ES", bid=5000.0, ask=5000.25),
        Trade(time_ns=1000, symbol="ES", price=5000.25, size=2),
        Trade(time_ns=2000, symbol="CLF7", price=70.01, size=1),
    ]


def test_a_recording_may_be_compressed(tmp_path):
    path = tmp_path / "trades.csv.gz"
    path.write_bytes(gzip.compress(b"ts_event,price,size\n1,5000,1\n"))
    assert len(list(recorded_ticks(str(path), None, BY_SYMBOL, "ES"))) == 1
    path.write_bytes(b"no archive")
    with pytest.raises(ConfigurationError, match="line 1: cannot be read"):
        list(recorded_ticks(str(path), None, BY_SYMBOL, "ES"))


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("price,size\n1,1\n", "line 1: columns: expected ts_event, price, size, was 'price, size'"),
        ("ts_event,price,size\n", "expected a row of a contract that is traded, was none"),
        ("ts_event,price,size\nnow,5000,1\n", "line 2: ts_event: expected integer nanoseconds"),
        ("ts_event,price,size\n2020-01-01,5000,1\n", "line 2: ts_event: expected"),
        ("ts_event,price,size\n1,5000.1,1\n", "line 2: price: expected a multiple of 0.25, was"),
        ("ts_event,price,size\n1,x,1\n", "line 2: price: expected a finite number, was 'x'"),
        ("ts_event,price,size\n1,5000,nan\n", "line 2: size: expected a finite number"),
        ("ts_event,price,size\n2,5000,1\n1,5000,1\n", "line 3: ts_event: expected at least 2"),
    ],
)
def test_a_recording_that_is_damaged_is_named_with_its_line(tmp_path, text, error):
    with pytest.raises(ConfigurationError) as raised:
        read(tmp_path, text)
    assert error in str(raised.value)
    assert "trades.csv" in str(raised.value)


@pytest.mark.anyio
async def test_a_recording_moves_the_market_and_its_end_ends_nothing(tmp_path, caplog):
    path = tmp_path / "trades.csv"
    path.write_text("ts_event,price,size\n1,4990,1\n2,4989,1\n3,damaged,1\n")
    market = MarketSettings(ticks=str(path), speed=0.0)
    async with serve_gateway(GatewaySettings(market=market)) as running:
        gateway = running.gateway
        with anyio.fail_after(20):
            while gateway.book.markets["ES"].last != 4989.0 or not caplog.messages:
                await anyio.lowlevel.checkpoint()
        assert "line 4: price: expected a finite number" in caplog.text
        async with logged_in(running) as client:
            await client.order("T1")
            gateway.trade("ES", 4980.0)
            assert gateway.position("REHEARSAL", "ES") == 1


@pytest.mark.anyio
async def test_a_market_by_chance_is_told_at_the_ticker_plant():
    market = MarketSettings(seed=5, trades_per_s=50.0)
    async with (
        serve_gateway(GatewaySettings(market=market)) as running,
        logged_in(running, plant=1) as client,
    ):
        await client.ask(100, symbol="ES", exchange="CME", request=1, update_bits=3)
        await client.until(151, is_snapshot=False)
        trade = await client.until(150, is_snapshot=False)
        assert trade.symbol == "ES"
        assert trade.presence_bits & 1


@pytest.mark.anyio
async def test_a_recording_of_what_is_not_traded_is_refused(tmp_path):
    for market, error in (
        (MarketSettings(ticks=str(tmp_path / "none.csv")), "none.csv, line 1: cannot be read"),
        (MarketSettings(ticks="x.csv", symbol="NONE"), "symbol: expected CLF7 or ES or"),
    ):
        with pytest.raises(ConfigurationError, match=error):
            async with serve_gateway(GatewaySettings(market=market)):
                pass
