"""The shell: judges, records, sends, charges and tells, in this order."""

import logging

import anyio
import msgspec
import pytest

from fillbridge.engine import EngineState, fold
from fillbridge.engine.messages import CloseRequested, FillBooked, TradeRefused
from fillbridge_hooks import (
    Cancelled,
    ExitReason,
    Fill,
    Hold,
    Liquidity,
    OrderRefused,
    OrderStatus,
    OrderType,
    OutcomeUnknown,
    PermitSpent,
    Refuse,
    Rejected,
    Side,
)

SECOND = 1_000_000_000


def passes(order, exposure, market, context):
    return None


def refuses(order, exposure, market, context):
    return Refuse(check="size", limit="<= 1 contract", value="2")


def holds(order, exposure, market, context):
    return Hold(check="news", reason="a person must look")


def raises(order, exposure, market, context):
    raise ZeroDivisionError("no limit")


def babbles(order, exposure, market, context):
    return "no"


def is_truthy(order, exposure, market, context):
    return True


def refusal(account, **fields):
    with pytest.raises(OrderRefused) as caught:
        account.open(**fields)
    return [str(one) for one in caught.value.refusals]


# The risk step


def test_an_order_that_every_check_passes_is_sent(account):
    made = account(checks=[passes, passes])
    made.open()
    assert made.broker.submitted == ["T1_ENTRY"]


def test_all_checks_run_and_every_objection_is_reported(account):
    made = account(checks=[refuses, passes, raises, holds, babbles])
    assert refusal(made) == [
        "size: expected <= 1 contract, was 2",
        "raises: expected an answer, was ZeroDivisionError: no limit",
        "news: held for approval: a person must look",
        "babbles: expected None, Refuse or Hold, was 'no'",
    ]


@pytest.mark.parametrize("check", [refuses, holds, raises, babbles, is_truthy])
def test_one_objection_is_enough_and_nothing_is_sent_or_left_behind(account, check):
    made = account(checks=[passes, check])
    refusal(made)
    assert made.broker.submitted == []
    assert made.state.trades == {}
    assert made.state.orders == {}
    assert [type(event) for event in made.recorded] == [TradeRefused]
    assert made.metrics.contracts_requested == 0


def test_a_check_sees_the_order_the_exposure_the_market_and_the_context(account):
    seen = []

    def check(order, exposure, market, context):
        seen.append((order, exposure, market, context))

    made = account(checks=[check])
    made.open(size=3)
    made.broker.fill("T1_ENTRY", 4000.0, 1)
    made.open(direction="SHORT", size=4)
    made.broker.last["ES"] = 4002.0
    made.open(symbol="GC", size=1)

    order, exposure, market, context = seen[0]
    assert (order.client_order_id, order.quantity) == ("T1_ENTRY", 3)
    assert (exposure.position, exposure.worst_long, exposure.account_open_brackets) == (0, 0, 0)
    assert (market.symbol, market.last) == ("ES", 4000.0)
    assert (context.now_ns, context.trades_today) == (made.clock.now_ns, 0)
    assert context.open_pnl == 0.0

    _, exposure, _, context = seen[1]
    assert (exposure.position, exposure.working_buys, exposure.working_sells) == (1, 2, 0)
    assert (exposure.worst_long, exposure.worst_short) == (3, 0)
    assert context.trades_today == 1
    assert context.orders_today == 3
    assert [one.client_order_id for one in context.last_orders] == ["T1_TP", "T1_SL", "T1_ENTRY"]
    assert context.messages_last_minute == 3

    _, exposure, market, context = seen[2]
    assert (exposure.symbol, exposure.position, exposure.open_brackets) == ("GC", 0, 0)
    assert (exposure.account_worst, exposure.account_open_brackets) == (4, 2)
    assert context.proposal.symbol == "GC"
    assert context.open_pnl == 100.0  # one contract, two points


def test_an_unknown_order_counts_as_filled(account):
    seen = []

    def check(order, exposure, market, context):
        seen.append(exposure)

    made = account(checks=[check])
    made.open(size=3)
    made.broker.report(OutcomeUnknown("T1_ENTRY", "no answer", made.broker.now))
    made.open()
    # It was acknowledged, so that nothing is unknown of it; both count.
    assert seen[1].worst_long == 3


def test_realised_pnl_and_rejects_reach_the_checks(account):
    seen = []

    def check(order, exposure, market, context):
        seen.append(context)
        return refuses(order, exposure, market, context) if order.quantity > 4 else None

    made = account(checks=[check], commission=lambda fill, instrument: 3.80 * fill.quantity)
    made.trade(size=1)
    refusal(made, size=5)
    made.open(size=1)
    assert seen[-1].realised_pnl == 500.0 - 7.60
    assert (seen[-1].trades_today, seen[-1].rejects_today) == (1, 1)


def test_messages_of_the_last_minute_are_counted_at_the_time_of_the_check(account):
    seen = []

    def check(order, exposure, market, context):
        seen.append(context.messages_last_minute)

    made = account(checks=[check])
    made.open()
    made.clock.advance_to(made.clock.now_ns + 59 * SECOND)
    made.open()
    made.clock.advance_to(made.clock.now_ns + 2 * SECOND)
    made.open()
    assert seen == [0, 1, 1]


def test_counters_of_another_trade_date_are_not_shown(account):
    seen = []

    def check(order, exposure, market, context):
        seen.append((context.trades_today, context.orders_today, context.realised_pnl))

    made = account(checks=[check])
    made.trade()
    made.clock.advance_to(made.clock.now_ns + 24 * 3600 * SECOND)
    made.open()
    assert seen == [(0, 0, 0.0), (0, 0, 0.0)]


def test_an_entry_that_nothing_happened_before_is_judged_once(account):
    judged = []

    def check(order, exposure, market, context):
        judged.append(order.client_order_id)

    made = account(checks=[check])
    made.open()
    made.open()
    assert judged == ["T1_ENTRY", "T2_ENTRY"]


def propose_on_fill(made, count):
    """Have trades proposed from within a fill, as a plugin or a sink may do."""
    plans = []

    def propose(fill, order, position):
        while len(plans) < count:
            plan = made[0].plan()
            plans.append(plan.trade_id)
            made[0].shell.open_trade(plan)

    return propose


def test_an_entry_is_judged_again_at_the_wire_when_something_happened_in_between(account):
    seen = []

    def check(order, exposure, market, context):
        seen.append((order.client_order_id, exposure, context))

    made = account(checks=[check])

    def stop_out_and_propose(approved):
        if approved.order.client_order_id == "T1_SL":
            made.broker.fill("T1_SL", 3990.0)
        elif approved.order.client_order_id == "T1_TP":
            made.open()

    made.broker.after_submit = stop_out_and_propose
    made.open(size=3)
    made.broker.fill("T1_ENTRY", 4000.0)
    assert [order_id for order_id, _, _ in seen] == ["T1_ENTRY", "T2_ENTRY", "T2_ENTRY"]
    _, exposure, context = seen[1]
    _, exposure_again, context_again = seen[2]
    assert (exposure.worst_long, exposure_again.worst_long) == (3, 0)
    # The order under judgement is left out, though its approval is recorded by now.
    assert (exposure.account_open_brackets, exposure_again.account_open_brackets) == (1, 1)
    assert (context.trades_today, context_again.trades_today) == (1, 1)
    assert (context.orders_today, context_again.orders_today) == (3, 3)
    assert context_again.last_orders == context.last_orders
    assert context_again.messages_last_minute == context.messages_last_minute + 1  # a cancel


def test_of_two_entries_from_one_fill_both_are_judged_again(account):
    judged = []

    def check(order, exposure, market, context):
        judged.append((order.client_order_id, exposure.account_open_brackets))

    made = []
    made.append(account(checks=[check], handle_fill=[propose_on_fill(made, count=2)]))
    made[0].open()
    made[0].broker.fill("T1_ENTRY", 4000.0)
    assert judged == [
        ("T1_ENTRY", 0),
        ("T2_ENTRY", 1),
        ("T3_ENTRY", 1),
        ("T2_ENTRY", 1),
        ("T3_ENTRY", 2),
    ]


def test_an_entry_that_is_refused_at_the_wire_is_not_sent_and_its_trade_is_abandoned(account):
    made = []

    def one_at_a_time(order, exposure, market, context):
        if exposure.account_open_brackets > 1:
            return Refuse(check="one", limit="two brackets", value="three")
        return None

    made.append(account(checks=[one_at_a_time], handle_fill=[propose_on_fill(made, count=2)]))
    made[0].open()
    made[0].broker.fill("T1_ENTRY", 4000.0)
    assert made[0].broker.submitted == ["T1_ENTRY", "T1_SL", "T1_TP", "T2_ENTRY"]
    assert made[0].failed == [("T3", "one: expected two brackets, was three")]
    assert made[0].metrics.execution_errors == 1


def test_orders_that_reduce_are_never_shown_to_a_check(account):
    judged = []

    def check(order, exposure, market, context):
        judged.append(order.client_order_id)

    made = account(checks=[check])
    made.trade()
    made.open()
    made.broker.fill("T2_ENTRY", 4000.0)
    made.shell.step(CloseRequested("T2", ExitReason.TIMEOUT, made.broker.now))
    assert judged == ["T1_ENTRY", "T2_ENTRY"]
    assert "T2_SL" in made.broker.submitted


def test_each_order_reaches_the_session_with_a_permit_of_its_own_that_is_spent(account):
    made = account(checks=[passes])
    made.trade()
    permits = [approved.permit for approved in made.broker.approved.values()]
    assert len({id(permit) for permit in permits}) == len(permits) == 3
    for permit in permits:
        with pytest.raises(PermitSpent):
            permit.spend()


# Prepared orders


def prepared(order, **changes):
    return msgspec.structs.replace(order, **changes)


def test_a_prepared_order_is_the_one_that_is_judged_and_sent(account):
    judged = []

    def half(order, market):
        return prepared(order, quantity=order.quantity // 2)

    def limit(order, market):
        ticks = order.instrument.to_ticks(market.last)
        return prepared(order, order_type=OrderType.LIMIT, limit_ticks=ticks)

    def nothing(order, market):
        return None

    def check(order, exposure, market, context):
        judged.append((order.quantity, order.order_type))

    made = account(prepare=[half, nothing, limit], checks=[check])
    made.open(size=4)
    assert judged == [(2, OrderType.LIMIT)]
    sent = made.broker.approved["T1_ENTRY"].order
    assert (sent.quantity, sent.limit_ticks) == (2, 16_000)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda order: 1 / 0, "a prepared order, was ZeroDivisionError: division by zero"),
        (lambda order: "x", "an Order or None, was 'x'"),
        (lambda order: prepared(order, side=Side.SELL), "an unchanged side, was"),
        (lambda order: prepared(order, trade_id="X"), "an unchanged trade_id, was 'X'"),
        (lambda order: prepared(order, quantity=0), "a quantity >= 1, was 0"),
        (lambda order: prepared(order, quantity=1.5), "a quantity >= 1, was 1.5"),
        (
            lambda order: prepared(order, order_type=OrderType.LIMIT),
            "the prices of a limit order and no other, was limit None, trigger None",
        ),
        (
            lambda order: prepared(order, trigger_ticks=5),
            "the prices of a market order and no other, was limit None, trigger 5",
        ),
        (
            lambda order: prepared(order, order_type=OrderType.TRAILING_STOP, trigger_ticks=5),
            "the prices of a trailing_stop order and no other",
        ),
    ],
)
def test_a_plugin_that_breaks_an_order_refuses_it(account, change, sentence):
    def theirs(order, market):
        return change(order)

    made = account(prepare=[theirs])
    (said,) = refusal(made)
    assert said.startswith(f"theirs: expected {sentence}")
    assert made.broker.submitted == []
    assert made.state.trades == {}


# What is recorded


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
    made = account()
    known = []
    made.shell._on_trade_closed = lambda trade, result: known.append(
        (result.trade_id, len(made.state.trades))
    )
    made.open()
    made.broker.fill("T1_ENTRY", 4000.0)
    made.broker.fill("T1_TP", 4010.0)
    assert known == [("T1", 0)]


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


# Costs


def test_a_commission_is_rounded_to_the_cent_fill_by_fill(account):
    made = account(commission=lambda fill, instrument: 1.005 * fill.quantity)
    trade_id = made.open(size=2)
    made.broker.fill(f"{trade_id}_ENTRY", 4000.0, 1)
    made.broker.fill(f"{trade_id}_ENTRY", 4000.0, 1)
    made.broker.fill(f"{trade_id}_TP", 4010.0)
    assert made.closed[0].commission == 1.0 + 1.0 + 2.01


@pytest.mark.parametrize(
    ("charge", "cause"),
    [
        (lambda: 1 / 0, "ZeroDivisionError: division by zero"),
        (lambda: float("nan"), "InvalidValue: commission: expected a finite number, was nan"),
        (lambda: float("inf"), "InvalidValue: commission: expected a finite number, was inf"),
        (lambda: "free", "TypeError"),
        (lambda: None, "TypeError"),
    ],
)
def test_a_commission_model_that_fails_leaves_the_fill_and_alarms(account, charge, cause):
    errors = []
    made = account(commission=lambda fill, instrument: charge())
    made.bus.subscribe("EXECUTION_ERROR", lambda kind, payload: errors.append(payload))
    result = made.trade()
    assert (result.pnl_net, result.commission, result.cost_complete) == (1000.0, 0.0, False)
    charges = [event.commission_cents for event in made.recorded if type(event) is FillBooked]
    assert charges == [None, None]
    anyio.run(made.publisher.drain)
    said = f"commission model 'theirs' failed on fill F2, its cost is unknown: {cause}"
    assert errors[0]["error"].startswith(said)
    assert errors[0]["proposal"].position_size == 2
    assert len(errors) == 2


def test_a_fill_of_an_order_that_nobody_knows_is_recorded_and_alarms(account):
    made = account(commission=lambda fill, instrument: 1 / 0)
    stray = Fill("F9", "X", "B9", 1, 1, 4000.0, 16_000, 0.0, "", Liquidity.TAKER, made.broker.now)
    made.broker.report(stray)
    assert [event.reason for event in made.recorded] == ["no such order is known"]


# Observers of fills


def test_observers_of_fills_see_fill_order_and_position_and_cannot_stop_one_another(
    account, caplog
):
    seen = []

    def breaks(fill, order, position):
        raise RuntimeError("broken")

    def watches(fill, order, position):
        seen.append((fill.fill_id, order.client_order_id, position.quantity, position.trade_id))

    made = account(handle_fill=[breaks, watches])
    with caplog.at_level(logging.ERROR):
        made.trade(direction="SHORT", exit_at=3990.0, size=3)
    assert seen == [("F3", "T1_ENTRY", -3, "T1"), ("F6", "T1_TP", 0, "T1")]
    assert len(made.closed) == 1
    assert "plugin breaks failed on fill F3" in caplog.text


# Scores


def test_the_first_answer_scores_and_a_plugin_that_fails_is_passed_over(account, caplog):
    def silent(trade):
        return None

    def fails(trade):
        raise RuntimeError("broken")

    def says(trade):
        return 1 / 4

    def never(trade):
        raise AssertionError("the first answer counts")

    made = account(score=[silent, fails, says, never])
    with caplog.at_level(logging.ERROR):
        result = made.trade()
    assert result.execution_quality_score == 0.25
    assert "plugin fails failed to score T1" in caplog.text


@pytest.mark.parametrize("answer", [1.5, -0.1, float("nan"), "good", [], 1j])
def test_a_score_that_is_none_falls_back_to_the_default(account, answer):
    def theirs(trade):
        return answer

    scored = account(score=[theirs]).trade()
    assert scored.execution_quality_score == account().trade().execution_quality_score


def test_a_scorer_sees_how_the_trade_was_executed(account):
    seen = []

    def theirs(trade):
        seen.append(trade)

    made = account(score=[theirs])
    made.open(size=3, direction="SHORT", max_slippage=1.0)
    made.broker.fill("T1_ENTRY", 3999.5, 1)
    made.broker.report(Cancelled("T1_ENTRY", "no more", made.broker.now))
    made.broker.fill("T1_TP", 3989.5)
    (trade,) = seen
    assert (trade.requested_quantity, trade.filled_quantity) == (3, 1)
    assert (trade.direction, trade.arrival_price, trade.entry_price) == ("SHORT", 4000.0, 3999.5)
    assert (trade.max_slippage, trade.tick_size) == (1.0, 0.25)
