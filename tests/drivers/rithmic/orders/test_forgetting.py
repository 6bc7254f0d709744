"""A session that lasts for days knows no more than what may still count."""

import pytest
from tests.drivers.rithmic.orders.lives import (
    SECOND,
    Life,
    approved,
    as_snapshot,
    desk,
    entry,
    legs,
    stop_leg,
    take,
    target_leg,
)

from fillbridge_hooks import Fill, OrderType, Replacement
from fillbridge_rithmic.orders.notices import Phase

LATER = 1_000 * SECOND
NOW = 10 * SECOND


def trade(made, number, *, is_open=False):
    """A trade from its entry to its end, or one whose legs still work."""
    order = entry(f"T{number}_ENTRY")
    made.submit(approved(order, legs(order)), None)
    first = str(100 + 3 * number)
    life = Life(first, order.client_order_id, window_name="_SL@19960 _TP@20040").open()
    life.fill(3).end("F")
    stop = stop_leg(str(102 + 3 * number), first, 3).begin().say(Phase.WORKING)
    target = target_leg(str(101 + 3 * number), first, 3).open()
    if not is_open:
        target.fill(3, 5010.0).end("F")
        stop.end("C")
    told = [*life.told, *target.told, *stop.told]
    take(made, told)
    return told


def known(made):
    """How much there is of everything."""
    parts = (made.book, made.changes, made.changes._serial)
    return {
        f"{type(part).__name__}.{name}": len(value)
        for part in parts
        for name, value in vars(part).items()
        if isinstance(value, dict | set | list) and name != "_instruments"
    }


def test_of_what_is_past_nothing_is_left():
    made = desk()
    before = known(made)
    for number in range(5):
        trade(made, number)
    take(made, Life("9", "").open().fill(3).end("F").told)
    assert known(made) != before
    assert len(made.forget_past(LATER)) == 16
    assert known(made) == before


@pytest.mark.parametrize("is_unfilled", [True, False])
def test_a_leg_that_was_spoken_of_and_never_came_is_forgotten_with_its_entry(is_unfilled):
    made = desk()
    before = known(made)
    order = entry("T1_ENTRY")
    made.submit(approved(order, legs(order)), None)
    life = Life("7", "T1_ENTRY").open()
    take(made, life.told)
    made.replace(Replacement("T1_SL", 3, OrderType.MARKET, None, None), NOW)
    made.cancel("T1_TP")
    if is_unfilled:
        take(made, [life.end("C").told[-1]])
        made.forget_past(LATER)
        assert known(made) == before
    else:
        made.forget_past(LATER)
        assert made.book.announced("T1_SL").wish is not None


def test_an_entry_is_known_as_long_as_its_legs_work():
    made = desk()
    trade(made, 0, is_open=True)
    assert made.forget_past(LATER) == set()
    assert made.book.named("T0_SL")


def test_what_ended_lately_is_known():
    made = desk()
    trade(made, 0)
    assert made.forget_past(0) == set()


def test_an_end_that_waits_for_a_fill_is_known():
    made = desk()
    made.submit(approved(entry("T1_ENTRY")), None)
    life = Life("7", "T1_ENTRY", quantity=5).open()
    life.filled = 3
    take(made, life.end("C").told)
    assert made.forget_past(LATER) == set()


def test_what_is_listed_again_after_it_was_forgotten_is_no_news():
    made = desk()
    told = trade(made, 0)
    made.forget_past(LATER)
    assert take(made, [as_snapshot(one) for one in told]) == []
    fills = made.fills(
        (basket, fill_id) for basket in made.book.baskets.values() for fill_id in basket.executions
    )
    assert {(type(one), one.client_order_id) for one in fills} == {
        (Fill, "T0_ENTRY"),
        (Fill, "T0_TP"),
    }
