from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.drivers.rithmic.gateway.client import HOUSE, Client, Gone, connected, logged_in

from fillbridge_hooks import InvalidValue
from fillbridge_rithmic.gateway import Contract, GatewaySettings, Route, serve_gateway
from fillbridge_rithmic.gateway.codec import BadFrame
from fillbridge_rithmic.gateway.faults import FAULTS, Faults

pytestmark = pytest.mark.anyio

SETTINGS = GatewaySettings(market_orders="next-trade", first_id=1)
BRACKET = {
    "bracket_type": 6,
    "target_ticks": 40,
    "target_quantity": 1,
    "stop_ticks": 20,
    "stop_quantity": 1,
    "template": 330,
}
ALL_TIME = {"start_index": 0, "finish_index": 2**31 - 1}


@pytest.fixture
async def running():
    async with serve_gateway(SETTINGS) as running:
        yield running


@pytest.fixture
async def gateway(running):
    return running.gateway


@pytest.fixture
async def client(running):
    async with logged_in(running) as client:
        yield client


async def settle(client: Client) -> list[Any]:
    """Everything that was sent before now."""
    await client.ask(18)
    heard, client.heard = client.heard, []
    return [each for each in heard if each.template_id not in (18, 19)]


def kinds(messages, *templates):
    return [
        (each.template_id, each.notify_type)
        for each in messages
        if each.template_id in (templates or (351, 352))
    ]


def test_every_fault_is_tested():
    text = Path(__file__).read_text()
    assert [name for name in FAULTS if f'"{name}"' not in text] == []


def test_only_faults_that_exist_are_armed():
    with pytest.raises(InvalidValue, match=r"fault: expected .*silence.*, was 'nonsense'"):
        Faults().arm("nonsense")
    with pytest.raises(InvalidValue, match="kinds: expected"):
        Faults().seed(1, kinds=("silence",))
    with pytest.raises(InvalidValue, match="rate: expected"):
        Faults().seed(1, rate=2)


def test_a_fault_waits_for_its_template_account_and_turn():
    faults = Faults()
    faults.arm("silence", template=312, account="A", times=2, after=1)
    assert not faults.take("silence", template=316, account="A")
    assert not faults.take("silence", template=312, account="B")
    happened = [bool(faults.take("silence", template=312, account="A")) for _ in range(4)]
    assert happened == [False, True, True, False]
    assert list(faults.happened) == ["silence", "silence"]


# Any request


async def test_a_connection_breaks_before_an_order_is_accepted(gateway, client):
    gateway.faults.arm("drop_before_accept", template=312)
    with pytest.raises(Gone):
        await client.order("T1")
    assert gateway.orders("T1") == []


async def test_a_connection_breaks_before_an_order_is_acknowledged(gateway, client):
    gateway.faults.arm("drop_before_ack", template=312)
    with pytest.raises(Gone):
        await client.order("T1")
    assert len(gateway.orders("T1", working=True)) == 1
    assert client.notices() == []


async def test_an_order_is_never_acknowledged_and_lives(gateway, client):
    gateway.faults.arm("ack_never", template=312)
    await client.send(312, **HOUSE, **MARKET, user_tag="T1")
    heard = await settle(client)
    assert kinds(heard)[0] == (351, 1)
    assert not [each for each in heard if each.template_id == 313]


MARKET = {
    "symbol": "ES",
    "exchange": "CME",
    "quantity": 1,
    "transaction_type": 1,
    "duration": 1,
    "price_type": 2,
}


async def test_an_acknowledgement_comes_late(gateway, client):
    gateway.faults.arm("ack_delayed", template=312, delay_s=0.05)
    await client.order("T1")
    templates = [each.template_id for each in client.heard]
    assert templates.index(351) < templates.index(313)


async def test_an_acknowledgement_comes_after_the_notifications(gateway, client):
    gateway.faults.arm("ack_after_notifications", template=312)
    await client.order("T1")
    templates = [each.template_id for each in client.heard if each.template_id != 309]
    assert templates[-2:] == [313, 313]
    assert 352 in templates


@pytest.mark.parametrize(("basket", "expected"), [(True, True), (False, False)])
async def test_an_acknowledgement_is_a_single_message(gateway, client, basket, expected):
    gateway.faults.arm("bare_ack", template=312, basket=basket)
    (answer,) = await client.order("T1")
    assert list(answer.rp_code) == ["0"]
    assert answer.HasField("basket_id") is expected
    assert len(gateway.orders("T1")) == 1


async def test_a_request_is_passed_over_in_silence(gateway, client):
    gateway.faults.arm("silence", template=312)
    await client.send(312, **HOUSE, **MARKET, user_tag="T1")
    await settle(client)
    assert gateway.orders() == []
    assert not [each for each in client.heard if each.template_id == 313]


async def test_a_request_is_rejected_or_refused_or_has_no_data(gateway, client):
    gateway.faults.arm("rejected", template=312)
    name = await client.send(312, **HOUSE, **MARKET, user_tag="T1")
    reject = await client.until(75)
    assert (list(reject.user_msg), list(reject.rp_code)) == ([name], ["6", "bad input"])
    text = "an error occurred while parsing data."
    gateway.faults.arm("refused", template=320, code="7", text=text)
    (answer,) = await client.ask(320, **HOUSE)
    assert list(answer.rp_code) == ["7", text]
    gateway.faults.arm("no_data", template=302)
    (answer,) = await client.ask(302)
    assert list(answer.rp_code) == ["7", "no data"]
    assert gateway.orders() == []


async def test_messages_come_in_several_frames(gateway, client):
    gateway.faults.arm("fragmented", template=302, parts=4)
    await client.ask(302)
    assert client.frames[-2:] == [4, 4]


async def test_messages_come_byte_by_byte(gateway, client):
    gateway.faults.arm("slow_drip", template=302, pause_s=0.0)
    row, _ = await client.ask(302)
    assert row.account_id == "REHEARSAL"


async def test_several_messages_come_in_one_websocket_message(gateway, client):
    gateway.faults.arm("coalesced", template=302)
    before = len(client.frames)
    row, end = await client.ask(302)
    assert (row.account_id, list(end.rp_code)) == ("REHEARSAL", ["0"])
    assert len(client.frames) == before + 1


async def test_a_connection_is_half_open(gateway, client):
    gateway.faults.arm("half_open", template=18)
    await client.send(18)
    assert await client.hears_nothing_of_an_order()
    assert gateway.orders() == []
    assert len(gateway.sessions) == 1


# Login


async def test_there_is_no_system(running):
    running.gateway.faults.arm("no_system")
    async with connected(running) as client:
        (answer,) = await client.ask(16)
        assert list(answer.system_name) == []


async def test_a_login_is_denied(running):
    running.gateway.faults.arm("login_denied")
    async with connected(running) as client:
        answer = await client.log_in()
        assert list(answer.rp_code) == ["13", "permission denied"]
        await client.until_gone()


async def test_heartbeats_fail(gateway, client):
    gateway.faults.arm("heartbeat_error")
    (answer,) = await client.ask(18)
    assert answer.rp_code[0] != "0"
    gateway.faults.arm("heartbeat_unanswered")
    unanswered = await client.send(18)
    await client.ask(18)
    assert not [each for each in client.notices(19) if unanswered in each.user_msg]


@pytest.mark.parametrize(
    ("fault", "seen"),
    [
        ("route_down", lambda rows: {row.status for row in rows} == {"DOWN"}),
        ("no_default_route", lambda rows: not any(row.is_default for row in rows)),
        ("two_houses", lambda rows: {row.fcm_id for row in rows} == {"FCM", "OTHER-FCM"}),
    ],
)
async def test_trade_routes_are_not_as_expected(gateway, client, fault, seen):
    *rows, _ = await client.ask(310)
    assert not seen(rows)
    gateway.faults.arm(fault)
    *rows, _ = await client.ask(310)
    assert seen(rows)


async def test_a_change_of_a_route_is_told_to_who_asked_for_it(gateway, client):
    await client.ask(310, subscribe_for_updates=True)
    gateway.audience.tell_route(Route(exchange="CME", status="DOWN"))
    told = await client.until(350)
    assert (told.exchange, told.status) == ("CME", "DOWN")


# Rows


async def test_rows_are_missing_late_or_of_others(gateway, client):
    await client.order("T1")
    await client.order("T2")
    await settle(client)

    async def rows():
        (end,) = await client.ask(320, **HOUSE)
        heard = [each for each in client.heard if each.template_id in (321, 352)]
        late = [each for each in await settle(client) if each.template_id == 352]
        return heard[:-1] + late[len(heard) - 1 :], list(end.rp_code), len(heard) - 1

    assert [each.user_tag for each in (await rows())[0]] == ["T1", "T2"]
    gateway.faults.arm("no_rows", template=320)
    assert await rows() == ([], ["0"], 0)
    gateway.faults.arm("rows_truncated", template=320)
    assert [each.user_tag for each in (await rows())[0]] == ["T1"]
    gateway.faults.arm("rows_after_end", template=320)
    found, _, before_end = await rows()
    assert ([each.user_tag for each in found], before_end) == (["T1", "T2"], 0)
    gateway.faults.arm("rows_of_other_account", template=320)
    assert {each.account_id for each in (await rows())[0]} == {"SOMEBODY-ELSE"}
    gateway.faults.arm("rows_with_blank_account", template=320)
    assert {each.account_id for each in (await rows())[0]} == {""}
    gateway.faults.arm("rows_without_quantity", template=320)
    found = (await rows())[0]
    assert [(each.HasField("quantity"), each.total_unfilled_size) for each in found] == [
        (False, 1),
        (False, 1),
    ]
    gateway.faults.arm("rows_with_minus_one", template=320)
    assert {each.trigger_price for each in (await rows())[0]} == {-1.0}
    gateway.faults.arm("handler_no_data", template=302)
    row, end = await client.ask(302)
    assert (row.rq_handler_rp_code[0], list(end.rp_code)) == ("7", ["0"])


@pytest.mark.parametrize(
    "fault",
    [
        "rows_of_other_account",
        "rows_with_blank_account",
        "rows_with_minus_one",
        "rows_without_quantity",
    ],
)
async def test_rows_without_what_a_fault_spoils_stay_as_they_are(gateway, client, fault):
    await client.order("T1", **BRACKET)
    gateway.faults.arm(fault, template=338)
    row, end = await client.ask(338, **HOUSE)
    assert (row.target_ticks, row.target_quantity, list(end.rp_code)) == ("40", "1", ["0"])


async def test_a_row_is_older_than_what_was_told_before_it(gateway, client):
    await client.order("T1")
    await settle(client)
    gateway.faults.arm("stale_rows", template=320)
    await client.ask(320, **HOUSE)
    heard = [each for each in client.heard if each.template_id in (351, 352)]
    assert kinds(heard) == [(352, 5), (351, 15), (352, 1)]
    assert heard[-1].is_snapshot


async def test_a_connection_breaks_amid_rows(gateway, client):
    await client.order("T1")
    await client.order("T2")
    gateway.faults.arm("drop_mid_rows", template=320)
    with pytest.raises(Gone):
        await client.ask(320, **HOUSE)
    assert not client.notices(321)


# Orders


async def test_an_order_is_refused_in_its_answer(gateway, client):
    gateway.faults.arm("rejected_in_answer", code="1062", text="no such route")
    (answer,) = await client.order("T1")
    assert list(answer.rp_code) == ["1062", "no such route"]
    assert gateway.orders() == []


@pytest.mark.parametrize(
    ("fault", "reason", "text", "by_exchange"),
    [
        ("rejected_by_risk", "R", "Rejected at RMS - Available margin exhausted", False),
        ("rejected_at_exchange", "R", "Rejected at exchange", True),
        (
            "rejected_as_bracket",
            "FA",
            "The bracket order management system rejected request",
            False,
        ),
    ],
)
async def test_an_order_is_taken_and_then_rejected(
    gateway, client, fault, reason, text, by_exchange
):
    gateway.faults.arm(fault)
    *_, end = await client.order("T1")
    assert list(end.rp_code) == ["0"]
    told = await client.until(351, notify_type=15)
    assert (told.completion_reason, told.text, told.user_tag) == (reason, text, "T1")
    assert ((352, 6) in kinds(client.heard)) is by_exchange
    assert gateway.orders("T1", working=True) == []


async def test_a_change_is_refused_and_the_order_works_on(gateway, client):
    row, _ = await client.order("T1")
    basket = HOUSE | {"basket_id": row.basket_id}
    await settle(client)
    for template, notices, fault in (
        (314, [(352, 7), (351, 16)], "not_modified"),
        (316, [(352, 8), (351, 17)], "not_cancelled"),
        (314, [(352, 7), (351, 16)], "atomic_operation"),
        (316, [(352, 8), (351, 17)], "atomic_operation"),
    ):
        gateway.faults.arm(fault, template=template)
        await client.ask(template, **basket, price=4980.0) if template == 314 else await client.ask(
            template, **basket
        )
        heard = await settle(client)
        assert kinds(heard) == notices
        if fault == "atomic_operation":
            assert heard[-1].text == "Atomic order operation in progress"
    assert gateway.orders("T1", working=True)[0].price == 4990.0


async def test_a_fill_wins_over_a_change(gateway, client):
    row, _ = await client.order("T1", quantity=2)
    basket = HOUSE | {"basket_id": row.basket_id}
    await settle(client)
    gateway.faults.arm("fill_before_modify", size=1)
    await client.ask(314, **basket, price=4991.0)
    assert kinds(await settle(client), 352) == [(352, 5), (352, 2)]
    gateway.faults.arm("fill_before_modify")
    await client.ask(314, **basket, price=4992.0)
    assert kinds(await settle(client), 352) == [(352, 5), (352, 7)]
    assert gateway.position("REHEARSAL", "ES") == 2


@pytest.mark.parametrize(
    ("size", "reason", "reports"),
    [(1, "PFBC", [5, 3]), (2, "F", [5, 8])],
)
async def test_an_order_fills_while_it_is_cancelled(gateway, client, size, reason, reports):
    row, _ = await client.order("T1", quantity=2)
    await settle(client)
    gateway.faults.arm("fill_while_cancelling", size=size)
    await client.ask(316, **HOUSE, basket_id=row.basket_id)
    heard = await settle(client)
    assert [kind for _, kind in kinds(heard, 352)] == reports
    (complete,) = [each for each in heard if each.template_id == 351 and each.notify_type == 15]
    assert complete.completion_reason == reason
    pending = kinds(heard).index((351, 6))
    assert pending < kinds(heard).index((352, 5))


async def test_half_of_the_orders_are_left_by_a_cancel_of_all(gateway, client):
    await client.order("T1")
    await client.order("T2")
    gateway.faults.arm("cancel_all_partly")
    await client.ask(346, **HOUSE)
    assert [each.ticket.user_tag for each in gateway.orders(working=True)] == ["T2"]


async def test_a_bracket_cannot_be_moved(gateway, client):
    row, _ = await client.order("T1", **BRACKET)
    gateway.faults.arm("level_wrong")
    (answer,) = await client.ask(334, **HOUSE, basket_id=row.basket_id, level=20, stop_ticks=10)
    assert list(answer.rp_code) == ["6", "level is invalid"]
    assert gateway.orders("T1")[0].ticket.bracket.stop_ticks == 20


@pytest.mark.parametrize("market_on_reject", [True, False])
async def test_the_stop_of_a_bracket_is_rejected(gateway, client, market_on_reject):
    await client.order("T1", **BRACKET, stop_market_on_reject=market_on_reject)
    gateway.faults.arm("stop_leg_rejected")
    gateway.trade("ES", 4989.0)
    await client.until(352, notify_type=6)
    gateway.trade("ES", 4989.0)
    held = 0 if market_on_reject else 1
    assert gateway.position("REHEARSAL", "ES") == held
    assert len(gateway.orders(working=True)) == held


async def test_an_order_fills_for_more_than_it_asked_for(gateway, client):
    await client.order("T1", quantity=2)
    gateway.faults.arm("overfill")
    gateway.trade("ES", 4989.0)
    fill = await client.until(352, notify_type=5)
    assert (fill.fill_size, fill.total_fill_size) == (3, 3)
    assert gateway.position("REHEARSAL", "ES") == 3


async def test_cancels_of_what_is_complete_end_the_session(running):
    settings = GatewaySettings(market_orders="next-trade", max_futile_cancels=2)
    async with serve_gateway(settings) as strict, logged_in(strict) as client:
        row, _ = await client.order("T1")
        strict.gateway.trade("ES", 4989.0)
        await client.ask(316, **HOUSE, basket_id=row.basket_id)
        refused = await client.until(351, notify_type=17)
        assert "Order is complete" in refused.text
        await client.send(316, **HOUSE, basket_id=row.basket_id)
        await client.until(77)
        await client.until_gone()


# Positions and market data


async def test_positions_disagree(running, gateway, client):
    await client.order("T1")
    gateway.trade("ES", 4989.0)
    gateway.faults.arm("net_disagrees", by=2)
    async with logged_in(running, plant=4) as positions:
        await positions.ask(402, **HOUSE)
        assert [each.net_quantity for each in positions.notices(450)] == [3]


async def test_market_data_comes_without_a_price(running, gateway):
    gateway.trade("ES", 5000.0)
    async with logged_in(running, plant=1) as ticker:
        await ticker.ask(100, symbol="ES", exchange="CME", request=1, update_bits=3)
        (snapshot,) = ticker.notices(150, 151)
        assert (snapshot.trade_price, snapshot.is_snapshot) == (5000.0, True)
        gateway.quote("ES", 4999.75, 5000.0)
        quote = await ticker.until(151)
        assert (quote.bid_price, quote.ask_price, quote.presence_bits) == (4999.75, 5000.0, 3)
        gateway.faults.arm("cleared_quote")
        gateway.quote("ES", 4999.75, 5000.0)
        cleared = await ticker.until(151)
        assert (cleared.presence_bits, cleared.clear_bits) == (0, 3)
        gateway.faults.arm("only_derived_fields")
        gateway.trade("ES", 5000.0)
        derived = await ticker.until(150)
        assert not derived.HasField("trade_price")
        await ticker.ask(100, symbol="ES", exchange="CME", request=2, update_bits=3)
        gateway.trade("ES", 5001.0)
        (answer,) = await ticker.ask(18)
        assert ticker.heard[-2] is not answer
        assert ticker.heard[-2].template_id == 101


# The stream of notifications


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("duplicated", [(352, 5), (352, 5), (351, 15)]),
        ("lost", [(351, 15)]),
        ("complete_before_fill", [(351, 15), (352, 5)]),
        ("swapped", [(351, 15), (352, 5)]),
        ("unknown_notify_type", [(352, 22), (352, 5), (351, 15)]),
        ("other_account", [(352, 5), (352, 5), (351, 15)]),
    ],
)
async def test_the_notice_of_a_fill_goes_wrong(gateway, client, fault, expected):
    await client.order("T1")
    await settle(client)
    gateway.faults.arm(fault, template=352, notify_type=5)
    gateway.trade("ES", 4989.0)
    assert kinds(await settle(client)) == expected


async def test_a_notice_comes_late(gateway, client):
    await client.order("T1")
    await settle(client)
    gateway.faults.arm("late", template=352, notify_type=5, delay_s=0.05)
    gateway.trade("ES", 4989.0)
    assert kinds(await settle(client)) == [(351, 15)]
    await client.until(352, notify_type=5)


async def test_what_was_kept_back_for_a_notice_that_never_comes_is_told_all_the_same(
    gateway, client
):
    gateway.faults.arm("open_after_fill")
    await client.order("T1")
    told = await client.until(351, notify_type=13)
    assert told.user_tag == "T1"
    assert (352, 5) not in kinds(client.heard)


async def test_an_order_is_open_and_triggered_after_it_has_filled(gateway, client):
    gateway.faults.arm("open_after_fill")
    gateway.faults.arm("trigger_after_fill")
    await client.order("T1", price_type=4, trigger_price=5001.0, price=None)
    gateway.trade("ES", 5001.0)
    heard = kinds(await settle(client))
    filled = heard.index((352, 5))
    assert filled < heard.index((351, 13))
    assert filled < heard.index((352, 4))


@pytest.mark.parametrize(
    ("fault", "field", "value"),
    [
        ("blank_account", "account_id", ""),
        ("zero_quantity", "quantity", 0),
        ("price_minus_one", "trigger_price", -1.0),
    ],
)
async def test_a_notice_has_odd_values(gateway, client, fault, field, value):
    gateway.faults.arm(fault, template=351, notify_type=13)
    await client.order("T1")
    told = await client.until(351, notify_type=13)
    assert getattr(told, field) == value


async def test_messages_come_that_nobody_understands(gateway, client):
    gateway.faults.arm("unknown_template", template=351, notify_type=1)
    await client.order("T1")
    await client.until(351, notify_type=13)
    assert 358 in [each.template_id for each in client.heard]
    gateway.faults.arm("undecodable", template=352)
    gateway.trade("ES", 4989.0)
    with pytest.raises(BadFrame):
        await client.until(351, notify_type=15)
    await client.until(351, notify_type=15)


async def test_the_same_seed_spoils_the_same_notices():
    async def heard_with(seed):
        contracts = (Contract(symbol="ES"),)
        settings = GatewaySettings(market_orders="next-trade", first_id=1, contracts=contracts)
        async with serve_gateway(settings) as running, logged_in(running) as client:
            kinds_of_time = ("duplicated", "swapped", "unknown_notify_type", "zero_quantity")
            running.gateway.faults.seed(seed, 0.3, kinds_of_time)
            for number in range(10):
                await client.order(f"T{number}")
                running.gateway.trade("ES", 4989.0)
            heard = kinds(await settle(client))
            assert running.gateway.position("REHEARSAL", "ES") == 10
            return heard, list(running.gateway.faults.happened)

    first, second, other = await heard_with(7), await heard_with(7), await heard_with(8)
    assert first == second
    assert first != other
    assert len(first[1]) > 10


async def test_another_account_is_heard_of_by_nobody_who_did_not_ask(gateway, client):
    gateway.faults.arm("other_account", template=352, notify_type=5)
    await client.order("T1")
    gateway.trade("ES", 4989.0)
    await client.until(351, notify_type=15)
    accounts = [each.account_id for each in client.notices(352) if each.notify_type == 5]
    assert accounts == ["SOMEBODY-ELSE", "REHEARSAL"]


async def test_a_user_is_kicked(gateway, client):
    gateway.kick("nobody")
    await client.ask(18)
    assert len(gateway.sessions) == 1
    gateway.kick("rehearsal")
    await client.until_gone()
    assert client.heard[-1].template_id == 77


async def test_a_second_login_ends_the_first(running, client):
    (first,) = running.gateway.sessions
    async with logged_in(running) as second:
        await client.until_gone()
        assert client.heard[-1].template_id == 77
        with anyio.fail_after(20):
            while first in running.gateway.sessions:
                await anyio.lowlevel.checkpoint()
        (answer,) = await second.ask(18)
        assert answer.template_id == 19


async def test_all_connections_can_be_half_open(gateway, client):
    gateway.half_open()
    assert await client.hears_nothing_of_an_order()
