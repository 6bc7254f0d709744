"""What is known of a basket does not depend on the order in which it was told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.drivers.rithmic.orders.lives import Life, entry, submitted, take

from fillbridge_hooks import Accepted, Cancelled, Fill, OrderStatus, OrderType, Rejected
from fillbridge_rithmic.orders.lattice import Basket
from fillbridge_rithmic.orders.notices import Phase

TAG = "T1_ENTRY"


def filled_at_once():
    return Life("7", TAG).begin().fill(3).end("F").told


def filled_in_parts():
    return Life("7", TAG).open().fill(1).fill(2).end("F").told


def complete_before_the_last_fill():
    told = filled_in_parts()
    return [*told[:-2], told[-1], told[-2]]


def cancelled():
    return Life("7", TAG).open().end("C").say(Phase.ENDED, reason="C").told


def cancelled_in_part():
    return Life("7", TAG).open().fill(1).end("C").end("PFBC").told


def filled_while_cancelling():
    life = Life("7", TAG).open()
    life.say(Phase.OTHER)
    return life.fill(1).say(Phase.CANCEL_REFUSED, text="too late").fill(2).end("F").told


def rejected():
    return Life("7", TAG).begin().end("R", "Rejected at RMS").told


def refused_by_the_exchange():
    return Life("7", TAG).begin().end("R", "price out of range").end("FA").told


def moved():
    life = Life("7", TAG).open().change(limit=4999.0)
    return life.say(Phase.WORKING).fill(1).change(quantity=2, limit=4998.0).end("PFBC").told


def triggered():
    life = Life("7", TAG, order_type=OrderType.STOP, limit=None, trigger=5001.0)
    life.begin().say(Phase.WORKING).say(Phase.TRIGGERED)
    life.say(Phase.WORKING, order_type=OrderType.MARKET, trigger=None)
    return life.fill(3).end("F").told


def filled_without_a_trigger():
    life = Life("7", TAG, order_type=OrderType.STOP, limit=None, trigger=5001.0)
    return life.begin().say(Phase.WORKING).fill(3).end("F").told


def rows_without_quantity():
    life = Life("7", TAG).open()
    return life.say(Phase.WORKING, quantity=0).fill(3, quantity=0).end("F").told


LIVES = [
    filled_at_once,
    filled_in_parts,
    complete_before_the_last_fill,
    cancelled,
    cancelled_in_part,
    filled_while_cancelling,
    rejected,
    refused_by_the_exchange,
    moved,
    triggered,
    filled_without_a_trigger,
    rows_without_quantity,
]


@st.composite
def shuffled(draw, life):
    """All that was told, in any order, some of it more than once."""
    told = life()
    again = draw(st.lists(st.sampled_from(told), max_size=4))
    return draw(st.permutations([*told, *again]))


def known(basket):
    return (
        basket.status,
        basket.quantity,
        basket.filled,
        basket.executed,
        basket.terms,
        basket.first_type,
        basket.end_reason,
        basket.end_text,
        basket.last_ns,
        basket.works,
    )


@pytest.mark.parametrize("life", LIVES, ids=lambda life: life.__name__)
@given(data=st.data())
def test_any_order_leads_to_the_same_state(life, data):
    expected, basket = Basket("7"), Basket("7")
    for notice in life():
        expected.apply(notice)
    for notice in data.draw(shuffled(life)):
        basket.apply(notice)
    assert known(basket) == known(expected)


@pytest.mark.parametrize("life", LIVES, ids=lambda life: life.__name__)
@given(data=st.data())
def test_what_has_ended_is_never_undone(life, data):
    basket, had_ended = Basket("7"), False
    for notice in data.draw(shuffled(life)):
        basket.apply(notice)
        assert basket.has_ended or not had_ended
        had_ended = basket.has_ended
    assert had_ended


@pytest.mark.parametrize("life", LIVES, ids=lambda life: life.__name__)
@given(data=st.data())
def test_each_fill_is_reported_once_and_the_end_after_all_of_them(life, data):
    made = submitted(entry(TAG))
    reports = take(made, data.draw(shuffled(life)))
    executions = {one.execution.fill_id for one in life() if one.execution is not None}
    fills = [one for one in reports if isinstance(one, Fill)]
    assert sorted(fill.fill_id for fill in fills) == sorted(executions)
    assert sum(isinstance(one, Accepted) for one in reports) <= 1
    ends = [one for one in reports if isinstance(one, Cancelled | Rejected)]
    basket = made.book.baskets["7"]
    assert len(ends) == (basket.status is not OrderStatus.FILLED)
    if ends:
        assert reports.index(ends[0]) > max((reports.index(one) for one in fills), default=-1)


def test_a_resting_stop_is_accepted_without_ever_being_open():
    made = submitted(entry(TAG))
    life = Life("7", TAG, order_type=OrderType.STOP, limit=None, trigger=5001.0)
    reports = take(made, life.begin().say(Phase.WORKING).told)
    assert [type(one) for one in reports] == [Accepted]


def test_a_stop_may_fill_without_a_trigger():
    made = submitted(entry(TAG))
    reports = take(made, filled_without_a_trigger())
    assert [type(one) for one in reports] == [Accepted, Fill]
    assert made.book.baskets["7"].status is OrderStatus.FILLED


def test_a_cancel_is_not_reported_before_the_fills_that_it_counts():
    made = submitted(entry(TAG))
    *before, end = cancelled_in_part()
    fill = next(one for one in before if one.execution is not None)
    others = [one for one in before if one is not fill]
    assert [type(one) for one in take(made, [*others, end])] == [Accepted]
    assert [type(one) for one in take(made, [fill])] == [Fill, Cancelled]


def test_the_rest_is_cancelled_only_once_though_the_fill_comes_late():
    made = submitted(entry(TAG))
    reports = take(made, [*cancelled_in_part(), *cancelled_in_part()])
    assert [type(one) for one in reports] == [Accepted, Fill, Cancelled]
    assert reports[1].cumulative_quantity == 1
