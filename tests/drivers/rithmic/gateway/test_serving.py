import anyio
import pytest
from tests.drivers.rithmic.gateway.client import HOUSE, Gone, connected, logged_in

from fillbridge_rithmic.gateway import GatewaySettings, serve_gateway

pytestmark = pytest.mark.anyio


async def test_the_systems_are_listed_and_the_connection_is_closed():
    async with serve_gateway() as running, connected(running) as client:
        (answer,) = await client.ask(16)
        assert list(answer.system_name) == ["Fillbridge Rehearsal"]
        with pytest.raises(Gone):
            await client.receive()


async def test_an_order_is_acknowledged_then_told_and_fills_when_the_market_comes():
    settings = GatewaySettings(market_orders="next-trade")
    async with serve_gateway(settings) as running, logged_in(running) as client:
        row, end = await client.order("T1", quantity=2)
        assert row.user_tag == "T1"
        assert row.basket_id
        assert list(end.rp_code) == ["0"]
        await client.until(351, notify_type=13)
        running.gateway.trade("ES", 4989.75, 1)
        fill = await client.until(352, notify_type=5)
        assert (fill.fill_price, fill.fill_size, fill.total_unfilled_size) == (4990.0, 1, 1)
        assert fill.user_tag == "T1"
        running.gateway.trade("ES", 4989.75)
        complete = await client.until(351, notify_type=15)
        assert complete.completion_reason == "F"
        assert running.gateway.position("REHEARSAL", "ES") == 2
        (end,) = await client.ask(320, **HOUSE)
        assert list(end.rp_code) == ["7", "no data"]
        fills = await client.ask(3506, **HOUSE, start_index=0, finish_index=2**31 - 1)
        assert list(fills[-1].rp_code) == ["0"]
        assert len([each for each in client.notices(352) if each.is_snapshot]) == 2


async def test_positions_are_told_at_the_pnl_plant():
    async with serve_gateway() as running, logged_in(running) as orders:
        running.gateway.trade("ES", 5000.0)
        async with logged_in(running, plant=4) as positions:
            await positions.ask(400, **HOUSE, request=1)
            await orders.order(price_type=2, price=None, quantity=3)
            told = await positions.until(450)
            assert (told.symbol, told.net_quantity) == ("ES", 3)
            assert not told.is_snapshot
            await positions.ask(402, **HOUSE)
            shown = [each for each in positions.heard if each.template_id == 450][-1]
            assert shown.is_snapshot


async def test_a_cancel_and_a_change_are_told_step_by_step():
    async with serve_gateway() as running, logged_in(running) as client:
        row, _ = await client.order("T1")
        await client.until(351, notify_type=13)
        await client.ask(314, **HOUSE, basket_id=row.basket_id, price=4991.0, quantity=2)
        changed = await client.until(351, notify_type=14)
        assert (changed.price, changed.quantity) == (4991.0, 2)
        await client.ask(316, **HOUSE, basket_id=row.basket_id)
        complete = await client.until(351, notify_type=15)
        assert complete.completion_reason == "C"


async def test_a_cut_breaks_every_connection_and_the_book_lives_on():
    async with serve_gateway() as running:
        async with logged_in(running) as client:
            await client.order("T1")
            await running.gateway.cut()
            await client.until_gone()
        async with logged_in(running) as client:
            await client.ask(320, **HOUSE)
            assert [each.user_tag for each in client.notices(352)] == ["T1"]
            assert len(running.gateway.orders("T1", working=True)) == 1
        with anyio.fail_after(20):
            while running.gateway.sessions:
                await anyio.lowlevel.checkpoint()
