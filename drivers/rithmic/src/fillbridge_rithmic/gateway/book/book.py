"""Keeps the orders and lets the market fill them."""

from collections.abc import Callable, Iterable, Mapping
from itertools import count

from fillbridge_rithmic.gateway.book.brackets import leg_tickets, trailed
from fillbridge_rithmic.gateway.book.events import Event, Happening
from fillbridge_rithmic.gateway.book.ledger import Ledger
from fillbridge_rithmic.gateway.book.linking import place_linked, reduce_siblings
from fillbridge_rithmic.gateway.book.matching import Market, fill_price, in_priority
from fillbridge_rithmic.gateway.book.order import Fill, Order, Rejection, Ticket
from fillbridge_rithmic.gateway.codes import (
    CANCELLED,
    FILLED,
    PARTLY_FILLED,
    STOPS,
    Duration,
    PriceType,
)
from fillbridge_rithmic.gateway.settings import Contract


class Book:
    """All orders of all accounts, and what has become of them.

    What happens is told as it happens; nothing waits and nothing is asked of the outside but the
    time.
    """

    def __init__(
        self,
        contracts: Iterable[Contract],
        *,
        tell: Callable[[Event], None],
        now_ns: Callable[[], int],
        first_id: int = 1,
        fills_at_once: bool = True,
        depth: int | None = None,
        judge: Callable[[Order], Rejection | None] = lambda order: None,
        surplus: Callable[[Order], int] = lambda order: 0,
    ) -> None:
        """Begin empty.

        :param fills_at_once: whether what can trade at the last price does, or waits for the next
        :param depth: contracts that an order gets at once, ``None``: all
        :param judge: why an order that was accepted is not to work, ``None``: it may
        :param surplus: contracts by which a last fill is too large
        """
        self.contracts: Mapping[str, Contract] = {each.symbol: each for each in contracts}
        self.markets = {symbol: Market() for symbol in self.contracts}
        self.orders: dict[str, Order] = {}
        self.ledgers: dict[str, Ledger] = {}
        self._working: dict[str, dict[str, Order]] = {symbol: {} for symbol in self.contracts}
        self._tell = tell
        self._now_ns = now_ns
        self._baskets = count(first_id)
        self._fill_ids = count(first_id)
        self._fills_at_once = fills_at_once
        self._depth = depth
        self._judge = judge
        self._surplus = surplus

    # Reading

    def ledger(self, account: str) -> Ledger:
        """What an account has filled and holds."""
        return self.ledgers.setdefault(account, Ledger())

    def working(self, account: str | None = None) -> list[Order]:
        """Orders that can still fill, oldest first."""
        found = [
            order
            for orders in self._working.values()
            for order in orders.values()
            if account is None or order.ticket.account == account
        ]
        return sorted(found, key=lambda order: int(order.basket_id))

    # What is asked for

    def place(self, ticket: Ticket) -> Order:
        """Take an order into the book; it may fill at once."""
        order = self.accept(ticket)
        self.open(order)
        return order

    def accept(self, ticket: Ticket) -> Order:
        """Give an order its basket; it does not work before it is opened."""
        now_ns = self._now_ns()
        order = Order(
            basket_id=str(next(self._baskets)),
            ticket=ticket,
            quantity=ticket.quantity,
            price_type=ticket.price_type,
            price=ticket.price,
            trigger_price=ticket.trigger_price,
            placed_ns=now_ns,
            changed_ns=now_ns,
        )
        self.orders[order.basket_id] = order
        self._working[ticket.symbol][order.basket_id] = order
        self._happened(Happening.PLACED, order)
        return order

    def open(self, order: Order) -> None:
        """Let an accepted order work, unless it is judged not to."""
        rejection = self._judge(order)
        if rejection is not None:
            self.reject(order, rejection)
            return
        if order.waits_for_trigger:
            self._happened(Happening.WAITS_FOR_TRIGGER, order)
        else:
            self._happened(Happening.OPENED, order)
        self._match_at_once(order)

    def reject(self, order: Order, rejection: Rejection) -> None:
        """End an order that was accepted and is not to work."""
        order.text = rejection.text
        order.cancelled = order.left
        if rejection.is_by_exchange:
            self._happened(Happening.REJECTED_AT_EXCHANGE, order)
        self._complete(order, rejection.reason)

    def cancel(self, order: Order) -> None:
        """Withdraw what is left of a working order."""
        self.ask_cancel(order)
        self.end(order)

    def ask_cancel(self, order: Order) -> None:
        """Pass the wish to cancel an order on to the exchange."""
        self._happened(Happening.CANCEL_ASKED, order)

    def end(self, order: Order) -> None:
        """Take what is left of an order out of the book, whoever wished it."""
        if not order.works:
            return
        left = order.left
        order.cancelled += left
        self._happened(Happening.CANCELLED, order, size=left)
        self._complete(order, PARTLY_FILLED if order.filled else CANCELLED)

    def shrink(self, order: Order, size: int) -> None:
        """Let an order be for so many contracts less, since others have filled them."""
        if size >= order.left:
            self.end(order)
        else:
            order.quantity -= size
            self._happened(Happening.MODIFIED, order)

    def modify(
        self,
        order: Order,
        *,
        quantity: int | None = None,
        price_type: PriceType | None = None,
        price: float | None = None,
        trigger_price: float | None = None,
    ) -> None:
        """Change a working order; what is ``None`` stays.

        A quantity counts what is filled already: one that is not above it ends the order.
        """
        self._happened(Happening.MODIFY_ASKED, order)
        if quantity is not None and quantity <= order.filled:
            self.end(order)
            return
        order.quantity = order.quantity if quantity is None else quantity
        order.price_type = order.price_type if price_type is None else price_type
        order.price = order.price if price is None else price
        order.trigger_price = order.trigger_price if trigger_price is None else trigger_price
        if price_type in STOPS:
            order.is_triggered = False
        self._happened(Happening.MODIFIED, order)
        self._match_at_once(order)

    def fail(self, order: Order, happening: Happening, text: str) -> None:
        """Tell that a change of an order was refused; it works on."""
        self._happened(happening, order, text=text)

    # What the market does

    def quote(self, symbol: str, bid: float | None, ask: float | None) -> None:
        """Let the best bid and offer be these; orders that they reach fill, unless they wait."""
        market = self.markets[symbol]
        market.bid, market.ask = bid, ask
        if self._fills_at_once:
            for order in in_priority(self._working[symbol].values()):
                self._match_at_once(order)

    def trade(self, symbol: str, price: float, quantity: int | None = None) -> int:
        """Let the market trade; orders get at most ``quantity``. Answers what they got."""
        market = self.markets[symbol]
        market.traded(price, quantity or 1)
        waiting = list(self._working[symbol].values())
        for order in waiting:
            if order.waits_for_trigger:
                self._trail(order, price)
                if order.is_reached(price):
                    self._trigger(order, price)
        left = quantity
        for order in in_priority(waiting):
            if order.left and not order.waits_for_trigger and order.takes(price):
                size = order.left if left is None else min(order.left, left)
                is_short = order.ticket.duration == Duration.FOK and size < order.left
                if size and not is_short:
                    self._fill(order, size, fill_price(order, price))
                    left = None if left is None else left - size
        for order in waiting:
            if order.works and order.ticket.duration in (Duration.IOC, Duration.FOK):
                self.end(order)
        return 0 if quantity is None else quantity - (left or 0)

    def fill(self, order: Order, size: int, price: float) -> Fill:
        """Fill an order whatever the market does, even beyond what is left of it."""
        return self._fill(order, size, price)

    # Inside

    def _match_at_once(self, order: Order) -> None:
        """Fill what the market as it stands can fill."""
        market = self.markets[order.ticket.symbol]
        price = market.price_for(order.ticket.side)
        order.rests = price is None or not order.takes(price)
        if not order.works or not self._fills_at_once or price is None:
            return
        if order.waits_for_trigger:
            if market.last is None or not order.is_reached(market.last):
                return
            self._trigger(order, price)
        asked = order.left
        size = asked if self._depth is None else min(asked, self._depth)
        if order.takes(price) and not (order.ticket.duration == Duration.FOK and size < asked):
            self._fill(order, size, price)
        order.rests = True
        if order.works and order.ticket.duration in (Duration.IOC, Duration.FOK):
            self.end(order)

    def _trigger(self, order: Order, price: float) -> None:
        order.is_triggered = True
        order.rests = not order.takes(price)
        self._happened(Happening.TRIGGERED, order)

    def _trail(self, order: Order, price: float) -> None:
        parent = self.orders.get(order.ticket.parent or "")
        bracket = parent.ticket.bracket if parent else None
        after = (bracket.trails_after_ticks or 0) if bracket else 0
        level = trailed(order, price, self.contracts[order.ticket.symbol].tick_size, after)
        if level is not None:
            order.trigger_price = level
            self._happened(Happening.MODIFIED, order)

    def _fill(self, order: Order, size: int, price: float) -> Fill:
        ticket = order.ticket
        if size == order.left:
            size += self._surplus(order)
        order.filled += size
        order.value += size * price
        if ticket.bracket is not None:
            ticket.bracket.released += size
        fill = Fill(
            fill_id=str(next(self._fill_ids)),
            basket_id=order.basket_id,
            account=ticket.account,
            symbol=ticket.symbol,
            exchange=ticket.exchange,
            side=ticket.side,
            size=size,
            price=price,
            user_tag=ticket.user_tag,
            time_ns=self._now_ns(),
            total=order.filled,
            left=max(order.quantity - order.filled, 0),
            average=order.value / order.filled,
        )
        contract = self.contracts[ticket.symbol]
        self.ledger(ticket.account).add(fill, contract.point_value)
        self._happened(Happening.FILLED, order, fill=fill)
        if order.filled >= order.quantity and order.works:
            self._complete(order, FILLED)
        reduce_siblings(self, order, size)
        if ticket.bracket is not None:
            place_linked(self, leg_tickets(order, fill, contract.tick_size))
        return fill

    def _complete(self, order: Order, reason: str) -> None:
        order.reason = reason
        del self._working[order.ticket.symbol][order.basket_id]
        self._happened(Happening.COMPLETED, order)

    def _happened(
        self,
        happening: Happening,
        order: Order,
        *,
        fill: Fill | None = None,
        size: int | None = None,
        text: str | None = None,
    ) -> None:
        order.changed_ns = self._now_ns()
        self._tell(
            Event(
                happening=happening,
                order=order,
                time_ns=order.changed_ns,
                fill=fill,
                size=size,
                text=text,
            )
        )
