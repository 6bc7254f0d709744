"""Cancelling and replacing working orders."""

import pytest

from fillbridge_hooks import (
    ApprovedOrder,
    Cancelled,
    CancelRejected,
    Fill,
    Order,
    OrderRole,
    OrderType,
    Permit,
    PermitSpent,
    Rejected,
    Replaced,
    Replacement,
    ReplaceRejected,
    Side,
)


def kinds(market):
    return [kind for kind, _ in market.story]


def test_a_cancelled_order_does_not_fill(exchange):
    market = exchange()
    for terms in ({}, {"limit": 99}, {"stop": 101}, {"stop": 101, "trail": 1}):
        market.cancel(market.buy(**terms))

    market.bar(100, 105, 95, 100)

    assert market.fills == []
    assert kinds(market) == ["Accepted", "Cancelled"] * 4


def test_cancelling_what_does_not_work_is_refused_with_a_reason(exchange):
    market = exchange()
    name = market.buy()
    market.bar(100, 100, 100, 100)

    market.cancel(name)
    market.cancel("never sent")

    assert [type(report) for report in market.reports[-2:]] == [CancelRejected] * 2
    assert market.reports[-1].reason == "no working order"


@pytest.mark.parametrize("latency_ms", [0, 10])
@pytest.mark.parametrize("terms", [{}, {"limit": 99}, {"stop": 101}])
def test_an_order_may_be_cancelled_as_soon_as_it_is_accepted(exchange, terms, latency_ms):
    market = exchange(latency_ms=latency_ms)
    market.bar(100, 100, 100, 100)
    market.reaction = lambda report: (
        market.cancel(report.client_order_id) if kinds(market) == ["Accepted"] else None
    )
    market.buy(**terms)

    market.bar(100, 105, 95, 100)
    market.bar(100, 105, 95, 100)

    assert kinds(market) == ["Accepted", "Cancelled"]


@pytest.mark.parametrize(
    ("kind", "prices"), [(OrderType.LIMIT, {"limit": 98}), (OrderType.STOP, {"stop": 102})]
)
def test_an_order_may_be_cancelled_as_soon_as_it_is_replaced(exchange, kind, prices):
    market = exchange()
    market.bar(100, 100, 100, 100)
    market.reaction = lambda report: (
        market.cancel("entry") if isinstance(report, Replaced) else None
    )
    market.buy(limit=50, name="other")
    market.buy(limit=97, name="entry")

    market.replace("entry", 1, kind, **prices)
    market.bar(100, 105, 95, 100)

    assert kinds(market) == ["Accepted", "Accepted", "Replaced", "Cancelled"]


def test_a_fill_may_cancel_the_next_order_of_the_same_price(exchange):
    market = exchange()
    market.reaction = lambda report: market.cancel("second") if isinstance(report, Fill) else None
    market.buy(name="first")
    market.buy(name="second")

    market.bar(100, 100, 100, 100)

    assert market.traded == [("first", 1, 100)]
    assert isinstance(market.reports[-1], Cancelled)


@pytest.mark.parametrize("jump", [True, False])
def test_a_fill_may_cancel_another_order_met_by_the_same_move(exchange, jump):
    market = exchange()
    market.reaction = lambda report: market.cancel("second") if isinstance(report, Fill) else None
    market.buy(stop=101, name="first")
    market.buy(stop=102, name="second")
    opened = 105 if jump else 100

    market.bar(opened, 105, 100, 105)

    assert [name for name, _, _ in market.traded] == ["first"]


def test_an_order_sent_from_within_a_fill_meets_the_rest_of_the_path(exchange):
    market = exchange(bar_path="open-high-low-close", limit_fill="touch")

    def protect(report):
        if isinstance(report, Fill) and report.client_order_id == "entry":
            market.sell(stop=100, name="stop", role="stop", trade_id="entry")
            market.sell(limit=104, name="target", role="target", trade_id="entry")

    market.reaction = protect
    market.buy(stop=102, name="entry")

    market.bar(101, 103, 99, 101)

    assert market.traded == [("entry", 1, 102), ("stop", 1, 100)]


def test_a_moved_stop_acts_at_its_new_price_only(exchange):
    market = exchange()
    market.sell(stop=98, name="stop")

    market.replace("stop", 1, OrderType.STOP, stop=96)
    market.bar(100, 101, 97, 100)
    assert market.fills == []

    market.bar(100, 101, 95, 100)
    assert [fill.price for fill in market.fills] == [96]


def test_an_order_that_waited_for_the_next_price_rests_if_it_is_moved_away(exchange):
    market = exchange()
    market.bar(100, 100, 100, 100)
    market.buy(limit=101, name="entry")

    market.replace("entry", 1, OrderType.LIMIT, limit=98)

    assert market.watch.floor == 97.875, "bars above it may pass"


def test_a_moved_limit_that_is_marketable_takes(exchange):
    market = exchange(slippage=0.25)
    market.bar(100, 100, 100, 100)
    market.buy(limit=98, name="entry")

    market.replace("entry", 1, OrderType.LIMIT, limit=101)
    market.bar(100, 100, 100, 100)

    assert [fill.price for fill in market.fills] == [100.25]


def test_a_replacement_says_what_now_works(exchange):
    market = exchange()
    market.sell(2, stop=98, name="stop")

    market.replace("stop", 1, OrderType.STOP, stop=97)

    assert market.reports[-1] == Replaced("stop", 1, OrderType.STOP, None, 97 * 4, 0)


def test_a_smaller_quantity_keeps_the_place_in_the_book(exchange):
    market = exchange(volume_share=1)
    market.buy(3, stop=101, name="first")
    market.buy(3, stop=101, name="second")

    market.replace("first", 2, OrderType.STOP, stop=101)
    market.bar(100, 102, 100, 102, volume=3)

    assert [(name, quantity) for name, quantity, _ in market.traded] == [
        ("first", 2),
        ("second", 1),
    ]


def test_a_stop_that_is_made_a_market_order_fills_at_the_next_open(exchange):
    market = exchange(slippage=0.25)
    market.bar(100, 100, 100, 100)
    market.sell(stop=90, name="stop", role="stop")

    market.replace("stop", 1, OrderType.MARKET)
    market.bar(101, 102, 100, 101)

    assert market.traded == [("stop", 1, 100.75)]


def test_what_has_filled_cannot_be_replaced_away(exchange):
    market = exchange(volume_share=1)
    market.buy(5, name="entry")
    market.bar(100, 100, 100, 100, volume=3)

    market.replace("entry", 3, OrderType.MARKET)
    market.replace("gone", 3, OrderType.MARKET)

    first, second = market.reports[-2:]
    assert isinstance(first, ReplaceRejected)
    assert (first.reason, second.reason) == ("that quantity is filled", "no working order")


def test_a_stop_that_has_triggered_is_not_moved_behind_the_market_again(exchange):
    market = exchange(volume_share=1)
    market.sell(5, stop=99, name="stop")
    market.bar(100, 100, 98, 98, volume=3)

    market.replace("stop", 5, OrderType.STOP, stop=90)

    assert market.reports[-1].reason == "it is a market order now"
    market.replace("stop", 4, OrderType.STOP, stop=99)
    market.bar(97, 97, 97, 97, volume=9)
    assert market.traded[1:] == [("stop", 1, 97)], "its quantity may still change"


def test_a_triggered_stop_limit_stays_a_limit_when_its_limit_moves(exchange):
    market = exchange()
    market.buy(stop=101, limit=100.5, name="entry")
    market.bar(101, 101, 101, 101)
    assert market.fills == []

    market.replace("entry", 1, OrderType.STOP_LIMIT, limit=99.5, stop=101)
    market.bar(100, 100, 99, 99)

    assert market.traded == [("entry", 1, 99.5)]


@pytest.mark.parametrize(
    ("order_type", "prices", "missing"),
    [
        (OrderType.LIMIT, {}, "limit_ticks"),
        (OrderType.STOP, {"limit_ticks": 400}, "trigger_ticks"),
        (OrderType.STOP_LIMIT, {"limit_ticks": 400}, "trigger_ticks"),
        (OrderType.STOP_LIMIT, {"trigger_ticks": 400}, "limit_ticks"),
        (OrderType.TRAILING_STOP, {"trigger_ticks": 400}, "trail_ticks"),
    ],
)
def test_an_order_without_the_price_its_type_needs_is_rejected(
    exchange, order_type, prices, missing
):
    market = exchange()
    order = Order("O1", "T1", OrderRole.ENTRY, market.instrument, Side.BUY, 1, order_type, **prices)

    market.session.submit(ApprovedOrder(order, Permit()))
    market.bar(100, 110, 90, 100)

    (report,) = market.reports
    assert isinstance(report, Rejected)
    assert report.reason == f"{missing}: expected ticks for a {order_type} order, was None"


def test_a_replacement_without_the_price_its_type_needs_is_rejected(exchange):
    market = exchange()
    market.buy(limit=99, name="entry")

    market.session.replace(Replacement("entry", 1, OrderType.STOP, None, None))
    market.bar(100, 100, 98, 98)

    assert kinds(market) == ["Accepted", "ReplaceRejected", "Fill"]


def test_an_approval_submits_once(exchange):
    market = exchange()
    order = Order("O1", "T1", OrderRole.ENTRY, market.instrument, Side.BUY, 1, OrderType.MARKET)
    approved = ApprovedOrder(order, Permit())

    market.session.submit(approved)
    with pytest.raises(PermitSpent):
        market.session.submit(approved)

    assert kinds(market) == ["Accepted"]
