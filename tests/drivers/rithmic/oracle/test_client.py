import json
from pathlib import Path

import anyio
import pytest
from anyio.streams.text import TextReceiveStream

from fillbridge_rithmic.gateway import GatewaySettings, serve_gateway

pytestmark = pytest.mark.anyio


async def test_the_published_client_trades_at_the_gateway(oracle):
    script = str(Path(__file__).with_name("trade.py"))
    async with (
        serve_gateway(GatewaySettings(first_id=1)) as running,
        await anyio.open_process([oracle, script, running.uri, running.ca_file]) as process,
    ):
        gateway = running.gateway
        gateway.trade("ES", 5000.0)
        gateway.quote("ES", 4999.75, 5000.25)
        lines = TextReceiveStream(process.stdout)
        unread = ""

        async def step(name):
            nonlocal unread
            with anyio.fail_after(60):
                while "\n" not in unread:
                    unread += await lines.receive()
            line, unread = unread.split("\n", 1)
            said = json.loads(line)
            assert said.pop("step") == name
            return said

        async def go_on():
            await process.stdin.send(b"\n")

        assert await step("connected") == {"accounts": ["REHEARSAL"], "tick_size": 0.25}
        await go_on()
        placed = await step("placed")
        assert placed["listed"] == ["A1"]
        (order,) = gateway.orders("A1", working=True)
        assert placed["basket"] == order.basket_id
        assert (order.price, order.left, order.ticket.manual_or_auto) == (4990.0, 2, 2)
        await go_on()
        assert await step("cancelled") == {"listed": []}
        assert gateway.orders("A1")[0].reason == "C"
        await go_on()
        bracketed = await step("bracketed")
        assert bracketed["ticks"] == [20, 40]
        entry = bracketed["basket"]
        await go_on()
        assert await step("moved") == {"ticks": [24, 44]}
        gateway.trade("ES", 4988.75)
        await go_on()
        filled = await step("filled")
        assert filled["fills"] == [[entry, "B1", 2, 4989.0]]
        assert sorted(filled["legs"]) == [[entry, 0.0, 4983.0], [entry, 5000.0, 0.0]]
        assert filled["positions"] == [["ES", 2]]
        assert filled["ticks"] >= 3
        await go_on()
        exited = await step("exited")
        assert exited == {
            "exited": ["ES"],
            "listed": [],
            "positions": [0],
            "history": [["BUY", 2], ["SELL", 2]],
        }
        await go_on()
        with anyio.fail_after(30):
            assert await process.wait() == 0
