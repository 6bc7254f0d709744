"""Stop and target that the broker keeps: they follow by themselves, or are mended."""

import msgspec
import pytest

from fillbridge.engine.messages import Submit
from fillbridge_hooks import Replacement


@pytest.fixture
def bracket(desk, plan):
    """A trade whose legs went to the broker with the entry."""

    def propose(**changes):
        made = msgspec.structs.replace(plan(**changes), has_broker_legs=True)
        desk.propose(made)
        return desk

    return propose


@pytest.fixture
def open_bracket(bracket):
    def propose(filled=None, **changes):
        desk = bracket(**changes)
        desk.accept("T1_ENTRY")
        desk.fill("T1_ENTRY", filled)
        desk.accept("T1_SL", "T1_TP")
        return desk

    return propose


def replaced(desk, order_id, quantity):
    order = desk.order(order_id).order
    desk.replaced(
        Replacement(order_id, quantity, order.order_type, order.limit_ticks, order.trigger_ticks)
    )


def test_the_legs_leave_with_the_entry(bracket):
    (submit,) = bracket(quantity=3).asked(Submit)
    stop, target = submit.legs
    assert (stop.client_order_id, stop.quantity, stop.trigger_ticks) == ("T1_SL", 3, 15_960)
    assert (target.client_order_id, target.quantity, target.limit_ticks) == ("T1_TP", 3, 16_040)


def test_an_entry_without_a_fill_leaves_no_legs_behind(bracket):
    desk = bracket()
    desk.cancelled("T1_ENTRY")
    assert list(desk.failed) == ["T1_ENTRY"]
    assert desk.state.trades == {}
    assert "T1_SL" not in desk.state.orders


def test_a_fill_makes_the_legs_known_and_sends_nothing(bracket):
    desk = bracket(quantity=3)
    desk.fill("T1_ENTRY", 2)
    assert desk.submitted == {}
    assert desk.working() == {"T1_ENTRY": 1, "T1_SL": 2, "T1_TP": 2}


def test_the_broker_lets_the_legs_follow_the_entry(open_bracket):
    desk = open_bracket(quantity=3, filled=1)
    desk.fill("T1_ENTRY", 2)
    assert desk.effects == []
    replaced(desk, "T1_SL", 3)
    replaced(desk, "T1_TP", 3)
    assert desk.working() == {"T1_SL": 3, "T1_TP": 3}


def test_legs_that_did_not_follow_are_raised_when_that_is_noticed(open_bracket):
    desk = open_bracket(quantity=3, filled=1)
    desk.fill("T1_ENTRY", 2)
    desk.protect()
    assert {key: one.quantity for key, one in desk.changes.items()} == {"T1_SL": 3, "T1_TP": 3}


@pytest.mark.parametrize(("leg", "other"), [("T1_SL", "T1_TP"), ("T1_TP", "T1_SL")])
def test_the_broker_cancels_the_other_leg(open_bracket, leg, other):
    desk = open_bracket()
    desk.fill(leg)
    assert desk.cancels == set()
    desk.cancelled(other)
    assert desk.measures == ["T1"]


@pytest.mark.parametrize(("leg", "other"), [("T1_SL", "T1_TP"), ("T1_TP", "T1_SL")])
def test_the_cancelled_leg_may_be_heard_of_before_the_fill(open_bracket, leg, other):
    desk = open_bracket()
    desk.cancelled(other)
    assert desk.submitted == {}
    desk.fill(leg)
    assert desk.measures == ["T1"]


def test_a_stop_that_is_gone_without_a_fill_is_placed_again_when_that_is_noticed(open_bracket):
    desk = open_bracket()
    desk.cancelled("T1_SL")
    desk.protect()
    assert desk.submitted["T1_SL2"].quantity == 2


def test_a_leg_that_the_broker_left_is_cancelled_when_that_is_noticed(open_bracket):
    desk = open_bracket()
    desk.fill("T1_TP")
    desk.protect()
    assert desk.cancels == {"T1_SL"}


def test_a_rejected_stop_closes_the_position(open_bracket, bracket):
    desk = bracket()
    desk.fill("T1_ENTRY")
    desk.rejected("T1_SL")
    assert desk.submitted["T1_EXIT"].quantity == 2


def test_what_is_left_of_the_entry_is_withdrawn_with_the_position(open_bracket):
    desk = open_bracket(quantity=3, filled=1)
    desk.fill("T1_TP")
    assert desk.cancels == {"T1_ENTRY"}


def test_legs_of_an_entry_that_fills_after_it_was_withdrawn_are_withdrawn_too(bracket):
    desk = bracket()
    desk.accept("T1_ENTRY")
    desk.close()
    desk.fill("T1_ENTRY", 1)
    assert desk.submitted["T1_EXIT"].quantity == 1
    assert desk.cancels == {"T1_SL", "T1_TP"}


def test_legs_that_were_withdrawn_are_so_once(bracket):
    desk = bracket()
    desk.accept("T1_ENTRY")
    desk.close()
    desk.fill("T1_ENTRY", 1)
    desk.fill("T1_ENTRY", 1)
    assert desk.cancels == set()
