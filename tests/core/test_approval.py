"""Only what passed the risk step reaches a broker, and what reduces a position always does."""

import pytest

from fillbridge.approval import IncreasesExposure, approve_reducing
from fillbridge.engine.messages import CloseRequested, ReplaceRequested, TradeRefused
from fillbridge_hooks import (
    SHOWN_MESSAGES,
    ExitReason,
    Hold,
    Order,
    OrderRefused,
    OrderRole,
    OrderType,
    OutcomeUnknown,
    PermitSpent,
    Refuse,
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


def test_entries_are_counted_by_strategy_and_without_the_one_under_judgement(account):
    seen = []

    def check(order, exposure, market, context):
        seen.append((exposure.strategy_brackets, context.strategy_trades_today))

    made = account(checks=[check])
    made.open(strategy="calm")
    made.open(strategy="calm", symbol="GC")
    made.open(strategy="calm")
    made.open()
    # At the wire, its approval is counted already.
    made.shell.judgement.objections(made.plan(strategy="calm"), made.broker.market("ES"))
    trade = made.state.trades["T1"]
    made.shell.judgement.objections(trade.plan, made.broker.market("ES"), without=trade)
    made.clock.advance_to(made.clock.now_ns + 24 * 3600 * SECOND)
    made.open(strategy="calm")
    assert seen == [(0, 0), (0, 1), (1, 2), (0, 0), (2, 3), (1, 2), (2, 0)]


def test_of_many_messages_the_last_are_shown(account):
    seen = []

    def check(order, exposure, market, context):
        seen.append(tuple(context.recent_messages))

    made = account(checks=[check])
    now = made.clock.now_ns
    times = [now - age for age in range(SHOWN_MESSAGES + 40, 0, -1)]
    made.state.counters.message_times.extend(times)
    made.open()
    assert seen == [tuple(reversed(times[-SHOWN_MESSAGES:]))]


def test_the_messages_of_ten_seconds_are_shown_newest_first_without_the_one_under_judgement(
    account,
):
    seen = []

    def check(order, exposure, market, context):
        seen.append(tuple(made.clock.now_ns - time_ns for time_ns in context.recent_messages))

    made = account(checks=[check])
    made.open()
    made.clock.advance_to(made.clock.now_ns + 4 * SECOND)
    made.open()
    made.clock.advance_to(made.clock.now_ns + 6 * SECOND - 1)
    made.open()
    made.clock.advance_to(made.clock.now_ns + 1)
    made.open()
    trade = made.state.trades["T4"]
    made.shell.judgement.objections(trade.plan, made.broker.market("ES"), without=trade)
    assert seen == [
        (),
        (4 * SECOND,),
        (6 * SECOND - 1, 10 * SECOND - 1),
        (1, 6 * SECOND),
        (1, 6 * SECOND),
    ]


def test_the_nearest_limits_of_ours_are_shown_of_entries_exits_and_what_was_asked_for(account):
    seen = []

    def check(order, exposure, market, context):
        seen.append((exposure.highest_buy_ticks, exposure.lowest_sell_ticks))

    made = account(checks=[check])
    made.open()
    made.broker.fill("T1_ENTRY", 4000.0)
    made.open(entry_type="limit", entry_limit_price=3999.0, urgency="normal")
    made.open(symbol="GC")
    made.open()
    made.broker.replace = lambda change: None
    made.shell.step(ReplaceRequested("T1_TP", 16_020, None, made.broker.now))
    made.open()
    made.broker.fill("T1_SL", 3990.0)
    made.open()
    assert seen == [
        (None, None),
        (None, 16_040),
        (None, None),
        (15_996, 16_040),
        (15_996, 16_020),
        (15_996, None),
    ]


# Orders that reduce


def stop(instruments, side, quantity):
    return Order(
        "T1_SL", "T1", OrderRole.STOP, instruments["ES"], side, quantity, OrderType.STOP, None, 1
    )


@pytest.mark.parametrize(("side", "position"), [(Side.SELL, 2), (Side.BUY, -2), (Side.SELL, 3)])
def test_an_order_against_a_position_is_approved_up_to_all_of_it(instruments, side, position):
    order = stop(instruments, side, 2)
    approved = approve_reducing(order, position)
    assert approved.order is order
    assert not approved.permit.is_spent


@pytest.mark.parametrize(
    ("side", "position"), [(Side.BUY, 2), (Side.SELL, -2), (Side.SELL, 0), (Side.SELL, 1)]
)
def test_an_order_that_would_open_or_turn_a_position_is_a_defect(instruments, side, position):
    with pytest.raises(IncreasesExposure, match=f"against a position of {position}, was {side}"):
        approve_reducing(stop(instruments, side, 2), position)
