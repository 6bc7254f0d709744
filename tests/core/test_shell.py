"""The shell: records, sends and tells, in this order."""

from fillbridge.engine import EngineState, fold
from fillbridge_hooks import (
    Cancelled,
    ExitReason,
    OrderStatus,
    OrderType,
    OutcomeUnknown,
    Rejected,
)

SECOND = 1_000_000_000


def test_events_are_recorded_before_anything_leaves(account):
    made = account()
    recorded = []
    made.broker.before_submit = lambda approved: recorded.append(
        (approved.order.client_order_id, type(made.recorded[-1]).__name__)
    )
    made.open()
    made.broker.fill("T1_ENTRY", 4000.0)
    assert recorded == [
        ("T1_ENTRY", "TradeApproved"),
        ("T1_SL", "OrdersPlaced"),
        ("T1_TP", "OrdersPlaced"),
    ]


def test_what_was_recorded_rebuilds_the_state(account):
    made = account(commission=lambda fill, instrument: 1.25)
    made.trade()
    made.open(symbol="GC")
    made.broker.fill("T2_ENTRY", 2000.0, 1)
    replayed = EngineState()
    for event in made.recorded:
        fold(replayed, event)
    assert replayed == made.state


def test_a_report_on_an_effect_waits_for_the_effects_before_it(account):
    made = account()

    def fill_stop(approved):
        if approved.order.client_order_id == "T1_SL":
            made.broker.fill("T1_SL", 3990.0)

    made.broker.after_submit = fill_stop
    made.open()
    made.broker.fill("T1_ENTRY", 4000.0)
    assert made.broker.submitted == ["T1_ENTRY", "T1_SL", "T1_TP"]
    assert made.broker.cancelled == ["T1_TP"]
    assert [result.exit_reason for result in made.closed] == [ExitReason.STOP_LOSS]


def test_timers_fire_at_their_deadline_and_are_dropped_with_the_trade(account):
    made = account()
    made.open(timeout_seconds=5)
    made.clock.advance_to(made.clock.now_ns + 5 * SECOND)
    assert made.broker.cancelled == []
    made.clock.advance_to(made.clock.now_ns + 1)
    assert made.broker.cancelled == ["T1_ENTRY"]
    assert made.failed == [("T1", "not filled within timeout_seconds (5)")]
    made.trade(life=3600 * SECOND)
    assert made.clock.next_due_ns == 1 << 62


def test_a_position_that_outlives_its_life_is_closed_with_timeout(account):
    made = account()
    trade_id = made.open(life=60 * SECOND)
    made.broker.fill(f"{trade_id}_ENTRY", 4000.0)
    made.clock.advance_to(made.clock.now_ns + 60 * SECOND + 1)
    assert [change.order_type for change in made.broker.changes] == [OrderType.MARKET]
    made.broker.fill(f"{trade_id}_SL", 4001.0)
    assert made.closed[0].exit_reason is ExitReason.TIMEOUT


# A trade that is done


def test_a_trade_is_forgotten_before_its_result_is_handed_over(account):
    known = []
    made = account(on_closed=lambda result: known.append((result, len(made.state.trades))))
    made.open()
    made.broker.fill("T1_ENTRY", 4000.0)
    made.broker.fill("T1_TP", 4010.0)
    assert known == [(made.closed[0], 0)]


def test_metrics_count_what_happened(account):
    made = account()
    made.trade()
    made.trade(exit_at=3990.0, leg="SL")
    made.open()
    made.broker.report(Rejected("T3_ENTRY", "no", made.broker.now))
    made.open(size=3)
    made.broker.fill("T4_ENTRY", 4000.0, 1)
    made.broker.report(Cancelled("T4_ENTRY", "no more", made.broker.now))
    made.broker.fill("T4_TP", 4010.0)
    metrics = made.metrics
    assert (metrics.trades_executed, metrics.trades_closed) == (3, 3)
    assert (metrics.winning_trades, metrics.losing_trades) == (2, 1)
    assert metrics.execution_errors == 1
    assert metrics.orders_by_status == {
        OrderStatus.FILLED: 2 + 2 + 1,
        OrderStatus.CANCELLED: 1 + 1 + 2,
        OrderStatus.REJECTED: 1,
    }
    assert (metrics.contracts_requested, metrics.contracts_filled) == (2 + 2 + 2 + 3, 2 + 2 + 1)
    assert metrics.fill_ratio == 5 / 9


def test_a_trade_that_ends_at_nothing_does_not_win(account):
    made = account()
    made.trade(exit_at=4000.0)
    assert (made.metrics.winning_trades, made.metrics.losing_trades) == (0, 1)


def test_orders_of_unknown_outcome_are_counted(account):
    made = account()
    made.open()
    made.broker.report(OutcomeUnknown("T1_ENTRY", "no answer", made.broker.now))
    assert made.metrics.unknown_orders == 1


def test_an_entry_that_fills_after_it_was_abandoned_is_closed_and_reported(account):
    made = account()
    made.open(timeout_seconds=1)
    made.clock.advance_to(made.clock.now_ns + 2 * SECOND)
    assert made.failed == [("T1", "not filled within timeout_seconds (1)")]
    made.broker.fill("T1_ENTRY", 4000.0)
    made.broker.fill("T1_EXIT", 3999.0)
    assert [result.pnl_net for result in made.closed] == [-100.0]
    assert made.state.trades == {}
