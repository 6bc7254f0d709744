"""What follows from requests and deadlines."""

import pytest

from fillbridge.engine.messages import TimerKind
from fillbridge_hooks import Direction, ExitReason, OrderType, Side

# Closing


@pytest.mark.parametrize("reason", ExitReason)
def test_a_close_turns_the_stop_into_the_exit_and_gives_its_reason(opened, reason):
    desk = opened()
    desk.close(reason=reason)
    change = desk.changes["T1_SL"]
    assert (change.order_type, change.quantity) == (OrderType.MARKET, 2)
    assert (change.limit_ticks, change.trigger_ticks) == (None, None)
    assert desk.cancels == {"T1_TP"}
    assert desk.submitted == {}
    desk.replaced(change)
    desk.fill("T1_SL")
    desk.cancelled("T1_TP")
    assert desk.measures == ["T1"]
    assert desk.trade().exit_reason is reason


def test_a_close_withdraws_what_is_left_of_the_entry(opened):
    desk = opened(filled=1)
    desk.close()
    assert desk.cancels == {"T1_ENTRY", "T1_TP"}


def test_a_stop_that_triggers_before_it_is_turned_is_a_stop_loss(opened):
    desk = opened()
    desk.close()
    desk.fill("T1_SL")
    assert desk.trade().exit_reason is ExitReason.STOP_LOSS


def test_a_target_that_fills_before_its_cancel_is_a_take_profit(opened):
    desk = opened()
    desk.close()
    desk.fill("T1_TP")
    assert desk.cancels == {"T1_SL"}
    assert desk.trade().exit_reason is ExitReason.TAKE_PROFIT


def test_a_target_that_fills_in_part_reduces_the_stop_that_closes_and_leaves_it_the_exit(opened):
    desk = opened()
    desk.close()
    desk.fill("T1_TP", 1)
    change = desk.changes["T1_SL"]
    assert (change.order_type, change.quantity) == (OrderType.MARKET, 1)
    assert desk.submitted == {}
    assert desk.order("T1_SL").requested == change


def test_of_two_orders_that_close_the_one_that_is_too_many_is_withdrawn(opened):
    desk = opened(filled=1)
    desk.close()
    desk.fill("T1_ENTRY", 1)  # before its cancel: an exit closes it
    desk.fill("T1_TP", 1)  # before its cancel, too
    assert desk.cancels == {"T1_EXIT"}
    assert desk.submitted == {}
    assert desk.working() == {"T1_SL": 1}
    assert desk.order("T1_EXIT").cancel_sent


def test_a_close_before_any_fill_withdraws_the_entry(pending):
    desk = pending()
    desk.close(reason=ExitReason.SYSTEM_SHUTDOWN)
    assert desk.cancels == {"T1_ENTRY"}
    desk.cancelled("T1_ENTRY")
    assert desk.failed == {"T1_ENTRY": "closed: SHUTDOWN"}


@pytest.mark.parametrize("quantity", [1, 2])
def test_a_stop_that_is_not_acknowledged_is_not_turned_but_withdrawn(pending, quantity):
    desk = pending(quantity=quantity)
    desk.fill("T1_ENTRY")
    desk.accept("T1_TP")
    desk.close()
    assert desk.changes == {}
    assert desk.cancels == {"T1_SL", "T1_TP"}
    exit_order = desk.submitted["T1_EXIT"]
    assert (exit_order.side, exit_order.quantity) == (Side.SELL, quantity)
    desk.fill("T1_EXIT")
    desk.cancelled("T1_SL")
    desk.cancelled("T1_TP")
    assert desk.measures == ["T1"]
    assert desk.trade().exit_reason is ExitReason.MANUAL_OVERRIDE


def test_a_stop_that_cannot_be_turned_is_withdrawn_and_an_exit_closes(opened):
    desk = opened()
    desk.close(reason=ExitReason.TIMEOUT)
    desk.replace_rejected("T1_SL", "not now")
    assert desk.submitted["T1_EXIT"].quantity == 2
    assert desk.cancels == {"T1_SL"}
    assert len(desk.alarms) == 1
    desk.fill("T1_EXIT")
    desk.cancelled("T1_SL")
    desk.cancelled("T1_TP")
    assert desk.measures == ["T1"]
    assert desk.trade().exit_reason is ExitReason.TIMEOUT


def test_a_stop_that_closes_and_cannot_be_reduced_alarms(opened):
    desk = opened()
    desk.close()
    desk.replaced(desk.changes["T1_SL"])
    desk.fill("T1_TP", 1)
    desk.replace_rejected("T1_SL")
    assert desk.submitted == {}
    assert len(desk.alarms) == 1


def test_a_stop_that_closes_and_is_lost_is_followed_by_an_exit(opened):
    desk = opened()
    desk.close()
    desk.cancelled("T1_SL", "the broker's doing")
    assert desk.submitted["T1_EXIT"].quantity == 2
    assert "T1_SL2" not in desk.state.orders


def test_a_second_close_changes_nothing(opened):
    desk = opened()
    desk.close(reason=ExitReason.TIMEOUT)
    assert desk.close() == ()
    assert desk.trade().close_reason is ExitReason.TIMEOUT


def test_a_close_of_a_trade_that_nobody_knows_changes_nothing(desk):
    assert desk.close("T9") == ()


def test_a_close_while_an_exit_is_on_its_way_sends_no_second_one(opened):
    desk = opened(filled=1)
    desk.fill("T1_ENTRY", 1)
    desk.replace_rejected("T1_SL")  # one contract is being closed
    desk.close()
    assert desk.submitted["T1_EXIT2"].quantity == 1
    assert desk.cancels == {"T1_SL", "T1_TP"}
    assert desk.working() == {"T1_EXIT": 1, "T1_EXIT2": 1}


def test_a_close_while_an_excess_is_bought_back_leaves_the_buy_back(opened):
    desk = opened(direction=Direction.SHORT, stop_ticks=16_040, target_ticks=15_960)
    desk.fill("T1_TP")
    desk.fill("T1_SL")
    desk.close()
    assert desk.effects == []
    assert desk.working() == {"T1_EXIT": 2}


# Cancelling and changing one order


def test_a_cancel_is_sent_once(pending):
    desk = pending()
    desk.cancel("T1_ENTRY")
    assert desk.cancels == {"T1_ENTRY"}
    assert desk.cancel("T1_ENTRY") == ()


@pytest.mark.parametrize("order_id", ["T1_ENTRY", "X"])
def test_a_cancel_of_an_order_that_does_not_work_changes_nothing(opened, order_id):
    assert opened().cancel(order_id) == ()


def test_a_change_keeps_what_it_does_not_name(opened):
    desk = opened()
    desk.replace("T1_SL", trigger_ticks=15_980)
    change = desk.changes["T1_SL"]
    assert (change.quantity, change.order_type) == (2, OrderType.STOP)
    assert (change.limit_ticks, change.trigger_ticks) == (None, 15_980)


def test_a_move_does_not_undo_a_resize_that_is_on_its_way(opened):
    desk = opened(filled=1)
    desk.fill("T1_ENTRY", 1)
    desk.replace("T1_SL", trigger_ticks=15_980)
    assert desk.changes["T1_SL"].quantity == 2


def test_a_resize_does_not_undo_a_move_that_is_on_its_way(opened):
    desk = opened(filled=1)
    desk.replace("T1_SL", trigger_ticks=15_980)
    desk.fill("T1_ENTRY", 1)
    assert desk.changes["T1_SL"].trigger_ticks == 15_980


@pytest.mark.parametrize("order_id", ["T1_ENTRY", "X"])
def test_a_change_of_an_order_that_does_not_work_changes_nothing(opened, order_id):
    assert opened().replace(order_id, trigger_ticks=15_980) == ()


def test_an_order_of_a_trade_that_is_being_closed_is_not_moved(opened):
    desk = opened()
    desk.close()
    assert desk.replace("T1_SL", trigger_ticks=15_980) == ()


# Deadlines


def test_the_entry_gets_its_deadline_and_is_withdrawn_with_the_reason(desk, plan):
    desk.propose(plan(entry_deadline_ns=77))
    assert desk.timers == {"entry": 77}
    desk.accept("T1_ENTRY")
    desk.fire(TimerKind.ENTRY)
    assert desk.cancels == {"T1_ENTRY"}
    desk.cancelled("T1_ENTRY")
    assert desk.failed == {"T1_ENTRY": "not filled in time"}


def test_the_deadline_of_the_entry_leaves_what_has_filled(opened):
    desk = opened(filled=1)
    desk.fire(TimerKind.ENTRY)
    assert desk.cancels == {"T1_ENTRY"}
    desk.cancelled("T1_ENTRY")
    assert desk.working() == {"T1_SL": 1, "T1_TP": 1}


def test_the_deadline_of_an_entry_that_filled_changes_nothing(opened):
    desk = opened()
    assert desk.fire(TimerKind.ENTRY) == ()


def test_the_deadline_of_a_position_closes_it_with_timeout(opened):
    desk = opened()
    desk.fire(TimerKind.POSITION)
    desk.replaced(desk.changes["T1_SL"])
    desk.fill("T1_SL")
    assert desk.trade().exit_reason is ExitReason.TIMEOUT


@pytest.mark.parametrize("kind", TimerKind)
def test_a_deadline_of_a_trade_that_is_done_changes_nothing(desk, kind):
    assert desk.fire(kind, "T9") == ()


def test_a_position_whose_exits_were_lost_can_be_closed_once_more(opened):
    desk = opened()
    for lost in ("T1_SL", "T1_EXIT", "T1_EXIT2", "T1_EXIT3"):
        if lost in desk.state.orders:
            desk.rejected(lost)
    assert not [order_id for order_id in desk.working() if "EXIT" in order_id]
    desk.close()
    assert [order.quantity for order in desk.submitted.values()] == [2]
    desk.close()
    assert desk.submitted == {}, "it is being closed"
