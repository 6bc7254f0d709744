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
    OrderType,
    OtherOutcome,
    PriceWatch,
    QuoteTick,
    SlippageFunction,
    TradeTick,
    VirtualClock,
)
from fillbridge_sim.book import Book, Volume
from fillbridge_sim.path import depends_on_direction, high_comes_first
from fillbridge_sim.settings import SimulationSettings
from fillbridge_sim.slipping import Slipping
from fillbridge_sim.working import WorkingOrder

_ENTRY = OrderRole.ENTRY
_STOP = OrderRole.STOP
_TARGET = OrderRole.TARGET
_TAKER = Liquidity.TAKER
_LIMIT = OrderType.LIMIT
_MARKET = OrderType.MARKET
_SHORT = Direction.SHORT
_SIBLING = {_STOP: _TARGET, _TARGET: _STOP}
_INFINITY = float("inf")
_NOTHING: tuple[object, Volume] = (None, Volume(0))
_NO_LEGS: dict[OrderRole, WorkingOrder] = {}
_TAPE = 0
_LOW_FIRST = (("low", 2), ("high", 1), ("close", 3))
_HIGH_FIRST = (("high", 1), ("low", 2), ("close", 3))
"""Steps of a bar after its open: their names, and where a bar's shape has their prices."""
_ROUNDING = 1e-9


class Market:
    """Walks the price of one instrument through its data and fills what it meets.

    ``markets`` and ``orders`` are shared by all symbols: those that are traded, and the working
    orders by client order id.
    """

    def __init__(
        self,
        instrument: Instrument,
        settings: SimulationSettings,
        clock: VirtualClock,
        slippage: tuple[str, SlippageFunction] | None,
        listener: MarketListener,
        markets: dict[str, "Market"],
        orders: dict[str, tuple["Market", WorkingOrder]],
        next_fill_id: Callable[[], str],
    ) -> None:
        self.instrument = instrument
        self.watch = PriceWatch()
        self.legs: dict[str, dict[OrderRole, WorkingOrder]] = {}
        """Working stop and target of each trade."""
        self._path = settings.bar_path
        self._enters_on_close = settings.market_entry == "on_close"
        self._share = settings.volume_share
        self._clock = clock
        self._slipping = Slipping(slippage, instrument)
        self._listener = listener
        self._markets = markets
        self._orders = orders
        self._next_fill_id = next_fill_id
        directions: tuple[Direction | None, ...] = (None,)
        if depends_on_direction(settings.bar_path):
            directions = (Direction.LONG, _SHORT)
        self._beyond = 0 if settings.limit_fill == "touch" else 1
        self.books = [
            Book(direction, self._beyond, self._fill, self._end) for direction in directions
        ]
        self._volumes = {_TAPE: _NOTHING, 1: _NOTHING, -1: _NOTHING}
        """What is left of the last bar or trade, and of the quote by the sign that takes it."""
        self._entered: list[str] = []
        """Trades whose entry filled on the way through this bar, after its open."""
        self._missed: dict[str, OtherOutcome] = {}
        """Exits of held trades on the other path through the bar of their entry."""
        self._bar: BarData | None = None
        self._range = (0, 0)
        self._step = ""
        self._sequence = -1
        self._end_ns = 0
        self._is_inside = False
        """Whether time passes between the open of a bar and its end."""

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
        now = self._clock.now_ns
        quote_ns = None if quote is None else quote.timestamp
        return MarketView(self.instrument.symbol, bar, bid, ask, last, volume, now, quote_ns)

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

    def admit(self, working: WorkingOrder) -> None:
        """Take an order into the book that will work it."""
        order = working.order
        books = self.books
        # A short trade enters by selling and exits by buying.
        is_short = (working.sign > 0) is not (order.role is _ENTRY)
        working.book = book = books[is_short and len(books) > 1]
        book.orders += 1
        self._orders[order.client_order_id] = (self, working)
        if order.role in _SIBLING:
            legs = self.legs.get(order.trade_id)
            if legs is None:
                self.legs[order.trade_id] = {order.role: working}
            else:
                legs[order.role] = working

    def rearm(self) -> None:
        """Set the watch half a tick inside the nearest order."""
        watch = self.watch
        floor, ceiling = -_INFINITY, _INFINITY
        to_price = self.instrument.to_price
        for book in self.books:
            if not book.orders:
                continue
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
        self._bar, self._range, self._end_ns = bar, (low, high), end_ns
        self._step, self._sequence = "open", -1
        self._fund(_TAPE, bar, bar.volume)
        for book in self.books:
            if book.is_followed:
                book.jump(opened, True, bar.timestamp)
                on_price(symbol, opened, book.direction)
            else:
                book.price = opened
        # What falls due at the end belongs to what begins there. Where other symbols have yet to
        # see this time, their deadlines must wait for them.
        self._is_inside = True
        advance_to(end_ns - 1 if len(self._markets) == 1 else bar.timestamp)
        self._is_inside = False
        shape = (opened, high, low, closed)
        for book in self.books:
            if book.is_followed:
                self._walk(book, shape)
            book.rest()
        if self._entered:
            self._look_for_missed_exits()
        self.watch.last = bar
        self._bar = None
        self.rearm()

    def _walk(self, book: Book, shape: tuple[int, int, int, int]) -> None:
        """Walk the price through a bar (open, high, low, close in ticks) after its open."""
        symbol, direction = self.instrument.symbol, book.direction
        on_price = self._listener.on_price
        high_first = high_comes_first(self._path, shape, direction)
        for self._step, position in _HIGH_FIRST if high_first else _LOW_FIRST:
            price = shape[position]
            book.walk(price)
            on_price(symbol, price, direction)
        book.serve_waiting(shape[3], self._end_ns - 1)

    def on_trade(self, trade: TradeTick) -> None:
        """Move to the price of one trade."""
        price = self.instrument.to_ticks(trade.price, "price")
        self._clock.advance_to(trade.timestamp)
        self._step, self._sequence = "trade", trade.sequence
        self.watch.last = trade
        self._fund(_TAPE, trade, trade.size)
        for book in self.books:
            book.jump(price, False, trade.timestamp)
            book.rest()
            self._listener.on_price(self.instrument.symbol, price, book.direction)
        self.rearm()

    def on_quote(self, quote: QuoteTick) -> None:
        """Take a new quote; what waited for one trades against it."""
        # What takes effect at the time of the quote meets it, not the one before.
        self._clock.advance_to(quote.timestamp - 1)
        self.watch.quote = quote
        self._clock.advance_to(quote.timestamp)
        for book in self.books:
            for order in book.take_waiting():
                self.work(order)
        self.rearm()

    def work(self, order: WorkingOrder) -> None:
        """Put an order in the book; it trades at once where a quote or a moving price allows."""
        book = order.book
        if book.price is not None:
            # What a deadline inside the bar closes takes the close: the open is past by then.
            takes_market = order.order_type is _MARKET
            if self._is_inside and takes_market and order.order.role is not _ENTRY:
                book.wait(order)
            else:
                book.add(order, None, None)
            return
        last = None if order.order_type is _MARKET else self.last_ticks()
        price = self.far_side(order)
        quote = self.watch.quote
        if quote is not None:
            self._step, self._sequence = "quote", -1
            self._fund(order.sign, quote, quote.ask_size if order.sign > 0 else quote.bid_size)
        elif self._enters_on_close and order.order.role is _ENTRY:
            price = self.last_ticks()
            known = self.watch.last
            self._step, self._sequence = "close", -1
            if known is not None:
                volume = known.volume if isinstance(known, BarData) else known.size
                self._fund(_TAPE, known, volume)
        book.add(order, last, price)

    def settle(self) -> None:
        """Trade what takes the market at the last price: nothing comes after it."""
        price = self.last_ticks()
        if price is None:
            return
        self._step, self._sequence = "close", -1
        for book in self.books:
            book.volume = None
            for order in book.take_waiting():
                if order.order_type is _MARKET:
                    book.price = price
                book.add(order, price, None)
                book.rest()
        self.rearm()

    def _fund(self, source: int, event: object, volume: float) -> None:
        """Let the orders share the volume of ``event``, once however often they meet it."""
        share = self._share
        if share is None:
            return
        funded, left = self._volumes[source]
        if funded is not event:
            left = Volume(math.floor(share * volume + _ROUNDING))
            self._volumes[source] = (event, left)
        for book in self.books:
            book.volume = left

    # Fills

    def _fill(self, working: WorkingOrder, quantity: int, base: int, liquidity: Liquidity) -> None:
        order = working.order
        role = order.role
        slippage, model, price = 0.0, "", self.instrument.to_price(base)
        if liquidity is _TAKER and self._slipping.is_on:
            model = self._slipping.name
            price, slippage = self._slipping.price(working, base, self.view(price))
        working.filled += quantity
        complete = working.filled >= working.quantity
        other = None
        if role in _SIBLING:
            other = self._other_outcome(working)
        bar = self._bar
        is_inside = bar is not None and self._step != "open"
        if bar is not None and role is _ENTRY:
            time_ns = max(bar.timestamp, working.since_ns)
            if is_inside:
                self._entered.append(order.trade_id)
        else:
            time_ns = self._clock.now_ns if bar is None else self._end_ns
        if complete:
            self.drop(working)
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

    def _other_outcome(self, working: WorkingOrder) -> OtherOutcome | None:
        """The exit on the other path through this bar, or through the bar of the entry.

        A level counts wherever the bar reaches it: where an entry filled on the way, the true
        path may have reached it later than the assumed one.
        """
        trade_id = working.order.trade_id
        role = working.order.role
        if self._bar is not None and self._step != "open":
            sibling = self.legs.get(trade_id, _NO_LEGS).get(_SIBLING[role])
            other = sibling and self._outcome(sibling)
            if other:
                return other
        missed = self._missed.get(trade_id)
        if missed is None or (missed.role is role and working.terms[0] is not _MARKET):
            return None
        return missed

    def _look_for_missed_exits(self) -> None:
        """Remember the levels of held trades that this bar reached before it entered them."""
        for trade_id in self._entered:
            for leg in self.legs.get(trade_id, _NO_LEGS).values():
                # Where a trailing stop stood on the other path is not known.
                missed = self._outcome(leg) if leg.order.trail_ticks is None else None
                if missed is not None:
                    self._missed[trade_id] = missed
                    break
        self._entered.clear()

    def _outcome(self, leg: WorkingOrder) -> OtherOutcome | None:
        """The exit at the level of this stop or target, if the bar reaches it."""
        low, high = self._range
        sign = leg.sign
        if leg.order.role is _STOP:
            level = leg.trigger
            reached = sign * ((high if sign > 0 else low) - level) >= 0
        else:
            level = leg.limit
            reached = sign * (level - (low if sign > 0 else high)) >= self._beyond
        if not reached:
            return None
        price, slippage = self.instrument.to_price(level), 0.0
        if leg.order.role is _STOP and self._slipping.is_on:
            price, slippage = self._slipping.price(leg, level, self.view(price))
        return OtherOutcome(leg.order.role, price, level, slippage)

    def _end(self, working: WorkingOrder, reason: str) -> None:
        self.drop(working)
        self._listener.on_report(
            Cancelled(working.order.client_order_id, reason, self._clock.now_ns, working.filled)
        )

    def drop(self, working: WorkingOrder) -> None:
        """Forget an order that can no longer fill."""
        order = working.order
        working.book.remove(working)
        del self._orders[order.client_order_id]
        legs = self.legs.get(order.trade_id)
        if legs is not None and legs.get(order.role) is working:
            del legs[order.role]
            if not legs:
                del self.legs[order.trade_id]
                if self._missed:
                    self._missed.pop(order.trade_id, None)
