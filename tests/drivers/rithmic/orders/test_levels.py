"""Distances that are put right before there is a fill, and what becomes of legs if they are not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.drivers.rithmic.orders.lives import (
    SECOND,
    Life,
    answer,
    approved,
    as_snapshot,
    desk,
    entry,
    legs,
    stop_leg,
    take,
    target_leg,
)

from fillbridge_hooks import OrderRole, OrderType, Replaced, Replacement
from fillbridge_rithmic.orders.notices import Phase
from fillbridge_rithmic.orders.serial import ANSWER_NS

TAG, STOP, TARGET = "T1_ENTRY", "T1_SL", "T1_TP"
MODIFY, CANCEL, MOVE_TARGET, MOVE_STOP = 314, 316, 332, 334
WINDOW = "_SL@19960 _TP@20040"
FIELDS = {MOVE_STOP: "stop_ticks", MOVE_TARGET: "target_ticks"}
ATOMIC = "Atomic order operation in progress"


class Resting:
    """A buy of three at 20,000 with its legs at 19,960 and 20,040, and what is sent for it."""

    def __init__(self, *, tells=True, its_legs=None, **fields):
        order = entry(TAG, **fields)
        self.now = 10 * SECOND
        self.desk = desk()
        self.desk.submit(approved(order, legs(order) if its_legs is None else its_legs), None)
        self.life = Life("10", TAG, window_name=WINDOW)
        if tells:
            self.told(self.life.open())

    def told(self, *lives):
        notices = [notice for life in lives for notice in life.told]
        for life in lives:
            life.told.clear()
        return take(self.desk, notices, self.now)

    def reprice(self, limit):
        change = Replacement(TAG, 3, OrderType.LIMIT, limit, None)
        assert self.desk.replace(change, self.now) == ""

    def move_stop(self, ticks):
        assert self.desk.replace(Replacement(STOP, 3, OrderType.STOP, None, ticks), self.now) == ""

    def move_target(self, ticks):
        assert (
            self.desk.replace(Replacement(TARGET, 3, OrderType.LIMIT, ticks, None), self.now) == ""
        )

    def requests(self, later_ns=0):
        self.now += later_ns
        return self.desk.changes.requests(self.now)

    def sent(self, later_ns=0):
        return [
            (one.template, one.fields.get("level"), one.fields.get(FIELDS.get(one.template)))
            for one in self.requests(later_ns)
        ]

    def answered(self, later_ns=0, *codes):
        """What is sent, one after the other, each answered at once."""
        all_sent = []
        while requests := self.requests(later_ns):
            (one,) = requests
            assert len(all_sent) < len(FIELDS)
            all_sent.append(
                (one.template, one.fields.get("level"), one.fields.get(FIELDS.get(one.template)))
            )
            self.desk.answer(answer(one.template + 1, one.key, *codes), self.now)
        return all_sent

    def repriced(self, limit):
        """Another limit, which is confirmed."""
        self.reprice(limit)
        assert self.sent() == [(MODIFY, None, None)]
        return self.told(self.life.change(limit=limit / 4))


def test_a_repriced_entry_has_its_legs_put_right_one_by_one_once_it_is_confirmed():
    one = Resting()
    one.reprice(19_990)
    assert one.sent() == [(MODIFY, None, None)]
    assert one.sent() == []
    (report,) = one.told(one.life.change(limit=4997.5))
    assert type(report) is Replaced
    (request,) = one.requests()
    assert (request.template, request.fields) == (
        MOVE_STOP,
        {
            "fcm_id": "F",
            "ib_id": "I",
            "account_id": "A1",
            "basket_id": "10",
            "level": 40,
            "stop_ticks": 30,
        },
    )
    assert one.sent() == []
    one.desk.answer(answer(335, request.key), one.now)
    assert one.answered() == [(MOVE_TARGET, 40, 50)]
    one.repriced(19_980)
    assert one.answered() == [(MOVE_STOP, 30, 20), (MOVE_TARGET, 50, 60)]


def test_an_entry_that_rests_as_it_was_sent_needs_nothing():
    one = Resting()
    assert one.desk.changes.levels._due == {}
    assert one.sent() == []


def test_what_somebody_else_repriced_counts_too():
    one = Resting()
    one.told(one.life.change(limit=4997.5))
    assert one.answered() == [(MOVE_STOP, 40, 30), (MOVE_TARGET, 40, 50)]


def test_a_change_may_be_the_first_that_is_heard_of_an_entry_that_works():
    one = Resting(tells=False)
    one.told(one.life.begin())
    one.repriced(19_990)
    assert one.answered() == [(MOVE_STOP, 40, 30), (MOVE_TARGET, 40, 50)]


def test_a_leg_that_is_replaced_before_the_fill():
    one = Resting()
    one.move_stop(19_950)
    assert one.answered() == [(MOVE_STOP, 40, 50)]
    one.move_target(20_020)
    assert one.answered() == [(MOVE_TARGET, 40, 20)]
    one.repriced(20_010)
    assert one.answered() == [(MOVE_STOP, 50, 60), (MOVE_TARGET, 20, 10)]


def test_a_leg_that_is_replaced_before_anything_is_heard_of_its_entry():
    one = Resting(tells=False)
    one.move_stop(19_950)
    assert one.sent() == []
    one.told(one.life.begin())
    assert one.sent() == []
    one.told(one.life.say(Phase.WORKING))
    assert one.answered() == [(MOVE_STOP, 40, 50)]


def test_a_leg_of_an_entry_that_is_refused_is_not_waited_for():
    one = Resting(tells=False)
    one.move_stop(19_950)
    one.desk.answer(answer(331, f"order {TAG}", "3", "refused"), one.now)
    assert one.sent() == []
    assert one.desk.changes.levels._due == {}


def test_legs_at_a_distance_need_nothing_when_the_entry_is_repriced():
    order = entry(TAG)
    stop, target = legs(order)
    stop = replace(stop, trigger_ticks=None, distance_ticks=40)
    target = replace(target, limit_ticks=None, distance_ticks=40)
    one = Resting(its_legs=(stop, target))
    one.repriced(19_990)
    assert one.sent() == []
    one.move_stop(19_960)
    assert one.answered() == [(MOVE_STOP, 40, 30)]


def test_a_distance_of_no_tick_is_never_sent():
    one = Resting()
    one.repriced(19_950)
    assert one.answered() == [(MOVE_TARGET, 40, 90)]


@pytest.mark.parametrize("codes", [("6", "level is invalid"), ("6", ATOMIC)])
def test_a_distance_that_is_refused_is_not_asked_for_again(codes):
    one = Resting()
    one.repriced(19_990)
    assert one.answered(0, *codes) == [(MOVE_STOP, 40, 30), (MOVE_TARGET, 40, 50)]
    one.told(one.life.change(limit=4997.5))
    assert one.sent(ANSWER_NS) == []
    one.repriced(19_980)
    assert one.answered() == [(MOVE_STOP, 40, 20), (MOVE_TARGET, 40, 60)]


def test_a_distance_that_is_not_answered_holds_up_nothing_for_long():
    one = Resting()
    one.repriced(19_990)
    (asked,) = one.requests()
    assert one.desk.changes.next_due_ns() == one.now + ANSWER_NS
    one.reprice(19_980)
    assert one.sent(ANSWER_NS - 1) == []
    assert one.sent(1) == [(MODIFY, None, None)]
    one.desk.answer(answer(335, asked.key), one.now)
    one.told(one.life.change(limit=4995.0))
    assert one.answered() == [(MOVE_STOP, 30, 20), (MOVE_TARGET, 40, 60)]


def test_a_cancel_goes_before_what_is_not_yet_under_way():
    one = Resting()
    one.reprice(19_990)
    assert one.sent() == [(MODIFY, None, None)]
    assert one.desk.cancel(TAG) == ""
    assert one.sent() == []
    one.told(one.life.change(limit=4997.5))
    assert one.sent() == [(CANCEL, None, None)]
    one.told(one.life.end("C"))
    assert one.sent() == []
    assert one.desk.changes.levels._due == {}


def test_a_cancel_waits_for_one_answer_at_most():
    one = Resting()
    one.repriced(19_990)
    (asked,) = one.requests()
    one.desk.cancel(TAG)
    assert one.sent() == []
    one.desk.answer(answer(335, asked.key), one.now)
    assert one.sent() == [(CANCEL, None, None)]


def test_once_there_is_a_fill_legs_are_moved_where_they_are():
    one = Resting()
    one.repriced(19_990)
    (asked,) = one.requests()
    stop = stop_leg("12", "10", 1, trigger=4987.5).begin().say(Phase.WORKING)
    one.told(one.life.fill(1, 4997.5), stop)
    assert one.sent() == [(MODIFY, None, None)]
    one.desk.answer(answer(335, asked.key), one.now)
    assert one.sent() == []
    assert one.desk.changes.levels._due == {}


def test_what_is_forgotten_is_forgotten_here_too():
    one = Resting()
    one.repriced(19_990)
    assert len(one.answered()) == 2
    one.told(one.life.end("C"))
    one.desk.forget_past(one.now)
    levels = one.desk.changes.levels
    assert (levels._held, levels._tried, levels._asks, levels._flights) == ({}, {}, {}, {})


# A later session


def resting_before(limit=4997.5):
    """A desk that finds the entry as it begins."""
    made = desk()
    life = Life("10", TAG, window_name=WINDOW, limit=limit).open()
    take(made, [as_snapshot(notice) for notice in life.told])
    made.begin()
    return made, life


def test_what_is_found_has_no_level_before_rithmic_names_it():
    made, life = resting_before()
    life.told.clear()
    take(made, life.change(limit=4995.0).told)
    assert made.changes.requests(10 * SECOND) == []


def test_a_distance_that_is_found_wrong_is_put_right():
    made, _ = resting_before()
    basket = made.book.baskets["10"]
    made.changes.levels.learn(basket, OrderRole.STOP, 40)
    made.changes.levels.learn(basket, OrderRole.TARGET, 50)
    (request,) = made.changes.requests(10 * SECOND)
    assert request.template == MOVE_STOP
    assert (request.fields["level"], request.fields["stop_ticks"]) == (40, 30)
    made.answer(answer(335, request.key), 10 * SECOND)
    assert made.changes.requests(10 * SECOND) == []


# Whatever goes wrong


class Rithmic:
    """What would be at Rithmic: an entry and its distances, and requests on their way there."""

    def __init__(self, one, draw):
        self.one = one
        self.draw = draw
        self.limit = 20_000
        self.held = {MOVE_STOP: 40, MOVE_TARGET: 40}
        self.asked = {STOP: 19_960, TARGET: 20_040}
        self.under_way = []
        self.answers = []
        self.tried = {}

    def send(self):
        for request in self.one.requests():
            assert not any(one.template in FIELDS for one in self.under_way)
            if self.under_way:
                # A change that went unanswered was asked for again, and confirmed too late.
                self.answers.append(answer(request.template + 1, request.key, "6", ATOMIC))
            else:
                self.under_way.append(request)
            if request.template in FIELDS:
                ticks = request.fields[FIELDS[request.template]]
                assert ticks >= 1
                assert self.tried.get(request.template) != ticks
                self.tried[request.template] = ticks

    def wish(self):
        kind = self.draw(st.sampled_from(["entry", "stop", "target"]))
        away = self.draw(st.integers(1, 80))
        if kind == "entry":
            self.one.reprice(20_000 - 40 + away)
        elif kind == "stop":
            self.asked[STOP] = 20_000 - away
            self.one.move_stop(self.asked[STOP])
        else:
            self.asked[TARGET] = 20_000 + away
            self.one.move_target(self.asked[TARGET])

    def carry_out(self):
        """One request arrives, and its answer is on its way, if there is one."""
        if not self.under_way:
            return
        request = self.under_way.pop()
        fate = self.draw(
            st.sampled_from(["done", "done", "refused", "overlaps", "unheard", "lost"])
        )
        is_done = fate in ("done", "unheard")
        reason = {"refused": ("6", "no"), "overlaps": ("6", ATOMIC)}.get(fate, ())
        if request.template == MODIFY:
            if is_done:
                self.limit = round(request.fields["price"] * 4)
                self.one.life.change(limit=request.fields["price"])
            if fate == "unheard":
                self.one.life.told.clear()
        else:
            if self.held[request.template] != request.fields["level"]:
                is_done, reason = False, ("6", "level is invalid")
            if is_done:
                self.held[request.template] = request.fields[FIELDS[request.template]]
        if fate not in ("unheard", "lost"):
            self.answers.append(answer(request.template + 1, request.key, *reason))

    def hear(self):
        self.one.told(self.one.life)
        if self.answers and self.draw(st.booleans()):
            self.one.desk.answer(self.answers.pop(0), self.one.now)

    def go_on(self):
        self.send()
        self.carry_out()
        self.hear()

    def wait(self):
        self.under_way.clear()
        self.one.now += ANSWER_NS

    def fill(self):
        """Fill the entry where it is; its legs, as Rithmic makes them."""
        price = self.limit + self.draw(st.integers(-2, 0))
        target = target_leg("11", "10", 3, limit=(price + self.held[MOVE_TARGET]) / 4).open()
        stop = stop_leg("12", "10", 3, trigger=(price - self.held[MOVE_STOP]) / 4)
        stop.begin().say(Phase.WORKING)
        self.one.told(self.one.life.fill(3, price / 4), target, stop)
        return {"11": target, "12": stop}


@given(data=st.data())
def test_legs_end_where_they_were_asked_for_whatever_is_lost_refused_or_late(data):
    one = Resting()
    rithmic = Rithmic(one, data.draw)
    steps = [
        rithmic.wish,
        rithmic.send,
        rithmic.carry_out,
        rithmic.hear,
        rithmic.wait,
        rithmic.go_on,
        rithmic.go_on,
        rithmic.go_on,
    ]
    for step in data.draw(st.lists(st.sampled_from(steps), min_size=8, max_size=40)):
        step()
    its_legs = rithmic.fill()
    for late in rithmic.answers:
        one.desk.answer(late, one.now)
    moved = []
    while requests := one.requests():
        assert len(moved) < 2
        for request in requests:
            basket_id = request.fields["basket_id"]
            assert request.template == MODIFY
            moved.append(basket_id)
            field = "limit" if basket_id == "11" else "trigger"
            price = request.fields["price" if basket_id == "11" else "trigger_price"]
            one.told(its_legs[basket_id].change(**{field: price}))
    (stop,), (target,) = one.desk.book.named(STOP), one.desk.book.named(TARGET)
    assert stop.terms.trigger_ticks == rithmic.asked[STOP]
    assert target.terms.limit_ticks == rithmic.asked[TARGET]
