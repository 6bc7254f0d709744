"""The link against the gateway, which encodes and decodes with a table of its own."""

from contextlib import asynccontextmanager

import anyio
import pytest
from tests.drivers.rithmic.link.server import PATIENCE_S, Heard, ignore
from tests.drivers.rithmic.proxy import proxying

from fillbridge_hooks import FatalError, ForcedLogout, RetryableError, Secret
from fillbridge_hooks.testing import ManualClock
from fillbridge_rithmic.gateway import GatewaySettings, serve_gateway
from fillbridge_rithmic.link.errors import RequestRefused
from fillbridge_rithmic.link.plant import Delivery, log_in
from fillbridge_rithmic.link.systems import list_systems
from fillbridge_rithmic.link.tls import client_context
from fillbridge_rithmic.settings import RithmicSettings
from fillbridge_rithmic.wire import codes
from fillbridge_rithmic.wire.messages import make

pytestmark = pytest.mark.anyio

SYSTEM = "Fillbridge Rehearsal"
CREDENTIALS = {"username": Secret("rehearsal"), "password": Secret("rehearsal")}
PLACE = {"fcm_id": "FCM", "ib_id": "IB", "account_id": "REHEARSAL"}
ORDER = {
    **PLACE, "symbol": "ESZ6", "exchange": "CME", "quantity": 1, "transaction_type": 1,
    "duration": 1, "price_type": 1, "price": 4000.0, "trade_route": "simulator",
    "manual_or_auto": 2,
}  # fmt: skip


@asynccontextmanager
async def logged_in(running, heard=None, plant=codes.Plant.ORDER, uri="", password="rehearsal"):  # noqa: S107
    settings = RithmicSettings(uri=uri or running.uri, system_name=SYSTEM)
    credentials = {**CREDENTIALS, "password": Secret(password)}
    context = client_context(running.ca_file)
    hear = ignore if heard is None else heard
    async with log_in(plant, settings, credentials, context, ManualClock(), 30, hear) as login:
        yield login


async def test_systems_and_every_plant():
    async with serve_gateway() as running:
        context = client_context(running.ca_file)
        assert await list_systems(running.uri, context, PATIENCE_S) == (SYSTEM,)
        for plant in (codes.Plant.ORDER, codes.Plant.PNL, codes.Plant.TICKER):
            async with logged_in(running, plant=plant) as login:
                assert login.login.heartbeat_interval == 30.0


async def test_a_wrong_password():
    async with serve_gateway() as running:
        with pytest.raises(FatalError, match="check user name, password"):
            async with logged_in(running, password="other"):  # noqa: S106
                pass


async def test_answers_of_many_rows_and_none():
    async with serve_gateway() as running, logged_in(running) as login:
        info = (await login.ask(300)).rows[-1]
        accounts = await login.ask(
            302, fcm_id=info.fcm_id, ib_id=info.ib_id, user_type=info.user_type
        )
        assert [row.account_id for row in accounts.rows if row.account_id] == ["REHEARSAL"]
        routes = await login.ask(310)
        assert {row.exchange for row in routes.rows if row.exchange} == {"CME", "NYMEX"}
        with pytest.raises(RequestRefused, match="1039"):
            await login.ask(308)


async def test_an_order_is_sent_and_its_life_is_heard():
    heard = Heard()
    async with serve_gateway() as running, logged_in(running, heard) as login:
        await login.ask(308, **PLACE)
        sent = await login.send(make(312, user_msg=["A1"], user_tag="A1", **ORDER))
        assert sent is Delivery.SENT
        with anyio.fail_after(PATIENCE_S):
            while not any(one.template_id == 352 for one in heard):
                await heard.wait_for(len(heard) + 1)
        assert {one.user_tag for one in heard if one.template_id in (351, 352)} == {"A1"}


async def test_a_second_login_takes_the_session_of_the_first():
    async with (
        serve_gateway(GatewaySettings(max_sessions=1)) as running,
        logged_in(running) as first,
        logged_in(running) as second,
    ):
        with anyio.fail_after(PATIENCE_S):
            await first.has_ended.wait()
        assert isinstance(first.end, ForcedLogout)
        with pytest.raises(ForcedLogout):
            await first.ask(300)
        await second.ask(300)


async def test_nothing_that_was_submitted_while_the_link_is_down_ever_arrives():
    async with serve_gateway() as running:
        async with logged_in(running) as login:
            await running.gateway.cut()
            with anyio.fail_after(PATIENCE_S):
                await login.has_ended.wait()
            assert isinstance(login.end, RetryableError)
            for number in range(1000):
                order = make(312, user_tag=f"N{number}", **ORDER)
                assert await login.send(order) is Delivery.NOT_SENT
        async with logged_in(running) as login:
            await login.ask(300)
        assert not [one for one in running.gateway.received if one.template == 312]


async def test_a_torn_and_slow_way_to_the_gateway():
    async with serve_gateway() as running:
        port = int(running.uri.rpartition(":")[2])
        async with proxying(port) as proxy:
            proxy.up.piece = proxy.down.piece = 11
            uri = f"wss://127.0.0.1:{proxy.port}"
            async with logged_in(running, uri=uri) as login:
                routes = [(await login.ask(310)).rows for _ in range(20)]
                await proxy.reset()
                with anyio.fail_after(PATIENCE_S):
                    await login.has_ended.wait()
                assert isinstance(login.end, RetryableError)
            async with logged_in(running, uri=uri) as login:
                routes.append((await login.ask(310)).rows)
    assert [[row.trade_route for row in rows if row.trade_route] for rows in routes] == [
        ["simulator", "simulator"]
    ] * 21
