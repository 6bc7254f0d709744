import anyio
import pytest
from tests.drivers.rithmic.gateway.client import HOUSE, connected, logged_in

from fillbridge_rithmic.gateway import Account, Gateway, GatewaySettings, User, serve_gateway
from fillbridge_rithmic.gateway.clock import SECOND_NS, system_time_ns, trade_date

pytestmark = pytest.mark.anyio

PASSWORD = {"password": "p"}
ALL_TIME = {"start_index": 0, "finish_index": 2**31 - 1}


async def test_nothing_is_done_before_a_login():
    async with serve_gateway() as running, connected(running) as client:
        name = await client.send(312, **HOUSE, symbol="ES", exchange="CME", quantity=1)
        reject = await client.until(75)
        assert (list(reject.user_msg), reject.rp_code[0]) == ([name], "13")
        assert running.gateway.orders() == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"user": "nobody"},
        {"password": "wrong"},
        {"system_name": "no such system"},
        {"infra_type": 9},
    ],
)
async def test_a_login_is_denied_and_no_password_is_remembered(wrong):
    async with serve_gateway() as running, connected(running) as client:
        answer = await client.log_in(**wrong)
        assert list(answer.rp_code) == ["13", "permission denied"]
        await client.until_gone()
        (received,) = running.gateway.received
        assert not received.message.HasField("password")
        assert "wrong" not in str(received)


async def test_a_plant_rejects_the_requests_of_another():
    async with serve_gateway() as running, logged_in(running, plant=4) as client:
        await client.send(312, **HOUSE, symbol="ES", exchange="CME", quantity=1)
        assert list((await client.until(75)).rp_code) == ["6", "bad input"]


async def test_requests_name_the_whole_account():
    async with serve_gateway() as running, logged_in(running) as client:
        (answer,) = await client.ask(320, account_id="REHEARSAL")
        assert list(answer.rp_code) == ["1039", "FCM Id field is not received."]
        (answer,) = await client.ask(320, **(HOUSE | {"account_id": "OTHER"}))
        assert answer.rp_code[0] == "13"


async def test_who_logs_in_is_told_who_they_are_and_what_they_may_trade():
    settings = GatewaySettings(
        accounts=(Account(account_id="A"), Account(account_id="B", fcm_id="G")),
        users=(User(name="u", **PASSWORD, accounts=("B",)), User(name="v", **PASSWORD)),
        max_sessions=3,
        heartbeat_interval_s=12.5,
    )
    async with serve_gateway(settings) as running, connected(running) as client:
        answer = await client.log_in(user="u", **PASSWORD)
        assert (answer.fcm_id, answer.heartbeat_interval) == ("G", 12.5)
        (info,) = await client.ask(300)
        assert (info.user, info.op_max_session_count, info.user_type) == ("u", 3, 3)
        *accounts, _ = await client.ask(302)
        assert [each.account_id for each in accounts] == ["B"]
        *limits, _ = await client.ask(304)
        assert [each.account_id for each in limits] == ["B"]
        *products, _ = await client.ask(306, fcm_id="G", ib_id="IB", account_id="B")
        assert {each.product_code for each in products} == {"ES", "MES", "NQ", "CL"}
        async with logged_in(running, user="v", **PASSWORD, plant=4) as other:
            *accounts, _ = await other.ask(302)
            assert [each.account_id for each in accounts] == ["A", "B"]


async def test_only_who_subscribes_hears_and_only_of_their_account():
    settings = GatewaySettings(accounts=(Account(account_id="A"), Account(account_id="B")))
    house = HOUSE | {"account_id": "A"}
    async with serve_gateway(settings) as running, connected(running) as client:
        await client.log_in()
        await client.order(**house)
        await client.ask(18)
        assert client.notices() == []
        await client.ask(308, **house)
        await client.order(**(house | {"account_id": "B"}))
        await client.ask(18)
        assert client.notices() == []
        await client.order(**house)
        await client.until(351, notify_type=13)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"price": None}, "price field is not received."),
        ({"price": 4990.1}, "price 4990.1 is not on a tick of 0.25"),
        ({"price_type": 4}, "trigger price field is not received."),
        ({"quantity": 0}, "quantity is invalid"),
        ({"symbol": "NONE"}, "NONE is not traded at CME"),
        ({"exchange": "NYMEX"}, "ES is not traded at NYMEX"),
        ({"duration": 9}, "9 is not a valid Duration"),
        ({"template": 330, "bracket_type": 4}, "stop ticks field is not received."),
        (
            {"template": 330, "bracket_type": 4, "stop_ticks": 4, "stop_quantity": 2},
            "stop quantity is invalid",
        ),
        ({"template": 330, "bracket_type": 9}, "9 is not a valid BracketType"),
    ],
)
async def test_an_order_that_cannot_be_is_refused(fields, text):
    async with serve_gateway() as running, logged_in(running) as client:
        (answer,) = await client.order(**fields)
        assert list(answer.rp_code) == ["6", text]
        assert running.gateway.orders() == []


async def test_an_order_that_is_too_large_is_rejected_by_the_risk_management():
    settings = GatewaySettings(accounts=(Account(account_id="REHEARSAL", max_order_quantity=5),))
    async with serve_gateway(settings) as running, logged_in(running) as client:
        await client.order(quantity=6)
        told = await client.until(351, notify_type=15)
        assert (told.completion_reason, told.text) == (
            "R",
            "Rejected at RMS - quantity is above 5",
        )


async def test_an_order_that_is_sent_twice_is_two_orders():
    async with serve_gateway() as running, logged_in(running) as client:
        await client.order("T1")
        await client.order("T1")
        assert len(running.gateway.orders("T1", working=True)) == 2


async def test_a_stop_is_not_changed_by_a_price_that_is_not_its_own():
    async with serve_gateway() as running, logged_in(running) as client:
        row, _ = await client.order("T1", price_type=4, price=None, trigger_price=5010.0)
        assert (await client.until(351, notify_type=18)).status == "trigger pending"
        await client.ask(314, **HOUSE, basket_id=row.basket_id, price=5020.0)
        (order,) = running.gateway.orders("T1")
        assert (order.price, order.trigger_price) == (None, 5010.0)
        await client.ask(314, **HOUSE, basket_id=row.basket_id, trigger_price=5020.0)
        assert order.trigger_price == 5020.0
        changed = await client.until(352, trigger_price=5020.0)
        assert changed.status == "modified, trigger pending"


async def test_what_cannot_be_changed_is_refused():
    async with serve_gateway() as running, logged_in(running) as client:
        for template in (314, 316, 332, 334):
            (answer,) = await client.ask(template, **HOUSE, basket_id="1")
            assert list(answer.rp_code) == ["1062", "basket id is unknown"]
        row, _ = await client.order("T1")
        basket = HOUSE | {"basket_id": row.basket_id}
        (answer,) = await client.ask(314, **basket, price=4990.1)
        assert answer.rp_code[0] == "6"
        (answer,) = await client.ask(314, **basket, price_type=9)
        assert answer.rp_code[0] == "6"
        running.gateway.trade("ES", 4989.0)
        await client.ask(314, **basket, price=4991.0)
        assert (await client.until(351, notify_type=16)).text == "Order is complete"


async def test_an_order_is_cancelled_when_its_time_is_up():
    async with serve_gateway() as running, logged_in(running) as client:
        await client.order("T1", cancel_after_secs=0)
        assert (await client.until(351, notify_type=15)).completion_reason == "C"
        await client.order("T2", duration=2)
        await client.order("T3")
        running.gateway.end_day()
        assert [each.ticket.user_tag for each in running.gateway.orders(working=True)] == ["T2"]


async def test_what_is_over_can_be_asked_for():
    today = trade_date(system_time_ns())
    async with serve_gateway() as running, logged_in(running) as client:
        (none,) = await client.ask(318)
        assert none.rp_code[0] == "7"
        first, _ = await client.order("T1", quantity=2)
        second, _ = await client.order("T2", price=4980.0)
        running.gateway.trade("ES", 4989.0, 1)
        running.gateway.trade("ES", 4989.0)
        await client.ask(316, **HOUSE, basket_id=second.basket_id)
        (dates,) = await client.ask(318)
        assert list(dates.date) == [today]
        client.heard.clear()
        await client.ask(324, **HOUSE, date=today)
        summary = client.notices()
        assert [(each.user_tag, each.notify_type) for each in summary] == [
            ("T1", 5),
            ("T1", 15),
            ("T2", 3),
            ("T2", 15),
        ]
        assert all(each.is_snapshot for each in summary)
        client.heard.clear()
        await client.ask(322, **HOUSE, basket_id=first.basket_id)
        history = client.notices()
        assert [each.notify_type for each in history if each.template_id == 352] == [1, 5, 5]
        client.heard.clear()
        await client.ask(326, **HOUSE, basket_id=first.basket_id, date=today)
        assert len(client.notices()) == len(history)
        (end,) = await client.ask(326, **HOUSE, basket_id=first.basket_id, date="20200101")
        assert end.rp_code[0] == "7"
        *fills, _ = await client.ask(3512, **HOUSE, **ALL_TIME, index_format="ssboe")
        assert [(each.fill_size, each.transaction_type) for each in fills] == [(1, "BUY")] * 2
        *fills, _ = await client.ask(3512, **HOUSE, **ALL_TIME, max_record_count=1)
        assert len(fills) == 1
        (end,) = await client.ask(3506, **HOUSE, start_index=0, finish_index=1)
        assert end.rp_code[0] == "7"


async def test_a_contract_is_described():
    async with serve_gateway() as running, logged_in(running, plant=1) as client:
        (answer,) = await client.ask(14, symbol="ESZ6", exchange="CME")
        assert (answer.min_qprice_change, answer.single_point_value) == (0.25, 50.0)
        for template in (14, 100):
            (answer,) = await client.ask(template, symbol="NONE", exchange="CME")
            assert answer.rp_code[0] == "7"


async def test_a_position_is_valued_as_the_market_moves_but_not_more_than_once_a_second():
    now_ns = 1_800_000_000 * SECOND_NS
    gateway = Gateway(GatewaySettings(), now_ns=lambda: now_ns)
    async with serve_gateway(gateway=gateway) as running, logged_in(running, plant=4) as client:
        gateway.trade("ES", 5000.0)
        await client.ask(400, **HOUSE, request=1)
        async with logged_in(running) as orders:
            await orders.order(price_type=2, price=None)
        for number in range(1, 5):
            now_ns += 400_000_000
            gateway.trade("ES", 5000.0 + number)
        await client.ask(400, **HOUSE, request=2)
        now_ns += SECOND_NS
        gateway.trade("ES", 6000.0)
        await client.ask(18)
        told = [each.open_position_pnl for each in client.notices(450)]
        assert told == ["0.00", "150.00"]


async def test_who_has_no_account_has_no_house():
    user = User(name="u", **PASSWORD, accounts=("NONE",))
    settings = GatewaySettings(users=(user,))
    async with serve_gateway(settings) as running, connected(running) as client:
        answer = await client.log_in(user="u", **PASSWORD)
        assert not answer.HasField("fcm_id")
        (none,) = await client.ask(302)
        assert list(none.rp_code) == ["7", "no data"]


async def test_market_data_is_told_in_the_parts_that_are_wished():
    async with serve_gateway() as running, logged_in(running, plant=1) as client:
        gateway = running.gateway
        await client.ask(100, symbol="ES", exchange="CME", request=1, update_bits=3)
        assert client.notices(150, 151) == []
        gateway.trade("ES", 5000.0)
        gateway.quote("ES", 4999.75, None)
        quote = await client.until(151)
        assert (quote.presence_bits, quote.clear_bits) == (1, 2)
        for bits, templates in ((1, [150]), (2, [151])):
            client.heard.clear()
            await client.ask(100, symbol="ES", exchange="CME", request=1, update_bits=bits)
            assert [each.template_id for each in client.notices(150, 151)] == templates


async def test_a_session_can_be_left():
    async with serve_gateway() as running, logged_in(running) as client:
        (answer,) = await client.ask(12)
        assert list(answer.rp_code) == ["0"]
        await client.until_gone()
        with anyio.fail_after(20):
            while running.gateway.sessions:
                await anyio.lowlevel.checkpoint()
