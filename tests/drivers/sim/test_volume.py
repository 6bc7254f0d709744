"""How much can trade in one event, and what an order does with the rest."""

import pytest

from fillbridge_hooks import BarData, Cancelled, Instrument

MINUTE = 60_000_000_000


def quantities(market):
    return [(name, quantity) for name, quantity, _ in market.traded]


def test_without_a_share_every_order_fills_in_full(exchange):
    market = exchange()
    market.buy(1000)
    market.buy(limit=90, quantity=1000)

    market.bar(100, 101, 89, 100, volume=1)

    assert [quantity for _, quantity, _ in market.traded] == [1000, 1000]


def test_all_orders_of_a_bar_share_its_volume(exchange):
    market = exchange(volume_share=0.1)
    market.buy(6, name="first")
    market.sell(6, name="second")
    market.sell(6, stop=99, name="third")

    market.bar(100, 101, 98, 100, volume=100)

    assert quantities(market) == [("first", 6), ("second", 4)]
    market.bar(100, 101, 98, 100, volume=100)
    assert quantities(market)[2:] == [("second", 2), ("third", 6)]


def test_longs_and_shorts_share_it_where_each_walks_its_own_path(exchange):
    market = exchange(volume_share=0.1, bar_path="stop-first")
    market.buy(8, stop=101, name="long")
    market.sell(8, stop=99, name="short")

    market.bar(100, 102, 98, 100, volume=100)

    assert quantities(market) == [("long", 8), ("short", 2)]


@pytest.mark.parametrize(
    ("share", "volume", "most"),
    [(0.29, 100, 29), (0.1, 30, 3), (0.07, 100, 7), (0.025, 39.9, 0), (1, 7, 7), (0.5, 3, 1)],
)
def test_the_share_is_whole_contracts_rounded_down_but_not_by_a_rounding_error(
    exchange, share, volume, most
):
    market = exchange(volume_share=share)
    market.buy(1000)

    market.bar(100, 101, 99, 100, volume=volume)

    assert sum(quantity for _, quantity, _ in market.traded) == most


def test_the_rest_of_a_market_order_trades_at_the_next_open(exchange):
    market = exchange(volume_share=0.5, slippage=0.25)
    market.buy(5)
    market.bar(100, 101, 99, 100, volume=6)

    market.bar(103, 104, 102, 103, volume=6)

    assert [(quantity, price) for _, quantity, price in market.traded] == [(3, 100.25), (2, 103.25)]
    assert [fill.cumulative_quantity for fill in market.fills] == [3, 5]


def test_the_rest_of_a_limit_keeps_its_price(exchange):
    market = exchange(volume_share=0.5)
    market.bar(100, 100, 100, 100)
    market.buy(5, limit=99)
    market.bar(100, 101, 98, 100, volume=6)
    market.bar(100, 101, 99, 100, volume=6)
    assert quantities(market) == [("O1", 3)]

    market.bar(100, 101, 98, 100, volume=6)

    assert market.traded == [("O1", 3, 99), ("O1", 2, 99)]


def test_a_stop_that_found_too_little_is_a_market_order(exchange):
    market = exchange(volume_share=0.5)
    market.sell(5, stop=99)
    market.bar(100, 101, 98, 100, volume=6)

    market.bar(102, 103, 101, 102, volume=6)

    assert market.traded == [("O1", 3, 99), ("O1", 2, 102)]


def test_a_trade_is_shared_out_like_a_bar(exchange):
    market = exchange(volume_share=1)
    market.buy(5)

    market.trade(100, size=3)
    market.trade(101, size=0)
    market.trade(102, size=3)

    assert market.traded == [("O1", 3, 100), ("O1", 2, 102)]


def test_each_side_of_a_quote_is_shared_by_all_orders_that_take_it(exchange):
    market = exchange(volume_share=1)
    market.quote(99.75, 100, bid_size=5, ask_size=4)
    market.buy(3, name="first")
    market.buy(3, name="second")
    market.sell(9, name="third")
    assert quantities(market) == [("first", 3), ("second", 1), ("third", 5)]

    market.quote(99.75, 100.25, bid_size=5, ask_size=4)

    assert market.traded[3:] == [("second", 2, 100.25), ("third", 4, 99.75)]


def test_a_quote_that_came_unseen_brings_new_size(exchange):
    market = exchange(volume_share=1)
    market.quote(99.75, 100, ask_size=4)
    market.buy(4)

    market.watch.quote = type(market.watch.quote)(0, 99.75, 5, 100, 4)
    market.buy(4)

    assert [quantity for _, quantity, _ in market.traded] == [4, 4]


def test_entries_on_the_close_share_the_bar_that_closed(exchange):
    market = exchange(volume_share=0.5, market_entry="on_close")
    market.sell(4, stop=99, name="stop")
    market.bar(100, 101, 98, 100, volume=12)

    market.buy(4, name="entry")

    assert quantities(market) == [("stop", 4), ("entry", 2)]


def test_entries_on_the_close_share_a_bar_that_passed_quietly(exchange):
    market = exchange(volume_share=0.5, market_entry="on_close")
    market.bar(100, 101, 98, 100, volume=12)
    market.watch.last = BarData(MINUTE, 100, 100, 100, 100, 4, "ES")

    market.buy(4)
    market.buy(4)

    assert quantities(market) == [("O1", 2)]


# Immediate or cancel, fill or kill


@pytest.mark.parametrize("kind", [{}, {"limit": 101}])
def test_immediate_or_cancel_gives_up_the_rest(exchange, kind):
    market = exchange(volume_share=0.5)
    market.buy(5, time_in_force="IOC", **kind)

    market.bar(100, 101, 99, 100, volume=6)

    assert quantities(market) == [("O1", 3)]
    ended = market.reports[-1]
    assert isinstance(ended, Cancelled)
    assert ended.reason == "immediate or cancel: 2 could not trade"
    assert ended.cumulative_quantity == 3


@pytest.mark.parametrize("kind", [{}, {"limit": 101}])
def test_fill_or_kill_fills_in_full_or_not_at_all(exchange, kind):
    market = exchange(volume_share=0.5)
    market.buy(5, time_in_force="FOK", **kind)
    market.bar(100, 101, 99, 100, volume=8)
    assert market.fills == []
    assert market.reports[-1].reason == "fill or kill: only 4 of 5 could trade"
    market.buy(5, time_in_force="FOK", **kind)

    market.bar(100, 101, 99, 100, volume=10)

    assert quantities(market) == [("O2", 5)]


def test_an_order_that_its_first_part_cancelled_is_not_ended_twice(exchange):
    market = exchange(volume_share=0.5)
    market.reaction = lambda report: (
        market.cancel("O1") if market.story[-1] == ("Fill", "O1") else None
    )
    market.buy(5, time_in_force="IOC")

    market.bar(100, 101, 99, 100, volume=6)
    market.bar(100, 101, 99, 100, volume=6)

    assert market.story == [("Accepted", "O1"), ("Fill", "O1"), ("Cancelled", "O1")]
    assert market.reports[-1].cumulative_quantity == 3


def test_a_killed_order_leaves_the_volume_to_others(exchange):
    market = exchange(volume_share=0.5)
    market.buy(5, time_in_force="FOK", name="killed")
    market.buy(4, name="next")

    market.bar(100, 101, 99, 100, volume=8)

    assert quantities(market) == [("next", 4)]


@pytest.mark.parametrize("time_in_force", ["IOC", "FOK"])
@pytest.mark.parametrize("last", [99, 100, 101])
@pytest.mark.parametrize(("opened", "fills"), [(99, [99]), (100, [100]), (100.25, [])])
def test_the_next_price_decides_about_a_limit_that_cannot_rest(
    exchange, time_in_force, last, opened, fills
):
    market = exchange()
    market.bar(last, last, last, last)
    market.buy(limit=100, time_in_force=time_in_force)
    assert market.story[-1][0] == "Accepted"

    market.bar(opened, opened, 95, 95)

    assert [fill.price for fill in market.fills] == fills
    assert market.story[-1][0] == ("Fill" if fills else "Cancelled")


def test_a_quote_decides_at_once_about_a_limit_that_cannot_rest(exchange):
    market = exchange()
    market.quote(99.75, 100)

    market.buy(limit=99.75, time_in_force="IOC")
    market.buy(limit=100, time_in_force="IOC")

    assert market.story == [
        ("Accepted", "O1"),
        ("Cancelled", "O1"),
        ("Accepted", "O2"),
        ("Fill", "O2"),
    ]


@pytest.mark.parametrize(("limit", "ends"), [(100.5, "Cancelled"), (101, "Fill")])
def test_a_stop_limit_is_immediate_once_it_triggers(exchange, limit, ends):
    market = exchange()
    market.buy(stop=101, limit=limit, time_in_force="IOC")
    market.bar(100, 100, 100, 100)
    assert market.story[-1][0] == "Accepted"

    market.bar(100, 102, 100, 102)

    assert market.story[-1][0] == ends


# Whole trades


def test_stop_and_target_follow_each_part_of_the_entry(backtest):
    run = backtest(volume_share=0.5)
    run.bar(100, 100, 100, 100)
    run.enter("LONG", stop=98, target=103, size=5)
    run.bar(100, 100, 100, 100, volume=4)
    run.bar(101, 101, 101, 101, volume=100)
    (position,) = run.handler.open_positions.values()
    assert position.size == 5

    run.bar(101, 104, 101, 104, volume=100)

    trade = run.trade
    assert trade.position_size == 5
    assert trade.entry_price == (2 * 100 + 3 * 101) / 5
    assert trade.exit_price == 103


def test_what_the_target_left_is_all_that_the_stop_sells(backtest):
    run = backtest(volume_share=0.5)
    run.bar(100, 100, 100, 100)
    run.enter("LONG", stop=98, target=103, size=5)
    run.bar(100, 100, 100, 100, volume=100)
    run.bar(100, 104, 100, 103, volume=6)  # the target sells 3

    run.bar(103, 103, 97, 97, volume=100)

    trade = run.trade
    assert trade.exit_price == (3 * 103 + 2 * 98) / 5
    assert trade.pnl_net == (3 * 3 - 2 * 2) * 50


def test_each_symbol_has_its_own_volume(exchange):
    market = exchange(volume_share=0.5)
    other = Instrument(symbol="NQ", tick_size=0.25, point_value=20)
    market.session.open_market(other)
    market.buy(3)
    market.bar(100, 100, 100, 100, volume=6)
    market.instrument = other
    market.buy(4)

    market.session.on_bar(BarData(MINUTE, 200, 200, 200, 200, 8, "NQ"), 2 * MINUTE)

    assert quantities(market) == [("O1", 3), ("O2", 4)]
