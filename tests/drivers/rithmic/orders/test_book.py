"""What a book answers at once is what a look through all that it knows would find."""

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
    submitted,
    take,
    target_leg,
)

from fillbridge_hooks import Side
from fillbridge_rithmic.orders.book import Executed
from fillbridge_rithmic.orders.notices import Phase

LATER = 1_000 * SECOND


def of_a_trade(number):
    """All that is told of a trade that fills in two parts, and of its legs."""
    tag, first = f"T{number}_ENTRY", str(100 * number)
    entered = Life(first, tag, window_name="_SL@19960 _TP@20040").open().fill(1).fill(2)
    stop = stop_leg(f"{first}1", first, 1).begin().say(Phase.WORKING)
    target = target_leg(f"{first}2", first, 1).open().fill(1, 5010.0).end("F")
    second = stop_leg(f"{first}3", first, 2).begin().fill(2, 4990.0).end("F")
    stranger = stop_leg(f"{first}4", f"{first}9", 2).begin().say(Phase.WORKING)
    nobodys = Life(f"{first}5", "").open().fill(3)
    unknown = Life(f"{first}9", "T0_ENTRY").open()
    turns_out = Life(f"{first}6", tag, side=Side.SELL).open()
    to_be_a_leg = stop_leg(f"{first}6", first, 2, tag=tag).begin()
    lives = (entered, stop, target, second, stranger, nobodys, unknown, turns_out, to_be_a_leg)
    told = [one for life in lives for one in [*life.told, as_snapshot(life.told[-1])]]
    return [*told, *(at_another_time(one) for one in told if one.execution is not None)]


def at_another_time(notice):
    """The same execution, said to have been later."""
    execution = notice.execution
    return replace(notice, execution=replace(execution, time_ns=execution.time_ns + 2000))


TOLD = [*of_a_trade(1), *of_a_trade(2)]


@st.composite
def happenings(draw):
    """What is told, in any order, and what is done in between."""
    told = [("tell", one) for one in draw(st.lists(st.sampled_from(TOLD), max_size=40))]
    done = st.sampled_from(
        [("ask", None), ("take stock", None), ("forget", None)]
        + [(what, number) for what in ("submit", "bind", "refuse") for number in (1, 2)]
    )
    return draw(st.permutations([*told, *draw(st.lists(done, max_size=20))]))


def looked_through(book, known):
    """What is asked of a book, found in all that it knows."""
    executions = {
        (basket.basket_id, execution.fill_id): (basket, execution)
        for basket in book.baskets.values()
        for execution in basket.executions.values()
    }
    return {
        "works": {id(line) for line in book.lines() if not line.has_ended},
        "strangers": {
            parent_id
            for parent_id in book._legs
            if parent_id not in book.baskets
            or (not book.baskets[parent_id].last_ns and not book.baskets[parent_id].tag)
        },
        "unnamed": {
            leg_id
            for parent_id, leg_ids in book._legs.items()
            if parent_id in book.baskets and book.baskets[parent_id].tag
            for leg_id in leg_ids
            if book.line_of(leg_id).leg is None
        },
        "unanswered": {
            tag
            for tag, sent in book.submitted.items()
            if not sent.is_refused and not book.named(tag)
        },
        "executed": {
            since: sorted(
                name
                for name, (_, execution) in executions.items()
                if execution.time_ns >= since * 1000
            )
            for since in (0, 3, 5, 7, 1000)
        },
        "fresh": {
            Executed(
                fill_id=execution.fill_id,
                symbol=basket.symbol,
                signed=basket.side.sign * execution.quantity,
                time_ns=execution.time_ns,
            )
            for name, (basket, execution) in executions.items()
            if name not in known and basket.side is not None
        },
    }, executions.keys()


def answered(book):
    return {
        "works": set(map(id, book.that_may_work())),
        "strangers": book.strangers(),
        "unnamed": book.unnamed(),
        "unanswered": book.unanswered(),
        "executed": {
            since: sorted(
                (basket.basket_id, execution.fill_id)
                for basket, execution in book.executed_since(since * 1000)
            )
            for since in (0, 3, 5, 7, 1000)
        },
        "fresh": set(book.fresh()),
    }


@given(happenings())
def test_nothing_is_missed_whatever_is_told_and_whenever_it_is_asked(happened):
    made, known = desk(), set()
    for what, given_ in [*happened, ("ask", None)]:
        tag = f"T{given_}_ENTRY"
        if what == "tell":
            made.take(given_, 10 * SECOND)
        elif what == "submit" and tag not in made.book.submitted:
            order = entry(tag)
            made.submit(approved(order, legs(order)), None)
        elif what == "bind":
            made.answer(answer(331, f"order {tag}", basket_id=str(100 * given_)), 10 * SECOND)
        elif what == "refuse":
            made.answer(answer(331, f"order {tag}", "5", "no"), 10 * SECOND)
        elif what == "take stock":
            made.book.take_stock()
            known = set(looked_through(made.book, known)[1])
        elif what == "forget":
            made.forget_past(LATER)
            known &= looked_through(made.book, known)[1]
        elif what == "ask":
            assert answered(made.book) == looked_through(made.book, known)[0]


def test_an_order_whose_basket_turns_out_to_be_a_leg_is_unanswered_again():
    order = entry("T1_ENTRY")
    made = submitted(order, legs(order))
    seen = Life("8", "T1_ENTRY", side=Side.SELL).open()
    take(made, seen.told)
    assert made.book.unanswered() == set()
    take(made, stop_leg("8", "7", 2, tag="T1_ENTRY").begin().told)
    assert made.book.unanswered() == {"T1_ENTRY"}
