"""Orders of their own: how they are answered, cancelled, changed and refused."""

from itertools import permutations

import pytest
from msgspec.structs import replace
from tests.drivers.rithmic.orders.lives import (
    SECOND,
    Life,
    answer,
    approved,
    as_snapshot,
    desk,
    entry,
    sent,
    submitted,
    take,
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
)
from fillbridge_rithmic.orders.notices import Phase
from fillbridge_rithmic.orders.serial import ANSWER_NS, MOST_TRIES, PAUSE_NS

TAG = "T1_ENTRY"
NOW = 10 * SECOND
CANCEL, MODIFY = 316, 314


def working(quantity=3):
    """A desk with one working order, which it sent."""
    made = submitted(entry(TAG, quantity=quantity))
    life = Life("7", TAG, quantity=quantity)
    take(made, life.open().told)
    life.told.clear()
    return made, life


def news(made):
    reports = list(made.reports)
    made.reports.clear()
    return reports


def told(made, life):
    notices = list(life.told)
    life.told.clear()
    return take(made, notices)


# The five shapes of a refusal


def test_a_refusal_in_the_answer():
    made = submitted(entry(TAG))
    made.answer(answer(313, f"order {TAG}", "1039", "FCM Id field is not received."), NOW)
    assert news(made) == [Rejected(TAG, "FCM Id field is not received.", NOW)]


def test_a_refusal_in_the_answer_that_names_a_basket():
    made = submitted(entry(TAG))
    made.answer(answer(331, f"order {TAG}", "3", "refused", basket_id="7"), NOW)
    (report,) = news(made)
    assert (type(report), report.reason) == (Rejected, "refused")


def test_a_refusal_after_the_answer():
    made = submitted(entry(TAG))
    made.answer(answer(313, f"order {TAG}", basket_id="7"), NOW)
    reports = take(made, Life("7", TAG).begin().end("R", "Available margin exhausted").told)
    assert [(type(one), one.reason) for one in reports] == [
        (Rejected, "Available margin exhausted")
    ]


def test_a_refusal_by_the_exchange():
    made = submitted(entry(TAG))
    reports = take(made, Life("7", TAG).begin().end("R").end("FA", "halted").told)
    assert [type(one) for one in reports] == [Rejected]


def test_a_reject_of_the_request():
    made = submitted(entry(TAG))
    made.answer(answer(75, f"order {TAG}", "6", "bad input"), NOW)
    assert news(made) == [Rejected(TAG, "bad input", NOW)]


def test_a_refusal_without_a_basket():
    made = submitted(entry(TAG))
    take(made, [])
    made.take(replace(Life("", TAG).end("R", "no margin").told[0], basket_id=""), NOW)
    assert news(made) == [Rejected(TAG, "no margin", NOW)]


def test_a_reject_that_names_nothing_proves_nothing():
    made = submitted(entry(TAG))
    made.answer(answer(75, "", "6", "bad input"), NOW)
    assert news(made) == []
    assert made.book.unanswered() == {TAG}


def test_a_refusal_does_not_undo_what_is_known_to_work():
    made, _ = working()
    made.answer(answer(313, f"order {TAG}", "3", "refused"), NOW)
    assert news(made) == []
    assert made.book.baskets["7"].status is OrderStatus.SUBMITTED


# Who is who


def test_notifications_may_be_there_before_the_answer_and_it_may_name_no_basket():
    life = Life("7", TAG).open().fill(3).end("F")
    made = submitted(entry(TAG))
    assert [type(one) for one in take(made, life.told)] == [Accepted, Fill]
    made.answer(answer(313, f"order {TAG}"), NOW)
    made.answer(answer(313, f"order {TAG}", basket_id="7"), NOW)
    assert news(made) == []


def test_an_answer_in_two_parts_names_the_basket_in_the_first():
    made = submitted(entry(TAG))
    row = answer(313, f"order {TAG}", basket_id="7")
    del row.rp_code[:]
    row.rq_handler_rp_code.append("0")
    made.answer(row, NOW)
    made.answer(answer(313, f"order {TAG}"), NOW)
    assert made.book.named(TAG)[0].broker_order_id == "7"
    assert news(made) == []


def test_orders_of_others_are_known_by_no_name_of_ours_and_not_reported():
    made = desk()
    assert take(made, Life("9", "").open().fill(1).told) == []
    (line,) = made.book.lines()
    assert (line.client_order_id, line.broker_order_id, line.filled) == ("", "9", 1)


def test_orders_of_other_accounts_are_none_of_ours():
    made = desk()
    assert take(made, Life("9", "X", account_id="A2").open().told) == []
    assert list(made.book.lines()) == []


@pytest.mark.parametrize("known", [True, False])
def test_a_notice_without_an_account_is_ours_where_its_order_is(known):
    made = submitted(entry(TAG)) if known else desk()
    reports = take(made, Life("7", TAG, account_id="").open().told)
    assert bool(reports) is known


def test_an_id_that_stands_for_two_baskets_shows_as_two_orders():
    made = submitted(entry(TAG))
    take(made, [*Life("7", TAG).open().told, *Life("8", TAG).open().told])
    assert [line.broker_order_id for line in made.book.named(TAG)] == ["7", "8"]
    assert made.cancel(TAG) == ""
    assert sorted(one[0] for one in sent(made)) == ["7", "8"]


# What was before is not reported; what happens from then on is


def test_what_was_listed_is_not_reported_and_what_follows_is():
    made = desk()
    life = Life("7", TAG).open().fill(1)
    take(made, [as_snapshot(notice) for notice in life.told])
    made.begin()
    life.told.clear()
    reports = told(made, life.fill(2).end("F"))
    assert [(type(one), one.quantity, one.cumulative_quantity) for one in reports] == [(Fill, 2, 3)]


def test_an_order_that_was_listed_as_partly_filled_can_still_be_cancelled():
    made = desk()
    row = Life("7", TAG).say(Phase.WORKING, filled=1, unfilled=2).told
    take(made, [as_snapshot(notice) for notice in row])
    made.begin()
    life = Life("7", TAG, start=5)
    life.filled = 1
    assert [type(one) for one in told(made, life.end("C"))] == [Cancelled]


def test_fills_from_before_that_are_replayed_later_stand_for_no_later_ones():
    made = desk()
    before = Life("7", TAG, quantity=5).open().fill(1).fill(1)
    replayed = [as_snapshot(notice) for notice in before.told if notice.execution]
    row = Life("7", TAG, start=1, quantity=5).say(Phase.WORKING, filled=2, unfilled=3)
    take(made, [as_snapshot(notice) for notice in row.told])
    made.begin()
    life = Life("7", TAG, start=5, quantity=5)
    life.filled = 2
    told(made, life.say(Phase.WORKING))
    reports = take(made, replayed)
    assert [one.cumulative_quantity for one in reports if type(one) is Fill] == [1, 2]
    last = life.fill(1).told.pop()
    assert told(made, life.end("PFBC")) == []
    reports = take(made, [last])
    assert [type(one) for one in reports] == [Fill, Cancelled]
    assert [one.cumulative_quantity for one in reports] == [3, 3]


def test_a_fill_that_was_replayed_first_is_reported_when_it_is_told():
    made = desk()
    life = Life("7", TAG).open()
    take(made, [as_snapshot(notice) for notice in life.told])
    made.begin()
    life.told.clear()
    life.fill(1)
    take(made, [as_snapshot(life.told[0])])
    assert [type(one) for one in told(made, life)] == [Fill]


def test_what_a_list_shows_of_an_order_that_was_sent_is_news():
    made = submitted(entry(TAG))
    life = Life("7", TAG).open()
    reports = take(made, [as_snapshot(notice) for notice in life.told])
    assert [type(one) for one in reports] == [Accepted]


# Cancels


def test_a_cancel_is_sent_once_and_answered_by_the_end():
    made, life = working()
    assert made.cancel(TAG) == ""
    assert [one[:2] for one in sent(made)] == [("7", CANCEL)]
    assert sent(made) == []
    assert [type(one) for one in told(made, life.end("C"))] == [Cancelled]
    assert sent(made, NOW + ANSWER_NS) == []


def test_an_order_that_ends_while_its_cancel_is_about_to_leave_may_not_be_sent_it():
    made, life = working()
    made.cancel(TAG)
    (request,) = made.changes.requests(NOW)
    told(made, life.end("C"))
    made.changes.operation_was_not_sent(request)
    assert sent(made) == []


def test_a_cancel_of_what_has_ended_is_never_sent():
    made, life = working()
    told(made, life.fill(3).end("F"))
    assert "ended" in made.cancel(TAG)
    assert sent(made) == []


def test_a_cancel_that_was_asked_for_before_the_answer_leaves_after_it():
    made = submitted(entry(TAG))
    assert made.cancel(TAG) == ""
    assert sent(made) == []
    made.answer(answer(313, f"order {TAG}", basket_id="7"), NOW)
    assert [one[:2] for one in sent(made)] == [("7", CANCEL)]


def test_a_cancel_that_crosses_the_fill():
    made, life = working()
    made.cancel(TAG)
    sent(made)
    life.fill(1).say(Phase.CANCEL_REFUSED, text="in the market")
    assert [type(one) for one in told(made, life)] == [Fill, CancelRejected]
    reports = told(made, life.fill(2).end("F"))
    assert [type(one) for one in reports] == [Fill]


def test_whoever_is_told_that_an_order_is_complete_cancels_it_no_more():
    made, life = working()
    made.cancel(TAG)
    sent(made)
    text = "Cancellation rejected by the Order Management System - Order is complete."
    told(made, life.say(Phase.CANCEL_REFUSED, text=text))
    assert "complete" in made.cancel(TAG)
    assert sent(made, NOW + 10 * SECOND) == []


def test_an_unknown_order_is_neither_cancelled_nor_changed():
    made = desk()
    assert made.cancel("nobody") == "no such order is known"
    assert made.replace(Replacement("nobody", 1, OrderType.MARKET, None, None), NOW)
    assert sent(made) == []


# Changes


def change(quantity=3, limit=19_990):
    return Replacement(TAG, quantity, OrderType.LIMIT, limit, None)


def test_a_change_is_reported_when_it_is_done_and_not_when_it_is_taken():
    made, life = working()
    assert made.replace(change(quantity=2), NOW) == ""
    (request,) = made.changes.requests(NOW)
    assert request.fields["price"] == 4997.5
    assert request.fields["quantity"] == 2
    made.answer(answer(315, request.key, basket_id="7"), NOW)
    assert news(made) == []
    (report,) = told(made, life.change(quantity=2, limit=4997.5))
    assert (report.quantity, report.limit_ticks) == (2, 19_990)
    assert type(report) is Replaced
    assert sent(made) == []


def test_a_newer_wish_waits_for_the_older_and_takes_its_place():
    made, life = working()
    made.replace(change(limit=19_990), NOW)
    assert len(sent(made)) == 1
    for limit in (19_980, 19_970):
        made.replace(change(limit=limit), NOW)
        assert sent(made) == []
    assert told(made, life.change(limit=4997.5)) == []
    assert [one[4] for one in sent(made)] == [4992.5]
    reports = told(made, life.change(limit=4992.5))
    assert [(type(one), one.limit_ticks) for one in reports] == [(Replaced, 19_970)]


def test_a_cancel_takes_the_place_of_a_change():
    made, life = working()
    made.replace(change(), NOW)
    sent(made)
    made.cancel(TAG)
    assert sent(made) == []
    told(made, life.change(limit=4997.5))
    assert [one[:2] for one in sent(made)] == [("7", CANCEL)]


def test_what_overlaps_is_asked_again_after_a_pause():
    made, _ = working()
    made.replace(change(), NOW)
    (request,) = made.changes.requests(NOW)
    made.answer(answer(315, request.key, "1", "Atomic order operation in progress"), NOW)
    assert news(made) == []
    assert sent(made) == []
    assert made.changes.next_due_ns() == NOW + PAUSE_NS
    assert len(sent(made, NOW + PAUSE_NS)) == 1


def test_a_change_that_fails_is_refused_once():
    made, life = working()
    made.replace(change(), NOW)
    (request,) = made.changes.requests(NOW)
    made.answer(answer(315, request.key, "1", "no such price"), NOW)
    assert [(type(one), one.reason) for one in news(made)] == [(ReplaceRejected, "no such price")]
    assert told(made, life.say(Phase.CHANGE_REFUSED, text="no such price")) == []
    assert sent(made, NOW + 10 * SECOND) == []


def test_a_change_that_changes_nothing_is_given_up():
    made, life = working()
    made.replace(change(), NOW)
    for _ in range(MOST_TRIES):
        assert len(sent(made)) == 1
        assert told(made, life.change()) == []
    assert sent(made) == []
    assert [type(one) for one in news(made)] == [ReplaceRejected]


@pytest.mark.parametrize("wish", ["change", "cancel"])
def test_what_is_not_answered_is_asked_again_and_is_not_held_to_be_refused(wish):
    made, life = working()

    def ask():
        return made.replace(change(), NOW) if wish == "change" else made.cancel(TAG)

    for _ in range(2):
        assert ask() == ""
        for turn in range(MOST_TRIES):
            assert len(sent(made, NOW + turn * ANSWER_NS)) == 1
        assert sent(made, NOW + MOST_TRIES * ANSWER_NS) == []
        assert news(made) == []
    if wish == "change":
        assert [type(one) for one in told(made, life.change(limit=4997.5))] == [Replaced]
    else:
        assert [type(one) for one in told(made, life.end("C"))] == [Cancelled]


@pytest.mark.parametrize("quantity", [2, 3])
def test_a_change_is_not_refused_before_the_fills_that_it_comes_too_late_for(quantity):
    made, life = working()
    life.filled = 2
    told(made, life.say(Phase.OTHER))
    if quantity == 3:
        life.filled = 3
        assert told(made, life.end("F")) == []
    assert made.replace(change(quantity=quantity), NOW)
    assert news(made) == []
    life.filled = 0
    assert [type(one) for one in told(made, life.fill(2))] == [Fill]


def test_a_quantity_that_is_filled_already_is_refused_and_not_sent():
    made, life = working()
    told(made, life.fill(2))
    assert "filled" in made.replace(change(quantity=2), NOW)
    assert [type(one) for one in news(made)] == [ReplaceRejected]
    assert sent(made) == []


def test_a_fill_that_overtakes_a_smaller_quantity_has_the_rest_cancelled():
    made, life = working()
    made.replace(change(quantity=2, limit=20_000), NOW)
    sent(made)
    told(made, life.fill(2).say(Phase.CHANGE_REFUSED, text="Atomic order operation in progress"))
    assert [one[:2] for one in sent(made, NOW + PAUSE_NS)] == [("7", CANCEL)]


def test_a_change_of_what_ends_meanwhile_is_refused():
    made, life = working()
    made.replace(change(), NOW)
    sent(made)
    assert [type(one) for one in told(made, life.end("C"))] == [Cancelled, ReplaceRejected]


def test_a_stop_becomes_a_market_order():
    made = submitted(entry(TAG, order_type=OrderType.STOP, limit_ticks=None, trigger_ticks=20_010))
    life = Life("7", TAG, order_type=OrderType.STOP, limit=None, trigger=5002.5)
    told(made, life.begin().say(Phase.WORKING))
    made.replace(Replacement(TAG, 3, OrderType.MARKET, None, None), NOW)
    assert sent(made) == [("7", MODIFY, 3, 2, None, None)]
    reports = told(made, life.change(order_type=OrderType.MARKET, trigger=None))
    assert [(type(one), one.order_type) for one in reports] == [(Replaced, OrderType.MARKET)]


def test_a_stop_that_triggers_was_not_replaced():
    made = submitted(entry(TAG, order_type=OrderType.STOP, limit_ticks=None, trigger_ticks=20_010))
    life = Life("7", TAG, order_type=OrderType.STOP, limit=None, trigger=5002.5)
    told(made, life.begin().say(Phase.WORKING))
    life.say(Phase.TRIGGERED).say(Phase.WORKING, order_type=OrderType.MARKET, trigger=None)
    assert told(made, life) == []


def test_terms_that_somebody_else_changed_are_reported():
    made, life = working()
    (report,) = told(made, life.change(limit=4990.0))
    assert (type(report), report.limit_ticks) == (Replaced, 19_960)


def test_an_order_that_was_not_sent_is_forgotten():
    made = desk()
    made.submit(approved(entry(TAG)), None)
    made.was_not_sent(TAG)
    assert made.book.unanswered() == set()
    assert made.cancel(TAG) == "no such order is known"


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_answer_the_acceptance_and_the_fill_may_come_in_any_order(order):
    made = submitted(entry(TAG))
    life = Life("7", TAG)
    life.open()
    opened = list(life.told)
    life.told.clear()
    filled = list(life.fill(3).end("F").told)
    steps = [
        lambda: made.answer(answer(313, f"order {TAG}", basket_id="7"), NOW),
        lambda: [made.take(one, NOW) for one in opened],
        lambda: [made.take(one, NOW) for one in filled],
    ]
    for step in order:
        steps[step]()
    assert [type(one) for one in news(made)] == [Accepted, Fill]


def test_only_words_that_say_so_mean_that_an_order_is_complete():
    made, life = working()
    made.cancel(TAG)
    sent(made)
    told(made, life.say(Phase.CANCEL_REFUSED, text="The request could not be completed."))
    assert made.cancel(TAG) == ""
    assert len(sent(made)) == 1


def test_an_order_that_is_heard_to_work_can_be_cancelled_whatever_was_said():
    made, life = working()
    made.cancel(TAG)
    sent(made)
    told(made, life.say(Phase.CANCEL_REFUSED, text="Order is complete."))
    assert "complete" in made.cancel(TAG)
    take(made, [as_snapshot(life.say(Phase.WORKING).told[0])])
    assert made.cancel(TAG) == ""
    assert len(sent(made)) == 1


def test_a_fill_that_says_how_much_is_left_ends_nothing():
    made = submitted(entry(TAG))
    life = Life("7", TAG).fill(1, quantity=2).fill(1, quantity=1)
    assert [type(one) for one in told(made, life)] == [Accepted, Fill, Fill]
    (line,) = made.book.named(TAG)
    assert (line.quantity, line.status) == (3, OrderStatus.PARTIAL_FILLED)


def test_a_quantity_that_comes_with_a_fill_does_not_change_the_order():
    made, life = working()
    assert [type(one) for one in told(made, life.fill(1, quantity=2))] == [Fill]
    assert made.book.named(TAG)[0].as_broker_order().quantity == 3
