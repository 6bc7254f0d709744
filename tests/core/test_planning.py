"""A proposal becomes a plan, or a sentence that names field, value and rule."""

import math
import re
from fractions import Fraction

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fillbridge.planning import REMAINDER_SECONDS, plan_trade
from fillbridge_hooks import (
    ArrivalPrice,
    Direction,
    Instrument,
    InvalidValue,
    OrderRole,
    OrderType,
    RiskProposal,
    Side,
    TimeInForce,
    Urgency,
)

SECOND = 1_000_000_000
ES = Instrument(symbol="ES", tick_size=0.25, point_value=50.0)
LAST = ArrivalPrice(last=4000.0)
QUOTE = ArrivalPrice(bid=3999.75, ask=4000.0)
DECIDED = 1_000 * SECOND


def plan_of(proposal=None, /, *, arrival=LAST, instrument=ES, life=None, **fields):
    if proposal is None:
        values = {
            "position_size": 2,
            "direction": "LONG",
            "stop_loss_price": 3990.0,
            "take_profit_price": 4010.0,
            **fields,
        }
        proposal = RiskProposal(**values)
    return plan_trade(proposal, "T1", instrument, arrival, DECIDED, life)


def refusal(**fields):
    with pytest.raises(InvalidValue) as caught:
        plan_of(**fields)
    return str(caught.value)


# What is right


def test_a_plan_holds_what_the_trade_needs():
    plan = plan_of(life=7)
    entry = plan.entry
    assert (entry.client_order_id, entry.trade_id) == ("T1_ENTRY", "T1")
    assert (entry.role, entry.side, entry.quantity) == (OrderRole.ENTRY, Side.BUY, 2)
    assert (entry.arrival, entry.urgency) == (LAST, Urgency.NORMAL)
    assert entry.time_in_force is TimeInForce.GTC
    assert (plan.stop_ticks, plan.target_ticks) == (15_960, 16_040)
    assert (plan.stop_distance, plan.target_distance) == (None, None)
    assert (plan.decided_at_ns, plan.position_life_ns) == (DECIDED, 7)


def test_distances_stay_distances_until_the_entry_fills():
    plan = plan_of(
        stop_loss_price=None, take_profit_price=None, stop_loss_ticks=8, take_profit_ticks=12
    )
    assert (plan.stop_ticks, plan.target_ticks) == (None, None)
    assert (plan.stop_distance, plan.target_distance) == (8, 12)


def test_a_short_trade_has_its_stop_above():
    plan = plan_of(direction="SHORT", stop_loss_price=4010.0, take_profit_price=3990.0)
    assert plan.direction is Direction.SHORT
    assert plan.entry.side is Side.SELL


def test_a_level_and_a_distance_can_be_mixed():
    plan = plan_of(take_profit_price=None, take_profit_ticks=12)
    assert (plan.stop_ticks, plan.target_distance) == (15_960, 12)


def test_prices_below_zero_are_prices():
    plan = plan_of(arrival=ArrivalPrice(last=-37.5), stop_loss_price=-40.0, take_profit_price=-30.0)
    assert plan.stop_ticks == -160


# What is wrong

LONG = {"direction": "LONG"}
SHORT = {"direction": "SHORT", "stop_loss_price": 4010.0, "take_profit_price": 3990.0}


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"direction": "UP"}, "direction: expected LONG or SHORT, was 'UP'"),
        ({"direction": "long"}, "direction: expected LONG or SHORT, was 'long'"),
        ({"direction": None}, "direction: expected LONG or SHORT, was None"),
        ({"direction": ["LONG"]}, "direction: expected LONG or SHORT, was ['LONG']"),
        ({"position_size": 0}, "position_size: expected an integer >= 1, was 0"),
        ({"position_size": -2}, "position_size: expected an integer >= 1, was -2"),
        ({"position_size": True}, "position_size: expected an integer >= 1, was True"),
        ({"position_size": 2.0}, "position_size: expected an integer >= 1, was 2.0"),
        ({"position_size": "2"}, "position_size: expected an integer >= 1, was '2'"),
        ({"position_size": math.nan}, "position_size: expected an integer >= 1, was nan"),
        ({"urgency": "asap"}, "urgency: expected low, normal or high, was 'asap'"),
        ({"urgency": {}}, "urgency: expected low, normal or high, was {}"),
        ({"max_slippage": -0.25}, "max_slippage: expected a finite number >= 0, was -0.25"),
        ({"max_slippage": math.nan}, "max_slippage: expected a finite number >= 0, was nan"),
        ({"max_slippage": math.inf}, "max_slippage: expected a finite number >= 0, was inf"),
        ({"max_slippage": True}, "max_slippage: expected a finite number >= 0, was True"),
        ({"max_slippage": "1"}, "max_slippage: expected a finite number >= 0, was '1'"),
        ({"timeout_seconds": -1}, "timeout_seconds: expected a finite number >= 0, was -1"),
        (
            {"timeout_seconds": math.nan},
            "timeout_seconds: expected a finite number >= 0, was nan",
        ),
        ({"timeout_seconds": False}, "timeout_seconds: expected a finite number >= 0, was False"),
        (
            {"stop_loss_price": 3990.1},
            "stop_loss_price: expected a multiple of the tick size 0.25, was 3990.1",
        ),
        (
            {"take_profit_price": 4010.1},
            "take_profit_price: expected a multiple of the tick size 0.25, was 4010.1",
        ),
        ({"stop_loss_price": math.nan}, "stop_loss_price: expected a finite price, was nan"),
        ({"stop_loss_price": -math.inf}, "stop_loss_price: expected a finite price, was -inf"),
        ({"take_profit_price": math.inf}, "take_profit_price: expected a finite price, was inf"),
        ({"take_profit_price": "4010"}, "take_profit_price: expected a finite price, was '4010'"),
        (
            {"stop_loss_price": None},
            "stop_loss_price: expected a price, or stop_loss_ticks, was None",
        ),
        (
            {"take_profit_price": None},
            "take_profit_price: expected a price, or take_profit_ticks, was None",
        ),
        (
            {"stop_loss_ticks": 8},
            "stop_loss_ticks: expected absent where stop_loss_price is given, was 8",
        ),
        (
            {"take_profit_ticks": 8},
            "take_profit_ticks: expected absent where take_profit_price is given, was 8",
        ),
        (
            {"stop_loss_price": None, "stop_loss_ticks": 0},
            "stop_loss_ticks: expected an integer >= 1, was 0",
        ),
        (
            {"stop_loss_price": None, "stop_loss_ticks": 1.5},
            "stop_loss_ticks: expected an integer >= 1, was 1.5",
        ),
        (
            {"take_profit_price": None, "take_profit_ticks": True},
            "take_profit_ticks: expected an integer >= 1, was True",
        ),
        # The wrong side
        (
            {"stop_loss_price": 4000.0},
            "stop_loss_price: expected a price below 4000.0, was 4000.0",
        ),
        (
            {"stop_loss_price": 4000.25},
            "stop_loss_price: expected a price below 4000.0, was 4000.25",
        ),
        (
            {"take_profit_price": 4000.0},
            "take_profit_price: expected a price above 4000.0, was 4000.0",
        ),
        (
            {"take_profit_price": 3995.0},
            "take_profit_price: expected a price above 4000.0, was 3995.0",
        ),
        (
            {**SHORT, "stop_loss_price": 4000.0},
            "stop_loss_price: expected a price above 4000.0, was 4000.0",
        ),
        (
            {**SHORT, "stop_loss_price": 3995.0},
            "stop_loss_price: expected a price above 4000.0, was 3995.0",
        ),
        (
            {**SHORT, "take_profit_price": 4000.25},
            "take_profit_price: expected a price below 4000.0, was 4000.25",
        ),
        (
            {"stop_loss_price": 4020.0, "arrival": None, "urgency": "high"},
            "stop_loss_price: expected a price below the target 4010.0, was 4020.0",
        ),
        (
            {**SHORT, "stop_loss_price": 3980.0, "arrival": None, "urgency": "high"},
            "stop_loss_price: expected a price above the target 3990.0, was 3980.0",
        ),
        # The arrival price
        (
            {"arrival": None},
            "arrival: expected a known price: max_slippage and urgency low count from it, was None",
        ),
        (
            {"arrival": ArrivalPrice(bid=4000.0)},
            "arrival: expected a known price: max_slippage and urgency low count from it, was None",
        ),
        (
            {"arrival": None, "urgency": "low", "max_slippage": None},
            "arrival: expected a known price: max_slippage and urgency low count from it, was None",
        ),
        (
            {"arrival": ArrivalPrice(last=4000.1)},
            "arrival.last: expected a multiple of the tick size 0.25, was 4000.1",
        ),
        (
            {"arrival": ArrivalPrice(bid=math.nan, ask=4000.0)},
            "arrival.bid: expected a finite price, was nan",
        ),
        (
            {"arrival": ArrivalPrice(bid=4000.0, ask=4000.1)},
            "arrival.ask: expected a multiple of the tick size 0.25, was 4000.1",
        ),
        # The type of the entry
        (
            {"entry_type": "iceberg"},
            "entry_type: expected market, limit, stop or stop_limit, was 'iceberg'",
        ),
        (
            {"entry_type": OrderType.TRAILING_STOP},
            (
                "entry_type: expected market, limit, stop or stop_limit, "
                "was <OrderType.TRAILING_STOP: 'trailing_stop'>"
            ),
        ),
        (
            {"entry_limit_price": 4000.0},
            "entry_limit_price: expected absent without entry_type, was 4000.0",
        ),
        (
            {"entry_trigger_price": 4000.0},
            "entry_trigger_price: expected absent without entry_type, was 4000.0",
        ),
        (
            {"entry_type": OrderType.LIMIT},
            "entry_limit_price: expected a price for a limit entry, was None",
        ),
        (
            {"entry_type": OrderType.MARKET, "entry_limit_price": 4000.0},
            "entry_limit_price: expected absent for market, was 4000.0",
        ),
        (
            {"entry_type": OrderType.STOP, "entry_limit_price": 4000.0},
            "entry_limit_price: expected absent for stop, was 4000.0",
        ),
        (
            {"entry_type": OrderType.STOP_LIMIT, "entry_limit_price": 4000.0},
            "entry_trigger_price: expected a price for a stop_limit entry, was None",
        ),
        (
            {"entry_type": OrderType.LIMIT, "entry_limit_price": 4000.1},
            "entry_limit_price: expected a multiple of the tick size 0.25, was 4000.1",
        ),
        (
            {"entry_type": OrderType.STOP, "entry_trigger_price": math.inf},
            "entry_trigger_price: expected a finite price, was inf",
        ),
        (
            {"time_in_force": "GTD"},
            "time_in_force: expected DAY, GTC, IOC or FOK, was 'GTD'",
        ),
        ({"time_in_force": []}, "time_in_force: expected DAY, GTC, IOC or FOK, was []"),
    ],
)
def test_a_wrong_value_is_refused_by_field_rule_and_value(fields, sentence):
    assert refusal(**fields) == sentence


def test_levels_lie_around_the_mid_of_a_quote():
    assert plan_of(arrival=QUOTE, stop_loss_price=3999.75).stop_ticks == 15_999
    assert refusal(arrival=QUOTE, stop_loss_price=4000.0) == (
        "stop_loss_price: expected a price below 3999.875, was 4000.0"
    )


def test_levels_lie_around_the_price_of_an_entry_that_names_one():
    fields = {"entry_type": OrderType.LIMIT, "entry_limit_price": 3980.0}
    assert "below 3980.0" in refusal(stop_loss_price=3990.0, **fields)
    assert plan_of(stop_loss_price=3970.0, **fields).entry.limit_ticks == 15_920


def test_a_trigger_stands_before_a_limit():
    fields = {
        "entry_type": OrderType.STOP_LIMIT,
        "entry_trigger_price": 4005.0,
        "entry_limit_price": 4006.0,
    }
    assert plan_of(stop_loss_price=4004.0, **fields).entry.trigger_ticks == 16_020
    assert "below 4005.0" in refusal(stop_loss_price=4005.5, **fields)


@given(
    st.fixed_dictionaries(
        {
            "position_size": st.integers(-2, 3) | st.floats() | st.none() | st.text(max_size=2),
            "direction": st.sampled_from(["LONG", "SHORT", "", None, 1, (), []]),
            "urgency": st.sampled_from(["low", "normal", "high", "", None, []]),
            "stop_loss_price": st.floats() | st.none() | st.just("x") | st.just([]),
            "take_profit_price": st.floats() | st.none() | st.just(3990.0),
            "stop_loss_ticks": st.integers(-1, 3) | st.none() | st.floats(),
            "max_slippage": st.floats() | st.none() | st.just("x") | st.just([]),
            "timeout_seconds": st.floats() | st.integers() | st.none() | st.just("x"),
            "entry_type": st.none() | st.sampled_from(OrderType) | st.text(max_size=2),
            "entry_limit_price": st.none() | st.floats(),
            "time_in_force": st.none() | st.sampled_from(TimeInForce) | st.just([]),
        }
    ),
    st.builds(ArrivalPrice, st.none() | st.floats(), st.none() | st.floats(), st.none()),
)
def test_whatever_a_proposal_says_it_is_planned_or_refused_with_a_sentence(fields, arrival):
    try:
        quantity = plan_of(RiskProposal(**fields), arrival=arrival).entry.quantity
        sentence = ""
    except InvalidValue as error:
        quantity, sentence = 0, str(error)
    assert quantity >= 1 or re.match(r"[a-z_.]+: expected .+, was .+", sentence)


# Urgency


def test_high_urgency_is_a_market_order():
    entry = plan_of(urgency="high").entry
    assert (entry.order_type, entry.limit_ticks) == (OrderType.MARKET, None)


def test_normal_urgency_without_max_slippage_is_a_market_order():
    entry = plan_of(max_slippage=None, arrival=None).entry
    assert (entry.order_type, entry.limit_ticks) == (OrderType.MARKET, None)


@pytest.mark.parametrize(
    ("direction", "arrival", "max_slippage", "limit"),
    [
        ("LONG", LAST, 0.5, 16_002),
        ("SHORT", LAST, 0.5, 15_998),
        ("LONG", LAST, 0.0, 16_000),
        ("LONG", LAST, 0.3, 16_001),  # not all of it is on the grid
        ("SHORT", LAST, 0.3, 15_999),
        ("LONG", QUOTE, 0.5, 16_001),  # from the mid, 15999.5
        ("SHORT", QUOTE, 0.5, 15_998),
        ("LONG", QUOTE, 0.125, 16_000),
        ("SHORT", QUOTE, 0.125, 15_999),
        ("LONG", QUOTE, 0.0, 15_999),  # within what was allowed, though below the mid
        ("SHORT", QUOTE, 0.0, 16_000),
    ],
)
def test_normal_urgency_is_a_limit_that_max_slippage_protects(
    direction, arrival, max_slippage, limit
):
    fields = {} if direction == "LONG" else SHORT
    plan = plan_of(arrival=arrival, max_slippage=max_slippage, **{**fields, "direction": direction})
    assert (plan.entry.order_type, plan.entry.limit_ticks) == (OrderType.LIMIT, limit)


@pytest.mark.parametrize(
    ("direction", "arrival", "limit"),
    [
        ("LONG", LAST, 16_000),
        ("SHORT", LAST, 16_000),
        ("LONG", QUOTE, 15_999),
        ("SHORT", QUOTE, 16_000),
    ],
)
def test_low_urgency_rests_at_the_arrival_price_on_the_passive_side(direction, arrival, limit):
    fields = {} if direction == "LONG" else SHORT
    entry = plan_of(arrival=arrival, urgency="low", **{**fields, "direction": direction}).entry
    assert (entry.order_type, entry.limit_ticks) == (OrderType.LIMIT, limit)


@given(
    direction=st.sampled_from(["LONG", "SHORT"]),
    tick_size=st.sampled_from([0.25, 0.1, 0.01, 0.015625, 0.0000005, 5.0]),
    bid=st.integers(-20_000, 200_000),
    spread=st.integers(0, 9),
    slippage=st.integers(0, 10_000) | st.floats(0, 1_000),
)
def test_the_protected_limit_gives_all_that_is_allowed_on_the_grid_and_no_more(
    direction, tick_size, bid, spread, slippage
):
    instrument = Instrument(symbol="X", tick_size=tick_size, point_value=1.0)
    allowed = slippage * tick_size if isinstance(slippage, int) else slippage
    assume(allowed / tick_size < 1e9)
    arrival = ArrivalPrice(instrument.to_price(bid), instrument.to_price(bid + spread))
    proposal = RiskProposal(
        position_size=1,
        direction=direction,
        stop_loss_ticks=1,
        take_profit_ticks=1,
        max_slippage=allowed,
    )
    limit = plan_of(proposal, arrival=arrival, instrument=instrument).entry.limit_ticks
    sign = 1 if direction == "LONG" else -1
    worse = sign * (Fraction(limit) - Fraction(2 * bid + spread, 2))
    in_ticks = Fraction(allowed) / Fraction(str(tick_size))
    rounding = Fraction(1, 10**6)
    assert worse <= in_ticks + rounding
    assert worse > in_ticks - 1 - rounding


# Deadlines


def test_timeout_seconds_is_the_life_of_the_entry():
    plan = plan_of(urgency="high", timeout_seconds=1.5)
    assert plan.entry_deadline_ns == DECIDED + 1_500_000_000
    assert plan.entry_deadline_reason == "not filled within timeout_seconds (1.5)"


def test_without_a_timeout_an_entry_has_no_deadline():
    assert plan_of(urgency="high", timeout_seconds=None).entry_deadline_ns is None


def test_the_rest_of_a_protected_entry_is_withdrawn_after_two_seconds():
    plan = plan_of(timeout_seconds=300)
    assert REMAINDER_SECONDS == 2
    assert plan.remainder_deadline_ns == DECIDED + 2 * SECOND
    assert "within max_slippage (0.5)" in plan.remainder_reason
    assert plan.entry_deadline_ns == DECIDED + 300 * SECOND


def test_a_shorter_timeout_comes_before_the_two_seconds():
    assert plan_of(timeout_seconds=1).entry_deadline_ns == DECIDED + SECOND


def test_a_resting_entry_lives_until_its_timeout():
    assert plan_of(urgency="low", timeout_seconds=60).entry_deadline_ns == DECIDED + 60 * SECOND


def test_an_entry_that_names_its_type_lives_until_its_timeout():
    plan = plan_of(entry_type=OrderType.LIMIT, entry_limit_price=4000.0, timeout_seconds=60)
    assert plan.entry_deadline_ns == DECIDED + 60 * SECOND


# The type of the entry


@pytest.mark.parametrize(
    ("kind", "limit", "trigger"),
    [
        (OrderType.MARKET, None, None),
        (OrderType.LIMIT, 3999.0, None),
        (OrderType.STOP, None, 4001.0),
        (OrderType.STOP_LIMIT, 4002.0, 4001.0),
    ],
)
def test_an_entry_type_overrides_what_urgency_implies(kind, limit, trigger):
    entry = plan_of(entry_type=kind, entry_limit_price=limit, entry_trigger_price=trigger).entry
    assert entry.order_type is kind
    assert entry.limit_ticks == (None if limit is None else int(limit * 4))
    assert entry.trigger_ticks == (None if trigger is None else int(trigger * 4))


@pytest.mark.parametrize("kind", ["limit", OrderType.LIMIT])
def test_an_entry_type_may_be_its_name(kind):
    entry = plan_of(entry_type=kind, entry_limit_price=3999.0).entry
    assert entry.order_type is OrderType.LIMIT


@pytest.mark.parametrize("life", TimeInForce)
def test_a_time_in_force_is_the_entrys(life):
    assert plan_of(time_in_force=life).entry.time_in_force is life
    assert plan_of(time_in_force=life.value).entry.time_in_force is life


def test_a_plan_survives_its_encoding():
    plan = plan_of(arrival=QUOTE)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(plan), type=type(plan)) == plan
