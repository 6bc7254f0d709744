"""What is known of prices."""

import pytest

from fillbridge.live.market import LiveMarket
from fillbridge_hooks import (
    AccountMargin,
    ArrivalPrice,
    BrokerMargin,
    QuoteTick,
    TradeTick,
    VirtualClock,
)


@pytest.fixture
def market(instruments):
    made = LiveMarket(VirtualClock(7))
    made.open_market(instruments["ES"])
    return made


def test_a_symbol_is_watched_by_one_object(market, instruments):
    watch = market.open_market(instruments["ES"])
    market.on_trade(TradeTick(5, 4000.0, 3, "ES"))
    assert market.open_market(instruments["ES"]) is watch
    assert (watch.now, watch.last.price) == (5, 4000.0)


def test_nothing_is_known_before_the_first_price(market):
    view = market.view("ES")
    assert (view.bid, view.ask, view.last, view.volume, view.time_ns) == (None, None, None, None, 7)
    assert market.arrival("ES") is None


def test_a_trade_is_the_last_price(market, instruments):
    assert market.on_trade(TradeTick(5, 4000.25, 3, "ES")) is instruments["ES"]
    view = market.view("ES")
    assert (view.last, view.volume) == (4000.25, 3)
    assert market.arrival("ES") == ArrivalPrice(None, None, 4000.25)


def test_a_quote_stands_beside_the_last_trade(market):
    market.on_trade(TradeTick(5, 4000.25, 3, "ES"))
    market.on_quote(QuoteTick(6, 4000.0, 1, 4000.5, 1, "ES"))
    assert market.arrival("ES") == ArrivalPrice(4000.0, 4000.5, 4000.25)


def test_a_quote_alone_is_an_arrival_price(market):
    market.on_quote(QuoteTick(6, 4000.0, 1, 4000.5, 1, "ES"))
    assert market.arrival("ES") == ArrivalPrice(4000.0, 4000.5, None)


def test_a_symbol_that_nobody_follows_is_passed_over(market):
    assert market.on_trade(TradeTick(5, 15000.0, 1, "NQ")) is None
    market.on_quote(QuoteTick(6, 15000.0, 1, 15000.5, 1, "NQ"))
    assert set(market.instruments) == {"ES"}


def test_what_the_broker_lets_the_account_do_is_told_by_symbol(world):
    assert world.trading._account.market.margin("ES") is None
    said = BrokerMargin(
        available=5.0,
        needed={"ES": 2.0},
        max_order_quantity={"ES": 3},
        loss_limit=4.0,
        time_ns=7,
    )
    world.trading.on_message(said)
    margin = world.trading._account.market.margin
    assert margin("ES") == AccountMargin(5.0, 2.0, 7, 3, 4.0)
    assert margin("NQ") == AccountMargin(5.0, 0.0, 7, None, 4.0)
