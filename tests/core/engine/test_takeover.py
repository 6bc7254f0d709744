"""What was found is booked first and answered then; what replaced a leg is not sent again."""

import pytest

from fillbridge.engine.messages import FillBooked, FillFound, OrdersFound
from fillbridge.engine.protection import lost_target
from fillbridge_hooks import Fill, Liquidity, Order, OrderRole, OrderType, Side

AT = 16_000


def made(fill_id, order_id, quantity, time_ns, price=4000.0):
    return Fill(
        fill_id, order_id, "B", quantity, quantity, price, AT, 0.0, "", Liquidity.TAKER, time_ns
    )


def find(desk, order_id, role, side, quantity, order_type=OrderType.MARKET, is_closing=False):
    entry = desk.order("T1_ENTRY").order
    order = Order(order_id, "T1", role, entry.instrument, side, quantity, order_type)
    return desk.feed(OrdersFound("T1", (order,), is_closing, desk.now))


def book(desk, *fills):
    for fill in fills:
        desk.feed(FillFound(FillBooked(fill, 0)))


def test_nothing_is_sent_for_fills_that_were_found_until_somebody_asks(opened):
    desk = opened()
    find(desk, "T1_EXIT", OrderRole.EXIT, Side.BUY, 2)
    book(desk, made("A", "T1_SL", 2, desk.now), made("B", "T1_TP", 2, desk.now))
    assert desk.trade().held == -2
    assert desk.effects == []
    book(desk, made("C", "T1_EXIT", 2, desk.now))
    desk.protect()
    assert desk.trade().held == 0
    assert desk.submitted == {}
    assert desk.measures == ["T1"]


def test_what_is_still_missing_is_sent_once_somebody_asks(opened):
    desk = opened()
    find(desk, "T1_EXIT", OrderRole.EXIT, Side.BUY, 1)
    book(
        desk,
        made("A", "T1_SL", 2, desk.now),
        made("B", "T1_TP", 2, desk.now),
        made("C", "T1_EXIT", 1, desk.now),
    )
    desk.protect()
    (again,) = desk.submitted.values()
    assert (again.client_order_id, again.side, again.quantity) == ("T1_EXIT2", Side.BUY, 1)


def test_a_fill_that_was_found_twice_counts_once(opened):
    desk = opened()
    fill = made("A", "T1_SL", 1, desk.now)
    book(desk, fill, fill)
    assert desk.trade().held == 1
    book(desk, made("B", "T9_SL", 1, desk.now))
    assert desk.effects == []


def test_the_first_fill_of_an_entry_begins_what_counts_from_it(pending):
    desk = pending(position_life_ns=5_000)
    fill = made("A", "T1_ENTRY", 1, desk.now)
    book(desk, fill)
    assert desk.is_tracked
    assert desk.timers == {"position": fill.time_ns + 5_000}
    book(desk, made("B", "T1_ENTRY", 1, desk.now))
    assert desk.effects == []
    desk.protect()
    assert desk.submitted.keys() == {"T1_SL", "T1_TP"}


def test_a_fill_of_ours_that_was_found_takes_the_place_of_an_assumed_one(opened):
    desk = opened()
    find(desk, "T1_ELSEWHERE", OrderRole.EXIT, Side.SELL, 2)
    desk.again(made("E", "T1_ELSEWHERE", 2, desk.now))
    assert desk.trade().held == 0
    book(desk, made("A", "T1_SL", 1, desk.now))
    assert desk.trade().held == 0
    book(desk, made("B", "T1_SL", 1, desk.now))
    assert desk.trade().held == 0
    assert set(desk.trade().fills) == {"F1", "A", "B"}


@pytest.mark.parametrize(("leg", "other"), [("SL", "TP"), ("TP", "SL")])
def test_a_leg_that_was_given_up_and_filled_is_not_placed_once_more(pending, leg, other):
    """More was held by then, and the one in its place is there for the rest."""
    desk = pending()
    desk.fill("T1_ENTRY", 1)
    desk.accept("T1_SL", "T1_TP")
    desk.expired(f"T1_{leg}")
    desk.protect()
    desk.accept(f"T1_{leg}2")
    desk.fill("T1_ENTRY", 1)
    desk.fill(f"T1_{leg}")
    assert desk.protections == ["T1"]
    desk.protect()
    assert desk.working() == {f"T1_{leg}2": 1, f"T1_{other}": 1}


def test_what_exits_opened_for_an_entry_that_was_taken_back_is_closed(pending):
    """No fill of the entry is known that a stop could be counted from."""
    desk = pending()
    find(desk, "T1_EXIT", OrderRole.EXIT, Side.BUY, 2)
    book(desk, made("A", "T1_EXIT", 2, desk.now))
    assert desk.trade().held == 2
    assert lost_target(desk.trade()) is None
    desk.protect()
    assert [order.side for order in desk.submitted.values()] == [Side.SELL]
    assert "T1_ENTRY" in desk.cancels
