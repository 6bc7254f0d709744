"""The whole chain: one good order passes it, one bad order is told everything, nothing is kept."""

import copy

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.plugins.risk.ground import (
    DAY,
    NOON,
    SECOND,
    case,
    context,
    exposure,
    market,
    order,
    proposal,
)

from fillbridge.approval import judge
from fillbridge_hooks import ArrivalPrice, EntryDay, Hold, RecentEntry, Refuse, Side
from fillbridge_hooks.testing.risks import extreme_cases
from fillbridge_risk import RiskSettings, checks
from fillbridge_risk.settings import LIVE

SETTINGS = RiskSettings(profile="live", symbols=("ESZ5",), strategy_symbols={"calm": ["ESZ5"]})
CHAIN = tuple(checks(SETTINGS))
SATURDAY = NOON + 12 * 3_600 * SECOND + 2 * DAY
HABITS = (EntryDay(NOON // DAY - 1, 30, 30, 30, (1 << 24) - 1, NOON - DAY),)


def good():
    return case(context=context(entry_days=HABITS))


@pytest.fixture
def bad():
    """An order that everything is wrong with."""
    return case(
        order=order(
            instrument=msgspec.structs.replace(
                order().instrument, symbol="NGZ5", exchange="NYMEX", last_trade_date="2025-12-05"
            ),
            quantity=21,
            arrival=ArrivalPrice(last=20_000.0),
        ),
        exposure=exposure(
            worst_long=90,
            account_worst=90,
            account_open_brackets=90,
            strategy_brackets=9,
            lowest_sell_ticks=1,
        ),
        market=market(
            bid=5_001.0, quote_ns=0, connected_ns=SATURDAY, status="halted", last=5_000.0
        ),
        context=context(
            now_ns=SATURDAY,
            proposal=proposal(
                stop_loss_ticks=900, take_profit_ticks=900, symbol="NGZ5", strategy="wild"
            ),
            trades_today=99,
            strategy_trades_today=99,
            realised_pnl=-9_999.0,
            messages_last_minute=999,
            recent_messages=(SATURDAY,) * 99,
            recent_entries=tuple(
                RecentEntry("wild", "NGZ5", Side.BUY, 1, SATURDAY, "P0") for _ in range(9)
            ),
        ),
    )


def test_a_good_order_passes_every_control_of_the_live_profile():
    assert judge(CHAIN, *good()) == []


def test_every_control_runs_and_every_refusal_is_told_with_its_number_and_value(bad):
    objections = judge(CHAIN, *bad)
    numbers = {objection.check.split()[0] for objection in objections}
    # One that judges prices of limit orders, and one that nobody tells anything, have no say.
    of_orders = {
        *("C1", "C3", "C6", "C7", "C8", "C9", "C10", "C11", "C13", "C14", "C15", "C16", "C17"),
        *("C19", "C21", "C23", "C24", "C25", "C26", "C34", "C36"),
    }
    assert numbers == of_orders
    silent = {"max_price_distance_ticks", "margin_factor", "anomaly_size", "anomaly_hour"}
    silent |= {"anomaly_burst", "anomaly_flip"}
    assert len(objections) == len(CHAIN) - len(silent)
    assert sum(isinstance(objection, Hold) for objection in objections) == 1
    for objection in objections:
        assert isinstance(objection, Hold) or (objection.limit and objection.value)


@pytest.mark.parametrize("name", [name for name, _ in CHAIN])
def test_each_control_refuses_by_itself(name, bad):
    """Without what is silent above; those have tests of their own."""
    (check,) = (check for known, check in CHAIN if known == name)
    if name in {
        *("max_price_distance_ticks", "margin_factor", "anomaly_size", "anomaly_hour"),
        *("anomaly_burst", "anomaly_flip"),
    }:
        assert check(*bad) is None
    else:
        assert isinstance(check(*bad), Refuse | Hold)


def test_a_chain_that_is_asked_again_says_the_same_and_changes_nothing(bad):
    before = copy.deepcopy(bad)
    first = judge(CHAIN, *bad)
    judge(CHAIN, *good())
    assert judge(CHAIN, *bad) == first
    assert judge(tuple(checks(SETTINGS)), *copy.deepcopy(bad)) == first
    assert bad == before


@given(data=st.data())
def test_nothing_that_can_be_asked_breaks_a_control(data):
    judged = data.draw(st.sampled_from(list(extreme_cases())))
    for _, check in CHAIN:
        answer = check(*judged)
        assert answer is None or isinstance(answer, Refuse | Hold)
        assert check(*judged) == answer


def test_a_limit_that_is_off_does_not_stand_in_the_way(bad):
    off = RiskSettings(profile="live", **dict.fromkeys(LIVE))
    # The hard ceilings are no setting.
    assert [objection.check for objection in judge(tuple(checks(off)), *bad)] == [
        "C7 max_order_quantity",
        "C8 max_order_value",
    ]
