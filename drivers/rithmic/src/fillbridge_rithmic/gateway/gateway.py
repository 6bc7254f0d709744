"""The gateway: a broker with a book, clients that are told of it, and faults on demand."""

from __future__ import annotations

from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from fillbridge_hooks import InvalidValue
from fillbridge_rithmic.gateway.book.book import Book
from fillbridge_rithmic.gateway.clock import SECOND_NS, system_time_ns
from fillbridge_rithmic.gateway.codec import build
from fillbridge_rithmic.gateway.codes import Plant
from fillbridge_rithmic.gateway.faults import Faults
from fillbridge_rithmic.gateway.notices import Notices
from fillbridge_rithmic.gateway.requests.market_data import (
    BEST_BID_OFFER,
    LAST_TRADE,
    best_bid_offer,
    last_trade,
)
from fillbridge_rithmic.gateway.requests.positions import position_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fillbridge_rithmic.gateway.book.events import Event
    from fillbridge_rithmic.gateway.book.order import Fill, Order
    from fillbridge_rithmic.gateway.sessions import Session
    from fillbridge_rithmic.gateway.settings import Account, GatewaySettings, User

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
        )
        self.sessions: list[Session] = []
        """Whoever is connected."""
        self.received: deque[Received] = deque(maxlen=settings.received_kept)
        """What clients sent, oldest first."""
        self.later: Callable[[float, Callable[[], None]], object] = _not_served
        """Has something done in so many seconds; set by who serves the gateway."""
        self._valued_ns: dict[str, int] = {}
        self._held: list[tuple[str, Any]] | None = None

    # The market

    def trade(self, symbol: str, price: float, quantity: int | None = None) -> None:
        """Let the market trade: orders fill that trade at or through this price.

        :param quantity: contracts that they get in all; ``None``: all they ask for
        :raises InvalidValue: if there is no such contract
        """
        self._check_symbol(symbol)
        self.book.trade(symbol, price, quantity)
        self._tell_market(symbol, LAST_TRADE, last_trade(self, symbol, quantity or 1))
        self._revalue(symbol)

    def quote(self, symbol: str, bid: float | None, ask: float | None) -> None:
        """Let the best bid and offer be these, points; ``None``: there is none.

        :raises InvalidValue: if there is no such contract
        """
        self._check_symbol(symbol)
        self.book.quote(symbol, bid, ask)
        self._tell_market(symbol, BEST_BID_OFFER, best_bid_offer(self, symbol))

    def _check_symbol(self, symbol: str) -> None:
        if symbol not in self.book.contracts:
            raise InvalidValue("symbol", " or ".join(sorted(self.book.contracts)), symbol)

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

    def let_work(self, order: Order) -> None:
        """Send an accepted order to the market, unless the risk management rejects it."""
        most = self.accounts[order.ticket.account].max_order_quantity
        if order.quantity > most:
            self.book.reject(order, f"Rejected at RMS - quantity is above {most}")
            return
        self.book.open(order)
        if order.ticket.cancel_after_s is not None:
            self.later(order.ticket.cancel_after_s, lambda: self.book.end(order))

    # What is told

    def _hear(self, event: Event) -> None:
        for message in self.notices.of(event):
            event.order.history.append(message)
            self.publish(event.order.ticket.account, message)
        if event.fill is not None:
            self._tell_positions(event.fill.account)
            if event.order.ticket.bracket is not None:
                self.tell_bracket(event.order)

    def tell_bracket(self, order: Order) -> None:
        """Tell how the bracket of an entry stands (353)."""
        account, bracket = self.accounts[order.ticket.account], order.ticket.bracket
        if bracket is None:
            return
        has_stop, has_target = bracket.stop_ticks is not None, bracket.target_ticks is not None
        message = build(
            353,
            fcm_id=account.fcm_id,
            ib_id=account.ib_id,
            account_id=account.account_id,
            basket_id=order.basket_id,
            stop_ticks=bracket.stop_ticks,
            stop_quantity=order.quantity if has_stop else None,
            stop_quantity_released=bracket.released if has_stop else None,
            target_ticks=bracket.target_ticks,
            target_quantity=order.quantity if has_target else None,
            target_quantity_released=bracket.released if has_target else None,
        )
        self.publish(account.account_id, message)

    def _tell_positions(self, account: str) -> None:
        if any(account in session.position_accounts for session in self.sessions):
            self._valued_ns[account] = self.now_ns()
            for message in position_rows(self, account, is_snapshot=False):
                self.publish(account, message)

    def _revalue(self, symbol: str) -> None:
        """Tell what positions are worth now, not more than once a second."""
        for account, ledger in self.book.ledgers.items():
            if self.now_ns() - self._valued_ns.get(account, 0) >= SECOND_NS and ledger.net(symbol):
                self._tell_positions(account)

    def _tell_market(self, symbol: str, bit: int, message: Any | None) -> None:
        for session in self.sessions:
            if message is not None and session.market_data.get(symbol, 0) & bit:
                session.send(message)

    def publish(self, account: str, message: Any) -> None:
        """Tell whoever subscribed to an account."""
        if self._held is None:
            self.release([(account, message)])
        else:
            self._held.append((account, message))

    @contextmanager
    def notifications_held(self) -> Iterator[list[tuple[str, Any]]]:
        """Keep back what happens meanwhile, so that an answer can come before it."""
        held: list[tuple[str, Any]] = []
        self._held = held
        try:
            yield held
        finally:
            self._held = None

    def release(self, notifications: list[tuple[str, Any]]) -> None:
        """Tell what was kept back."""
        for account, message in notifications:
            for session in self.sessions:
                if account in session.heard_accounts(message.template_id) and not session.is_over:
                    session.send(message)


def _not_served(delay_s: float, action: Callable[[], None]) -> object:
    raise RuntimeError("the gateway is not served: nothing can be done later")
