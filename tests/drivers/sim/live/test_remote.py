"""The broker behind a socket, on the clock of the test."""

from contextlib import asynccontextmanager

import anyio
import pytest

from fillbridge_hooks import (
    Accepted,
    ApprovedOrder,
    ConfigurationError,
    Driver,
    FatalError,
    Fill,
    ForcedLogout,
    Instrument,
    NotSent,
    OutcomeUnknown,
    Permit,
    PermitSpent,
    QuoteTick,
    RetryableError,
    Sent,
    TradeTick,
)
from fillbridge_sim.live import LiveBroker, wire
from fillbridge_sim.live.frames import Frames
from fillbridge_sim.live.server import BrokerServer
from fillbridge_sim.remote import RemoteSettings, SimRemoteDriver

pytestmark = pytest.mark.anyio
SOON = 20
"""Seconds after which a test has failed; none needs that long."""


@pytest.fixture
def house(desk, tmp_path):
    """Serve a broker: ``async with house() as (remote_desk, broker)``."""

    @asynccontextmanager
    async def open_house(bracket=True, **settings):
        local = desk(**settings)
        broker = LiveBroker(local.settings, local.clock)
        path = str(tmp_path / "broker.sock")
        remote = desk()
        remote.driver = SimRemoteDriver(bracket)
        remote.settings = RemoteSettings(socket=path)
        with anyio.fail_after(SOON):
            async with (
                await anyio.create_unix_listener(path) as listener,
                anyio.create_task_group() as tasks,
            ):
                tasks.start_soon(BrokerServer(broker).serve, listener)
                yield remote, broker
                tasks.cancel_scope.cancel()

    return open_house


async def receive(seat, kind, count=1):
    """The next messages of a kind; others are passed over."""
    found = []
    while len(found) < count:
        message = await seat.session.receive()
        if isinstance(message, kind):
            found.append(message)
    return found


@asynccontextmanager
async def fake_broker(path, behave):
    """Something that listens and behaves as it is told."""

    async def serve(stream):
        async with stream:
            await behave(stream)

    async with (
        await anyio.create_unix_listener(path) as listener,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(listener.serve, serve)
        yield
        tasks.cancel_scope.cancel()


async def welcome(stream):
    frames = Frames(stream)
    await frames.read()
    await frames.write(wire.frame(wire.Welcome(version=wire.VERSION)))
    return frames


async def test_it_is_a_driver():
    driver = SimRemoteDriver()
    assert isinstance(driver, Driver)
    assert not driver.capabilities.bracket
    assert SimRemoteDriver(bracket=True).capabilities.bracket


async def test_orders_market_data_and_questions_cross_the_socket(house):
    async with house() as (desk, broker), desk.log_in() as seat:
        assert await seat.submit(desk.order("E1", quantity=2)) == Sent("E1")
        (accepted,) = await receive(seat, Accepted)
        broker.trade("ES", 5000.25)
        broker.quote("ES", 5000, 5000.25)
        now = desk.clock.now_ns
        assert await receive(seat, TradeTick) == [TradeTick(now, 5000.25, 1.0, "ES")]
        (fill,) = await receive(seat, Fill)
        assert (fill.price, fill.broker_order_id) == (5000.25, accepted.broker_order_id)
        assert await receive(seat, QuoteTick) == [QuoteTick(now, 5000, 1, 5000.25, 1, "ES")]
        ledger = broker.accounts["A"].ledger
        assert await seat.session.working_orders() == ()
        assert await seat.session.orders_today() == ledger.orders()
        assert await seat.session.fills(0) == (fill,)
        assert await seat.session.fills(now + 1) == ()
        assert await seat.held() == {"ES": 2}


async def test_cancels_and_replacements_cross_the_socket(house):
    async with house() as (desk, _broker), desk.log_in() as seat:
        await seat.buy(1, "E1", limit=4990)
        assert await seat.reprice("E1", 2, 4980) == Sent("E1")
        assert await seat.session.cancel("E1") == Sent("E1")
        kinds = [type(await seat.session.receive()).__name__ for _ in range(3)]
        assert kinds == ["Accepted", "Replaced", "Cancelled"]


async def test_a_bracket_crosses_the_socket(house):
    async with house() as (desk, broker), desk.log_in() as seat:
        leg = desk.order("S", "SELL", stop=4990, role="stop")
        await seat.submit(desk.order("E"), leg)
        await receive(seat, Accepted)
        broker.trade("ES", 5000)
        assert [one.client_order_id for one in await receive(seat, Accepted)] == ["S"]


async def test_legs_are_not_sent_where_no_bracket_is_declared(house):
    async with house(bracket=False) as (desk, _broker), desk.log_in() as seat:
        leg = desk.order("S", "SELL", stop=4990, role="stop")
        assert isinstance(await seat.submit(desk.order("E"), leg), NotSent)
        assert await seat.session.orders_today() == ()


async def test_a_permit_is_spent_once(house):
    async with house() as (desk, _broker), desk.log_in() as seat:
        approved = ApprovedOrder(desk.order("E1"), Permit())
        await seat.session.submit(approved)
        with pytest.raises(PermitSpent):
            await seat.session.submit(approved)
        assert len(await seat.session.orders_today()) == 1


async def test_an_answer_may_be_longer_than_a_frame(house):
    count = 2 * wire.CHUNK + 1
    async with house() as (desk, broker), desk.log_in() as seat:
        for number in range(count):
            broker.accounts["A"].submit(desk.order(f"E{number}", limit=4000))
        assert len(await seat.session.working_orders()) == count


async def test_questions_may_be_asked_at_once(house):
    async with house() as (desk, _broker), desk.log_in() as seat:
        await seat.buy(1, "E1", limit=4990)
        answers = {}

        async def ask(question):
            answers[question] = await getattr(seat.session, question)()

        async with anyio.create_task_group() as tasks:
            for question in ("working_orders", "positions", "orders_today"):
                tasks.start_soon(ask, question)
        assert [len(answers[name]) for name in sorted(answers)] == [1, 0, 1]


async def test_the_book_outlives_the_connection(house):
    async with house() as (desk, broker):
        async with desk.log_in() as seat:
            await seat.buy(1, "E1")
            await receive(seat, Accepted)
        while broker.accounts["A"]._inbox is not None:
            await anyio.lowlevel.checkpoint()
        broker.trade("ES", 5000)
        async with desk.log_in() as seat:
            assert await seat.held() == {"ES": 1}
            await seat.buy(1, "E2", limit=10)
            assert isinstance(await seat.session.receive(), Accepted)


async def test_a_second_login_ends_the_first_session(house):
    async with house() as (desk, _broker), desk.log_in() as first:
        await first.buy(1, "E1", limit=4990)
        await receive(first, Accepted)
        async with desk.log_in() as second:
            with pytest.raises(ForcedLogout):
                await first.session.receive()
            with pytest.raises(ForcedLogout):
                await first.session.positions()
            assert isinstance(await first.submit(desk.order("E2")), NotSent)
            assert len(await second.session.working_orders()) == 1


async def test_a_market_that_cannot_be_read_ends_the_session_for_good(house, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("ts_event,price,size\n1,5000,1\n0,5000,1\n")
    async with house(ticks=str(path)) as (desk, _broker), desk.log_in() as seat:
        with pytest.raises(FatalError, match="line 3: ts_event: expected rows sorted by time"):
            await receive(seat, Accepted)


# The way there


async def test_without_a_socket_nothing_is_connected(house, tmp_path):
    async with house() as (desk, _):
        desk.settings = RemoteSettings()
        with pytest.raises(ConfigurationError, match=r"sim_remote\.socket: missing"):
            async with desk.log_in():
                pass
        desk.settings = RemoteSettings(socket=str(tmp_path / "none.sock"))
        with pytest.raises(RetryableError, match=r"none\.sock: nobody answers there"):
            async with desk.log_in():
                pass


async def test_a_login_that_cannot_succeed_is_fatal(house, monkeypatch):
    async with house() as (desk, _broker), desk.log_in():
        other = Instrument(symbol="ES", tick_size=0.5, point_value=50)
        with pytest.raises(FatalError, match="the login was refused: ES: expected the terms"):
            async with desk.log_in("B", other):
                pass
        monkeypatch.setattr("fillbridge_sim.live.remote_session.VERSION", 99)
        with pytest.raises(FatalError, match="version: expected 1, was 99"):
            async with desk.log_in("B"):
                pass


async def test_what_goes_wrong_within_a_session_is_raised_as_it_is(house):
    async with house() as (desk, _):
        with pytest.raises(ZeroDivisionError):
            async with desk.log_in():
                raise ZeroDivisionError


async def test_a_lost_connection_is_heard_and_nothing_is_sent_any_more(desk, tmp_path):
    desk = remote_desk(desk, tmp_path)
    cut = anyio.Event()

    async def behave(stream):
        frames = await welcome(stream)
        await cut.wait()
        await frames.close()

    with anyio.fail_after(SOON):
        async with fake_broker(desk.settings.socket, behave), desk.log_in() as seat:
            async with anyio.create_task_group() as tasks:

                async def ask():
                    with pytest.raises(RetryableError, match="the connection to the broker is"):
                        await seat.session.positions()

                tasks.start_soon(ask)
                await desk.clock.settle()
                cut.set()
            with pytest.raises(RetryableError, match="the connection to the broker is lost"):
                await seat.session.receive()
            assert isinstance(await seat.submit(desk.order("E1")), NotSent)
            assert isinstance(await seat.session.cancel("E1"), NotSent)
            with pytest.raises(RetryableError):
                await seat.session.fills(0)


async def test_a_request_that_is_cut_short_is_of_unknown_outcome(desk, tmp_path):
    desk = remote_desk(desk, tmp_path)
    cut = anyio.Event()

    async def behave(stream):
        frames = await welcome(stream)
        await cut.wait()
        await frames.close()

    with anyio.fail_after(SOON):
        async with fake_broker(desk.settings.socket, behave), desk.log_in() as seat:
            outcomes = []

            async def submit():
                # More than the socket holds, so that it cannot be written at once.
                outcomes.append(await seat.submit(desk.order("E" * 3_000_000)))

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(submit)
                await desk.clock.settle()
                assert outcomes == []
                cut.set()
            (outcome,) = outcomes
            assert isinstance(outcome, OutcomeUnknown)
            assert outcome.time_ns == desk.clock.now_ns


async def test_a_request_whose_task_is_cancelled_on_the_way_ends_the_connection(desk, tmp_path):
    desk = remote_desk(desk, tmp_path)

    async def behave(stream):
        await welcome(stream)
        await anyio.sleep_forever()

    with anyio.fail_after(SOON):
        async with fake_broker(desk.settings.socket, behave), desk.log_in() as seat:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(seat.submit, desk.order("E" * 3_000_000))
                await desk.clock.settle()
                tasks.cancel_scope.cancel()
            with pytest.raises(RetryableError):
                await seat.session.receive()
            assert isinstance(await seat.submit(desk.order("E2")), NotSent)


async def test_a_request_that_is_too_long_is_not_sent(house):
    async with house() as (desk, _), desk.log_in() as seat:
        outcome = await seat.submit(desk.order("E" * wire.FRAME_LIMIT))
        assert isinstance(outcome, NotSent)
        assert await seat.session.orders_today() == ()


@pytest.mark.parametrize(
    "reply",
    [b"\xff\xff\xff\xff", b"\0\0\0\3abc", wire.frame(wire.Welcome(version=1))],
)
async def test_what_no_broker_says_ends_the_session(desk, tmp_path, reply):
    desk = remote_desk(desk, tmp_path)

    async def behave(stream):
        await (await welcome(stream)).write(reply)
        await anyio.sleep_forever()

    with anyio.fail_after(SOON):
        async with fake_broker(desk.settings.socket, behave), desk.log_in() as seat:
            with pytest.raises(RetryableError):
                await seat.session.receive()


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (b"", RetryableError),
        (b"\0\0\0\3abc", FatalError),
        (wire.frame(wire.Done(time_ns=1)), FatalError),
    ],
)
async def test_what_no_broker_answers_to_a_login_is_refused(desk, tmp_path, reply, error):
    desk = remote_desk(desk, tmp_path)

    async def behave(stream):
        await Frames(stream).read()
        await stream.send(reply) if reply else None
        await stream.aclose()

    with anyio.fail_after(SOON):
        async with fake_broker(desk.settings.socket, behave):
            with pytest.raises(error):
                async with desk.log_in():
                    pass


def remote_desk(desk, tmp_path):
    opened = desk()
    opened.driver = SimRemoteDriver(bracket=True)
    opened.settings = RemoteSettings(socket=str(tmp_path / "fake.sock"))
    return opened


# What the server bears


@pytest.mark.parametrize(
    "garbage",
    [
        b"\xff\xff\xff\xff",
        b"\0\0\0\3abc",
        b"\0\0\0\0",
        b"GET / HTTP/1.1\r\n\r\n",
        wire.frame(wire.Cancel(client_order_id="E1")),
    ],
)
async def test_garbage_ends_that_connection_only(house, garbage):
    async with house() as (desk, _), desk.log_in() as seat:
        stream = await anyio.connect_unix(desk.settings.socket)
        await stream.send(garbage)
        with pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
            await stream.receive()
        await stream.aclose()
        assert await seat.session.positions() == ()


async def test_garbage_within_a_session_ends_it(house):
    async with house() as (desk, _broker):
        async with desk.log_in() as seat:
            await seat.session._frames.write(wire.frame(wire.ShowBook()))
            with pytest.raises(RetryableError):
                await seat.session.receive()
        async with desk.log_in() as seat:
            assert await seat.session.positions() == ()


async def test_a_client_that_dies_in_the_middle_of_a_frame_leaves_nothing(house):
    async with house() as (desk, _broker):
        async with desk.log_in() as seat:
            half = wire.frame(wire.Submit(order=desk.order("E1")))[:-5]
            await seat.session._frames._stream.send(half)
        async with desk.log_in() as seat:
            assert await seat.session.orders_today() == ()


async def test_whoever_does_not_read_loses_the_session(house, monkeypatch):
    monkeypatch.setattr("fillbridge_sim.live.inbox.LIMIT", 100)
    async with house() as (desk, broker), desk.log_in() as seat:
        inbox = broker.accounts["A"]._inbox
        for _ in range(300):
            broker.trade("ES", 5000)
        assert inbox.has_overflowed
        assert len(await receive(seat, TradeTick, 100)) == 100
        with pytest.raises(RetryableError, match="was not received in time"):
            await seat.session.receive()
