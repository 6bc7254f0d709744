"""Legs at Rithmic: named, moved to their level, and never more than what is held."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.drivers.rithmic.orders.lives import (
    SECOND,
    Life,
    answer,
    as_snapshot,
    desk,
    entry,
    legs,
    sent,
    stop_leg,
    submitted,
    take,
    target_leg,
)

from fillbridge_hooks import (
    Accepted,
    Cancelled,
    CancelRejected,
    Fill,
    OrderStatus,
    OrderType,
    Rejected,
    Replaced,
    Replacement,
    ReplaceRejected,
    Side,
)
from fillbridge_rithmic.orders.notices import Phase
from fillbridge_rithmic.orders.serial import ANSWER_NS

TAG, STOP, TARGET = "T1_ENTRY", "T1_SL", "T1_TP"
NOW = 10 * SECOND
CANCEL, MODIFY = 316, 314
MARKET, STOP_MARKET = 2, 4
FLATTEN = Replacement(STOP, 3, OrderType.MARKET, None, None)


class Bracket:
    """An entry of three contracts that this session sent, with its legs."""

    def __init__(self):
        order = entry(TAG)
        self.desk = submitted(order, legs(order))
        self.entry = Life("10", TAG, window_name="_SL@19960 _TP@20040")
        self.reports = take(self.desk, self.entry.open().told)
        self.entry.told.clear()

    def told(self, *lives):
        notices = [notice for life in lives for notice in life.told]
        for life in lives:
            life.told.clear()
        return take(self.desk, notices)

    def news(self):
        return take(self.desk, [])

    def fill(self, quantity, number=1, price=5000.0):
        """Fill a part of the entry; its legs, and what is reported."""
        away = price - 5000.0
        target = target_leg(f"{10 + 2 * number - 1}", "10", quantity, limit=5010.0 + away)
        stop = stop_leg(f"{10 + 2 * number}", "10", quantity, trigger=4990.0 + away)
        self.entry.fill(quantity, price)
        return stop, target, self.told(self.entry, target.open(), stop.begin().say(Phase.WORKING))

    def named(self, name):
        (line,) = self.desk.book.named(name)
        return line


def kinds(reports):
    return [(type(one), one.client_order_id) for one in reports]


def test_legs_are_accepted_under_their_ids_after_the_fill():
    bracket = Bracket()
    _, _, reports = bracket.fill(3)
    assert kinds(reports) == [(Fill, TAG), (Accepted, TARGET), (Accepted, STOP)]
    stop = bracket.named(STOP).as_broker_order()
    assert (stop.quantity, stop.side, stop.trigger_ticks) == (3, Side.SELL, 19_960)
    assert sent(bracket.desk) == []


def test_legs_that_are_heard_of_before_the_fill_are_reported_after_it():
    bracket = Bracket()
    stop, target = stop_leg("12", "10", 3), target_leg("11", "10", 3)
    assert bracket.told(stop.begin().say(Phase.WORKING), target.open()) == []
    reports = bracket.told(bracket.entry.fill(3))
    assert kinds(reports) == [(Fill, TAG), (Accepted, STOP), (Accepted, TARGET)]


def test_legs_that_are_heard_of_before_their_entry_is_known_are_named_later():
    made = desk()
    stop = stop_leg("12", "10", 3)
    take(made, stop.begin().say(Phase.WORKING).told)
    assert made.book.strangers() == {"10"}
    take(made, Life("10", TAG).open().fill(3).told)
    assert made.book.strangers() == set()
    assert [line.broker_order_id for line in made.book.named(STOP)] == ["10/stop"]


@given(data=st.data())
def test_any_order_of_notices_names_each_leg_and_reports_each_fill_once(data):
    bracket = Bracket()
    parts = data.draw(st.sampled_from([(3,), (1, 2), (2, 1), (1, 1, 1)]))
    told = []
    for number, quantity in enumerate(parts, 1):
        bracket.entry.fill(quantity)
        target = target_leg(f"{10 + 2 * number - 1}", "10", quantity).open()
        stop = stop_leg(f"{10 + 2 * number}", "10", quantity).begin().say(Phase.WORKING)
        if data.draw(st.booleans()):
            told += target.fill(quantity, 5010.0).end("F").told
            told += stop.end("C").told
        else:
            told += stop.say(Phase.TRIGGERED).fill(quantity, 4990.0).end("F").told
            told += target.end("C").told
    told += bracket.entry.end("F").told
    again = data.draw(st.lists(st.sampled_from(told), max_size=5))
    reports = take(bracket.desk, data.draw(st.permutations([*told, *again])))
    fills = [one for one in reports if type(one) is Fill]
    assert len(fills) == len({fill.fill_id for fill in fills}) == 2 * len(parts)
    held = sum(one.quantity for one in fills if one.client_order_id == TAG)
    closed = sum(one.quantity for one in fills if one.client_order_id in (STOP, TARGET))
    assert held == closed == 3
    for name in (STOP, TARGET):
        assert bracket.named(name).has_ended
    # Nothing is said of a leg before the fill that brought it about.
    names = [one.client_order_id for one in reports if type(one) in (Accepted, Fill)]
    assert names.index(TAG) < min(names.index(STOP), names.index(TARGET))


def test_several_baskets_are_one_leg():
    bracket = Bracket()
    bracket.fill(1)
    _, _, reports = bracket.fill(2, number=2)
    changes = [one for one in reports if type(one) is Replaced]
    assert [(one.client_order_id, one.quantity) for one in changes] == [(TARGET, 3), (STOP, 3)]
    stop = bracket.named(STOP).as_broker_order()
    assert (stop.broker_order_id, stop.quantity, stop.filled) == ("10/stop", 3, 0)


def test_a_leg_that_is_reduced_by_the_other_says_so():
    bracket = Bracket()
    stop, target, _ = bracket.fill(3)
    reports = bracket.told(target.fill(1, 5010.0), stop.change(quantity=2))
    assert kinds(reports) == [(Fill, TARGET), (Replaced, STOP)]
    assert reports[1].quantity == 2
    assert bracket.named(STOP).as_broker_order().quantity == 2


def test_of_two_sets_the_one_that_was_closed_counts_no_more():
    bracket = Bracket()
    stop, target, _ = bracket.fill(1)
    bracket.fill(2, number=2)
    reports = bracket.told(target.fill(1, 5010.0).end("F"), stop.end("C"))
    assert kinds(reports) == [(Fill, TARGET), (Replaced, STOP)]
    order = bracket.named(STOP).as_broker_order()
    assert (order.quantity, order.filled, order.status) == (2, 0, OrderStatus.SUBMITTED)


def test_the_stop_is_cancelled_when_the_target_has_filled():
    bracket = Bracket()
    stop, target, _ = bracket.fill(3)
    reports = bracket.told(target.fill(3, 5010.0).end("F"), stop.end("C"))
    assert kinds(reports) == [(Fill, TARGET), (Cancelled, STOP)]


def test_a_refused_stop_is_said_to_be():
    bracket = Bracket()
    stop = stop_leg("12", "10", 3).begin().end("R", "price is through the market")
    reports = bracket.told(bracket.entry.fill(3), stop)
    assert kinds(reports) == [(Fill, TAG), (Rejected, STOP)]


# Levels


def test_legs_are_moved_where_the_fill_was_better():
    bracket = Bracket()
    stop, target, reports = bracket.fill(3, price=4999.0)
    assert kinds(reports) == [(Fill, TAG), (Accepted, TARGET), (Accepted, STOP)]
    assert bracket.desk.changes.is_correcting
    assert sorted(sent(bracket.desk)) == [
        ("11", MODIFY, 3, 1, 5010.0, None),
        ("12", MODIFY, 3, STOP_MARKET, None, 4990.0),
    ]
    assert bracket.told(stop.change(trigger=4990.0), target.change(limit=5010.0)) == []
    assert not bracket.desk.changes.is_correcting
    assert sent(bracket.desk, NOW + 10 * SECOND) == []


def test_a_leg_that_cannot_be_moved_protects_where_it_is_and_says_so():
    bracket = Bracket()
    stop, target, _ = bracket.fill(3, price=4999.0)
    sent(bracket.desk)
    reports = bracket.told(
        stop.say(Phase.CHANGE_REFUSED, text="not here"), target.change(limit=5010.0)
    )
    assert [(type(one), one.client_order_id, one.trigger_ticks) for one in reports] == [
        (Replaced, STOP, 19_956)
    ]
    assert sent(bracket.desk, NOW + 10 * SECOND) == []


def test_a_flatten_waits_for_a_correction_and_comes_after_it():
    bracket = Bracket()
    stop, target, _ = bracket.fill(3, price=4999.0)
    assert len(sent(bracket.desk)) == 2
    assert bracket.desk.replace(FLATTEN, NOW) == ""
    assert sent(bracket.desk) == []
    assert bracket.told(stop.change(trigger=4990.0), target.change(limit=5010.0)) == []
    assert sent(bracket.desk) == [("12", MODIFY, 3, MARKET, None, None)]
    reports = bracket.told(stop.change(order_type=OrderType.MARKET, trigger=None))
    assert kinds(reports) == [(Replaced, STOP)]
    assert sent(bracket.desk, NOW + 10 * SECOND) == []


def test_a_flatten_waits_no_longer_than_an_answer_may_take_and_a_late_refusal_is_not_of_it():
    bracket = Bracket()
    stop, target, _ = bracket.fill(3, price=4999.0)
    assert len(sent(bracket.desk)) == 2
    bracket.told(target.change(limit=5010.0))
    assert bracket.desk.replace(FLATTEN, NOW + ANSWER_NS - 1) == ""
    assert sent(bracket.desk, NOW + ANSWER_NS - 1) == []
    assert bracket.desk.changes.next_due_ns() == NOW + ANSWER_NS
    assert sent(bracket.desk, NOW + ANSWER_NS) == [("12", MODIFY, 3, MARKET, None, None)]
    assert bracket.told(stop.say(Phase.CHANGE_REFUSED, text="not here")) == []
    refused, moved = bracket.told(stop.say(Phase.CHANGE_REFUSED, text="not allowed"))
    assert (type(refused), refused.reason) == (ReplaceRejected, "not allowed")
    assert (type(moved), moved.trigger_ticks) == (Replaced, 19_956)


def test_a_wish_before_the_leg_was_heard_of_is_carried_out_when_it_is():
    bracket = Bracket()
    assert kinds(bracket.told(bracket.entry.fill(3))) == [(Fill, TAG)]
    assert bracket.desk.replace(FLATTEN, NOW) == ""
    assert sent(bracket.desk) == []
    stop = stop_leg("12", "10", 3, trigger=4989.0)
    assert kinds(bracket.told(stop.begin().say(Phase.WORKING))) == [(Accepted, STOP)]
    assert sent(bracket.desk) == [("12", MODIFY, 3, MARKET, None, None)]


def test_a_cancel_before_the_leg_was_heard_of_is_carried_out_when_it_is():
    bracket = Bracket()
    bracket.told(bracket.entry.fill(3))
    assert bracket.desk.cancel(STOP) == ""
    bracket.told(stop_leg("12", "10", 3, trigger=4989.0).begin().say(Phase.WORKING))
    assert [one[:2] for one in sent(bracket.desk)] == [("12", CANCEL)]


def test_a_level_that_was_moved_counts_for_further_baskets():
    bracket = Bracket()
    stop, _, _ = bracket.fill(1)
    bracket.desk.replace(Replacement(STOP, 1, OrderType.STOP, None, 19_980), NOW)
    assert sent(bracket.desk) == [("12", MODIFY, 1, STOP_MARKET, None, 4995.0)]
    assert kinds(bracket.told(stop.change(trigger=4995.0))) == [(Replaced, STOP)]
    bracket.fill(2, number=2)
    assert sent(bracket.desk) == [("14", MODIFY, 2, STOP_MARKET, None, 4995.0)]


@pytest.mark.parametrize("becomes", [OrderType.MARKET, OrderType.LIMIT, None])
@pytest.mark.parametrize("is_wished", [True, False])
def test_a_stop_that_has_triggered_is_never_made_to_wait_again(becomes, is_wished):
    bracket = Bracket()
    stop, _, _ = bracket.fill(3)
    if becomes is None:
        bracket.told(stop.say(Phase.TRIGGERED))
    else:
        limit = 4985.0 if becomes is OrderType.LIMIT else None
        bracket.told(stop.say(Phase.WORKING, order_type=becomes, trigger=None, limit=limit))
    if is_wished:
        bracket.desk.replace(Replacement(STOP, 3, OrderType.STOP, None, 19_970), NOW)
    assert sent(bracket.desk) == []
    assert bracket.news() == []
    reports = bracket.told(stop.fill(3, 4989.0).end("F"))
    expected = [(Fill, STOP), (ReplaceRejected, STOP)]
    assert kinds(reports) == expected[: 1 + is_wished]


def test_a_market_order_in_place_of_a_refused_stop_closes_and_is_not_made_to_wait():
    bracket = Bracket()
    refused = stop_leg("12", "10", 3).begin().end("R", "through the market")
    market = {"order_type": OrderType.MARKET, "first_type": OrderType.MARKET, "trigger": None}
    closing = stop_leg("13", "10", 3, **market)
    bracket.told(bracket.entry.fill(3), refused, closing.begin().say(Phase.WORKING))
    assert sent(bracket.desk) == []
    reports = bracket.told(closing.fill(3, 4989.0).end("F"))
    assert kinds(reports) == [(Fill, STOP)]


def test_a_stop_that_has_triggered_can_still_be_flattened():
    bracket = Bracket()
    stop, _, _ = bracket.fill(3)
    terms = {"order_type": OrderType.LIMIT, "trigger": None, "limit": 4985.0}
    bracket.told(stop.say(Phase.TRIGGERED).say(Phase.WORKING, **terms))
    bracket.desk.replace(FLATTEN, NOW)
    assert sent(bracket.desk) == [("12", MODIFY, 3, MARKET, None, None)]


# Flattening


def test_every_stop_basket_becomes_a_market_order():
    bracket = Bracket()
    first, _, _ = bracket.fill(1)
    second, _, _ = bracket.fill(2, number=2)
    assert bracket.desk.replace(FLATTEN, NOW) == ""
    assert sorted(sent(bracket.desk)) == [
        ("12", MODIFY, 1, MARKET, None, None),
        ("14", MODIFY, 2, MARKET, None, None),
    ]
    market = {"order_type": OrderType.MARKET, "trigger": None}
    assert bracket.told(first.change(**market)) == []
    (report,) = bracket.told(second.change(**market))
    assert (report.quantity, report.order_type) == (3, OrderType.MARKET)
    reports = bracket.told(first.fill(1).end("F"), second.fill(2).end("F"))
    assert [one.cumulative_quantity for one in reports] == [1, 3]
    assert bracket.named(STOP).as_broker_order().status is OrderStatus.FILLED


def test_a_basket_that_appears_while_flattening_is_turned_too():
    bracket = Bracket()
    stop, _, _ = bracket.fill(1)
    bracket.desk.replace(Replacement(STOP, 1, OrderType.MARKET, None, None), NOW)
    sent(bracket.desk)
    bracket.told(stop.change(order_type=OrderType.MARKET, trigger=None))
    bracket.fill(2, number=2)
    assert sent(bracket.desk) == [("14", MODIFY, 2, MARKET, None, None)]


@pytest.mark.parametrize("terms", [(OrderType.MARKET, None), (OrderType.STOP, 19_970)])
@pytest.mark.parametrize("is_taken", [True, False], ids=["filled after", "not yet received"])
@pytest.mark.parametrize("is_bare", [True, False])
def test_what_fills_after_a_change_was_asked_for_keeps_its_stop(terms, is_taken, is_bare):
    bracket = Bracket()
    if is_bare:
        bracket.told(bracket.entry.fill(1))
    else:
        bracket.fill(1)
    change = Replacement(STOP, 1, terms[0], None, terms[1])
    if is_taken:
        bracket.desk.replace(change, NOW)
        sent(bracket.desk)
    told = [*bracket.entry.fill(2).told]
    if is_bare:
        told += stop_leg("12", "10", 1).begin().say(Phase.WORKING).told
    told += stop_leg("14", "10", 2).begin().say(Phase.WORKING).told
    for notice in told:
        bracket.desk.take(notice, NOW)
    if not is_taken:
        # Whoever asks has yet to receive what was reported meanwhile.
        bracket.desk.replace(change, NOW)
    assert ("14", MODIFY, 2) in [one[:3] for one in sent(bracket.desk)]


def test_a_flatten_that_is_refused_is_said_once():
    bracket = Bracket()
    bracket.fill(3)
    bracket.desk.replace(FLATTEN, NOW)
    (request,) = bracket.desk.changes.requests(NOW)
    bracket.desk.answer(answer(315, request.key, "1", "not allowed"), NOW)
    assert kinds(bracket.news()) == [(ReplaceRejected, STOP)]
    assert sent(bracket.desk, NOW + 10 * SECOND) == []


def test_a_stop_that_fills_while_it_is_flattened_closes_the_position_once():
    bracket = Bracket()
    stop, target, _ = bracket.fill(3)
    bracket.desk.replace(FLATTEN, NOW)
    sent(bracket.desk)
    text = "Order is complete."
    reports = bracket.told(
        stop.say(Phase.TRIGGERED).fill(3, 4990.0).end("F"),
        stop.say(Phase.CHANGE_REFUSED, text=text),
        target.end("C"),
    )
    assert kinds(reports) == [(Fill, STOP), (ReplaceRejected, STOP), (Cancelled, TARGET)]
    assert sent(bracket.desk, NOW + 10 * SECOND) == []


MARKET_TERMS = {"order_type": OrderType.MARKET, "trigger": None}


@pytest.mark.parametrize("words", ["Order is complete.", "not allowed"])
def test_a_flatten_that_one_of_two_baskets_refuses_is_no_refusal_while_the_other_closes(words):
    bracket = Bracket()
    first, _, _ = bracket.fill(1)
    second, _, _ = bracket.fill(2, number=2)
    bracket.desk.replace(FLATTEN, NOW)
    assert len(sent(bracket.desk)) == 2
    assert bracket.told(first.say(Phase.CHANGE_REFUSED, text=words)) == []
    assert bracket.told(second.change(**MARKET_TERMS)) == []
    reports = bracket.told(second.fill(2).end("F"))
    if words == "not allowed":
        # By now it is known how much is left to close.
        assert kinds(reports) == [(Fill, STOP), (ReplaceRejected, STOP)]
    else:
        assert kinds(reports) == [(Fill, STOP)]
        reports = bracket.told(first.say(Phase.TRIGGERED).fill(1, 4990.0).end("F"))
        assert kinds(reports) == [(Fill, STOP), (ReplaceRejected, STOP)]
    assert sent(bracket.desk, NOW + 10 * SECOND) == []


def test_a_stop_that_is_complete_is_not_said_to_be_unchanged_before_its_fill():
    bracket = Bracket()
    stop, _, _ = bracket.fill(3)
    bracket.desk.replace(FLATTEN, NOW)
    (request,) = bracket.desk.changes.requests(NOW)
    bracket.desk.answer(answer(315, request.key, "1", "Order is complete"), NOW)
    assert bracket.news() == []
    assert "complete" in bracket.desk.replace(FLATTEN, NOW)
    assert bracket.news() == []
    reports = bracket.told(stop.say(Phase.TRIGGERED).fill(3, 4990.0).end("F"))
    assert kinds(reports) == [(Fill, STOP), (ReplaceRejected, STOP)]


def test_a_stop_that_works_though_it_was_said_to_be_complete_is_flattened():
    bracket = Bracket()
    stop, _, _ = bracket.fill(3)
    bracket.desk.replace(FLATTEN, NOW)
    (request,) = bracket.desk.changes.requests(NOW)
    bracket.desk.answer(answer(315, request.key, "1", "Order is complete"), NOW)
    bracket.told(stop.say(Phase.WORKING))
    assert sent(bracket.desk) == [("12", MODIFY, 3, MARKET, None, None)]


def test_a_cancel_that_one_of_two_baskets_refuses_is_still_sent_to_the_other():
    bracket = Bracket()
    first, _, _ = bracket.fill(1, price=4999.0)
    second, _, _ = bracket.fill(2, number=2)
    assert {one[0] for one in sent(bracket.desk)} == {"11", "12"}
    bracket.told(first.change(trigger=4990.0))
    bracket.desk.replace(Replacement(STOP, 3, OrderType.STOP, None, 19_964), NOW)
    assert {one[0] for one in sent(bracket.desk)} == {"12", "14"}
    bracket.told(first.change(trigger=4991.0))
    bracket.desk.cancel(STOP)
    assert [one[:2] for one in sent(bracket.desk)] == [("12", CANCEL)]
    assert bracket.told(first.say(Phase.CANCEL_REFUSED, text="not now")) == []
    bracket.told(second.change(trigger=4991.0))
    assert [one[:2] for one in sent(bracket.desk)] == [("14", CANCEL)]
    reports = bracket.told(second.end("C"))
    assert (CancelRejected, STOP) in kinds(reports)


# Quantities


def test_a_leg_is_not_let_grow_before_rithmic_was_asked_once_more():
    bracket = Bracket()
    bracket.fill(1)
    bracket.told(bracket.entry.fill(2))
    bracket.desk.replace(Replacement(STOP, 3, OrderType.STOP, None, 19_960), NOW)
    assert sent(bracket.desk) == []
    (lacking,) = bracket.desk.changes.lacking()
    lacking.may_grow = True
    assert sent(bracket.desk) == [("12", MODIFY, 3, STOP_MARKET, None, 4990.0)]


def test_a_leg_whose_further_basket_comes_meanwhile_does_not_grow():
    bracket = Bracket()
    bracket.fill(1)
    bracket.desk.replace(Replacement(STOP, 3, OrderType.STOP, None, 19_960), NOW)
    _, _, reports = bracket.fill(2, number=2)
    assert (Replaced, STOP) in kinds(reports)
    assert bracket.desk.changes.lacking() == []
    assert sent(bracket.desk) == []


def test_a_leg_never_grows_beyond_what_the_entry_filled_and_the_other_left():
    bracket = Bracket()
    stop, target, _ = bracket.fill(2)
    bracket.told(target.fill(1, 5010.0), stop.change(quantity=1))
    bracket.desk.replace(Replacement(STOP, 3, OrderType.STOP, None, 19_960), NOW)
    assert bracket.desk.changes.lacking() == []
    assert sent(bracket.desk) == []


def test_a_leg_that_is_made_smaller_loses_from_its_youngest_basket():
    bracket = Bracket()
    bracket.fill(2)
    second, _, _ = bracket.fill(1, number=2)
    bracket.desk.replace(Replacement(STOP, 1, OrderType.STOP, None, 19_960), NOW)
    assert sorted(sent(bracket.desk)) == [
        ("12", MODIFY, 1, STOP_MARKET, None, 4990.0),
        ("14", CANCEL, None, None, None, None),
    ]
    bracket.told(second.end("C"))


# Cancels


def test_the_rest_of_an_entry_is_cancelled_alone():
    bracket = Bracket()
    bracket.fill(1)
    assert bracket.desk.cancel(TAG) == ""
    assert [one[:2] for one in sent(bracket.desk)] == [("10", CANCEL)]
    assert kinds(bracket.told(bracket.entry.end("PFBC"))) == [(Cancelled, TAG)]
    assert sent(bracket.desk, NOW + 10 * SECOND) == []
    assert bracket.named(STOP).status is OrderStatus.SUBMITTED


def test_a_leg_whose_cancel_fails_is_still_there():
    bracket = Bracket()
    stop, _, _ = bracket.fill(3)
    bracket.desk.cancel(STOP)
    sent(bracket.desk)
    reports = bracket.told(stop.say(Phase.CANCEL_REFUSED, text="not now"))
    assert kinds(reports) == [(CancelRejected, STOP)]
    assert not bracket.named(STOP).has_ended


# After a restart


@pytest.mark.parametrize("window", ["_SL@19960 _TP@20040", "T1_ENTRY", ""])
def test_legs_of_an_earlier_session_have_their_names_and_stay_where_they_are(window):
    made = desk()
    listed = [
        *Life("10", TAG, window_name=window).open().fill(3).end("F").told,
        *stop_leg("12", "10", 3, trigger=4989.0).begin().say(Phase.WORKING).told,
        *target_leg("11", "10", 3).open().told,
    ]
    take(made, [as_snapshot(notice) for notice in listed])
    made.begin()
    assert [made.book.named(name)[0].broker_order_id for name in (STOP, TARGET)] == [
        "10/stop",
        "10/target",
    ]
    assert sent(made) == []
    made.replace(FLATTEN, NOW)
    assert sent(made) == [("12", MODIFY, 3, MARKET, None, None)]


@pytest.mark.parametrize("heard", ["live before the session began", "entry known only later"])
def test_a_leg_that_was_moved_before_the_session_stays_however_it_becomes_known(heard):
    made = desk()
    parent = Life("10", TAG, window_name="_SL@19960 _TP@20040").open().fill(3).end("F")
    stop = stop_leg("12", "10", 3, trigger=4999.0).begin().say(Phase.WORKING)
    if heard == "live before the session began":
        take(made, stop.told)
        take(made, [as_snapshot(notice) for notice in parent.told])
        made.begin()
    else:
        take(made, [as_snapshot(notice) for notice in stop.told])
        made.begin()
        take(made, [as_snapshot(notice) for notice in parent.told])
    assert made.book.named(STOP)
    assert sent(made) == []


def test_a_leg_that_appears_in_a_later_session_is_moved_to_its_level():
    made = desk()
    life = Life("10", TAG, window_name="_SL@19960 _TP@20040").open()
    take(made, [as_snapshot(notice) for notice in life.told])
    made.begin()
    life.told.clear()
    stop = stop_leg("12", "10", 3, trigger=4989.0).begin().say(Phase.WORKING)
    reports = take(made, [*life.fill(3, 4999.0).told, *stop.told])
    assert kinds(reports) == [(Fill, TAG), (Accepted, STOP)]
    assert sent(made) == [("12", MODIFY, 3, STOP_MARKET, None, 4990.0)]


@pytest.mark.parametrize("phase", [Phase.FILLED, Phase.ENDED])
@pytest.mark.parametrize(
    ("types", "name"),
    [
        ({"order_type": OrderType.MARKET, "first_type": OrderType.STOP}, STOP),
        ({"order_type": OrderType.MARKET, "first_type": None}, STOP),
        ({"order_type": OrderType.STOP, "first_type": None}, STOP),
        ({"order_type": OrderType.LIMIT, "first_type": None}, TARGET),
        ({"order_type": None, "first_type": OrderType.LIMIT}, TARGET),
    ],
)
def test_a_leg_that_is_only_known_by_its_end_has_its_name(phase, types, name):
    made = desk()
    take(made, [as_snapshot(one) for one in Life("10", TAG).open().fill(3).end("F").told])
    leg = stop_leg("12", "10", 3, **types)
    leg = leg.fill(3) if phase is Phase.FILLED else leg.end("C")
    take(made, [as_snapshot(leg.told[0])])
    assert [line.baskets[0].basket_id for line in made.book.named(name)] == ["12"]


def test_a_leg_of_which_nothing_tells_the_part_is_not_passed_off_as_somebody_elses():
    made = desk()
    take(made, [as_snapshot(one) for one in Life("10", TAG).open().fill(3).end("F").told])
    leg = stop_leg("12", "10", 3, order_type=None, first_type=None)
    take(made, [as_snapshot(leg.end("C").told[0])])
    assert made.book.unnamed() == {"12"}


def test_a_leg_of_a_contract_that_is_not_traded_here_is_left_as_it_is():
    made = desk()
    other = {"symbol": "ESU6"}
    life = Life("10", TAG, window_name="_SL@19960 _TP@20040", **other).open()
    take(made, [as_snapshot(notice) for notice in life.told])
    made.begin()
    life.told.clear()
    stop = stop_leg("12", "10", 3, trigger=4989.0, **other).begin().say(Phase.WORKING)
    take(made, [*life.fill(3, 4999.0).told, *stop.told])
    assert sent(made) == []
    assert made.cancel(STOP) == ""
    assert [one[:2] for one in sent(made)] == [("12", CANCEL)]


@pytest.mark.parametrize("wish", ["flatten", "cancel"])
def test_a_correction_that_is_refused_says_nothing_of_the_wish_that_came_after_it(wish):
    bracket = Bracket()
    stop, target, _ = bracket.fill(3, price=4999.0)
    assert len(sent(bracket.desk)) == 2
    asked = bracket.desk.replace(FLATTEN, NOW) if wish == "flatten" else bracket.desk.cancel(STOP)
    assert asked == ""
    reports = bracket.told(
        stop.say(Phase.CHANGE_REFUSED, text="not here"), target.change(limit=5010.0)
    )
    assert reports == []
    expected = CANCEL if wish == "cancel" else MODIFY
    assert [one[:2] for one in sent(bracket.desk)] == [("12", expected)]


def test_a_leg_keeps_its_id_when_an_older_basket_becomes_known():
    bracket = Bracket()
    bracket.told(bracket.entry.fill(3))
    bracket.told(stop_leg("14", "10", 2).begin().say(Phase.WORKING))
    before = bracket.named(STOP).as_broker_order().broker_order_id
    bracket.told(stop_leg("12", "10", 1).begin().say(Phase.WORKING))
    assert bracket.named(STOP).as_broker_order().broker_order_id == before
