import subprocess
import sys

import anyio
import pytest

from fillbridge_hooks import (
    Accepted,
    ApprovedOrder,
    ConfigurationError,
    Driver,
    Fill,
    ForcedLogout,
    Instrument,
    NotSent,
    OrderStatus,
    Permit,
    PermitSpent,
    Rejected,
    RetryableError,
    Sent,
    TradeTick,
)
from fillbridge_sim import SimDriver

NQ = Instrument(symbol="NQ", tick_size=0.25, point_value=20)
HOUR = 3600.0


def test_the_driver_is_a_live_driver_and_declares_what_the_broker_does():
    driver = SimDriver()
    assert isinstance(driver, Driver)
    assert driver.capabilities.replace
    assert driver.capabilities.market_data
    assert driver.capabilities.query_by_client_order_id
    assert not driver.capabilities.idempotent_submit
    assert not driver.capabilities.bracket
    assert SimDriver(bracket=True).capabilities.bracket


def test_a_backtest_imports_nothing_of_the_live_part():
    program = "import fillbridge_sim, sys; print(*sorted({'anyio', 'click'} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    assert ran.stdout.split() == []


# Requests and reports


@pytest.mark.anyio
async def test_an_order_is_accepted_and_filled_by_the_market(desk):
    desk = desk()
    async with desk.log_in() as seat:
        assert await seat.submit(desk.order("E1", quantity=2)) == Sent("E1")
        desk.trade(5000.25)
        accepted, tick, fill = await seat.heard()
        assert isinstance(accepted, Accepted)
        assert tick == TradeTick(desk.clock.now_ns, 5000.25, 1.0, "ES")
        assert (fill.client_order_id, fill.quantity, fill.price) == ("E1", 2, 5000.25)
        assert fill.broker_order_id == accepted.broker_order_id
        assert await seat.held() == {"ES": 2}


@pytest.mark.anyio
async def test_requests_are_answered_by_reports(desk):
    desk = desk()
    async with desk.log_in() as seat:
        await seat.buy(2, "E1", limit=4990)
        await seat.reprice("E1", 3, 4995)
        await seat.session.cancel("E1")
        await seat.session.cancel("E1")
        await seat.reprice("E2", 1, 4990)
        assert await seat.story() == [
            ("Accepted", "E1"),
            ("Replaced", "E1"),
            ("Cancelled", "E1"),
            ("CancelRejected", "E1"),
            ("ReplaceRejected", "E2"),
        ]
        (known,) = await seat.session.orders_today()
        assert (known.quantity, known.filled, known.limit_ticks) == (3, 0, 19_980)
        assert (known.status, known.reason) == (OrderStatus.CANCELLED, "cancelled")


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        ({"quantity": 0}, "quantity: expected at least 1, was 0"),
        ({"instrument": NQ}, "symbol: expected one of ES, was 'NQ'"),
    ],
)
async def test_an_order_that_no_broker_takes_is_rejected_and_kept(desk, terms, reason):
    desk = desk()
    async with desk.log_in() as seat:
        await seat.submit(desk.order("E1", **terms))
        (report,) = await seat.reports()
        assert report == Rejected("E1", reason, desk.clock.now_ns)
        (known,) = await seat.session.orders_today()
        assert (known.status, known.reason) == (OrderStatus.REJECTED, reason)
        assert await seat.session.working_orders() == ()


@pytest.mark.anyio
async def test_a_permit_is_spent_once(desk):
    desk = desk()
    async with desk.log_in() as seat:
        approved = ApprovedOrder(desk.order("E1"), Permit())
        await seat.session.submit(approved)
        with pytest.raises(PermitSpent):
            await seat.session.submit(approved)
        assert len(await seat.session.orders_today()) == 1


@pytest.mark.anyio
async def test_a_client_order_id_that_is_sent_twice_makes_two_orders(desk):
    desk = desk()
    async with desk.log_in() as seat:
        await seat.buy(1, "E1", limit=4990)
        await seat.buy(1, "E1", limit=4980)
        accepted = await seat.reports()
        assert [one.client_order_id for one in accepted] == ["E1", "E1"]
        assert accepted[0].broker_order_id != accepted[1].broker_order_id
        await seat.session.cancel("E1")  # the latest
        (working,) = await seat.session.working_orders()
        assert working.broker_order_id == accepted[0].broker_order_id
        desk.trade(4985)
        assert await seat.story() == [("Cancelled", "E1"), ("Fill", "E1")]
        assert {fill.client_order_id for fill in await seat.session.fills(0)} == {"E1"}
        assert len(await seat.session.orders_today()) == 2
        assert await seat.held() == {"ES": 1}


@pytest.mark.anyio
async def test_legs_are_not_sent_where_no_bracket_is_declared(desk):
    desk = desk()
    async with desk.log_in() as seat:
        leg = desk.order("S1", "SELL", stop=4990, role="stop")
        assert isinstance(await seat.submit(desk.order("E1"), leg), NotSent)
        assert await seat.session.orders_today() == ()


@pytest.mark.anyio
async def test_latency_passes_before_an_order_works(desk):
    desk = desk(latency_ms=50)
    async with desk.log_in() as seat:
        desk.quote(5000, 5000.25)
        await seat.buy(name="E1")
        assert await seat.story() == [("Accepted", "E1")]
        await desk.clock.advance(0.05)
        assert await seat.story() == [("Fill", "E1")]


# Waiting


@pytest.mark.anyio
async def test_whoever_waits_is_woken_by_what_the_market_does(desk):
    desk = desk(market="seeded", ticks_per_second=1)
    async with desk.log_in() as seat:
        await seat.heard()
        seen = []

        async def listen():
            while True:
                seen.append((await seat.session.receive(), desk.clock.now_ns))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(listen)
            await desk.clock.advance(10)
            tasks.cancel_scope.cancel()
        trades = [(tick, now) for tick, now in seen if isinstance(tick, TradeTick)]
        assert len(trades) == 10
        assert all(tick.timestamp == now for tick, now in trades)


@pytest.mark.anyio
async def test_whoever_waits_is_woken_by_a_report(desk):
    desk = desk()
    async with desk.log_in() as seat:
        heard = []

        async def listen():
            heard.append(await seat.session.receive())

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(listen)
            await desk.clock.settle()
            await seat.buy(name="E1", limit=4990)
        assert [type(one) for one in heard] == [Accepted]


# Sessions come and go


@pytest.mark.anyio
async def test_the_book_outlives_the_session_and_fills_while_nobody_is_there(desk):
    desk = desk()
    async with desk.log_in() as seat:
        desk.trade(5000)
        await seat.buy(2, "E1", limit=4990)
    await desk.clock.advance(60)
    desk.trade(4980)
    async with desk.log_in() as seat:
        assert await seat.heard() == []
        (known,) = await seat.session.orders_today()
        assert (known.status, known.filled) == (OrderStatus.FILLED, 2)
        (fill,) = await seat.session.fills(desk.clock.now_ns)
        assert (fill.client_order_id, fill.price) == ("E1", 4990)
        assert await seat.session.fills(desk.clock.now_ns + 1) == ()
        assert await seat.held() == {"ES": 2}


@pytest.mark.anyio
async def test_the_market_moves_on_while_nobody_is_there(desk):
    desk = desk(market="seeded", volatility=50, seed=3)
    async with desk.log_in() as seat:
        await seat.buy(1, "E1", limit=4995)
        await seat.sell(1, "X1", limit=5005)
    await desk.clock.advance(600)
    async with desk.log_in() as seat:
        fills = await seat.session.fills(0)
        assert {fill.client_order_id for fill in fills} == {"E1", "X1"}
        assert all(fill.time_ns < desk.clock.now_ns for fill in fills)
        assert await seat.held() == {}


@pytest.mark.anyio
async def test_a_second_login_ends_the_first_session(desk):
    desk = desk()
    async with desk.log_in() as first:
        await first.buy(name="E1", limit=4990)
        async with desk.log_in() as second:
            assert isinstance(await first.session.receive(), Accepted)
            with pytest.raises(ForcedLogout):
                await first.session.receive()
            with pytest.raises(ForcedLogout):
                await first.session.positions()
            assert isinstance(await first.submit(desk.order("E2")), NotSent)
            assert isinstance(await first.session.cancel("E1"), NotSent)
            await second.buy(name="E3", limit=4980)
            assert await second.story() == [("Accepted", "E3")]
            working = await second.session.working_orders()
            assert [one.client_order_id for one in working] == ["E1", "E3"]


@pytest.mark.anyio
async def test_leaving_an_ended_session_leaves_the_new_one_alone(desk):
    desk = desk()
    first = desk.log_in()
    await first.__aenter__()
    async with desk.log_in() as second:
        await first.__aexit__(None, None, None)
        await second.buy(name="E1", limit=4990)
        assert await second.story() == [("Accepted", "E1")]


@pytest.mark.anyio
async def test_a_second_login_wakes_whoever_waits(desk):
    desk = desk()
    async with desk.log_in() as first, anyio.create_task_group() as tasks:

        async def wait():
            with pytest.raises(ForcedLogout):
                await first.session.receive()

        tasks.start_soon(wait)
        await desk.clock.settle()
        async with desk.log_in():
            pass


@pytest.mark.anyio
async def test_a_closed_session_sends_and_answers_nothing(desk):
    desk = desk()
    async with desk.log_in() as seat:
        pass
    assert isinstance(await seat.submit(desk.order("E1")), NotSent)
    with pytest.raises(RetryableError):
        await seat.session.receive()
    with pytest.raises(RetryableError):
        await seat.session.working_orders()


@pytest.mark.anyio
async def test_accounts_share_the_market_and_nothing_else(desk):
    desk = desk()
    async with desk.log_in("A") as first, desk.log_in("B") as second:
        await first.buy(2, "E1")
        await second.sell(3, "E1")
        desk.trade(5000)
        assert await first.held() == {"ES": 2}
        assert await second.held() == {"ES": -3}
        assert await second.story() == [("Accepted", "E1"), ("Fill", "E1")]
        fills = await first.session.fills(0) + await second.session.fills(0)
        assert len({fill.fill_id for fill in fills}) == 2


@pytest.mark.anyio
async def test_a_session_hears_the_market_of_its_instruments_alone(desk):
    desk = desk()
    async with desk.log_in("A") as first, desk.log_in("B", NQ) as second:
        desk.trade(20_000, symbol="NQ")
        assert await first.heard() == []
        (tick,) = await second.heard()
        assert tick.symbol == "NQ"


@pytest.mark.anyio
async def test_an_instrument_means_the_same_to_all(desk):
    desk = desk()
    other = Instrument(symbol="ES", tick_size=0.5, point_value=50)
    async with desk.log_in():
        with pytest.raises(ConfigurationError, match="ES: expected the terms it is traded on"):
            async with desk.log_in("B", other):
                pass


# Time


@pytest.mark.anyio
async def test_orders_of_the_day_are_those_of_the_trade_date_and_those_that_still_work(desk):
    desk = desk()
    async with desk.log_in() as seat:
        await seat.buy(name="D1", limit=4990, time_in_force="DAY")
        await seat.buy(name="G1", limit=4990)
        await seat.buy(name="M1")
        desk.trade(5000)
        await seat.heard()
        await desk.clock.advance(9 * HOUR - 1)  # 16:59:59 in Chicago
        assert len(await seat.session.orders_today()) == 3
        await desk.clock.advance(1)
        assert await seat.story() == [("Expired", "D1")]
        today = [one.client_order_id for one in await seat.session.orders_today()]
        assert today == ["G1"]  # the other ended with the date before
        assert await seat.held() == {"ES": 1}


@pytest.mark.anyio
async def test_what_ended_two_days_ago_is_forgotten_but_the_position_is_not(desk):
    desk = desk()
    async with desk.log_in() as seat:
        await seat.buy(name="M1")
        desk.trade(5000)
        await desk.clock.advance(50 * HOUR)
        await seat.buy(name="M1")
        account = desk.driver.broker.accounts["A"]
        assert [one.client_order_id for one in account.ledger.orders()] == ["M1"]
        desk.trade(5000)
        assert len(await seat.session.fills(0)) == 1
        assert await seat.held() == {"ES": 2}


@pytest.mark.anyio
async def test_ids_of_a_broker_that_starts_anew_are_new(desk):
    fills = []
    for _ in range(2):
        opened = desk()
        async with opened.log_in() as seat:
            await seat.buy()
            opened.trade(5000)
            fills += [one for one in await seat.reports() if isinstance(one, Fill)]
        await opened.clock.advance(1)
    assert fills[0].fill_id != fills[1].fill_id
    assert fills[0].broker_order_id != fills[1].broker_order_id
