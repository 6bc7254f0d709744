"""The gateway: a broker with a book, clients that are told of it, and faults on demand."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

import msgspec

from fillbridge_hooks import InvalidValue
from fillbridge_rithmic.gateway.audience import Audience
from fillbridge_rithmic.gateway.book.book import Book
from fillbridge_rithmic.gateway.book.order import Rejection
from fillbridge_rithmic.gateway.clock import system_time_ns
from fillbridge_rithmic.gateway.codec import build
from fillbridge_rithmic.gateway.codes import Duration, Plant
from fillbridge_rithmic.gateway.faults import Faults
from fillbridge_rithmic.gateway.faults.orders import rejection_of, surplus_of
from fillbridge_rithmic.gateway.notices import Notices
from fillbridge_rithmic.gateway.requests.market_data import (
    BEST_BID_OFFER,
    LAST_TRADE,
    best_bid_offer,
    last_trade,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from fillbridge_rithmic.gateway.book.events import Event
    from fillbridge_rithmic.gateway.book.order import Fill, Order, Ticket
    from fillbridge_rithmic.gateway.sessions import Session
    from fillbridge_rithmic.gateway.settings import Account, Contract, GatewaySettings, User

_MILLISECOND_NS = 1_000_000


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """A message that a client sent."""

    connection: int
    plant: Plant | None
    """``None`` before the login."""
    template: int
    message: Any
    """Decoded; a password is not in it any more."""
    time_ns: int


class Gateway:
    """A broker that speaks R|Protocol; clients come to it through :func:`serve_gateway`.

    What is called here happens at once; that it happened, clients hear soon after.
    """

    def __init__(
        self, settings: GatewaySettings, *, now_ns: Callable[[], int] = system_time_ns
    ) -> None:
        """Begin with an empty book.

        :param now_ns: the time, ns UTC
        """
        first_id = settings.first_id
        self.settings = settings
        self.now_ns = now_ns
        self.faults = Faults()
        self.accounts = {account.account_id: account for account in settings.accounts}
        self.notices = Notices(
            {name: (each.fcm_id, each.ib_id) for name, each in self.accounts.items()}
        )
        self.book = Book(
            settings.contracts,
            tell=self._hear,
            now_ns=now_ns,
            first_id=now_ns() // _MILLISECOND_NS if first_id is None else first_id,
            fills_at_once=settings.market_orders == "at-once",
            depth=settings.depth,
            judge=self._judge,
            surplus=lambda order: surplus_of(self.faults, order),
        )
        self.audience = Audience(self)
        """Whoever hears what happens."""
        self.received: deque[Received] = deque(maxlen=settings.received_kept)
        """What clients sent, oldest first."""
        self.later: Callable[[float, Callable[[], None]], object] = _not_served
        """Has something done in so many seconds; set by who serves the gateway."""

    # The market

    def trade(self, symbol: str, price: float, quantity: int | None = None) -> None:
        """Let the market trade: orders fill that trade at or through this price.

        :param quantity: contracts that they get in all; ``None``: all they ask for
        :raises InvalidValue: if there is no such contract
        """
        self.contract(symbol)
        self.book.trade(symbol, price, quantity)
        self.audience.tell_market(symbol, LAST_TRADE, last_trade(self, symbol, quantity or 1))
        self.audience.revalue(symbol)

    def quote(self, symbol: str, bid: float | None, ask: float | None) -> None:
        """Let the best bid and offer be these, points; ``None``: there is none.

        :raises InvalidValue: if there is no such contract
        """
        self.contract(symbol)
        self.book.quote(symbol, bid, ask)
        self.audience.tell_market(symbol, BEST_BID_OFFER, best_bid_offer(self, symbol))

    def contract(self, symbol: str) -> Contract:
        """The contract of this symbol.

        :raises InvalidValue: if there is none
        """
        contract = self.book.contracts.get(symbol)
        if contract is None:
            raise InvalidValue("symbol", " or ".join(sorted(self.book.contracts)), symbol)
        return contract

    # What it keeps

    def orders(self, user_tag: str | None = None, working: bool | None = None) -> list[Order]:
        """Its orders, oldest first: those of this tag, those that work or do not."""
        return [
            order
            for order in self.book.orders.values()
            if user_tag in (None, order.ticket.user_tag) and working in (None, order.works)
        ]

    def fills(self, account: str | None = None) -> list[Fill]:
        """Fills of an account, or of all, oldest first."""
        fills = [
            fill
            for name, ledger in self.book.ledgers.items()
            if account in (None, name)
            for fill in ledger.fills
        ]
        return sorted(fills, key=lambda fill: int(fill.fill_id))

    def position(self, account: str, symbol: str) -> int:
        """Contracts that an account holds: above 0 long, below 0 short."""
        return self.book.ledger(account).net(symbol)

    # Its clients

    @property
    def sessions(self) -> list[Session]:
        """Whoever is connected."""
        return self.audience.sessions

    def kick(self, user: str | None = None) -> None:
        """End a user's sessions, or all, with a forced logout (77)."""
        for session in list(self.sessions):
            if session.user is not None and user in (None, session.user.name):
                self.force_out(session)

    def force_out(self, session: Session) -> None:
        """End a session with a forced logout (77)."""
        session.send(build(77))
        session.finish()

    async def cut(self, plant: int | None = None) -> None:
        """Break the connections to a plant, or all, as a pulled plug would. The book lives on."""
        for session in list(self.sessions):
            if plant in (None, session.plant):
                session.abort()
                await session.websocket.abort()

    def half_open(self, plant: int | None = None) -> None:
        """Let connections to a plant, or all, hear and say nothing any more, and stay open."""
        for session in self.sessions:
            if plant in (None, session.plant):
                session.fall_silent()

    def logged_in(self, session: Session) -> None:
        """Let a session have its place; the oldest goes where there are too many."""
        same = [
            each
            for each in self.sessions
            if each is not session
            and not each.is_over
            and (each.user, each.plant) == (session.user, session.plant)
        ]
        for oldest in same[: max(0, len(same) + 1 - self.settings.max_sessions)]:
            self.force_out(oldest)

    def accounts_of(self, user: User | None) -> list[Account]:
        """The accounts that a user may trade."""
        if user is None:
            return []
        return [
            each
            for name, each in self.accounts.items()
            if not user.accounts or name in user.accounts
        ]

    def house_of(self, user: User | None) -> tuple[str | None, str | None]:
        """FCM and IB of a user; ``None`` for one without accounts."""
        for account in self.accounts_of(user):
            return account.fcm_id, account.ib_id
        return None, None

    # Orders

    def place(self, ticket: Ticket) -> Order:
        """Take an order, from whomever; it may be rejected, or fill, at once."""
        order = self.book.place(ticket)
        if order.works and ticket.cancel_after_s is not None:
            self.later(ticket.cancel_after_s, lambda: self.book.end(order))
        return order

    def fill(self, basket_id: str, size: int | None = None, price: float | None = None) -> Fill:
        """Fill an order whatever the market does.

        :param size: contracts; ``None``: all that is left
        :param price: points; ``None``: its limit, its trigger, or where the market is
        :raises InvalidValue: if there is no such order, it does not work, or there is no price
        """
        order = self.book.orders.get(basket_id)
        if order is None or not order.works:
            raise InvalidValue("basket_id", "that of a working order", basket_id)
        known = (
            price,
            order.limit,
            order.trigger_price,
            self.book.markets[order.ticket.symbol].last,
        )
        at = next((each for each in known if each is not None), None)
        if at is None:
            raise InvalidValue("price", "a price, since the market has not traded", price)
        return self.book.fill(order, order.left if size is None else size, at)

    def end_day(self) -> None:
        """Let the orders of the day expire; they are told as cancelled."""
        for order in self.book.working():
            if order.ticket.duration == Duration.DAY:
                self.book.end(order)

    def _judge(self, order: Order) -> Rejection | None:
        most = self.accounts[order.ticket.account].max_order_quantity
        if order.quantity > most:
            return Rejection(text=f"Rejected at RMS - quantity is above {most}")
        return rejection_of(self.faults, order)

    def _hear(self, event: Event) -> None:
        self.audience.hear(event)


def _not_served(delay_s: float, action: Callable[[], None]) -> object:
    raise RuntimeError("the gateway is not served: nothing can be done later")
