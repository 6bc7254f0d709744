"""Heartbeats in time, and a server that gives no sign of life noticed."""

from math import inf, nan

import anyio
import anyio.lowlevel
import pytest
from tests.drivers.rithmic.link.server import PATIENCE_S, Heard, logged_in, say_nothing, serving
from tests.drivers.rithmic.proxy import proxying

from fillbridge_hooks import RetryableError
from fillbridge_rithmic.link.liveness import heartbeat_interval
from fillbridge_rithmic.link.plant import Delivery
from fillbridge_rithmic.wire.messages import make

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("server_s", "own_s", "expected"),
    [(30, 30, 15), (30, 10, 10), (60, 120, 30), (0, 30, 15), (-1, 30, 15), (nan, 30, 15),
     (inf, 30, 15), (1e-9, 30, 0.02)],
)  # fmt: skip
def test_heartbeats_come_in_half_the_time_that_the_server_allows(server_s, own_s, expected):
    assert heartbeat_interval(server_s, own_s) == expected


async def test_heartbeats_follow_the_servers_interval():
    async with serving() as server:
        server.heartbeat_interval = 0.6
        async with logged_in(server) as plant:
            await server.wait_for(18, times=4)
            assert plant.end is None


async def test_heartbeats_are_not_farther_apart_than_is_configured():
    async with serving() as server, logged_in(server, heartbeat_s=0.3) as plant:
        await server.wait_for(18, times=4)
        assert plant.end is None


async def test_heartbeats_and_their_answers_are_not_heard():
    heard = Heard()
    async with serving() as server, logged_in(server, heard, heartbeat_s=0.3):
        await server.wait_for(18, times=3)
    assert heard == []


async def lost(plant) -> str:
    with anyio.fail_after(PATIENCE_S):
        await plant.has_ended.wait()
    assert isinstance(plant.end, RetryableError)
    return str(plant.end)


async def test_a_server_that_stops_answering_is_noticed():
    async with serving() as server, logged_in(server, heartbeat_s=0.2) as plant:
        server.last.stall()
        assert "no sign of life" in await lost(plant)
        assert await plant.send(make(312)) is Delivery.NOT_SENT


async def test_between_heartbeats_a_silent_server_is_pinged(monkeypatch):
    monkeypatch.setattr("fillbridge_rithmic.link.liveness._QUIET_S", 0.2)
    async with serving() as server, logged_in(server) as plant:
        await server.wait_until(lambda: server.pings >= 4)
        assert plant.end is None
        assert server.count(18) == 1
        server.last.stall()
        assert "no sign of life" in await lost(plant)


async def test_a_server_that_answers_no_heartbeat_is_noticed():
    async with serving() as server, logged_in(server, heartbeat_s=0.2) as plant:
        server.on[18] = say_nothing
        assert "no sign of life" in await lost(plant)


@pytest.mark.parametrize("direction", ["up", "down"])
async def test_a_way_on_which_all_is_lost_is_noticed(direction):
    async with serving() as server, proxying(server.port) as proxy:
        uri = f"wss://localhost:{proxy.port}"
        async with logged_in(server, heartbeat_s=0.3, uri=uri) as plant:
            getattr(proxy, direction).lose = True
            assert "no sign of life" in await lost(plant)


@pytest.mark.parametrize("direction", ["up", "down"])
async def test_a_way_that_is_stalled_is_noticed(direction):
    async with serving() as server, proxying(server.port) as proxy:
        uri = f"wss://localhost:{proxy.port}"
        async with logged_in(server, heartbeat_s=0.3, uri=uri) as plant:
            getattr(proxy, direction).stall()
            assert "no sign of life" in await lost(plant)


async def test_a_server_that_takes_nothing_any_more_is_noticed_by_who_sends():
    outcomes = []
    async with serving() as server, logged_in(server, heartbeat_s=0.3) as plant:
        server.last.stall()
        with anyio.fail_after(PATIENCE_S):
            while not outcomes or outcomes[-1] is Delivery.SENT:
                outcomes.append(await plant.send(make(312, user_tag="A" * 500_000)))
        assert outcomes[-1] in (Delivery.UNKNOWN, Delivery.NOT_SENT)
        assert "no sign of life" in await lost(plant)


@pytest.mark.parametrize("direction", ["up", "down"])
async def test_a_connection_that_is_closed_halfway_ends(direction):
    async with serving() as server, proxying(server.port) as proxy:
        uri = f"wss://localhost:{proxy.port}"
        async with logged_in(server, heartbeat_s=0.3, uri=uri) as plant:
            await proxy.half_close(direction)
            await lost(plant)


async def test_a_slow_and_torn_connection_lives():
    async with serving() as server, proxying(server.port) as proxy:
        proxy.up.piece = proxy.down.piece = 7
        proxy.down.delay_s = 0.0005
        uri = f"wss://localhost:{proxy.port}"
        server.on[302] = lambda connection, request: connection.answer(request, 303)
        async with logged_in(server, uri=uri) as plant:
            for _ in range(5):
                await plant.ask(302)
            proxy.heal()
            await plant.ask(302)
            assert (plant.end, plant.passed_over) == (None, 0)


async def test_resets_leave_no_connection_behind():
    async with serving() as server, proxying(server.port) as proxy:
        uri = f"wss://localhost:{proxy.port}"
        for _ in range(20):
            async with logged_in(server, uri=uri) as plant:
                await proxy.reset()
                await lost(plant)
        assert proxy.accepted == 20
        with anyio.fail_after(PATIENCE_S):
            while proxy.pairs:  # noqa: ASYNC110  # a proxy has no event for it
                await anyio.sleep(0.01)
