"""The orders of one symbol, and how a moving price meets them.

Prices are ticks. An order rests under the price at which it acts: in ``_above`` if a rising price
reaches it (sell limits, buy stops), in ``_below`` if a falling one does. The price moves either
by a jump (an open, a trade), where nothing traded in between, or by a walk through every price.
"""

import heapq
from collections.abc import Callable, Iterator

from fillbridge_hooks import Direction, Liquidity, OrderType, TimeInForce, Urgency
from fillbridge_sim.working import WorkingOrder

_MARKET = OrderType.MARKET
_LIMIT = OrderType.LIMIT
_STOP = OrderType.STOP
_STOP_LIMIT = OrderType.STOP_LIMIT
_TRAILING_STOP = OrderType.TRAILING_STOP
_MAKER = Liquidity.MAKER
_TAKER = Liquidity.TAKER
_IOC = TimeInForce.IOC
_FOK = TimeInForce.FOK
_ONE_SHOT = (_IOC, _FOK)
_LOW = Urgency.LOW
_SPARE = 64

Entry = tuple[int, int, int, WorkingOrder]

FillOrder = Callable[[WorkingOrder, int, int, Liquidity], None]
"""Book a fill: order, quantity, base price in ticks, liquidity."""

EndOrder = Callable[[WorkingOrder, str], None]
"""Report that the rest of an order is withdrawn, with the reason."""


class Volume:
    """Contracts that may still trade in one event of the market, whoever takes them."""

    __slots__ = ("left",)

    def __init__(self, left: int) -> None:
        self.left = left


class Book:
    """Working orders of one symbol, or of the trades of one direction in it.

    :param direction: whose trades these orders belong to, ``None`` for all
    :param beyond: how many ticks the price must go past a resting limit to fill it
    :param fill: called for each quantity that trades
    :param end: called for each order that gives up what it could not fill at once
    """

    def __init__(
        self, direction: Direction | None, beyond: int, fill: FillOrder, end: EndOrder
    ) -> None:
        self.direction = direction
        self.price: int | None = None
        """Where the price stands while it moves, ``None`` between the events of the market."""
        self.volume: Volume | None = None
        """What may still trade in this event, ``None`` for no bound."""
        self.orders = 0
        """How many orders are admitted and not yet removed."""
        self._beyond = beyond
        self._fill = fill
        self._end = end
        self._above: list[Entry] = []
        self._below: list[Entry] = []
        self._waiting: list[WorkingOrder] = []
        self._trailing: list[WorkingOrder] = []
        self._room = _SPARE

    @property
    def is_followed(self) -> bool:
        """Whether a bar must be walked for this book.

        A trade that holds a position has its stop here: in the book of one direction that is
        empty, nothing can fill, and there is no trade to tell the price to.
        """
        return self.orders > 0 or self.direction is None

    # Orders

    def add(self, order: WorkingOrder, last: int | None, far_side: int | None) -> None:
        """Work an order.

        :param last: the last price before now, which tells whether a limit is marketable
        :param far_side: the price at which the order can trade at once, ``None`` if it must wait
        """
        kind = order.order_type
        if kind is _MARKET or kind is _LIMIT:
            price = far_side if self.price is None else self.price
            if price is not None:
                self._arrive(order, price)
            elif kind is _MARKET or last is None or _is_marketable(order, last):
                self._waiting.append(order)
            elif order.order.time_in_force in _ONE_SHOT:
                self._waiting.append(order)  # the next price decides, not the last
            else:
                self._rest(order)
        elif self.price is not None and _is_triggered(order, self.price):
            self._trigger(order, self.price)
        else:
            self._rest(order)

    def remove(self, order: WorkingOrder) -> None:
        """Forget an order wherever it stands."""
        order.is_active = False
        order.version += 1
        self.orders -= 1

    def take_out(self, order: WorkingOrder) -> None:
        """Take an order out of its place, to be added again with other terms."""
        order.version += 1
        order.fresh = True
        if order in self._waiting:
            self._waiting.remove(order)

    def bounds(self) -> tuple[int | None, int | None] | None:
        """The nearest levels ``(below, above)`` at which an order acts, ``None`` for no such.

        ``None`` altogether if an order acts on whatever comes next.
        """
        below, above = self._below, self._above
        if len(below) + len(above) > self._room:
            self._forget_void_entries()
        if _any_is_active(self._waiting) or _any_is_active(self._trailing):
            return None
        while below and below[0][2] != below[0][3].version:
            heapq.heappop(below)
        while above and above[0][2] != above[0][3].version:
            heapq.heappop(above)
        return (-below[0][0] if below else None, above[0][0] if above else None)

    def _forget_void_entries(self) -> None:
        # Those far from the market would never come to the top of their heap.
        for heap in (self._below, self._above):
            heap[:] = [entry for entry in heap if entry[2] == entry[3].version]
            heapq.heapify(heap)
        self._room = _SPARE + 2 * (len(self._below) + len(self._above))

    # Movements of the price

    def jump(self, price: int, improves: bool, time_ns: int) -> None:
        """Move to ``price`` with nothing traded in between.

        :param improves: whether a resting limit that was jumped over fills at the new price
        :param time_ns: when; what waits since later, by the data of another symbol, waits on
        """
        self.price = price
        if self._waiting:
            self.serve_waiting(price, time_ns)
        above, below = self._above, self._below
        while True:
            if above and above[0][0] <= price:
                _, _, version, order = heapq.heappop(above)
            elif below and -below[0][0] >= price:
                _, _, version, order = heapq.heappop(below)
            else:
                break
            if version == order.version:
                self._cross(order, price, improves)
        if self._trailing:
            self._trail(price)

    def walk(self, price: int) -> None:
        """Move to ``price`` through every price on the way."""
        here = self.price
        if here is None or price == here:
            self.price = price
            return
        rising = price > here
        heap, limit = (self._above, price) if rising else (self._below, -price)
        while heap and heap[0][0] <= limit:
            level, _, version, order = heapq.heappop(heap)
            if version == order.version:
                self.price = here = max(here, level) if rising else min(here, -level)
                self._cross(order, None, False)
        self.price = price
        if self._trailing:
            self._trail(price)

    def serve_waiting(self, price: int, time_ns: int) -> None:
        """Let orders that have waited since ``time_ns`` or before meet the market at ``price``."""
        for order in self.take_waiting():
            if order.since_ns > time_ns:
                self._waiting.append(order)
            else:
                self._arrive(order, price)

    def wait(self, order: WorkingOrder) -> None:
        """Let an order wait for the market, whatever it offers now."""
        self._waiting.append(order)

    def take_waiting(self) -> Iterator[WorkingOrder]:
        """Hand over the orders that wait for the market, but for what one before it cancelled."""
        waiting, self._waiting = self._waiting, []
        for order in waiting:
            if order.is_active:
                yield order

    def rest(self) -> None:
        """The event is over; what comes next is not known."""
        self.price = None

    # How an order acts

    def _arrive(self, order: WorkingOrder, price: int) -> None:
        """Let an order meet the market at ``price``, for the first time or again."""
        if order.order_type is _MARKET or (order.fresh and _is_marketable(order, price)):
            self._execute(order, price, _TAKER)
            return
        if order.order.time_in_force in _ONE_SHOT:
            self._end(order, "not marketable")
            return
        self._rest(order)

    def _rest(self, order: WorkingOrder) -> None:
        order.fresh = False
        kind = order.order_type
        if kind is _LIMIT:
            level = order.limit - order.sign * self._beyond
            rises = order.sign < 0
        else:
            level = order.trigger
            rises = order.sign > 0
            if kind is _TRAILING_STOP and order not in self._trailing:
                self._trailing.append(order)
        if rises:
            heapq.heappush(self._above, (level, order.sequence, order.version, order))
        else:
            heapq.heappush(self._below, (-level, order.sequence, order.version, order))

    def _cross(self, order: WorkingOrder, jumped_to: int | None, improves: bool) -> None:
        """The price reached the order's level, or jumped over it."""
        if order.order_type is not _LIMIT:
            self._trigger(order, order.trigger if jumped_to is None else jumped_to)
            return
        base = order.limit
        if improves and jumped_to is not None and order.sign * (base - jumped_to) > 0:
            base = jumped_to
        self._execute(order, base, _MAKER)

    def _trigger(self, order: WorkingOrder, price: int) -> None:
        order.fresh = True
        if order.order_type is _STOP_LIMIT:
            order.order_type = _LIMIT
            self._arrive(order, price)
            return
        order.order_type = _MARKET
        self._execute(order, price, _TAKER)

    def _execute(self, order: WorkingOrder, base: int, liquidity: Liquidity) -> None:
        remaining = order.quantity - order.filled
        quantity = remaining
        if self.volume is not None:
            quantity = min(remaining, self.volume.left)
            if quantity < remaining and order.order.time_in_force is _FOK:
                self._end(order, f"fill or kill: only {quantity} of {remaining} could trade")
                return
            self.volume.left -= quantity
        if quantity:
            self._fill(order, quantity, base, liquidity)
        if quantity < remaining and order.is_active:
            if order.order.time_in_force is _IOC:
                self._end(order, f"immediate or cancel: {remaining - quantity} could not trade")
                return
            self._waiting.append(order)

    def _trail(self, price: int) -> None:
        self._trailing = [order for order in self._trailing if order.is_active]
        for order in self._trailing:
            if order.order_type is not _TRAILING_STOP:
                continue
            trigger = price + order.sign * (order.order.trail_ticks or 0)
            if order.sign * (order.trigger - trigger) > 0:
                order.trigger = trigger
                order.version += 1
                self._rest(order)


def _any_is_active(orders: list[WorkingOrder]) -> bool:
    for order in orders:  # noqa: SIM110  # a generator costs more than what it looks at
        if order.is_active:
            return True
    return False


def _is_marketable(order: WorkingOrder, price: int) -> bool:
    room = order.sign * (order.limit - price)
    # An order that wants to rest does not take what is exactly at its price.
    return room > 0 or (room == 0 and order.order.urgency is not _LOW)


def _is_triggered(order: WorkingOrder, price: int) -> bool:
    return order.sign * (price - order.trigger) >= 0
