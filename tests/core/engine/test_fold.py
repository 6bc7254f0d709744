"""The state is a function of the recorded events, and counts by trade date."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from fillbridge.engine import EngineState, fold
from fillbridge.engine.state import RECENT_ORDERS
from fillbridge_hooks import Instrument

SECOND = 1_000_000_000
CHICAGO = ZoneInfo("America/Chicago")
REALISED = 50_000 - 760 - 1_250
"""Cents: forty ticks of one ES, less two commissions of 3.80 and a tick of slippage."""


def chicago(*moment):
    return int(datetime(*moment, tzinfo=CHICAGO).timestamp()) * SECOND


@pytest.fixture
def round_trip(desk, plan):
    """Opens a trade and closes it at its target, a second for each."""

    def trade(trade_id, **changes):
        desk.propose(plan(trade_id, quantity=1, **changes))
        desk.fill(f"{trade_id}_ENTRY", commission=380)
        desk.fill(f"{trade_id}_TP", commission=380, slippage=0.25)
        desk.cancelled(f"{trade_id}_SL")
        desk.measure(trade_id)

    return trade


def test_recorded_events_rebuild_the_state(opened, encode_state):
    desk = opened(quantity=3)
    desk.fill("T1_TP", 1)
    desk.close()
    replayed = EngineState()
    for event in desk.events:
        assert fold(replayed, event) is replayed
    assert encode_state(replayed) == encode_state(desk.state)


def test_fold_changes_nothing_but_the_state_it_is_given(opened, encode_state):
    desk = opened()
    before = encode_state(desk.state)
    other = EngineState()
    for event in desk.events:
        fold(other, event)
    assert encode_state(desk.state) == before


def test_an_order_keeps_the_times_of_its_life(opened):
    desk = opened(filled=1)
    desk.fill("T1_ENTRY", 1)
    entry = desk.order("T1_ENTRY")
    assert entry.submitted_ns < entry.acknowledged_ns
    assert entry.acknowledged_ns < entry.first_fill_ns < entry.last_fill_ns


def test_orders_trades_and_realised_pnl_are_counted(desk, round_trip):
    round_trip("T1")
    counters = desk.state.counters
    assert (counters.trades, counters.orders, counters.rejects) == (1, 3, 0)
    assert counters.realised_cents == REALISED


def test_refusals_and_rejects_are_counted_from_the_first(desk, plan):
    desk.refuse(plan())
    assert desk.state.counters.rejects == 1
    desk.propose(plan())
    desk.rejected("T1_ENTRY")
    assert desk.state.counters.rejects == 2
    desk.refuse(plan("T2"))
    assert desk.state.counters.rejects == 3


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # 17:00 Chicago is 23:00 UTC in winter and 22:00 UTC in summer.
        (chicago(2024, 1, 10, 16, 59, 59), chicago(2024, 1, 10, 17, 0)),
        (chicago(2024, 7, 10, 16, 59, 59), chicago(2024, 7, 10, 17, 0)),
        # The nights on which the clocks change.
        (chicago(2024, 3, 10, 16, 59, 59), chicago(2024, 3, 10, 17, 0)),
        (chicago(2024, 11, 3, 16, 59, 59), chicago(2024, 11, 3, 17, 0)),
    ],
)
def test_counters_start_again_when_the_trade_date_rolls(desk, round_trip, plan, before, after):
    desk.now = before - 100
    round_trip("T1")
    desk.refuse(plan("T9"))
    counters = desk.state.counters
    assert (counters.trades, counters.orders, counters.rejects) == (1, 3, 1)
    desk.now = after
    round_trip("T2")
    assert (counters.trades, counters.orders, counters.rejects) == (1, 3, 0)
    assert counters.realised_cents == REALISED


def test_a_refusal_alone_rolls_the_trade_date(desk, round_trip, plan):
    desk.now = chicago(2024, 1, 10, 16)
    round_trip("T1")
    desk.now = chicago(2024, 1, 10, 18)
    desk.refuse(plan("T2"))
    counters = desk.state.counters
    assert (counters.trades, counters.rejects, counters.realised_cents) == (0, 1, 0)


def test_an_instrument_may_roll_at_another_time(desk, round_trip, plan):
    gold = Instrument(
        symbol="X", tick_size=0.25, point_value=50, time_zone="UTC", session_roll="12:00"
    )
    noon = int(datetime(2024, 1, 10, 12, tzinfo=UTC).timestamp()) * SECOND
    desk.now = noon - 100
    round_trip("T1", instrument=gold)
    assert desk.state.counters.trade_date_ends_ns == noon
    desk.now = noon
    desk.propose(plan("T2", instrument=gold))
    assert desk.state.counters.trades == 1


def test_submits_cancels_and_replaces_are_messages(opened):
    desk = opened()
    assert len(desk.state.counters.message_times) == 3
    desk.replace("T1_SL", trigger_ticks=15_980)
    desk.cancel("T1_TP")
    assert len(desk.state.counters.message_times) == 5


def test_messages_of_the_last_minute_are_kept(desk, plan):
    desk.propose(plan("T1"))
    desk.cancel("T1_ENTRY")
    desk.now += 30 * SECOND
    desk.propose(plan("T2"))
    assert len(desk.state.counters.message_times) == 3
    desk.now += 30 * SECOND
    desk.propose(plan("T3"))
    assert len(desk.state.counters.message_times) == 2


def test_the_newest_orders_are_kept_first(desk, plan):
    for number in range(RECENT_ORDERS + 3):
        desk.propose(plan(f"T{number}"))
    kept = [order.trade_id for order in desk.state.counters.recent_orders]
    assert kept == [f"T{number}" for number in range(RECENT_ORDERS + 2, 2, -1)]
