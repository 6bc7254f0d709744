import pytest
from tests.drivers.rithmic.gateway.client import HOUSE, logged_in

from fillbridge_rithmic.gateway import GatewaySettings, serve_gateway

pytestmark = pytest.mark.anyio

SETTINGS = GatewaySettings(market_orders="next-trade", first_id=1)
BRACKET = {
    "bracket_type": 6,
    "target_ticks": 40,
    "target_quantity": 3,
    "stop_ticks": 20,
    "stop_quantity": 3,
    "quantity": 3,
    "template": 330,
}


def working(gateway):
    return [
        (each.ticket.leg or "entry", each.left, each.price, each.trigger_price)
        for each in gateway.orders(working=True)
    ]


async def test_each_fill_of_an_entry_gets_legs_of_its_own_that_name_their_parent():
    async with serve_gateway(SETTINGS) as running, logged_in(running) as client:
        gateway = running.gateway
        row, _ = await client.order("T1", **BRACKET)
        gateway.trade("ES", 4989.0, 1)
        assert working(gateway) == [
            ("entry", 2, 4990.0, None),
            ("target", 1, 5000.0, None),
            ("stop", 1, None, 4985.0),
        ]
        gateway.trade("ES", 4989.0, 2)
        assert working(gateway) == [
            ("target", 1, 5000.0, None),
            ("stop", 1, None, 4985.0),
            ("target", 2, 5000.0, None),
            ("stop", 2, None, 4985.0),
        ]
        stop = await client.until(351, notify_type=18, quantity=2)
        assert stop.original_basket_id == row.basket_id
        assert not stop.HasField("user_tag")
        assert stop.linked_basket_ids


async def test_what_a_leg_closes_its_sibling_does_not_close_again():
    async with serve_gateway(SETTINGS) as running, logged_in(running) as client:
        gateway = running.gateway
        await client.order("T1", **BRACKET)
        gateway.trade("ES", 4989.0)
        gateway.trade("ES", 5001.0, 2)
        assert working(gateway) == [("target", 1, 5000.0, None), ("stop", 1, None, 4985.0)]
        changed = await client.until(352, notify_type=2)
        assert changed.modified_size == 1
        gateway.trade("ES", 4984.0)
        gateway.trade("ES", 5001.0)
        assert working(gateway) == []
        assert gateway.position("REHEARSAL", "ES") == 0


async def test_a_bracket_is_listed_and_moved_until_it_is_released():
    async with serve_gateway(SETTINGS) as running, logged_in(running) as client:
        gateway = running.gateway
        row, _ = await client.order("T1", **BRACKET)
        basket = {"basket_id": row.basket_id}
        target, _ = await client.ask(338, **HOUSE)
        assert (target.target_quantity, target.target_ticks) == ("3", "40")
        for level in ({}, {"level": 39}, {"level": 20}):
            (answer,) = await client.ask(332, **HOUSE, **basket, **level, target_ticks=44)
            assert list(answer.rp_code) == ["6", "level is invalid"]
        (answer,) = await client.ask(332, **HOUSE, **basket, level=40, target_ticks=44)
        assert list(answer.rp_code) == ["0"]
        assert (await client.until(353)).target_ticks == 44
        await client.ask(334, **HOUSE, **basket, level=20, stop_ticks=16)
        stop, _ = await client.ask(340, **HOUSE)
        assert (stop.stop_quantity_released, stop.stop_ticks) == ("0", "16")
        gateway.trade("ES", 4989.0)
        assert working(gateway) == [("target", 3, 5001.0, None), ("stop", 3, None, 4986.0)]
        (answer,) = await client.ask(338, **HOUSE)
        assert list(answer.rp_code) == ["7", "no data"]
        (answer,) = await client.ask(334, **HOUSE, **basket, level=16, stop_ticks=12)
        assert answer.rp_code[0] == "6"


async def test_an_exit_withdraws_the_legs_and_closes_under_the_name_of_a_window():
    async with serve_gateway(SETTINGS) as running, logged_in(running) as client:
        gateway = running.gateway
        (answer,) = await client.ask(3504, **HOUSE, symbol="ES", exchange="CME")
        assert answer.rp_code[0] == "7"
        await client.order("T1", **BRACKET)
        gateway.trade("ES", 4989.0)
        await client.ask(3504, **HOUSE, symbol="ES", exchange="CME", window_name="exit-1")
        (closing,) = gateway.orders(working=True)
        assert (closing.left, closing.ticket.window_name, closing.ticket.user_tag) == (
            3,
            "exit-1",
            None,
        )
        gateway.trade("ES", 4989.0)
        assert gateway.position("REHEARSAL", "ES") == 0


async def test_all_orders_are_cancelled_at_once():
    async with serve_gateway(SETTINGS) as running, logged_in(running) as client:
        await client.order("T1")
        await client.order("T2")
        (answer,) = await client.ask(346, **HOUSE, manual_or_auto=2)
        assert list(answer.rp_code) == ["0"]
        assert working(running.gateway) == []
        for _ in range(2):
            assert (await client.until(351, notify_type=15)).completion_reason == "C"


async def test_of_two_linked_orders_one_replaces_the_other():
    async with serve_gateway(SETTINGS) as running, logged_in(running) as client:
        gateway = running.gateway
        row, _ = await client.ask(
            328,
            **HOUSE,
            user_tag=["A", "B"],
            symbol=["ES", "ES"],
            exchange=["CME", "CME"],
            quantity=[2, 2],
            price=[4990.0, 5010.0],
            transaction_type=[1, 2],
            duration=[1, 1],
            price_type=[1, 1],
            manual_or_auto=[2, 2],
        )
        assert list(row.user_tag) == ["A", "B"]
        gateway.trade("ES", 4989.0, 1)
        assert [(each.ticket.user_tag, each.left) for each in gateway.orders(working=True)] == [
            ("A", 1),
            ("B", 1),
        ]
        gateway.trade("ES", 4989.0)
        assert working(gateway) == []


TWO = {
    "symbol": ["ES", "ES"],
    "exchange": ["CME", "CME"],
    "quantity": [2, 2],
    "price": [4990.0, 5010.0],
    "transaction_type": [1, 2],
    "duration": [1, 1],
    "price_type": [1, 1],
}


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"quantity": [2]}, "the orders differ in their number of fields"),
        ({"price": [4990.0]}, "the orders differ in their number of fields"),
        ({"symbol": ["ES", "NONE"]}, "NONE is not traded at CME"),
        ({"price": []}, "price field is not received."),
    ],
)
async def test_linked_orders_that_cannot_be_are_refused(wrong, text):
    async with serve_gateway(SETTINGS) as running, logged_in(running) as client:
        (answer,) = await client.ask(328, **HOUSE, **(TWO | wrong), cancel_after_secs=9)
        assert list(answer.rp_code) == ["6", text]
        assert running.gateway.orders() == []


async def test_a_bracket_is_moved_only_by_what_it_has():
    only_stop = {"template": 330, "bracket_type": 4, "stop_ticks": 20, "stop_quantity": 1}
    async with serve_gateway(SETTINGS) as running, logged_in(running) as client:
        row, _ = await client.order("T1", **only_stop)
        basket = HOUSE | {"basket_id": row.basket_id}
        (answer,) = await client.ask(332, **basket, target_ticks=9)
        assert list(answer.rp_code) == ["6", "target_ticks is invalid"]
        (answer,) = await client.ask(334, **basket, stop_ticks=0)
        assert list(answer.rp_code) == ["6", "stop_ticks is invalid"]
        (answer,) = await client.ask(338, **HOUSE)
        assert answer.rp_code[0] == "7"
        running.gateway.trade("ES", 4989.0)
        assert working(running.gateway) == [("stop", 1, None, 4985.0)]


async def test_a_list_shows_what_has_filled_in_part():
    async with serve_gateway(SETTINGS) as running, logged_in(running) as client:
        await client.order("T1", quantity=3)
        running.gateway.trade("ES", 4989.0, 1)
        await client.ask(320, **HOUSE)
        (shown,) = [each for each in client.notices(352) if each.is_snapshot]
        assert (shown.status, shown.total_fill_size, shown.total_unfilled_size) == ("partial", 1, 2)


async def test_a_trailing_stop_follows_the_market_and_says_so():
    trailing = BRACKET | {"bracket_type": 1, "trailing_stop_trigger_ticks": 4}
    async with serve_gateway(SETTINGS) as running, logged_in(running) as client:
        gateway = running.gateway
        await client.order("T1", **trailing)
        gateway.trade("ES", 4989.0)
        gateway.trade("ES", 4990.5)
        assert working(gateway)[-1] == ("stop", 3, None, 4985.0)
        gateway.trade("ES", 4992.0)
        assert working(gateway)[-1] == ("stop", 3, None, 4987.0)
        assert (await client.until(352, notify_type=2)).trigger_price == 4987.0
        gateway.trade("ES", 4990.0)
        assert working(gateway)[-1] == ("stop", 3, None, 4987.0)
