"""Numbers that are none never reach prices or positions."""

import math

import msgspec
import pytest

from fillbridge.live.inspection import objection
from fillbridge_hooks import (
    Accepted,
    BrokerMargin,
    Cancelled,
    Expired,
    OrderType,
    QuoteTick,
    Replaced,
    TradeTick,
)

NO_PRICES = [math.nan, math.inf, -math.inf, 0.0, -1.0, None, "4000"]
NO_QUANTITIES = [0, -1, math.nan, math.inf, None]


@pytest.fixture
def fill(world):
    trade_id = world.propose()
    world.exchange()
    return world.house.fill(f"{trade_id}_ENTRY")


def test_what_is_sound_is_let_through(fill):
    for message in (
        fill,
        TradeTick(1, 4000.0, 1, "ES"),
        QuoteTick(1, 4000.0, 0, 4000.25, 3, "ES"),
        Replaced("A", 1, OrderType.STOP, None, 15_000, 1),
        Accepted("A", "B", 1),
        Cancelled("A", "asked", 1),
        BrokerMargin(available=-1.5, needed={"ES": 15_000.0}, time_ns=1),
        Cancelled("A", "asked", 1, 0),
        Expired("A", "over", 1, 2),
    ):
        assert objection(message) is None


@pytest.mark.parametrize("value", NO_PRICES)
@pytest.mark.parametrize("field", ["bid", "ask"])
def test_a_quote_needs_prices(field, value):
    quote = msgspec.structs.replace(QuoteTick(1, 4000.0, 1, 4000.25, 1, "ES"), **{field: value})
    expected = f"quote ES {field}: expected a finite price > 0, was {value!r}"
    assert str(objection(quote)) == expected


@pytest.mark.parametrize("value", NO_PRICES)
def test_a_trade_and_a_fill_need_a_price(fill, value):
    trade = TradeTick(1, value, 1, "ES")
    assert str(objection(trade)) == f"trade ES price: expected a finite price > 0, was {value!r}"
    bad = msgspec.structs.replace(fill, price=value)
    assert objection(bad).field == f"fill F1 of {fill.client_order_id} price"


@pytest.mark.parametrize("value", NO_QUANTITIES)
def test_a_trade_a_fill_and_a_change_need_a_quantity(fill, value):
    for message, field in (
        (TradeTick(1, 4000.0, value, "ES"), "trade ES size"),
        (msgspec.structs.replace(fill, quantity=value), f"fill F1 of {fill.client_order_id}"),
        (Replaced("A", value, OrderType.STOP, None, 15_000, 1), "change of A quantity"),
    ):
        refused = objection(message)
        assert refused.field.startswith(field)
        assert refused.expected == "a finite quantity > 0"


@pytest.mark.parametrize("message", [None, {"price": 1}, "filled"])
def test_what_is_no_message_is_none(message):
    assert str(objection(message)) == f"message: expected a report or a price, was {message!r}"


@pytest.mark.parametrize("kind", [Cancelled, Expired])
@pytest.mark.parametrize("value", [-1, 1.5, "2"])
def test_an_end_may_say_a_sum_that_can_be(kind, value):
    refused = objection(kind("A", "over", 1, value))
    assert str(refused) == (
        f"end of A cumulative_quantity: expected a quantity >= 0, was {value!r}"
    )


@pytest.mark.parametrize("value", [math.nan, math.inf, None, "1"])
def test_a_margin_needs_amounts(value):
    for margin, field in (
        (BrokerMargin(available=value, time_ns=1), "margin available"),
        (BrokerMargin(available=1.0, needed={"ES": value}, time_ns=1), "margin needed.ES"),
    ):
        assert str(objection(margin)) == f"{field}: expected a finite amount, was {value!r}"


@pytest.mark.parametrize("value", [math.nan, math.inf, "1"])
def test_limits_of_the_broker_are_amounts_too(value):
    for margin, field in (
        (BrokerMargin(available=1.0, loss_limit=value, time_ns=1), "margin loss_limit"),
        (
            BrokerMargin(available=1.0, max_order_quantity={"ES": value}, time_ns=1),
            "margin max_order_quantity.ES",
        ),
    ):
        assert str(objection(margin)) == f"{field}: expected a finite amount, was {value!r}"
