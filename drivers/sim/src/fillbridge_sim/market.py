"""One symbol of a simulation: its orders, its last data, and the fills made of them."""

import math
from collections.abc import Callable

from fillbridge_hooks import (
    BarData,
    Cancelled,
    Direction,
    Fill,
    Instrument,
    Liquidity,
    MarketListener,
    MarketView,
    OrderRole,
    OtherOutcome,
    PluginError,
    PriceWatch,
    QuoteTick,
    SlippageFunction,
    TradeTick,
    VirtualClock,
)

from fillbridge_sim.book import Book
from fillbridge_sim.path import depends_on_direction, high_comes_first
from fillbridge_sim.settings import SimulationSettings
from fillbridge_sim.working import WorkingOrder

_ENTRY = OrderRole.ENTRY
_STOP = OrderRole.STOP
_TARGET = OrderRole.TARGET
_TAKER = Liquidity.TAKER
_SIBLING = {_STOP: _TARGET, _TARGET: _STOP}
_INFINITY = float("inf")


class Market:
    """Walks the price of one instrument through its data and fills what it meets.

    ``orders`` is shared by all symbols: working orders by client order id.
    """

    def __init__(
        self,
        instrument: Instrument,
        settings: SimulationSettings,
        clock: VirtualClock,
        slippage: tuple[str, SlippageFunction] | None,
        listener: MarketListener,
        orders: dict[str, tuple["Market", WorkingOrder]],
        next_fill_id: Callable[[], str],
    ) -> None:
        self.instrument = instrument
        self.watch = PriceWatch()
        self.legs: dict[str, dict[OrderRole, WorkingOrder]] = {}
        """Working stop and target of each trade."""
        self._settings = settings
        self._clock = clock
        self._model = slippage[0] if slippage else ""
        self._slippage = slippage[1] if slippage else None
        self._listener = listener
        self._orders = orders
        self._next_fill_id = next_fill_id
        directions: tuple[Direction | None, ...] = (None,)
        if depends_on_direction(settings.bar_path):
            directions = (Direction.LONG, Direction.SHORT)
        touch = settings.limit_fill == "touch"
        self.books = [Book(direction, touch, self._fill, self._end) for direction in directions]
        self._bar: BarData | None = None
        self._range = (0, 0)
        self._step = ""
        self._sequence = -1
        self._entry_ns: int | None = None

    # What is known

    def view(self, last: float | None = None) -> MarketView:
        """The market as plugins see it, with ``last`` as the last price where it is given."""
        watch = self.watch
        known, quote = self._bar or watch.last, watch.quote
        bar, volume = None, None
        if isinstance(known, BarData):
            bar, volume = known, known.volume
            last = known.close if last is None else last
        elif known is not None:
            volume = known.size
            last = known.price if last is None else last
        bid, ask = (None, None) if quote is None else (quote.bid, quote.ask)
        now = self._clock.now_ns()
        return MarketView(self.instrument.symbol, bar, bid, ask, last, volume, now)

    def last_ticks(self) -> int | None:
        """The last price, in ticks."""
        last = self.watch.last
        if last is None:
            return None
        return self.instrument.to_ticks(last.close if isinstance(last, BarData) else last.price)

    def far_side(self, order: WorkingOrder) -> int | None:
        """The quoted price that the order would take."""
        quote = self.watch.quote
        if quote is None:
            return None
        return self.instrument.to_ticks(quote.ask if order.sign > 0 else quote.bid, "quote")

    def book_of(self, order: WorkingOrder) -> Book:
        """The book that works this order."""
        if len(self.books) == 1:
            return self.books[0]
        return self.books[order.direction is Direction.SHORT]

    def rearm(self) -> None:
        """Set the watch half a tick inside the nearest order."""
        watch = self.watch
        floor, ceiling = -_INFINITY, _INFINITY
        to_price = self.instrument.to_price
        for book in self.books:
            bounds = book.bounds()
            if bounds is None:
                watch.floor, watch.ceiling = _INFINITY, -_INFINITY
                return
            below, above = bounds
            if below is not None:
                floor = max(floor, to_price(below + 0.5))
            if above is not None:
                ceiling = min(ceiling, to_price(above - 0.5))
        watch.floor, watch.ceiling = floor, ceiling

    # What happens

    def on_bar(self, bar: BarData, end_ns: int) -> None:
        """Walk one bar from its open to its close."""
        to_ticks = self.instrument.to_ticks
        opened, closed = to_ticks(bar.open, "open"), to_ticks(bar.close, "close")
        high, low = to_ticks(bar.high, "high"), to_ticks(bar.low, "low")
        symbol = self.instrument.symbol
        advance_to, on_price = self._clock.advance_to, self._listener.on_price
        advance_to(bar.timestamp)
        self._bar, self._range, self._entry_ns = bar, (low, high), bar.timestamp
        self._step, self._sequence = "open", -1
        self._fund(bar.volume)
        for book in self.books:
            book.jump(opened, True)
            on_price(symbol, opened, book.direction)
        advance_to(end_ns)
        rule = self._settings.bar_path
        for book in self.books:
            shape = (opened, high, low, closed)
            first, second = ("low", low), ("high", high)
            if high_comes_first(rule, shape, book.direction):
                first, second = second, first
            for self._step, price in (first, second):
                book.walk(price)
                on_price(symbol, price, book.direction)
            self._step = "close"
            book.walk(closed)
            book.rest()
        self.watch.last = bar
        self._bar, self._entry_ns = None, None
        self.rearm()

    def on_trade(self, trade: TradeTick) -> None:
        """Move to the price of one trade."""
        price = self.instrument.to_ticks(trade.price, "price")
        self._clock.advance_to(trade.timestamp)
        self._step, self._sequence = "trade", trade.sequence
        self._fund(trade.size)
        for book in self.books:
            book.jump(price, False)
            book.rest()
            self._listener.on_price(self.instrument.symbol, price, book.direction)
        self.watch.last = trade
        self.rearm()

    def on_quote(self, quote: QuoteTick) -> None:
        """Take a new quote; what waited for one trades against it."""
        self._clock.advance_to(quote.timestamp)
        self.watch.quote = quote
        for book in self.books:
            self.meet_quote(book)
        self.rearm()

    def meet_quote(self, book: Book) -> None:
        """Let what waits in ``book`` trade at the far side of the quote."""
        self._step, self._sequence = "quote", -1
        for order in book.take_waiting():
            self.work(order)

    def work(self, order: WorkingOrder) -> None:
        """Put an order in the book; it trades at once where a quote or a moving price allows."""
        book = self.book_of(order)
        price = None
        if book.price is None:
            price = self.far_side(order)
            if price is not None:
                self._step = "quote"
                quote = self.watch.quote
                assert quote is not None
                self._fund(quote.ask_size if order.sign > 0 else quote.bid_size)
            elif self._settings.market_entry == "on_close" and order.order.role is _ENTRY:
                price = self.last_ticks()
                self._step = "close"
                self._fund(None)
        book.add(order, self.last_ticks() if book.price is None else None, price)

    def settle(self) -> None:
        """Trade what takes the market at the last price: nothing comes after it."""
        price = self.last_ticks()
        if price is None:
            return
        self._step = "close"
        self._fund(None)
        for book in self.books:
            for order in book.take_waiting():
                if order.takes_market:
                    book.price = price
                    book.add(order, None, None)
                    book.rest()
        self.rearm()

    def _fund(self, volume: float | None) -> None:
        share = self._settings.volume_share
        pool = None if share is None or volume is None else math.floor(share * volume)
        for book in self.books:
            book.pool = pool

    # Fills

    def _fill(self, working: WorkingOrder, quantity: int, base: int, liquidity: Liquidity) -> None:
        order = working.order
        role = order.role
        instrument = self.instrument
        reference = instrument.to_price(base)
        slippage, model, price = 0.0, "", reference
        if liquidity is _TAKER and self._slippage is not None:
            model = self._model
            slippage = self._adverse(working, base, reference)
            price = reference + working.sign * slippage
        working.filled += quantity
        complete = working.filled >= working.quantity
        other = None
        if self._bar is not None and role in _SIBLING and self._step != "open":
            other = self._other_outcome(working)
        if complete:
            self.drop(working)
        entry_ns = self._entry_ns
        time_ns = self._clock.now_ns() if role is not _ENTRY or entry_ns is None else entry_ns
        self._listener.on_report(
            Fill(
                self._next_fill_id(),
                order.client_order_id,
                working.broker_order_id,
                quantity,
                working.filled,
                price,
                base,
                slippage,
                model,
                liquidity,
                time_ns,
                self._step,
                self._sequence,
                other,
            )
        )

    def _adverse(self, working: WorkingOrder, base: int, reference: float) -> float:
        """Slippage of a fill at ``base``, in points, within the order's limit."""
        assert self._slippage is not None
        slippage = self._slippage(working.order, self.view(reference))
        if not 0 <= slippage < _INFINITY:
            raise PluginError(
                self._model, f"slippage: expected a finite number >= 0, was {slippage!r}"
            )
        if working.limit is not None:
            room = self.instrument.to_price(working.sign * (working.limit - base))
            return min(slippage, room)
        return slippage

    def _other_outcome(self, working: WorkingOrder) -> OtherOutcome | None:
        """The exit on the other path, where this bar reaches both levels."""
        legs = self.legs.get(working.order.trade_id)
        sibling = legs and legs.get(_SIBLING[working.order.role])
        if not sibling:
            return None
        low, high = self._range
        extreme = high if sibling.sign < 0 else low
        if sibling.order.role is _STOP:
            extreme = low if sibling.sign < 0 else high
            level = sibling.trigger
            reached = level is not None and sibling.sign * (extreme - level) >= 0
        else:
            level = sibling.limit
            beyond = 0 if self._settings.limit_fill == "touch" else 1
            reached = level is not None and sibling.sign * (level - extreme) >= beyond
        if not reached or level is None:
            return None
        reference = self.instrument.to_price(level)
        slippage = 0.0
        if sibling.order.role is _STOP and self._slippage is not None:
            slippage = self._adverse(sibling, level, reference)
        price = reference + sibling.sign * slippage
        return OtherOutcome(sibling.order.role, price, level, slippage)

    def _end(self, working: WorkingOrder, reason: str) -> None:
        self.drop(working)
        self._listener.on_report(
            Cancelled(working.order.client_order_id, reason, self._clock.now_ns())
        )

    def drop(self, working: WorkingOrder) -> None:
        """Forget an order that can no longer fill."""
        order = working.order
        self.book_of(working).remove(working)
        del self._orders[order.client_order_id]
        legs = self.legs.get(order.trade_id)
        if legs is not None and legs.get(order.role) is working:
            del legs[order.role]
            if not legs:
                del self.legs[order.trade_id]
