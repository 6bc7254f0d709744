from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from fillbridge_rithmic.gateway.book.book import Book
from fillbridge_rithmic.gateway.book.events import Happening
from fillbridge_rithmic.gateway.book.ledger import Ledger
from fillbridge_rithmic.gateway.book.linking import flatten
from fillbridge_rithmic.gateway.book.order import Bracket, Fill, Ticket
from fillbridge_rithmic.gateway.codes import BracketType, Duration, PriceType, Side
from fillbridge_rithmic.gateway.settings import Contract

ES = Contract(symbol="ES")


def make_book(**options):
    events = []
    times = count(1)
    book = Book((ES,), tell=events.append, now_ns=lambda: next(times), **options)
    return book, events


def ticket(side=Side.BUY, quantity=1, price_type=PriceType.LIMIT, **fields):
    given = {"account": "A", "user": "U", "symbol": "ES", "exchange": "CME"}
    given |= {"duration": Duration.DAY, "price": 4990.0 if price_type == PriceType.LIMIT else None}
    return Ticket(side=side, quantity=quantity, price_type=price_type, **(given | fields))


def fills(book):
    return [(each.basket_id, each.size, each.price) for each in book.ledger("A").fills]


def test_a_limit_that_rests_fills_where_it_rests_and_one_that_does_not_where_the_market_is():
    book, _ = make_book()
    book.place(ticket(price=4990.0))
    book.trade("ES", 4980.0)
    book.place(ticket(price=4995.0))
    assert fills(book) == [("1", 1, 4990.0), ("2", 1, 4980.0)]


def test_the_better_limit_is_first_then_the_older_and_market_orders_before_all():
    book, _ = make_book(fills_at_once=False)
    book.place(ticket(price=4990.0))
    book.place(ticket(price=4991.0))
    book.place(ticket(price=4991.0))
    book.place(ticket(price_type=PriceType.MARKET))
    book.trade("ES", 4985.0, 3)
    assert [basket for basket, *_ in fills(book)] == ["4", "2", "3"]


def test_a_quote_decides_what_a_market_order_gets_until_the_market_leaves_it():
    book, _ = make_book()
    book.trade("ES", 5000.0)
    book.quote("ES", 4999.0, 5001.0)
    book.place(ticket(Side.BUY, price_type=PriceType.MARKET))
    book.place(ticket(Side.SELL, price_type=PriceType.MARKET))
    book.trade("ES", 5010.0)
    book.place(ticket(Side.BUY, price_type=PriceType.MARKET))
    assert [price for *_, price in fills(book)] == [5001.0, 4999.0, 5010.0]


def test_a_quote_fills_what_it_reaches():
    book, _ = make_book()
    book.place(ticket(price=4990.0))
    book.quote("ES", 4989.0, 4989.25)
    assert fills(book) == [("1", 1, 4989.25)]


@pytest.mark.parametrize("duration", [Duration.IOC, Duration.FOK])
@pytest.mark.parametrize("at_once", [True, False])
def test_what_does_not_fill_at_once_is_cancelled(duration, at_once):
    book, _ = make_book(fills_at_once=at_once, depth=2)
    book.trade("ES", 4990.0)
    order = book.place(ticket(quantity=3, duration=duration, price=4990.0))
    if not at_once:
        book.trade("ES", 4990.0, 2)
    filled, reason = (2, "PFBC") if duration == Duration.IOC else (0, "C")
    assert (order.filled, order.reason) == (filled, reason)


def test_a_stop_waits_for_its_trigger_and_a_stop_limit_for_its_limit_too():
    book, events = make_book(fills_at_once=False)
    stop = book.place(ticket(price_type=PriceType.STOP_MARKET, trigger_price=5010.0))
    limited = book.place(
        ticket(price_type=PriceType.STOP_LIMIT, trigger_price=5010.0, price=5012.0)
    )
    book.trade("ES", 5009.75)
    assert stop.waits_for_trigger
    book.trade("ES", 5015.0)
    assert fills(book) == [(stop.basket_id, 1, 5015.0)]
    assert limited.works
    book.trade("ES", 5011.0)
    assert fills(book)[-1] == (limited.basket_id, 1, 5012.0)
    happened = [each.happening for each in events if each.order is stop]
    assert happened == [
        Happening.PLACED,
        Happening.WAITS_FOR_TRIGGER,
        Happening.TRIGGERED,
        Happening.FILLED,
        Happening.COMPLETED,
    ]


def test_a_stop_that_is_reached_already_is_triggered_at_once():
    book, _ = make_book()
    book.trade("ES", 5000.0)
    stop = book.place(
        ticket(Side.SELL, price_type=PriceType.STOP_MARKET, price=None, trigger_price=5001.0)
    )
    assert stop.reason == "F"


def test_a_quantity_that_has_filled_already_ends_the_order():
    book, _ = make_book()
    order = book.place(ticket(quantity=3))
    book.trade("ES", 4989.0, 2)
    book.modify(order, quantity=2)
    assert (order.reason, order.cancelled) == ("PFBC", 1)


def test_a_stop_becomes_a_market_order():
    book, _ = make_book(fills_at_once=False)
    stop = book.place(ticket(Side.SELL, price_type=PriceType.STOP_MARKET, trigger_price=4980.0))
    book.modify(stop, price_type=PriceType.MARKET)
    book.trade("ES", 5000.0)
    assert fills(book) == [(stop.basket_id, 1, 5000.0)]


def test_a_position_is_valued_from_the_average_of_what_is_open():
    ledger = Ledger()

    def add(side, size, price):
        fill = Fill(
            fill_id="1", basket_id="1", account="A", symbol="ES", exchange="CME", side=side,
            size=size, price=price, user_tag=None, time_ns=0, total=size, left=0, average=price,
        )  # fmt: skip
        ledger.add(fill, 50.0)

    add(Side.BUY, 2, 5000.0)
    add(Side.BUY, 2, 5010.0)
    add(Side.SELL, 1, 5015.0)
    position = ledger.positions["ES"]
    assert (position.net, position.average, position.closed_profit) == (3, 5005.0, 500.0)
    assert position.open_profit(5006.0) == 150.0
    add(Side.SELL, 5, 5005.0)
    assert (position.net, position.average, position.closed_profit) == (-2, 5005.0, 500.0)
    add(Side.BUY, 2, 5000.0)
    assert (position.net, position.average, position.closed_profit) == (0, 0.0, 1000.0)


PRICES = st.integers(19_900, 20_100).map(lambda ticks: ticks * 0.25)
SIZES = st.integers(1, 5)
SIDES = st.sampled_from((Side.BUY, Side.SELL))


class Trading(RuleBasedStateMachine):
    """Anything that can be asked of a book, in any order."""

    def __init__(self):
        super().__init__()
        self.book, self.events = make_book(fills_at_once=False)

    @rule(
        side=SIDES,
        size=SIZES,
        price=PRICES,
        price_type=st.sampled_from(tuple(PriceType)),
        duration=st.sampled_from(tuple(Duration)),
    )
    def place(self, side, size, price, price_type, duration):
        fields = {"price": price, "trigger_price": price}
        self.book.place(ticket(side, size, price_type, duration=duration, **fields))

    @rule(side=SIDES, size=SIZES, price=PRICES, target_ticks=SIZES, stop_ticks=SIZES)
    def place_bracket(self, side, size, price, target_ticks, stop_ticks):
        bracket = Bracket(
            bracket_type=BracketType.TARGET_AND_STOP_STATIC,
            target_ticks=target_ticks,
            stop_ticks=stop_ticks,
        )
        self.book.place(ticket(side, size, price=price, bracket=bracket))

    @rule(price=PRICES, size=st.none() | SIZES)
    def trade(self, price, size):
        before = len(self.book.ledger("A").fills)
        self.book.trade("ES", price, size)
        got = sum(each.size for each in self.book.ledger("A").fills[before:])
        assert size is None or got <= size

    @precondition(lambda self: self.book.working())
    @rule(data=st.data())
    def cancel(self, data):
        self.book.cancel(data.draw(st.sampled_from(self.book.working())))

    @precondition(lambda self: self.book.working())
    @rule(data=st.data(), price=PRICES, size=st.integers(1, 8))
    def modify(self, data, price, size):
        order = data.draw(st.sampled_from(self.book.working()))
        self.book.modify(order, price=price, trigger_price=price, quantity=size)

    @rule()
    def flatten(self):
        flatten(self.book, "A", "ES", user="U")
        assert not [each for each in self.book.working() if each.ticket.leg]

    @invariant()
    def the_position_is_the_sum_of_the_fills(self):
        signed = [
            each.size if each.side == Side.BUY else -each.size
            for each in self.book.ledger("A").fills
        ]
        assert self.book.ledger("A").net("ES") == sum(signed)

    @invariant()
    def an_order_fills_for_no_more_than_it_asked_for(self):
        for order in self.book.orders.values():
            of_order = [
                e.size for e in self.book.ledger("A").fills if e.basket_id == order.basket_id
            ]
            assert sum(of_order) == order.filled <= order.quantity
            assert order.works or order.reason in ("F", "C", "PFBC")
            assert order.works is (order in self.book.working())
            assert order.reason != "F" or order.filled == order.quantity


TestTrading = Trading.TestCase
TestTrading.settings = settings(
    max_examples=60, stateful_step_count=25, suppress_health_check=[HealthCheck.too_slow]
)


@given(
    size=st.integers(1, 6),
    side=SIDES,
    trades=st.lists(st.tuples(st.integers(-60, 60), st.none() | SIZES), max_size=30),
)
def test_legs_never_close_more_than_their_entry_has_filled(size, side, trades):
    book, _ = make_book(fills_at_once=False)
    bracket = Bracket(bracket_type=BracketType.TARGET_AND_STOP_STATIC, target_ticks=8, stop_ticks=8)
    entry = book.place(ticket(side, size, price=5000.0, bracket=bracket))
    for ticks, quantity in trades:
        book.trade("ES", 5000.0 + ticks * 0.25, quantity)
        sign = 1 if side == Side.BUY else -1
        held = sign * book.ledger("A").net("ES")
        assert 0 <= held <= entry.filled
        for leg in ("target", "stop"):
            left = sum(each.left for each in book.working() if each.ticket.leg == leg)
            assert left == held
