"""What may be traded at all: lists, our own orders, the exchange's state, the broker's margin."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.plugins.risk.ground import (
    NOON,
    PRICE,
    SECOND,
    case,
    context,
    exposure,
    market,
    order,
    price,
)

from fillbridge_hooks import AccountMargin, OrderRole, OrderType, Side
from fillbridge_risk import allow_lists, losses, prices


def test_a_symbol_must_be_listed_exactly():
    assert allow_lists.symbols(["ESZ5", "MESZ5"])(*case()) is None
    assert str(allow_lists.symbols(["ESH6", "ES"])(*case())) == (
        "C1 symbols: expected one of ES, ESH6, was 'ESZ5'"
    )
    assert str(allow_lists.symbols([])(*case())) == (
        "C1 symbols: expected a symbol of the list, which is empty, was 'ESZ5'"
    )


def test_an_exchange_must_be_listed():
    assert allow_lists.exchanges(["CME"])(*case()) is None
    assert str(allow_lists.exchanges(["CBOT"])(*case())) == (
        "C1 exchanges: expected one of CBOT, was 'CME'"
    )
    assert allow_lists.exchanges([])(*case()) is not None


@pytest.mark.parametrize("check", [allow_lists.symbols([]), allow_lists.exchanges([])])
def test_lists_leave_exits_alone(check):
    assert check(*case(order=order(role=OrderRole.EXIT))) is None


# Our own orders


@given(side=st.sampled_from(Side), limit=st.integers(-50, 50), own=st.integers(-50, 50))
def test_a_limit_may_not_reach_an_order_of_ours_on_the_other_side(side, limit, own):
    ours = {"lowest_sell_ticks" if side is Side.BUY else "highest_buy_ticks": PRICE + own}
    theirs = {"highest_buy_ticks" if side is Side.BUY else "lowest_sell_ticks": PRICE}
    judged = order(side=side, order_type=OrderType.LIMIT, limit_ticks=PRICE + limit)
    answer = prices.self_trade()(*case(order=judged, exposure=exposure(**ours, **theirs)))
    could_match = limit >= own if side is Side.BUY else limit <= own
    assert (answer is not None) is could_match


@given(side=st.sampled_from(Side), own=st.integers(-30, 30))
def test_a_market_order_reaches_eight_ticks_beyond_the_quote(side, own):
    ours = {"lowest_sell_ticks" if side is Side.BUY else "highest_buy_ticks": PRICE + own}
    answer = prices.self_trade()(*case(order=order(side=side), exposure=exposure(**ours)))
    # The ask is one tick above, the bid is at the price.
    could_match = own <= 1 + 8 if side is Side.BUY else own >= -8
    assert (answer is not None) is could_match


def test_a_stop_reaches_beyond_its_trigger_and_without_a_quote_everything():
    check = prices.self_trade()
    stop = order(order_type=OrderType.STOP, trigger_ticks=PRICE + 20)
    assert check(*case(order=stop, exposure=exposure(lowest_sell_ticks=PRICE + 29))) is None
    refusal = check(*case(order=stop, exposure=exposure(lowest_sell_ticks=PRICE + 28)))
    assert str(refusal) == (
        "C23 self_trade: expected a price below our own sell at 5007.0, was reaches 5007.0"
    )
    nothing = market(bid=None, ask=None)
    far = exposure(lowest_sell_ticks=PRICE + 900)
    assert check(*case(exposure=far, market=nothing)) is not None
    assert check(*case(market=nothing)) is None


# The exchange


@pytest.mark.parametrize("status", [None, "open"])
def test_an_open_contract_may_be_entered_and_one_of_which_nothing_is_said(status):
    assert prices.exchange_status()(*case(market=market(status=status))) is None


@pytest.mark.parametrize("status", ["halted", "closed", "pre-open", ""])
def test_no_other_state_is_open(status):
    refusal = prices.exchange_status()(*case(market=market(status=status)))
    assert str(refusal) == f"C25 exchange_status: expected open, was {status!r}"


@given(side=st.sampled_from(Side), room=st.integers(-5, 5))
def test_nothing_is_entered_at_a_price_limit(side, room):
    limits = (
        {"limit_high": price(PRICE + 1 + room), "limit_low": 0.0}
        if side is Side.BUY
        else {"limit_low": price(PRICE - room), "limit_high": 1e6}
    )
    answer = prices.exchange_status()(*case(order=order(side=side), market=market(**limits)))
    assert (answer is None) is (room > 0)


# The broker's margin


def margined(**changes):
    terms = {"available": 50_000.0, "needed_per_contract": 20_000.0, "read_ns": NOON}
    return context(margin=AccountMargin(**{**terms, **changes}))


def test_margin_that_nobody_tells_is_no_objection():
    assert losses.margin_factor(1.25)(*case()) is None


@given(available=st.integers(1, 100), quantity=st.integers(1, 20))
def test_margin_must_be_there_with_something_to_spare(available, quantity):
    there = margined(available=available * 1_000.0, needed_per_contract=4_000.0)
    answer = losses.margin_factor(1.25)(*case(order=order(quantity=quantity), context=there))
    assert (answer is None) is (quantity * 5 <= available)


@pytest.mark.parametrize("working", [{"working_buys": 2}, {"working_sells": 2}])
def test_margin_of_what_works_already_is_needed_too(working):
    check = losses.margin_factor(1.25)
    there = margined(available=20_000.0, needed_per_contract=4_000.0)
    given = {"order": order(quantity=2), "context": there}
    assert check(*case(exposure=exposure(), **given)) is None
    answer = check(*case(exposure=exposure(**dict.fromkeys(working, 3)), **given))
    assert answer.value == "25000.00 of 20000.00"


@pytest.mark.parametrize(
    ("inside", "outside", "said"),
    [
        (
            {"read_ns": NOON - 60 * SECOND},
            {"read_ns": NOON - 60 * SECOND - 1},
            "a margin read <= 60 s ago, was 60.000 s",
        ),
        (
            {"max_order_quantity": 2},
            {"max_order_quantity": 1},
            "<= 1 contracts, by the broker, was 2",
        ),
        (
            {"loss_limit": 500.01},
            {"loss_limit": 500.0},
            "a loss of the day < 500.00, by the broker, was 500.00",
        ),
    ],
)
def test_what_the_broker_says_is_fresh_and_kept_to(inside, outside, said):
    import msgspec

    check = losses.margin_factor(1.25)

    def judge(terms):
        lost = msgspec.structs.replace(margined(**terms), realised_pnl=-600.0, open_pnl=100.0)
        return check(*case(order=order(quantity=2), context=lost))

    assert judge(inside) is None
    assert str(judge(outside)) == f"C18 margin_factor: expected {said}"
