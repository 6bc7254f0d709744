"""Requests without a session, against a broker that is served in this process."""

import os
import signal

import anyio
import pytest
from anyio.to_thread import run_sync

from fillbridge_hooks import ConfigurationError
from fillbridge_sim import LiveMarket, SimDriver, SimulationSettings
from fillbridge_sim.live.control import carry_out, is_served, read_book
from fillbridge_sim.live.serving import serve
from fillbridge_sim.live.wire import PushQuote, PushTrade
from fillbridge_sim.remote import RemoteSettings, SimRemoteDriver

pytestmark = pytest.mark.anyio
MANUAL = SimulationSettings(live=LiveMarket(market="manual"))


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "b.sock")


async def test_a_broker_is_served_until_sigterm(path, desk):
    desk = desk()
    desk.driver, desk.settings = SimRemoteDriver(), RemoteSettings(socket=path)
    ready = anyio.Event()
    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(serve, path, MANUAL, ready.set)
            await ready.wait()
            assert await run_sync(is_served, path)
            with pytest.raises(ConfigurationError, match="expected no server there, was one"):
                await serve(path, MANUAL, ready.set)
            with pytest.raises(ConfigurationError, match="is traded here"):
                await run_sync(carry_out, path, PushTrade(symbol="ES", price=5000))
            assert (await run_sync(read_book, path))["accounts"] == {}
            async with desk.log_in() as seat:
                await seat.buy(2, "E1")
                await seat.session.positions()
                time_ns = await run_sync(carry_out, path, PushTrade(symbol="ES", price=5000))
                quote = PushQuote(symbol="ES", bid=1, ask=2)
                assert await run_sync(carry_out, path, quote) > time_ns
            book = await run_sync(read_book, path)
            (fill,) = book["accounts"]["A"]["fills"]
            assert (fill["time_ns"], book["accounts"]["A"]["positions"]) == (time_ns, {"ES": 2})
            os.kill(os.getpid(), signal.SIGTERM)
    assert not await anyio.Path(path).exists()
    assert not is_served(path)


async def test_the_market_of_a_served_broker_moves_by_itself(path, desk):
    desk = desk()
    desk.driver, desk.settings = SimRemoteDriver(), RemoteSettings(socket=path)
    settings = SimulationSettings(live=LiveMarket(ticks_per_second=1000))
    ready = anyio.Event()
    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(serve, path, settings, ready.set)
            await ready.wait()
            async with desk.log_in() as seat:
                for _ in range(20):
                    await seat.session.receive()
            os.kill(os.getpid(), signal.SIGTERM)


async def test_a_driver_has_no_broker_before_it_is_connected(desk):
    desk = desk()
    assert isinstance(desk.driver, SimDriver)
    assert desk.driver.broker is None
    async with desk.log_in():
        broker = desk.driver.broker
    async with desk.log_in("B"):
        assert desk.driver.broker is broker


async def test_nothing_can_be_traded_without_an_instrument(desk):
    desk = desk()
    async with desk.log_in():
        with pytest.raises(ConfigurationError, match="instruments: expected at least one"):
            desk.driver.broker.open_account("B", ())
