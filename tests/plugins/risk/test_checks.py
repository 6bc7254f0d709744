"""Each limit: accepted just inside, refused just outside with limit and value named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillbridge_hooks import (
    Exposure,
    Instrument,
    MarketView,
    Order,
    OrderRole,
    OrderType,
    Refuse,
    RiskContext,
    RiskProposal,
    Side,
)
from fillbridge_risk import max_daily_trades, max_open_positions, max_position_size

ES = Instrument(symbol="ES", tick_size=0.25, point_value=50)
MARKET = MarketView("ES", None, None, None, None, None, None)

limits = st.integers(min_value=1, max_value=10_000)
others = st.integers(min_value=0, max_value=10_000)
sides = st.sampled_from(Side)


def order(quantity: int = 1, side: Side = Side.BUY, role: OrderRole = OrderRole.ENTRY) -> Order:
    return Order("T1-entry", "T1", role, ES, side, quantity, OrderType.MARKET)


def exposure(worst_long: int = 0, worst_short: int = 0, open_brackets: int = 0) -> Exposure:
    return Exposure(
        symbol="ES",
        position=0,
        working_buys=0,
        working_sells=0,
        worst_long=worst_long,
        worst_short=worst_short,
        open_brackets=0,
        account_worst=0,
        account_open_brackets=open_brackets,
    )


def context(trades_today: int = 0) -> RiskContext:
    return RiskContext(
        now_ns=0,
        proposal=RiskProposal(position_size=1, direction="LONG"),
        orders_today=0,
        trades_today=trades_today,
        rejects_today=0,
        realised_pnl=0.0,
        open_pnl=None,
        messages_last_minute=0,
        last_orders=(),
    )


@given(limit=limits, side=sides, other_side=others, data=st.data())
def test_position_size_is_judged_by_the_worst_case_of_the_orders_side(
    limit, side, other_side, data
):
    quantity = data.draw(st.integers(1, limit))
    check = max_position_size(limit)

    def with_same_side(worst: int) -> Exposure:
        if side is Side.BUY:
            return exposure(worst_long=worst, worst_short=other_side)
        return exposure(worst_long=other_side, worst_short=worst)

    inside = with_same_side(limit - quantity)
    outside = with_same_side(limit - quantity + 1)
    assert check(order(quantity, side), inside, MARKET, context()) is None
    assert check(order(quantity, side), outside, MARKET, context()) == Refuse(
        check="max_position_size", limit=f"<= {limit} contracts", value=str(limit + 1)
    )


@given(limit=limits, side=sides)
def test_an_order_beyond_the_limit_by_itself_is_refused(limit, side):
    check = max_position_size(limit)
    assert check(order(limit, side), exposure(), MARKET, context()) is None
    assert check(order(limit + 1, side), exposure(), MARKET, context()) is not None


@given(limit=limits, side=sides)
def test_open_positions_are_counted_over_the_account(limit, side):
    check = max_open_positions(limit)
    assert check(order(side=side), exposure(open_brackets=limit - 1), MARKET, context()) is None
    refusal = check(order(side=side), exposure(open_brackets=limit), MARKET, context())
    assert refusal == Refuse(
        check="max_open_positions", limit=f"<= {limit} open positions", value=str(limit + 1)
    )


@given(limit=limits, side=sides)
def test_daily_trades_count_the_entry_under_judgement(limit, side):
    check = max_daily_trades(limit)
    assert check(order(side=side), exposure(), MARKET, context(trades_today=limit - 1)) is None
    refusal = check(order(side=side), exposure(), MARKET, context(trades_today=limit))
    assert refusal == Refuse(
        check="max_daily_trades", limit=f"<= {limit} trades a day", value=str(limit + 1)
    )


@pytest.mark.parametrize("role", [role for role in OrderRole if role is not OrderRole.ENTRY])
def test_limits_on_trades_leave_other_orders_alone(role):
    full = exposure(open_brackets=99), MARKET, context(trades_today=99)
    assert max_open_positions(1)(order(role=role), *full) is None
    assert max_daily_trades(1)(order(role=role), *full) is None


def test_a_refusal_reads_as_a_sentence():
    refusal = max_position_size(5)(order(2), exposure(worst_long=4), MARKET, context())
    assert str(refusal) == "max_position_size: expected <= 5 contracts, was 6"
