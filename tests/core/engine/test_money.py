"""Money is exact to the cent, and nothing is counted twice."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillbridge_hooks import (
    Direction,
    ExitReason,
    Instrument,
    OrderRole,
    OtherOutcome,
)

ES = Instrument(symbol="ES", tick_size=0.25, point_value=50.0)
GC = Instrument(symbol="GC", tick_size=0.1, point_value=100.0)
ZN = Instrument(symbol="ZN", tick_size=0.015625, point_value=1000.0)
J6 = Instrument(symbol="6J", tick_size=0.0000005, point_value=12_500_000.0)
INSTRUMENTS = [ES, GC, ZN, J6]


@pytest.fixture
def traded(desk, plan):
    """The result of a trade that fills at once, and exits by stop or target."""

    def trade(instrument, direction, entry, leg, *, quantity=1, slippage=0.0, commission=0):
        sign = direction.sign
        desk.propose(
            plan(
                instrument=instrument,
                direction=direction,
                quantity=quantity,
                stop_ticks=entry - 40 * sign,
                target_ticks=entry + 40 * sign,
            )
        )
        costs = {"slippage": slippage, "commission": commission}
        desk.fill("T1_ENTRY", ticks=entry, **costs)
        other = "T1_TP" if leg == "T1_SL" else "T1_SL"
        desk.fill(leg, **costs)
        desk.cancelled(other)
        return desk.measure()

    return trade


@pytest.mark.parametrize(
    ("instrument", "direction", "leg", "quantity", "gross"),
    [
        (ES, Direction.LONG, "T1_TP", 1, 500.00),
        (ES, Direction.LONG, "T1_SL", 2, -1000.00),
        (ES, Direction.SHORT, "T1_TP", 3, 1500.00),
        (GC, Direction.SHORT, "T1_SL", 1, -400.00),
        (GC, Direction.LONG, "T1_TP", 7, 2800.00),
        (ZN, Direction.LONG, "T1_TP", 1, 625.00),
        (ZN, Direction.SHORT, "T1_SL", 3, -1875.00),
    ],
)
def test_forty_ticks_are_worth_forty_times_the_tick_value(
    traded, instrument, direction, leg, quantity, gross
):
    result = traded(instrument, direction, 16_000, leg, quantity=quantity)
    assert result.pnl_gross == gross
    assert result.pnl_net == gross
    assert (result.pnl_net_low, result.pnl_net_high) == (gross, gross)


@pytest.mark.parametrize(
    ("ticks", "quantity", "gross"), [(1, 1, 15.62), (3, 1, 46.88), (1, 2, 31.25), (2, 1, 31.25)]
)
def test_half_a_cent_of_a_treasury_tick_is_rounded_to_the_even_cent(
    desk, plan, ticks, quantity, gross
):
    desk.propose(plan(instrument=ZN, quantity=quantity))
    desk.fill("T1_ENTRY")
    desk.fill("T1_TP", ticks=16_000 + ticks)
    desk.cancelled("T1_SL")
    assert desk.measure().pnl_gross == gross


def test_costs_are_taken_from_the_gross_pnl(traded):
    # ES, two contracts: 40 ticks are 1000.00; a tick of slippage on each of four contracts
    # is 50.00; 3.80 on each is 15.20.
    result = traded(ES, Direction.LONG, 16_000, "T1_TP", quantity=2, slippage=0.25, commission=760)
    assert (result.pnl_gross, result.slippage, result.commission) == (1000.00, 50.00, 15.20)
    assert result.pnl_net == 934.80
    assert (result.entry_price, result.exit_price) == (4000.25, 4009.75)


def test_the_commission_that_a_model_failed_to_give_is_missing_and_said_to_be(desk, plan):
    desk.propose(plan())
    desk.fill("T1_ENTRY", commission=None)
    desk.fill("T1_TP", commission=760)
    desk.cancelled("T1_SL")
    result = desk.measure()
    assert result.commission == 7.60
    assert not result.cost_complete


def test_average_prices_weigh_by_quantity(desk, plan):
    desk.propose(plan(quantity=3))
    desk.fill("T1_ENTRY", 1, 16_000)
    desk.fill("T1_ENTRY", 2, 16_003)
    desk.fill("T1_TP", 1, 16_043)
    desk.fill("T1_SL", 2, 15_960)
    desk.cancelled("T1_TP")
    result = desk.measure()
    assert result.entry_price == pytest.approx((4000 + 2 * 4000.75) / 3)
    assert result.exit_price == pytest.approx((4010.75 + 2 * 3990) / 3)
    assert result.position_size == 3
    assert result.pnl_gross == (43 - 2 * 40 - 2 * 3) * 12.50


def test_an_excess_and_its_buy_back_are_part_of_the_trade(desk, plan):
    desk.propose(plan(quantity=1))
    desk.fill("T1_ENTRY")
    desk.accept("T1_SL", "T1_TP")
    desk.fill("T1_TP")  # + 40 ticks
    desk.fill("T1_SL")  # sells one more at 3990
    desk.fill("T1_EXIT", ticks=15_964)  # and buys it back a point higher
    result = desk.measure()
    assert result.pnl_gross == (40 - 4) * 12.50


# The other outcome of a bar


def other_outcome(role, ticks, slippage=0.0):
    return OtherOutcome(role, ticks * 0.25 - slippage, ticks, slippage)


@pytest.mark.parametrize(
    ("leg", "other", "reason", "low", "high"),
    [
        ("T1_TP", other_outcome(OrderRole.STOP, 15_960), ExitReason.STOP_LOSS, -500.0, 500.0),
        ("T1_SL", other_outcome(OrderRole.TARGET, 16_040), ExitReason.TAKE_PROFIT, -500.0, 500.0),
        ("T1_TP", other_outcome(OrderRole.STOP, 15_960, 0.25), ExitReason.STOP_LOSS, -512.5, 500.0),
    ],
)
def test_a_trade_that_depends_on_the_path_carries_both_outcomes(
    desk, plan, leg, other, reason, low, high
):
    desk.propose(plan(quantity=1))
    desk.fill("T1_ENTRY")
    desk.fill(leg, other=other)
    desk.cancelled("T1_TP" if leg == "T1_SL" else "T1_SL")
    result = desk.measure()
    assert result.path_dependent
    assert result.other_exit_reason is reason
    assert result.other_exit_price == other.price
    assert (result.pnl_net_low, result.pnl_net_high) == (low, high)


def test_the_other_outcome_is_that_of_the_last_exit_alone(desk, plan):
    desk.propose(plan(quantity=2))
    desk.fill("T1_ENTRY", commission=760)
    desk.fill("T1_TP", 1, commission=380)
    desk.fill(
        "T1_SL", 1, slippage=0.25, commission=380, other=other_outcome(OrderRole.TARGET, 16_040)
    )
    desk.cancelled("T1_TP")
    result = desk.measure()
    assert result.pnl_net == 500 - 500 - 12.5 - 15.2
    assert (result.pnl_net_low, result.pnl_net_high) == (result.pnl_net, 1000 - 15.2)


# For all trades

HALF_TICKS = st.integers(-4_000, 4_000).map(lambda halves: 16_000 + halves / 2)
PART = st.tuples(
    st.integers(1, 50),
    HALF_TICKS,
    st.sampled_from([0.0, 0.1, 0.25, 0.35, 1.0]) | st.floats(-2, 2),
    st.integers(-500, 5_000),
)


@given(
    instrument=st.sampled_from(INSTRUMENTS),
    direction=st.sampled_from(Direction),
    entries=st.lists(PART, min_size=1, max_size=4),
    exit_ticks=st.lists(HALF_TICKS, min_size=1, max_size=4),
    slippage=st.floats(-2, 2),
    commission=st.integers(0, 5_000),
)
def test_net_is_gross_less_costs_and_the_pnl_at_fill_prices_less_commission(
    new_desk, plan, instrument, direction, entries, exit_ticks, slippage, commission
):
    desk = new_desk()
    scale = instrument.tick_size  # slippage of a few ticks, whatever the instrument
    quantity = sum(part[0] for part in entries)
    desk.propose(plan(instrument=instrument, direction=direction, quantity=quantity))
    fills = [
        desk.fill("T1_ENTRY", part, ticks, slippage=slip * scale, commission=paid)
        for part, ticks, slip, paid in entries
    ]
    paid = sum(part[3] for part in entries)
    held = quantity
    for ticks in exit_ticks[:-1]:
        if held > 1:
            fills.append(desk.fill("T1_SL", 1, ticks, slippage=slippage * scale))
            held -= 1
    fills.append(
        desk.fill("T1_TP", held, exit_ticks[-1], slippage=slippage * scale, commission=commission)
    )
    paid += commission
    desk.cancelled("T1_SL")
    if desk.measures == []:
        desk.cancelled("T1_TP")
    result = desk.measure()

    cents = {
        name: round(getattr(result, name) * 100)
        for name in ("pnl_gross", "pnl_net", "commission", "slippage")
    }
    for name, value in cents.items():
        assert getattr(result, name) == value / 100, name
    assert cents["pnl_net"] == cents["pnl_gross"] - cents["commission"] - cents["slippage"]
    assert cents["commission"] == paid
    assert result.pnl_net_low == result.pnl_net == result.pnl_net_high

    entry_side = desk.events[0].plan.entry.side.sign
    at_fill_prices = (
        sum(
            Fraction(fill.price)
            * fill.quantity
            * (-entry_side if fill.client_order_id == "T1_ENTRY" else entry_side)
            for fill in fills
        )
        * Fraction(str(instrument.point_value))
        * 100
    )
    # Gross is rounded once and the slippage of each fill once, by half a cent at most.
    bound = Fraction(len(fills) + 1, 2) + Fraction(1, 1000)
    assert abs(cents["pnl_net"] + paid - at_fill_prices) <= bound
