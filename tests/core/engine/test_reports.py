"""What follows when a broker rejects, cancels, expires, loses or refuses to change an order."""

import pytest

from fillbridge.engine.messages import TradeAbandoned
from fillbridge.engine.state import REMEMBERED_NS, REMEMBERED_TRADES
from fillbridge_hooks import Direction, ExitReason, OrderStatus, OrderType, Side

# The entry


@pytest.mark.parametrize(
    ("end", "status"),
    [
        ("cancelled", OrderStatus.CANCELLED),
        ("rejected", OrderStatus.REJECTED),
        ("expired", OrderStatus.EXPIRED),
    ],
)
def test_an_entry_that_ends_without_a_fill_abandons_the_trade_with_its_reason(pending, end, status):
    desk = pending()
    events = getattr(desk, end)("T1_ENTRY", "the exchange is closed")
    abandoned = events[-1]
    assert type(abandoned) is TradeAbandoned
    assert (abandoned.status, abandoned.reason) == (status, "the exchange is closed")
    assert desk.failed == {"T1_ENTRY": "the exchange is closed"}
    assert desk.state.trades == {}
    assert desk.order("T1_ENTRY").status is status


def test_the_reason_of_our_own_cancel_stands_before_the_brokers(pending):
    desk = pending()
    desk.cancel("T1_ENTRY", "too slow")
    desk.cancelled("T1_ENTRY", "cancelled by user")
    assert desk.failed == {"T1_ENTRY": "too slow"}


def test_an_entry_that_ends_after_a_fill_leaves_the_position_as_it_is(opened):
    desk = opened(filled=1)
    desk.cancelled("T1_ENTRY")
    assert desk.effects == []
    assert desk.working() == {"T1_SL": 1, "T1_TP": 1}
    desk.fill("T1_TP")
    desk.cancelled("T1_SL")
    assert desk.measures == ["T1"]


def test_of_trades_that_ended_only_the_last_are_remembered(desk, plan):
    for number in range(REMEMBERED_TRADES + 5):
        desk.propose(plan(f"T{number}"))
        desk.rejected(f"T{number}_ENTRY")
    assert len(desk.state.orders) == REMEMBERED_TRADES
    assert "T4_ENTRY" not in desk.state.orders
    assert "T5_ENTRY" in desk.state.orders


def test_a_trade_that_ended_is_remembered_for_ten_minutes(desk, plan):
    for trade_id, wait in (("T1", 0), ("T2", REMEMBERED_NS - 10), ("T3", 10)):
        desk.now += wait
        desk.propose(plan(trade_id))
        desk.rejected(f"{trade_id}_ENTRY")
        assert "T1_ENTRY" in desk.state.orders or trade_id == "T3"
    assert set(desk.state.orders) == {"T2_ENTRY", "T3_ENTRY"}


def test_an_entry_whose_outcome_is_unknown_stays_unknown_and_alarms(desk, plan):
    desk.propose(plan())
    desk.lost("T1_ENTRY", "the line broke")
    assert desk.order("T1_ENTRY").status is OrderStatus.UNKNOWN
    assert [alarm.message for alarm in desk.alarms] == ["T1_ENTRY: the line broke"]
    assert "T1" in desk.state.trades


@pytest.mark.parametrize("proof", ["accept", "fill", "rejected"])
def test_an_unknown_entry_follows_what_is_proved(desk, plan, proof):
    desk.propose(plan())
    desk.lost("T1_ENTRY")
    getattr(desk, proof)("T1_ENTRY")
    status = {"accept": "submitted", "fill": "filled", "rejected": "rejected"}[proof]
    assert desk.order("T1_ENTRY").status == status


# A stop that is lost


@pytest.mark.parametrize("end", ["cancelled", "expired"])
def test_a_stop_that_ends_unasked_is_placed_again_over_what_is_held(opened, end):
    desk = opened(quantity=3)
    desk.fill("T1_TP", 1)
    desk.replaced(desk.changes["T1_SL"])
    getattr(desk, end)("T1_SL", "the broker's doing")
    again = desk.submitted["T1_SL2"]
    assert (again.side, again.quantity, again.trigger_ticks) == (Side.SELL, 2, 15_960)
    assert [alarm.message for alarm in desk.alarms] == ["T1_SL was lost: the broker's doing"]
    assert desk.working() == {"T1_SL2": 2, "T1_TP": 2}


def test_a_stop_that_was_moved_is_placed_again_where_it_was_moved_to(opened):
    desk = opened()
    desk.replace("T1_SL", trigger_ticks=15_980)
    desk.cancelled("T1_SL")
    assert desk.submitted["T1_SL2"].trigger_ticks == 15_980


def test_a_trailing_stop_is_placed_again_as_one(opened):
    desk = opened(trailing=True)
    desk.cancelled("T1_SL")
    again = desk.submitted["T1_SL2"]
    assert (again.order_type, again.trail_ticks) == (OrderType.TRAILING_STOP, 40)


def test_a_stop_is_placed_at_most_three_times_and_then_the_position_is_closed(opened):
    desk = opened()
    for lost in ("T1_SL", "T1_SL2", "T1_SL3"):
        desk.cancelled(lost)
    assert "T1_SL4" not in desk.state.orders
    assert desk.submitted["T1_EXIT"].quantity == 2
    assert desk.cancels == {"T1_TP"}
    assert len(desk.alarms) == 3


@pytest.mark.parametrize("direction", Direction)
def test_a_rejected_stop_closes_the_position_at_once(pending, direction):
    sign = direction.sign
    desk = pending(
        direction=direction, stop_ticks=16_000 - 40 * sign, target_ticks=16_000 + 40 * sign
    )
    desk.fill("T1_ENTRY", 1)
    desk.accept("T1_TP")
    desk.rejected("T1_SL", "price beyond the market")
    exit_order = desk.submitted["T1_EXIT"]
    assert (exit_order.order_type, exit_order.quantity) == (OrderType.MARKET, 1)
    assert exit_order.side is desk.order("T1_SL").order.side
    assert desk.cancels == {"T1_ENTRY", "T1_TP"}
    assert [alarm.message for alarm in desk.alarms] == ["T1_SL was lost: price beyond the market"]
    desk.fill("T1_EXIT")
    desk.cancelled("T1_ENTRY")
    desk.cancelled("T1_TP")
    assert desk.measures == ["T1"]
    assert desk.trade().exit_reason is ExitReason.MANUAL_OVERRIDE


def test_an_entry_that_fills_on_while_its_rejected_stop_is_answered_is_closed_as_well(opened):
    desk = opened(filled=1)
    desk.rejected("T1_SL")
    desk.fill("T1_ENTRY", 1)
    assert desk.submitted["T1_EXIT2"].quantity == 1
    assert desk.working() == {"T1_EXIT": 1, "T1_EXIT2": 1}


def test_a_lost_exit_is_sent_again_until_the_third_and_then_a_person_is_told(opened):
    desk = opened()
    desk.rejected("T1_SL")
    desk.rejected("T1_EXIT")
    assert list(desk.submitted) == ["T1_EXIT2"]
    desk.rejected("T1_EXIT2")
    assert list(desk.submitted) == ["T1_EXIT3"]
    desk.rejected("T1_EXIT3")
    assert desk.submitted == {}
    assert [alarm.message for alarm in desk.alarms][-1] == "T1_EXIT3 was lost: no"


def test_a_buy_back_that_is_lost_is_sent_again(opened):
    desk = opened()
    desk.fill("T1_TP")
    desk.fill("T1_SL", 1)
    desk.rejected("T1_EXIT")
    again = desk.submitted["T1_EXIT2"]
    assert (again.side, again.quantity) == (Side.BUY, 1)
    assert len(desk.alarms) == 2


def test_a_lost_target_alarms_and_leaves_the_stop(opened):
    desk = opened()
    desk.rejected("T1_TP", "no margin")
    assert desk.submitted == {}
    assert desk.cancels == set()
    assert [alarm.message for alarm in desk.alarms] == ["T1_TP was lost: no margin"]
    assert desk.working() == {"T1_SL": 2}


def test_a_target_that_was_withdrawn_on_request_alarms_nobody(opened):
    desk = opened()
    desk.cancel("T1_TP")
    desk.cancelled("T1_TP")
    assert desk.alarms == []


def test_a_leg_whose_outcome_is_unknown_alarms_and_counts_as_working(opened):
    desk = opened()
    desk.cancelled("T1_SL")
    desk.lost("T1_SL2", "no answer")
    assert desk.alarms[-1].message == "T1_SL2: no answer"
    assert desk.working() == {"T1_SL2": 2, "T1_TP": 2}


# Refused changes


def test_a_refused_resize_of_the_stop_closes_what_is_left_bare(opened):
    desk = opened(filled=1)
    desk.fill("T1_ENTRY", 1)
    desk.replace_rejected("T1_SL", "not now")
    assert desk.submitted["T1_EXIT"].quantity == 1
    assert desk.cancels == set()
    assert [alarm.message for alarm in desk.alarms] == ["T1_SL could not be changed: not now"]
    desk.fill("T1_EXIT")
    assert desk.trade().held == 1
    assert desk.working() == {"T1_SL": 1, "T1_TP": 1}
    desk.fill("T1_TP", 1)
    assert desk.trade().exit_reason is ExitReason.TAKE_PROFIT


def test_legs_leave_out_what_an_exit_is_closing(opened):
    desk = opened(filled=1, quantity=3)
    desk.fill("T1_ENTRY", 1)
    desk.replaced(desk.changes["T1_TP"])
    desk.replace_rejected("T1_SL")  # one of two contracts is being closed
    desk.fill("T1_ENTRY", 1)
    assert {key: change.quantity for key, change in desk.changes.items()} == {"T1_SL": 2}
    assert desk.working() == {"T1_SL": 2, "T1_TP": 2, "T1_EXIT": 1}


def test_a_leg_is_not_reduced_to_nothing_while_an_exit_closes_the_rest(opened):
    desk = opened(filled=1)
    desk.fill("T1_ENTRY", 1)
    desk.replaced(desk.changes["T1_TP"])
    desk.replace_rejected("T1_SL")
    desk.fill("T1_TP", 1)
    assert desk.changes == {}
    assert desk.working() == {"T1_SL": 1, "T1_TP": 1, "T1_EXIT": 1}


def test_a_lost_stop_is_placed_again_for_what_no_exit_closes(opened):
    desk = opened(filled=1)
    desk.fill("T1_ENTRY", 1)
    desk.replace_rejected("T1_SL")  # an exit closes one of two
    desk.cancelled("T1_SL", "the broker's doing")
    assert {key: order.quantity for key, order in desk.submitted.items()} == {"T1_SL2": 1}


def test_a_lost_stop_is_not_placed_again_where_an_exit_closes_everything(opened):
    desk = opened(filled=1)
    desk.fill("T1_ENTRY", 1)
    desk.replace_rejected("T1_SL")
    desk.fill("T1_TP", 1)
    desk.cancelled("T1_SL", "the broker's doing")
    assert desk.submitted == {}
    assert desk.working() == {"T1_EXIT": 1}


def test_an_exit_that_is_being_withdrawn_is_not_counted_on(opened):
    desk = opened(filled=1)
    desk.close()
    desk.fill("T1_ENTRY", 1)
    desk.fill("T1_TP", 1)  # of the stop and the exit, the exit is withdrawn
    desk.cancelled("T1_SL", "the broker's doing")
    assert desk.submitted["T1_EXIT2"].quantity == 1


def test_of_an_exit_that_filled_in_part_only_the_rest_is_counted_on(opened):
    desk = opened(filled=2, quantity=3)
    desk.rejected("T1_SL")
    desk.fill("T1_EXIT", 1)
    desk.fill("T1_ENTRY", 1)
    assert desk.submitted["T1_EXIT2"].quantity == 1
    assert desk.working() == {"T1_EXIT": 1, "T1_EXIT2": 1}


def test_a_refused_reduction_of_the_stop_alarms(opened):
    desk = opened()
    desk.fill("T1_TP", 1)
    desk.replace_rejected("T1_SL", "not now")
    assert desk.submitted == {}
    assert [alarm.message for alarm in desk.alarms] == ["T1_SL could not be changed: not now"]


def test_a_refused_resize_of_the_target_alarms_and_changes_nothing_else(opened):
    desk = opened(filled=1)
    desk.fill("T1_ENTRY", 1)
    desk.replaced(desk.changes["T1_SL"])
    desk.replace_rejected("T1_TP")
    assert desk.submitted == {}
    assert len(desk.alarms) == 1
    assert desk.working() == {"T1_SL": 2, "T1_TP": 1}


def test_a_refused_change_does_not_hide_that_a_cancel_was_sent(opened):
    desk = opened()
    desk.fill("T1_SL", 1)  # shrinks the target
    desk.cancel("T1_TP")
    desk.replace_rejected("T1_TP")
    desk.cancelled("T1_TP")
    assert not any("was lost" in alarm.message for alarm in desk.alarms)


def test_a_refusal_of_an_earlier_change_leaves_the_exit_on_its_way(opened):
    desk = opened(quantity=1)
    desk.replace("T1_SL", trigger_ticks=desk.order("T1_SL").order.trigger_ticks + 1)
    moved = desk.changes["T1_SL"]
    desk.close()
    turned = desk.changes["T1_SL"]
    desk.replace_rejected("T1_SL", "too close", moved)
    assert desk.submitted == {}
    assert len(desk.alarms) == 1
    desk.replaced(turned)
    desk.fill("T1_SL", 1)
    assert desk.trade().held == 0


def test_a_refusal_of_the_exit_itself_closes_by_another_order(opened):
    desk = opened(quantity=1)
    desk.replace("T1_SL", trigger_ticks=desk.order("T1_SL").order.trigger_ticks + 1)
    desk.close()
    desk.replace_rejected("T1_SL", "not now", desk.changes["T1_SL"])
    assert {key: order.quantity for key, order in desk.submitted.items()} == {"T1_EXIT": 1}


def test_a_refused_change_of_an_order_that_has_ended_says_nothing(opened):
    desk = opened()
    desk.fill("T1_TP", 1)
    desk.fill("T1_SL", 2)
    desk.replace_rejected("T1_SL")
    assert not any("could not be changed" in alarm.message for alarm in desk.alarms)


def test_a_refused_cancel_alarms_while_the_order_works(opened):
    desk = opened()
    desk.fill("T1_TP")
    desk.cancel_rejected("T1_SL", "not now")
    assert [alarm.message for alarm in desk.alarms] == ["T1_SL could not be cancelled: not now"]
    assert desk.working() == {"T1_SL": 2}


def test_a_refused_cancel_of_an_order_that_filled_says_nothing_more(opened):
    desk = opened(filled=1)
    desk.cancel("T1_ENTRY")
    desk.fill("T1_ENTRY", 1)
    desk.cancel_rejected("T1_ENTRY", "too late")
    assert desk.alarms == []


def test_an_order_whose_cancel_was_refused_can_be_cancelled_again(opened):
    desk = opened()
    desk.cancel("T1_TP")
    desk.cancel_rejected("T1_TP")
    desk.cancel("T1_TP")
    assert desk.cancels == {"T1_TP"}


# Changed orders


def test_an_order_that_is_reduced_to_what_it_filled_is_complete(opened):
    desk = opened()
    desk.fill("T1_TP", 1)
    desk.fill("T1_SL", 1)  # the position is closed, both are being withdrawn
    desk.cancelled("T1_SL")
    desk.feed_replaced("T1_TP", 1)
    assert desk.order("T1_TP").status is OrderStatus.FILLED
    assert desk.measures == ["T1"]


@pytest.mark.parametrize("quantity", [0, 1, 5])
def test_an_entry_that_is_changed_before_it_fills_does_not_end_the_trade(pending, quantity):
    desk = pending()
    desk.feed_replaced("T1_ENTRY", quantity)
    assert desk.measures == []
    assert desk.order("T1_ENTRY").status is OrderStatus.SUBMITTED


def test_new_terms_are_taken_over(opened):
    desk = opened()
    desk.replace("T1_TP", limit_ticks=16_100)
    desk.replaced(desk.changes["T1_TP"])
    order_state = desk.order("T1_TP")
    assert order_state.order.limit_ticks == 16_100
    assert order_state.order.quantity == 2
    assert order_state.requested is None
    assert order_state.status is OrderStatus.SUBMITTED
