"""The default score of an execution follows its documented formula."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillbridge.scoring import score_execution, score_trade, shortfall_scale
from fillbridge_hooks import TradeExecution

SECOND = 1_000_000_000


@pytest.mark.parametrize(
    ("filled", "shortfall", "scale", "delay", "score"),
    [
        (1.0, 0.0, 1.0, 0, 1.0),
        (1.0, -5.0, 1.0, 0, 1.0),  # better than the arrival price is as good as at it
        (1.0, 0.5, 1.0, 0, 0.75 * 0.5 + 0.25),
        (1.0, 1.0, 1.0, 0, 0.25),
        (1.0, 9.0, 1.0, 0, 0.25),
        (0.5, 0.0, 1.0, 0, 0.5),
        (1.0, 0.0, 1.0, 60 * SECOND, 0.75 + 0.25 / 2),
        (1.0, None, 1.0, 60 * SECOND, 0.5),
        (1.0, None, 1.0, -SECOND, 1.0),
        (2.0, 0.0, 1.0, 0, 1.0),  # more than was asked for is no better
    ],
)
def test_the_score_weighs_price_speed_and_the_share_that_filled(
    filled, shortfall, scale, delay, score
):
    assert score_execution(filled, shortfall, scale, delay) == pytest.approx(score)


@given(
    filled=st.floats(0, 3),
    shortfall=st.none() | st.floats(-1e6, 1e6),
    scale=st.floats(1e-6, 1e6),
    delay=st.integers(-(10**18), 10**18),
)
def test_a_score_is_from_0_to_1(filled, shortfall, scale, delay):
    assert 0 <= score_execution(filled, shortfall, scale, delay) <= 1


@pytest.mark.parametrize(("max_slippage", "scale"), [(0.5, 0.5), (None, 1.0), (0.0, 1.0)])
def test_the_scale_is_max_slippage_or_four_ticks(max_slippage, scale):
    assert shortfall_scale(max_slippage, 0.25) == scale


EXECUTION = TradeExecution(
    trade_id="T1",
    symbol="ES",
    direction="LONG",
    requested_quantity=4,
    filled_quantity=2,
    arrival_price=4000.0,
    entry_price=4000.5,
    max_slippage=1.0,
    tick_size=0.25,
    decided_at_ns=0,
    submitted_ns=0,
    acknowledged_ns=0,
    first_fill_ns=60 * SECOND,
    last_fill_ns=90 * SECOND,
    timeout_seconds=None,
)


@pytest.mark.parametrize(
    ("changes", "score"),
    [
        ({}, 0.5 * (0.75 * 0.5 + 0.25 * 0.5)),
        ({"direction": "SHORT"}, 0.5 * (0.75 + 0.25 * 0.5)),
        ({"arrival_price": None}, 0.5 * 0.5),
        ({"filled_quantity": 4, "first_fill_ns": 0}, 0.75 * 0.5 + 0.25),
    ],
)
def test_the_record_that_plugins_get_gives_the_default_score(changes, score):
    assert score_trade(msgspec.structs.replace(EXECUTION, **changes)) == pytest.approx(score)


def test_a_trade_has_the_score_of_its_record(account):
    records = []
    made = account(score=[lambda trade: records.append(trade)])
    made.open(direction="SHORT", max_slippage=1.0)
    made.clock.advance_to(made.clock.now_ns + 30 * SECOND)
    made.broker.fill("T1_ENTRY", 3999.75, 1)
    made.broker.fill("T1_ENTRY", 3999.5, 1)
    made.broker.fill("T1_TP", 3990.0)
    assert made.closed[0].execution_quality_score == score_trade(records[0])
