"""What follows from a fill: protection, resizing, the end of a trade, and the excess undone."""

import pytest

from fillbridge.engine.messages import OrdersPlaced, ReportIgnored
from fillbridge_hooks import (
    Direction,
    ExitReason,
    OrderRole,
    OrderStatus,
    OrderType,
    Side,
    TimeInForce,
)

# The entry


def test_an_approved_trade_sends_its_entry_and_nothing_else(desk, plan):
    desk.propose(plan())
    assert list(desk.submitted) == ["T1_ENTRY"]
    assert desk.order("T1_ENTRY").status is OrderStatus.PENDING
    assert desk.timers == {}


def test_the_first_partial_fill_of_the_entry_is_protected_at_once(pending):
    desk = pending()
    desk.fill("T1_ENTRY", 1)
    stop, target = desk.submitted["T1_SL"], desk.submitted["T1_TP"]
    assert (stop.role, stop.side, stop.quantity) == (OrderRole.STOP, Side.SELL, 1)
    assert (stop.order_type, stop.trigger_ticks) == (OrderType.STOP, 15_960)
    assert (target.role, target.side, target.quantity) == (OrderRole.TARGET, Side.SELL, 1)
    assert (target.order_type, target.limit_ticks) == (OrderType.LIMIT, 16_040)
    assert {stop.time_in_force, target.time_in_force} == {TimeInForce.GTC}
    assert desk.is_tracked


def test_a_short_trade_is_protected_by_buys(pending):
    desk = pending(direction=Direction.SHORT, stop_ticks=16_040, target_ticks=15_960)
    desk.fill("T1_ENTRY")
    assert {order.side for order in desk.submitted.values()} == {Side.BUY}


@pytest.mark.parametrize(
    ("direction", "stop", "target"),
    [(Direction.LONG, 15_994, 16_014), (Direction.SHORT, 16_014, 15_994)],
)
def test_distances_count_from_the_price_of_the_first_fill(pending, direction, stop, target):
    distances = (8, 12) if direction is Direction.LONG else (12, 8)
    desk = pending(direction=direction, stop_distance=distances[0], target_distance=distances[1])
    desk.fill("T1_ENTRY", ticks=16_002)
    assert desk.submitted["T1_SL"].trigger_ticks == stop
    assert desk.submitted["T1_TP"].limit_ticks == target


def test_a_level_stays_where_the_other_leg_is_a_distance(pending):
    desk = pending(stop_distance=8)
    desk.fill("T1_ENTRY", ticks=16_002)
    assert desk.submitted["T1_SL"].trigger_ticks == 15_994
    assert desk.submitted["T1_TP"].limit_ticks == 16_040
    desk = pending(trade_id="T2", target_distance=8)
    desk.fill("T2_ENTRY", ticks=16_002)
    assert desk.submitted["T2_SL"].trigger_ticks == 15_960
    assert desk.submitted["T2_TP"].limit_ticks == 16_010


def test_a_distance_counts_from_the_nearest_tick_where_slippage_left_the_grid(pending):
    desk = pending(stop_distance=8, target_distance=8)
    desk.fill("T1_ENTRY", slippage=0.35)  # 4000.35: nearest is 4000.25
    assert desk.submitted["T1_SL"].trigger_ticks == 16_001 - 8
    assert desk.submitted["T1_TP"].limit_ticks == 16_001 + 8


@pytest.mark.parametrize("direction", Direction)
def test_a_trailing_stop_keeps_the_distance_it_starts_with(pending, direction):
    sign = direction.sign
    desk = pending(
        direction=direction,
        stop_ticks=16_000 - 40 * sign,
        target_ticks=16_000 + 40 * sign,
        trailing=True,
    )
    desk.fill("T1_ENTRY", ticks=16_000 + 2 * sign)
    stop = desk.submitted["T1_SL"]
    assert stop.order_type is OrderType.TRAILING_STOP
    assert (stop.trigger_ticks, stop.trail_ticks) == (16_000 - 40 * sign, 42)


def test_each_further_partial_fill_resizes_stop_and_target(opened):
    desk = opened(filled=1, quantity=3)
    desk.fill("T1_ENTRY", 1)
    assert {key: change.quantity for key, change in desk.changes.items()} == {
        "T1_SL": 2,
        "T1_TP": 2,
    }
    assert desk.changes["T1_SL"].trigger_ticks == 15_960
    assert desk.changes["T1_TP"].limit_ticks == 16_040
    for change in desk.changes.values():
        desk.replaced(change)
    desk.fill("T1_ENTRY", 1)
    assert {change.quantity for change in desk.changes.values()} == {3}
    assert desk.submitted == {}


def test_the_position_life_counts_from_the_first_fill(pending):
    desk = pending(position_life_ns=50)
    fill = desk.fill("T1_ENTRY", 1)
    assert desk.timers == {"position": fill.time_ns + 50}
    desk.fill("T1_ENTRY", 1)
    assert desk.timers == {}


def test_a_fill_may_come_before_the_acknowledgement(desk, plan):
    desk.propose(plan())
    desk.fill("T1_ENTRY")
    assert desk.order("T1_ENTRY").status is OrderStatus.FILLED
    desk.accept("T1_ENTRY")
    entry = desk.order("T1_ENTRY")
    assert (entry.status, entry.broker_order_id) == (OrderStatus.FILLED, "B-T1_ENTRY")
    assert entry.acknowledged_ns is not None


def test_the_first_acknowledgement_is_the_one_that_counts(pending):
    desk = pending()
    desk.fill("T1_ENTRY", 1)
    acknowledged = desk.order("T1_ENTRY").acknowledged_ns
    desk.accept("T1_ENTRY")
    assert desk.order("T1_ENTRY").acknowledged_ns == acknowledged


def test_a_repeated_fill_changes_nothing(opened, encode_state):
    desk = opened(filled=1)
    fill = desk.fill("T1_ENTRY", 1)
    before = encode_state(desk.state)
    events = desk.again(fill)
    assert [(type(event), event.reason) for event in events] == [(ReportIgnored, "repeated")]
    assert desk.effects == []
    assert encode_state(desk.state) == before


# Exits


@pytest.mark.parametrize(("leg", "other"), [("T1_SL", "T1_TP"), ("T1_TP", "T1_SL")])
def test_one_exit_cancels_the_other_and_the_trade_is_measured_once_that_is_confirmed(
    opened, leg, other
):
    desk = opened()
    desk.fill(leg)
    assert desk.cancels == {other}
    assert desk.measures == []
    desk.cancelled(other)
    assert desk.measures == ["T1"]
    desk.measure()
    assert desk.state.trades == {}
    assert list(desk.state.ended) == ["T1"]


@pytest.mark.parametrize(
    ("leg", "reason"), [("T1_SL", ExitReason.STOP_LOSS), ("T1_TP", ExitReason.TAKE_PROFIT)]
)
def test_a_leg_gives_its_reason_to_the_exit(opened, leg, reason):
    desk = opened()
    desk.fill(leg)
    assert desk.trade().exit_reason is reason


@pytest.mark.parametrize(("leg", "other"), [("T1_SL", "T1_TP"), ("T1_TP", "T1_SL")])
def test_a_partial_exit_shrinks_the_other_leg(opened, leg, other):
    desk = opened(quantity=5)
    desk.fill(leg, 2)
    assert {key: change.quantity for key, change in desk.changes.items()} == {other: 3}
    desk.replaced(desk.changes[other])
    desk.fill(other, 1)
    # Of what the first leg is for, two are done and two are left.
    assert {key: change.quantity for key, change in desk.changes.items()} == {leg: 4}
    assert desk.working() == {leg: 2, other: 2}


def test_an_entry_that_still_works_is_withdrawn_when_the_position_is_closed(opened):
    desk = opened(filled=1)
    desk.fill("T1_TP")
    assert desk.cancels == {"T1_ENTRY", "T1_SL"}
    desk.cancelled("T1_ENTRY")
    assert desk.measures == []
    desk.cancelled("T1_SL")
    assert desk.measures == ["T1"]


def test_an_exit_while_the_entry_fills_on_leaves_each_leg_at_what_is_held(opened):
    desk = opened(filled=2, quantity=4)
    desk.fill("T1_TP", 1)
    desk.replaced(desk.changes["T1_SL"])
    assert desk.working() == {"T1_ENTRY": 2, "T1_SL": 1, "T1_TP": 1}
    desk.fill("T1_ENTRY", 2)
    for change in desk.changes.values():
        desk.replaced(change)
    assert desk.working() == {"T1_SL": 3, "T1_TP": 3}
    assert desk.order("T1_TP").order.quantity == 4


def test_a_change_that_is_not_answered_yet_is_counted_on(opened):
    desk = opened(filled=1, quantity=3)
    desk.fill("T1_ENTRY", 1)
    desk.fill("T1_ENTRY", 1)
    assert {change.quantity for change in desk.changes.values()} == {3}
    desk.feed_replaced("T1_SL", 2)  # the answer to the first change comes late
    assert desk.order("T1_SL").requested.quantity == 3
    desk.fill("T1_TP", 1)  # the old quantity of the target, all of it
    assert desk.working()["T1_SL"] == 2


# A leg that was too small


def test_a_stop_that_filled_for_less_than_is_held_is_placed_again_for_the_rest(opened):
    desk = opened(filled=1)
    desk.fill("T1_ENTRY", 1)
    resized = desk.changes["T1_SL"]
    desk.fill("T1_SL", 1)  # before the change arrived
    assert desk.submitted["T1_SL2"].quantity == 1
    assert desk.submitted["T1_SL2"].trigger_ticks == 15_960
    desk.replace_rejected(resized.client_order_id)
    assert desk.effects == []
    desk.fill("T1_SL2")
    assert desk.trade().exit_reason is ExitReason.STOP_LOSS


def test_a_target_that_filled_for_less_than_is_held_is_placed_again_for_the_rest(opened):
    desk = opened(filled=1)
    desk.fill("T1_ENTRY", 1)
    desk.fill("T1_TP", 1)
    assert desk.submitted["T1_TP2"].quantity == 1
    assert desk.working() == {"T1_SL": 1, "T1_TP2": 1}


def test_a_stop_is_placed_three_times_and_then_the_rest_is_closed(opened):
    desk = opened(filled=1, quantity=9)
    for name in ("T1_SL", "T1_SL2", "T1_SL3"):
        desk.fill("T1_ENTRY", 2)
        desk.fill(name, desk.order(name).order.quantity)
    assert list(desk.submitted) == ["T1_EXIT"]
    assert desk.submitted["T1_EXIT"].quantity == desk.trade().held
    assert "T1_SL4" not in desk.state.orders


def test_a_target_is_placed_three_times_and_then_the_stop_is_left_alone(opened):
    desk = opened(filled=1, quantity=9)
    for name in ("T1_TP", "T1_TP2", "T1_TP3"):
        desk.fill("T1_ENTRY", 2)
        desk.fill(name, desk.order(name).order.quantity)
    assert desk.submitted == {}
    assert desk.cancels == set()
    held = desk.trade().held
    assert desk.working() == {"T1_ENTRY": 9 - 7, "T1_SL": held}


def test_a_stop_that_filled_is_not_placed_again_for_what_an_exit_closes(opened):
    desk = opened(filled=1)
    desk.fill("T1_ENTRY", 1)
    desk.replace_rejected("T1_SL")  # an exit closes what the stop leaves bare
    desk.fill("T1_SL", 1)
    assert desk.submitted == {}
    assert desk.cancels == {"T1_TP"}
    assert desk.working() == {"T1_EXIT": 1}


def test_a_stop_that_closes_and_fills_for_its_old_quantity_is_followed_by_an_exit(opened):
    desk = opened(filled=1)
    desk.fill("T1_ENTRY", 1)
    desk.close()
    assert desk.changes["T1_SL"].quantity == 2
    desk.fill("T1_SL", 1)  # it triggered before it was changed
    assert desk.submitted["T1_EXIT"].quantity == 1


# What nobody wants any more


def test_a_late_fill_of_an_entry_in_an_open_trade_is_protected_and_alarms(opened):
    desk = opened(filled=1)
    desk.cancel("T1_ENTRY")
    desk.cancelled("T1_ENTRY")
    desk.fill("T1_ENTRY", 1)
    assert {change.quantity for change in desk.changes.values()} == {2}
    assert [alarm.message for alarm in desk.alarms] == [
        "the entry filled after it had ended; the fill is protected"
    ]


def test_a_late_fill_of_an_entry_that_was_abandoned_brings_the_trade_back_and_is_flattened(
    pending,
):
    desk = pending()
    desk.cancel("T1_ENTRY")
    desk.cancelled("T1_ENTRY")
    assert desk.state.trades == {}
    desk.fill("T1_ENTRY", 1)
    assert desk.trade().held == 1
    assert desk.is_tracked
    exit_order = desk.submitted["T1_EXIT"]
    assert (exit_order.side, exit_order.quantity) == (Side.SELL, 1)
    assert exit_order.order_type is OrderType.MARKET
    assert len(desk.alarms) == 1
    desk.fill("T1_EXIT")
    assert desk.measures == ["T1"]
    desk.measure()
    assert desk.state.trades == {}
    assert list(desk.state.ended) == ["T1"]


def test_an_entry_that_fills_after_the_exit_is_flattened(opened):
    desk = opened(filled=1)
    desk.fill("T1_TP")  # cancels the rest of the entry, which fills first
    desk.fill("T1_ENTRY", 1)
    assert desk.submitted["T1_EXIT"].quantity == 1
    assert len(desk.alarms) == 1
    assert desk.trade().close_reason is ExitReason.MANUAL_OVERRIDE
    desk.fill("T1_EXIT")
    desk.cancelled("T1_SL")
    assert desk.measures == ["T1"]


def test_an_entry_that_fills_after_a_close_was_asked_for_is_flattened(pending):
    desk = pending()
    desk.close()
    desk.fill("T1_ENTRY", 1)
    assert desk.submitted["T1_EXIT"].quantity == 1
    assert desk.is_tracked
    desk.fill("T1_EXIT")
    desk.cancelled("T1_ENTRY")
    assert desk.measures == ["T1"]
    assert desk.trade().exit_reason is ExitReason.MANUAL_OVERRIDE


def test_an_entry_that_fills_while_the_stop_closes_gets_an_exit_of_its_own(opened):
    desk = opened(filled=1)
    desk.close()
    assert desk.changes["T1_SL"].order_type is OrderType.MARKET
    desk.fill("T1_ENTRY", 1)
    assert desk.submitted["T1_EXIT"].quantity == 1
    assert desk.working() == {"T1_SL": 1, "T1_EXIT": 1}


# Double fills


def test_target_and_stop_crossing_leave_an_excess_that_is_bought_back_with_an_alarm(opened):
    desk = opened()
    desk.fill("T1_TP")
    desk.fill("T1_SL")
    assert desk.trade().held == -2
    flatten = desk.submitted["T1_EXIT"]
    assert (flatten.side, flatten.quantity) == (Side.BUY, 2)
    assert [alarm.message for alarm in desk.alarms] == [
        "exits exceed the position by 2; flattening"
    ]
    desk.fill("T1_EXIT")
    assert desk.measures == ["T1"]


def test_a_partial_fill_of_the_buy_back_asks_for_no_second_one(opened):
    desk = opened()
    desk.fill("T1_TP")
    desk.fill("T1_SL")
    desk.fill("T1_EXIT", 1)
    assert desk.effects == []
    desk.fill("T1_EXIT", 1)
    assert desk.measures == ["T1"]


def test_a_growing_excess_is_bought_back_by_what_is_not_yet_on_its_way(opened):
    desk = opened(quantity=3)
    desk.fill("T1_TP")
    desk.fill("T1_SL", 1)
    assert desk.submitted["T1_EXIT"].quantity == 1
    desk.fill("T1_SL", 1)
    assert desk.submitted["T1_EXIT2"].quantity == 1
    assert desk.working() == {"T1_EXIT": 1, "T1_EXIT2": 1}


def test_an_excess_that_a_late_entry_undoes_is_not_bought_back_as_well(opened):
    desk = opened(filled=1)
    desk.fill("T1_TP")
    desk.fill("T1_SL")
    assert desk.working() == {"T1_EXIT": 1}
    desk.fill("T1_ENTRY", 1)  # it fills before its cancel
    assert desk.trade().held == 0
    assert desk.cancels == {"T1_EXIT"}
    desk.cancelled("T1_EXIT")
    assert desk.measures == ["T1"]


def test_a_buy_back_is_not_counted_on_to_sell(opened):
    desk = opened(filled=1, quantity=5)
    desk.fill("T1_TP")
    desk.fill("T1_SL")
    desk.fill("T1_ENTRY", 3)  # before its cancel: two more than the buy-back was for
    sold = desk.submitted["T1_EXIT2"]
    assert (sold.side, sold.quantity) == (Side.SELL, 2)
    assert "T1_EXIT" in desk.cancels


def test_a_buy_back_that_overshoots_is_sold_again(opened):
    desk = opened(filled=1)
    desk.fill("T1_TP")
    desk.fill("T1_SL")
    desk.fill("T1_ENTRY", 1)
    desk.fill("T1_EXIT")  # it fills before its cancel
    assert desk.trade().held == 1
    assert (desk.submitted["T1_EXIT2"].side, desk.submitted["T1_EXIT2"].quantity) == (Side.SELL, 1)


def test_a_late_fill_of_a_cancelled_leg_while_an_exit_works_does_not_end_the_trade(opened):
    desk = opened()
    desk.rejected("T1_SL")  # an exit closes the position
    desk.cancelled("T1_TP")
    desk.fill("T1_TP")  # after all
    assert desk.measures == []
    assert desk.cancels == {"T1_EXIT"}
    desk.cancelled("T1_EXIT")
    assert desk.measures == ["T1"]


def test_a_rejected_order_that_fills_in_part_works_on(opened):
    desk = opened()
    desk.rejected("T1_TP")
    desk.fill("T1_TP", 1)
    desk.replaced(desk.changes["T1_SL"])
    assert desk.working() == {"T1_SL": 1, "T1_TP": 1}
    desk.fill("T1_SL")
    assert desk.cancels == {"T1_TP"}
    assert desk.measures == []
    desk.cancelled("T1_TP")
    assert desk.measures == ["T1"]


def test_a_late_fill_of_the_last_order_ends_the_trade(opened):
    desk = opened()
    desk.cancel("T1_TP")
    desk.cancelled("T1_TP")
    while desk.working():  # every way out is lost
        desk.rejected(next(iter(desk.working())))
    assert desk.trade().held == 2
    desk.fill("T1_TP")
    assert desk.measures == ["T1"]


def test_orders_are_numbered_by_their_role(opened):
    desk = opened()
    desk.cancelled("T1_SL", "the broker's doing")
    placed = [event for event in desk.events if type(event) is OrdersPlaced]
    assert [order.client_order_id for event in placed for order in event.orders] == [
        "T1_SL",
        "T1_TP",
        "T1_SL2",
    ]
