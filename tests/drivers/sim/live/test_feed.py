"""Where the market comes from: recorded files, and a random walk."""

import gzip

import pytest

from fillbridge_hooks import (
    ConfigurationError,
    FatalError,
    Instrument,
    QuoteTick,
    TradeTick,
)
from fillbridge_sim import LiveMarket
from fillbridge_sim.live.feed import SeededFeed

ES = Instrument(symbol="ES", tick_size=0.25, point_value=50)
NQ = Instrument(symbol="NQ", tick_size=0.25, point_value=20)
SECOND = 1_000_000_000
TRADES = """\
seq,ts_event,price,size,side
0,1000000000000000000,5000.00,2,B
1,1000000000000000000,5000.25,1,S
2,1000000002000000000,5001.00,3,B
"""
QUOTES = """\
ts_event,bid_px,bid_sz,ask_px,ask_sz
1000000000000000000,4999.75,10,5000.00,12
1000000001000000000,5000.75,10,5001.00,12
"""


@pytest.fixture
def write(tmp_path):
    def write_file(text, name="trades.csv"):
        path = tmp_path / name
        data = text.encode()
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return str(path)

    return write_file


# Replay


@pytest.mark.anyio
async def test_recorded_trades_happen_from_now_on_in_their_rhythm(desk, write):
    desk = desk(ticks=write(TRADES))
    start = desk.clock.now_ns
    async with desk.log_in() as seat:
        assert await seat.heard() == [
            TradeTick(start, 5000.0, 2.0, "ES", 0, "B"),
            TradeTick(start, 5000.25, 1.0, "ES", 1, "S"),
        ]
        await desk.clock.advance(1.999)
        assert await seat.heard() == []
        await desk.clock.advance(0.001)
        assert await seat.heard() == [TradeTick(start + 2 * SECOND, 5001.0, 3.0, "ES", 2, "B")]
        await desk.clock.advance(1000)
        assert await seat.heard() == []


@pytest.mark.anyio
async def test_quotes_come_before_trades_of_the_same_time(desk, write):
    paths = {"ticks": write(TRADES, "t.csv.gz"), "quotes": write(QUOTES, "q.csv.gz")}
    desk = desk(**paths)
    async with desk.log_in() as seat:
        await desk.clock.advance(5)
        kinds = [type(one) for one in await seat.heard()]
        assert kinds == [QuoteTick, TradeTick, TradeTick, QuoteTick, TradeTick]


@pytest.mark.anyio
async def test_speed_divides_the_times(desk, write):
    desk = desk(ticks=write(TRADES), speed=4)
    start = desk.clock.now_ns
    async with desk.log_in() as seat:
        await desk.clock.advance(0.5)
        assert [one.timestamp - start for one in await seat.heard()] == [0, 0, SECOND // 2]


@pytest.mark.anyio
@pytest.mark.parametrize("speed", [0, "max"])
async def test_without_a_speed_the_market_goes_on_as_it_is_received(desk, write, speed):
    desk = desk(ticks=write(TRADES), speed=speed)
    async with desk.log_in() as seat:
        assert (await seat.session.receive()).sequence == 0
        await seat.buy(name="E1")
        await desk.clock.advance(10)
        assert await seat.story() == [("Accepted", "E1"), ("Fill", "E1")]
        (fill,) = await seat.session.fills(0)
        assert (fill.price, fill.time_ns) == (5000.25, desk.clock.now_ns)


@pytest.mark.anyio
async def test_orders_fill_while_a_replay_goes_on_unheard(desk, write):
    desk = desk(ticks=write(TRADES))
    async with desk.log_in() as seat:
        await seat.buy(name="E1", stop=5000.75)
    await desk.clock.advance(2)
    async with desk.log_in() as seat:
        (fill,) = await seat.session.fills(0)
        assert (fill.client_order_id, fill.price) == ("E1", 5001)


@pytest.mark.anyio
async def test_a_replay_is_over_once_all_of_it_was_heard(desk, write):
    desk = desk(ticks=write(TRADES))
    assert not desk.driver.is_over
    async with desk.log_in() as seat:
        assert not desk.driver.is_over
        await desk.clock.advance(1000)
        assert not desk.driver.is_over
        assert len(await seat.heard()) == 3
        assert desk.driver.is_over


@pytest.mark.anyio
async def test_a_made_up_market_is_never_over(desk):
    desk = desk(market="seeded")
    async with desk.log_in():
        await desk.clock.advance(10)
        assert not desk.driver.is_over


@pytest.mark.anyio
async def test_rows_of_symbols_that_nobody_trades_are_passed_over(desk, write):
    text = "ts_event,price,size,symbol\n1,77.123,1,XX\n5,100,1,\n9,200.25,1,NQ\n"
    desk = desk(ticks=write(text))
    start = desk.clock.now_ns
    async with desk.log_in("A", ES, NQ) as seat:
        await desk.clock.advance(1)
        heard = [(one.symbol, one.timestamp - start, one.price) for one in await seat.heard()]
        assert heard == [("ES", 0, 100.0), ("NQ", 4, 200.25)]


@pytest.mark.anyio
async def test_rows_that_name_no_symbol_are_of_the_one_that_is_configured(desk, write):
    desk = desk(ticks=write(TRADES), symbol="NQ")
    async with desk.log_in("A", ES, NQ) as seat:
        assert {one.symbol for one in await seat.heard()} == {"NQ"}


@pytest.mark.anyio
async def test_times_may_be_iso_8601(desk, write):
    text = "ts_event,price,size\n2024-01-02T03:04:05Z,100,1\n2024-01-02T04:04:05.5+01:00,100,1\n"
    desk = desk(ticks=write(text))
    start = desk.clock.now_ns
    async with desk.log_in() as seat:
        await desk.clock.advance(1)
        assert [one.timestamp - start for one in await seat.heard()] == [0, SECOND // 2]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: columns: expected ts_event, price, size, was ''"),
        ("ts_event,price\n1,2\n", "line 1: columns: expected ts_event, price, size, was"),
        ("ts_event,price,size\n", "expected at least one row of ES, was none"),
        ("ts_event,price,size\nx,1,1\n", "line 2: ts_event: expected integer nanoseconds UTC, or"),
        ("ts_event,price,size\n2024-01-02T03:04:05,1,1\n", "line 2: ts_event: expected"),
        ("ts_event,price,size\n1,1.1,1\n", "line 2: price: expected a multiple of the tick size"),
        ("ts_event,price,size\n1,nan,1\n", "line 2: price: expected a finite number, was 'nan'"),
        ("ts_event,price,size\n1,1\n", "line 2: size: expected a finite number, was None"),
        ("ts_event,price,size\n1,1,-1\n", "line 2: size: expected a number >= 0, was '-1'"),
        ("ts_event,price,size,seq\n1,1,1,0.5\n", "line 2: seq: expected a whole number"),
    ],
)
async def test_a_file_that_cannot_be_used_is_refused_at_the_connection(desk, write, text, message):
    desk = desk(ticks=write(text))
    with pytest.raises(ConfigurationError) as raised:
        async with desk.log_in():
            pass
    assert message in str(raised.value)
    assert "trades.csv" in str(raised.value)


@pytest.mark.anyio
async def test_a_file_that_is_damaged_is_refused(desk, tmp_path):
    data = bytearray(gzip.compress(TRADES.encode() * 50))
    data[20:60] = bytes(40)
    path = tmp_path / "bad.csv.gz"
    path.write_bytes(data)
    opened = desk(ticks=str(path))
    with pytest.raises(ConfigurationError, match=r"bad\.csv\.gz, line 1: cannot be read"):
        async with opened.log_in():
            pass


@pytest.mark.anyio
async def test_a_file_that_is_absent_or_of_another_kind_is_refused(desk, write, tmp_path):
    for path, message in (
        (str(tmp_path / "none.csv"), "none.csv, line 1: cannot be read: No such file"),
        (write(TRADES, "trades.txt"), "expected a name that ends in .csv or .csv.gz"),
        (str(tmp_path), "expected a name that ends in"),
    ):
        opened = desk(ticks=path)
        with pytest.raises(ConfigurationError, match=message):
            async with opened.log_in():
                pass


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("999999999000000000,5000,1\n", "line 4: ts_event: expected rows sorted by time"),
        ("1000000002000000000,5000.1,1\n", "line 4: price: expected a multiple of"),
    ],
)
async def test_a_bad_row_later_on_ends_the_market_and_is_said_once_all_is_heard(
    desk, write, row, message
):
    text = "ts_event,price,size\n1000000000000000000,5000,1\n1000000001000000000,5000,1\n"
    desk = desk(ticks=write(text + row))
    async with desk.log_in() as seat:
        await seat.buy(name="E1", limit=4000)
        await desk.clock.advance(5)
        heard = [await seat.session.receive() for _ in range(3)]
        assert [type(one).__name__ for one in heard] == ["TradeTick", "Accepted", "TradeTick"]
        assert heard[2].sequence == 1
        with pytest.raises(FatalError, match=message):
            await seat.session.receive()
        assert len(await seat.session.working_orders()) == 1


@pytest.mark.anyio
async def test_a_file_that_is_cut_off_is_said_where_it_ends(desk, tmp_path):
    path = tmp_path / "cut.csv.gz"
    path.write_bytes(gzip.compress(TRADES.encode())[:-12])
    desk = desk(ticks=str(path))
    async with desk.log_in() as seat:
        await desk.clock.advance(10)
        heard = [await seat.session.receive() for _ in range(2)]
        assert [one.sequence for one in heard] == [0, 1]
        with pytest.raises(FatalError, match=r"cut.csv.gz, line \d: cannot be read: Compressed"):
            await seat.session.receive()


@pytest.mark.anyio
async def test_real_trades_replay_to_their_end(desk, shared_data):
    name = "es_20231225"
    desk = desk(
        ticks=str(shared_data / f"trades_{name}.csv.gz"),
        quotes=str(shared_data / f"quotes_{name}.csv.gz"),
    )
    async with desk.log_in() as seat:
        desk.clock._timers.advance_to(desk.clock.now_ns + 24 * 3600 * SECOND)
        desk.driver.broker.advance()
        heard = desk.driver.broker.accounts["A"]._inbox.messages
        assert sum(isinstance(one, TradeTick) for one in heard) > 1000
        assert sum(isinstance(one, QuoteTick) for one in heard) > 1000
        times = [one.timestamp for one in heard]
        assert times == sorted(times)
        assert await seat.held() == {}


def test_quotes_need_trades():
    with pytest.raises(ConfigurationError, match="quotes: expected ticks to go with them"):
        LiveMarket(quotes="q.csv")


# Random walk


def walk(seed, symbol="ES", count=400):
    instrument = Instrument(symbol=symbol, tick_size=0.25, point_value=50)
    feed = SeededFeed(LiveMarket(seed=seed, volatility=3, start_price=5000), [instrument], 1000)
    return [feed.take(0) for _ in range(count)]


def test_the_same_seed_gives_the_same_market():
    assert walk(1) == walk(1)
    assert walk(1) != walk(2)


def test_the_random_walk_is_a_market():
    ticks = walk(1, count=4000)
    trades = [tick for tick in ticks if isinstance(tick, TradeTick)]
    assert [tick.timestamp for tick in ticks] == sorted(tick.timestamp for tick in ticks)
    assert trades[8].timestamp == 1000 + 2 * SECOND
    assert all(ES.to_price(ES.to_ticks(tick.price)) == tick.price for tick in trades)
    quote = None
    for tick in ticks:
        if isinstance(tick, QuoteTick):
            quote = tick
            assert tick.ask - tick.bid == 0.25
        else:
            assert quote is not None
            assert tick.price == (quote.ask if tick.side == "B" else quote.bid)
    moves = [
        (later.price - earlier.price) / 0.25
        for earlier, later in zip(trades, trades[4:], strict=False)  # one second apart
    ]
    assert 2 < (sum(move * move for move in moves) / len(moves)) ** 0.5 < 4


def test_the_random_walk_stays_above_zero():
    feed = SeededFeed(LiveMarket(volatility=100, start_price=1), [ES], 0)
    ticks = [feed.take(0) for _ in range(2000)]
    assert all(tick.price > 0 for tick in ticks if isinstance(tick, TradeTick))


@pytest.mark.anyio
async def test_an_instrument_that_is_added_later_walks_from_then_on(desk):
    desk = desk(market="seeded", ticks_per_second=1)
    async with desk.log_in("A"):
        await desk.clock.advance(100)
        async with desk.log_in("B", NQ) as seat:
            heard = await seat.heard()
            assert {(one.symbol, one.timestamp) for one in heard} == {("NQ", desk.clock.now_ns)}
            await desk.clock.advance(2)
            assert {one.symbol for one in await seat.heard()} == {"NQ"}
