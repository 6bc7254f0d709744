"""What is asked for is what was ordered: every field, and nothing made up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.drivers.rithmic.orders.lives import PLACE, entry, legs

from fillbridge_hooks import ArrivalPrice, OrderRole, OrderType, Side, TimeInForce
from fillbridge_rithmic.orders.legs import legs_from, legs_of, window_name
from fillbridge_rithmic.orders.requests import Refusal, modify_order, new_order


def asked(order, its_legs=(), market_ticks=None):
    return new_order(order, legs_of(its_legs), PLACE, "simulator", 3, market_ticks)


def test_a_limit_order():
    assert asked(entry()) == (
        312,
        {
            "fcm_id": "F",
            "ib_id": "I",
            "account_id": "A1",
            "user_tag": "T1_ENTRY",
            "window_name": "T1_ENTRY",
            "symbol": "ESZ6",
            "exchange": "CME",
            "quantity": 3,
            "transaction_type": 1,
            "duration": 1,
            "trade_route": "simulator",
            "manual_or_auto": 2,
            "price_type": 1,
            "price": 5000.0,
        },
    )


@pytest.mark.parametrize(
    ("order_type", "limit", "trigger", "sent"),
    [
        (OrderType.MARKET, None, None, (2, None, None)),
        (OrderType.LIMIT, 20_000, None, (1, 5000.0, None)),
        (OrderType.STOP, None, 20_001, (4, None, 5000.25)),
        (OrderType.STOP_LIMIT, 20_002, 20_001, (3, 5000.5, 5000.25)),
    ],
)
def test_each_type_has_its_prices_and_no_others(order_type, limit, trigger, sent):
    _, fields = asked(entry(order_type=order_type, limit=limit, trigger_ticks=trigger))
    found = tuple(fields.get(name) for name in ("price_type", "price", "trigger_price"))
    assert found == sent


@pytest.mark.parametrize(
    ("time_in_force", "alone", "with_legs"),
    [
        (TimeInForce.DAY, 1, 2),
        (TimeInForce.GTC, 2, 2),
        (TimeInForce.IOC, 3, 3),
        (TimeInForce.FOK, 4, 4),
    ],
)
def test_legs_outlive_the_day(time_in_force, alone, with_legs):
    order = entry(time_in_force=time_in_force)
    assert asked(order)[1]["duration"] == alone
    assert asked(order, legs(order))[1]["duration"] == with_legs


def test_a_trailing_stop_trails():
    order = entry(
        order_type=OrderType.TRAILING_STOP, limit=None, trigger_ticks=19_960, trail_ticks=40
    )
    _, fields = asked(order)
    assert (fields["price_type"], fields["trigger_price"]) == (4, 4990.0)
    assert (fields["trailing_stop"], fields["trail_by_ticks"]) == (True, 40)


def test_a_bracket():
    order = entry()
    template, fields = asked(order, legs(order))
    assert template == 330
    assert fields["user_tag"] == "T1_ENTRY"
    assert fields["window_name"] == "_SL@19960 _TP@20040"
    assert (fields["stop_ticks"], fields["target_ticks"]) == (40, 40)
    assert (fields["stop_quantity"], fields["target_quantity"]) == (3, 3)
    assert (fields["bracket_type"], fields["user_type"]) == (6, 3)
    assert fields["stop_market_on_reject"] is True
    assert fields["manual_or_auto"] == 2


@pytest.mark.parametrize(("kept", "kind"), [(0, 4), (1, 5)])
def test_a_bracket_of_one_leg(kept, kind):
    order = entry()
    _, fields = asked(order, (legs(order)[kept],))
    assert fields["bracket_type"] == kind
    assert ("stop_market_on_reject" in fields) == (kind == 4)


def test_a_short_bracket_counts_the_other_way():
    order = entry(side=Side.SELL)
    _, fields = asked(order, legs(order, stop=20_040, target=19_950))
    assert (fields["stop_ticks"], fields["target_ticks"]) == (40, 50)


@pytest.mark.parametrize(
    ("arrival", "last", "distances"),
    [
        (ArrivalPrice(last=5000.0), 1, (40, 40)),
        (None, 20_010, (50, 30)),
    ],
)
def test_a_market_order_counts_from_where_the_market_is(arrival, last, distances):
    order = entry(order_type=OrderType.MARKET, limit=None, arrival=arrival)
    _, fields = asked(order, legs(order), last)
    assert (fields["stop_ticks"], fields["target_ticks"]) == distances


def test_a_bracket_without_any_price_to_count_from_is_refused():
    order = entry(order_type=OrderType.MARKET, limit=None)
    with pytest.raises(Refusal, match="legs: expected a price"):
        asked(order, legs(order))


def test_a_leg_on_the_wrong_side_is_refused():
    order = entry()
    with pytest.raises(Refusal, match="T1_SL: expected at least 1 tick"):
        asked(order, legs(order, stop=20_000))
    with pytest.raises(Refusal, match="T1_TP: expected at least 1 tick"):
        asked(order, legs(order, target=19_000))


@pytest.mark.parametrize(
    "fields",
    [
        {"limit": None},
        {"quantity": 0},
        {"name": ""},
        {"name": "ü_ENTRY"},
        {"order_type": OrderType.STOP, "limit": None},
        {"order_type": OrderType.STOP_LIMIT, "trigger_ticks": 1, "limit": None},
    ],
)
def test_what_cannot_be_asked_for_is_refused(fields):
    with pytest.raises(Refusal, match="expected"):
        asked(entry(**fields))


def test_a_change_says_every_term():
    template, fields = modify_order(
        PLACE, "7", "ESZ6", "CME", 2, OrderType.STOP_LIMIT, 5000.5, 5000.25
    )
    assert template == 314
    assert (fields["quantity"], fields["price_type"]) == (2, 3)
    assert (fields["price"], fields["trigger_price"]) == (5000.5, 5000.25)
    assert fields["manual_or_auto"] == 2


NAMES = st.text("ABCabc019-_", min_size=1, max_size=32)


@given(
    name=NAMES,
    own=st.none() | st.tuples(NAMES, NAMES),
    stop=st.integers(-10_000, 100_000),
    target=st.integers(-10_000, 100_000),
)
def test_the_legs_are_read_back_from_what_the_bracket_was_sent_with(name, own, stop, target):
    order = entry(f"{name}_ENTRY")
    given_legs = legs(order, stop, target)
    if own is not None:
        given_legs = tuple(
            replace(leg, client_order_id=each) for leg, each in zip(given_legs, own, strict=True)
        )
    found = legs_of(given_legs)
    assert legs_from(order.client_order_id, window_name(order.client_order_id, found)) == found


def test_legs_have_their_usual_ids_where_nothing_says_otherwise():
    found = legs_from("T1_ENTRY", "some window")
    names = {role: leg.client_order_id for role, leg in found.items()}
    assert names == {OrderRole.STOP: "T1_SL", OrderRole.TARGET: "T1_TP"}
    assert {leg.ticks for leg in found.values()} == {None}
