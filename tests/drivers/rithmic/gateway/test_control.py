import json
import stat
from contextlib import asynccontextmanager

import anyio
import pytest
from tests.drivers.rithmic.gateway.client import logged_in

from fillbridge_hooks import ConfigurationError
from fillbridge_rithmic.gateway import Gateway, GatewaySettings, serve_gateway
from fillbridge_rithmic.gateway.control.serving import control_served

pytestmark = pytest.mark.anyio


class Control:
    def __init__(self, stream):
        self.stream = stream

    async def ask(self, **request):
        return await self.say(json.dumps(request).encode())

    async def say(self, line):
        await self.stream.send(line + b"\n")
        answer = b""
        with anyio.fail_after(20):
            while not answer.endswith(b"\n"):
                answer += await self.stream.receive()
        return json.loads(answer)


@asynccontextmanager
async def controlled(tmp_path):
    """A gateway and its control socket."""
    path = tmp_path / "control"
    async with serve_gateway(GatewaySettings(first_id=1)) as running:
        async with control_served(running.gateway, str(path)):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            async with await anyio.connect_unix(str(path)) as stream:
                yield running, Control(stream)
            # On asyncio, anyio minds being cancelled just as the other side closes.
            await anyio.wait_all_tasks_blocked()
        assert not path.exists()


async def test_the_market_is_moved_and_the_book_is_shown(tmp_path):
    async with controlled(tmp_path) as (running, control), logged_in(running) as client:
        await client.order("T1", quantity=2)
        assert await control.ask(do="trade", symbol="ES", price=4989.0, quantity=1) == {"ok": True}
        shown = await control.ask(do="orders", user_tag="T1", working=True)
        (order,) = shown["orders"]
        assert (order["filled"], order["quantity"], order["works"]) == (1, 2, True)
        (fill,) = (await control.ask(do="fills", account="REHEARSAL"))["fills"]
        assert (fill["user_tag"], fill["price"], fill["side"]) == ("T1", 4990.0, "BUY")
        assert (await control.ask(do="fill", basket_id=order["basket_id"]))["ok"]
        positions = (await control.ask(do="positions"))["positions"]
        assert positions == {"REHEARSAL": {"ES": 2}}
        await control.ask(do="quote", symbol="ES", bid=None, ask=4999.0)
        assert running.gateway.book.markets["ES"].ask == 4999.0
        (session,) = (await control.ask(do="sessions"))["sessions"]
        assert session == {"number": 1, "user": "rehearsal", "plant": "ORDER"}


async def test_somebody_else_trades_the_account(tmp_path):
    async with controlled(tmp_path) as (running, control), logged_in(running) as client:
        placed = await control.ask(
            do="place", account="REHEARSAL", symbol="ES", side="SELL", quantity=1, price=5010.0
        )
        told = await client.until(351, notify_type=13)
        assert (told.basket_id, told.user_id) == (placed["basket_id"], "somebody")
        assert not told.HasField("user_tag")
        await control.ask(do="end_day")
        assert (await client.until(351, notify_type=15)).completion_reason == "C"


async def test_faults_are_armed_shown_and_disarmed(tmp_path):
    async with controlled(tmp_path) as (running, control):
        assert (await control.ask(do="arm", fault="ack_delayed", options={"delay_s": 0.01}))["ok"]
        await control.ask(do="seed", seed=3, rate=0.5, kinds=["lost"])
        shown = await control.ask(do="faults")
        assert shown["armed"][0]["name"] == "ack_delayed"
        assert "silence" in shown["faults"]
        await control.ask(do="disarm")
        assert (await control.ask(do="faults"))["armed"] == []
        assert running.gateway.faults.profile is None
        refused = await control.ask(do="arm", fault="nonsense")
        assert not refused["ok"]
        assert "fault: expected" in refused["error"]


async def test_sessions_are_kicked_cut_and_left_half_open(tmp_path):
    async with controlled(tmp_path) as (running, control):
        async with logged_in(running) as client:
            await control.ask(do="kick", user="rehearsal")
            await client.until(77)
            await client.until_gone()
        async with logged_in(running) as client:
            await control.ask(do="cut", plant="pnl")
            await client.ask(18)
            await control.ask(do="cut")
            await client.until_gone()
        async with logged_in(running) as client:
            await client.ask(310, subscribe_for_updates=True)
            await control.ask(do="route", exchange="CME", status="DOWN")
            assert (await client.until(350)).status == "DOWN"
            await control.ask(do="half_open", plant="order")
            assert await client.hears_nothing_of_an_order()


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b"{}", "missing required field `do`"),
        (b"nonsense", "JSON is malformed"),
        (b'{"do":"dance"}', "Invalid value 'dance'"),
        (b'{"do":"trade","symbol":"ES"}', "missing required field `price`"),
        (b'{"do":"kick","who":"me"}', "unknown field `who`"),
        (b'{"do":"trade","symbol":"NONE","price":1}', "symbol: expected"),
        (b'{"do":"fill","basket_id":"9"}', "basket_id: expected that of a working order"),
        (
            b'{"do":"place","account":"B","symbol":"ES","side":"BUY","quantity":1}',
            "account: expected REHEARSAL, was 'B'",
        ),
        (
            b'{"do":"place","account":"REHEARSAL","symbol":"ES","side":"BUY","quantity":0}',
            "quantity: expected a number > 0, was 0",
        ),
    ],
)
async def test_what_cannot_be_done_is_said_and_the_next_request_is(tmp_path, line, error):
    async with controlled(tmp_path) as (_, control):
        answer = await control.say(line)
        assert not answer["ok"]
        assert error in answer["error"]
        assert (await control.ask(do="positions"))["ok"]


async def test_a_fill_needs_a_price(tmp_path):
    async with controlled(tmp_path) as (_, control):
        placed = await control.ask(
            do="place", account="REHEARSAL", symbol="ES", side="BUY", quantity=1
        )
        refused = await control.ask(do="fill", basket_id=placed["basket_id"])
        assert "price: expected a price, since the market has not traded" in refused["error"]
        assert (await control.ask(do="fill", basket_id=placed["basket_id"], price=5000.0))["ok"]


async def test_a_control_socket_replaces_only_what_is_dead(tmp_path):
    gateway = Gateway(GatewaySettings())
    path = tmp_path / "control"
    path.write_text("a file")
    with pytest.raises(ConfigurationError, match="expected a socket or nothing"):
        async with control_served(gateway, str(path)):
            pass
    path.unlink()
    async with control_served(gateway, str(path)):
        with pytest.raises(ConfigurationError, match="expected no gateway there"):
            async with control_served(gateway, str(path)):
                pass
    with pytest.raises(ConfigurationError, match="no socket can be made"):
        async with control_served(gateway, str(tmp_path / "none" / "control")):
            pass
