"""What the ticker plant says, one side at a time."""

import pytest

from fillbridge_hooks import QuoteTick, TradeTick
from fillbridge_rithmic.market import Market
from fillbridge_rithmic.wire.messages import make

TIME = {"ssboe": 1, "usecs": 5, "symbol": "ES"}
TIME_NS = 1_000_005_000


def test_a_trade():
    market = Market()
    assert market.last("ES") is None
    told = market.hear(make(150, trade_price=5000.25, trade_size=3, **TIME))
    assert told == TradeTick(TIME_NS, 5000.25, 3, "ES")
    assert market.last("ES") == 5000.25


@pytest.mark.parametrize("fields", [{}, {"trade_price": float("nan")}, {"trade_price": -1.0}])
def test_a_trade_without_a_price_is_none(fields):
    market = Market()
    assert market.hear(make(150, trade_size=3, **fields, **TIME)) is None
    assert market.last("ES") is None


def test_a_quote_is_told_once_both_sides_are_known():
    market = Market()
    assert market.hear(make(151, bid_price=5000.0, bid_size=2, **TIME)) is None
    told = market.hear(make(151, ask_price=5000.25, ask_size=4, **TIME))
    assert told == QuoteTick(TIME_NS, 5000.0, 2, 5000.25, 4, "ES")
    told = market.hear(make(151, bid_price=4999.75, bid_size=1, **TIME))
    assert (told.bid, told.ask) == (4999.75, 5000.25)


def test_a_side_that_is_cleared_is_gone():
    market = Market()
    market.hear(make(151, bid_price=5000.0, ask_price=5000.25, **TIME))
    assert market.hear(make(151, clear_bits=2, **TIME)) is None
    assert market.hear(make(151, bid_price=5000.0, **TIME)) is None
    assert market.hear(make(151, ask_price=5000.5, **TIME)).ask == 5000.5


def test_symbols_do_not_mix():
    market = Market()
    market.hear(make(151, bid_price=5000.0, **TIME))
    assert market.hear(make(151, **(TIME | {"symbol": "NQ", "ask_price": 5001.0}))) is None


def test_other_messages_say_nothing():
    assert Market().hear(make(450, symbol="ES")) is None
