"""Whoever hears what happens, and what each of them is told."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from fillbridge_rithmic.gateway.clock import SECOND_NS
from fillbridge_rithmic.gateway.codec import build
from fillbridge_rithmic.gateway.faults.stream import Stream
from fillbridge_rithmic.gateway.requests.positions import position_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fillbridge_rithmic.gateway.book.events import Event
    from fillbridge_rithmic.gateway.book.order import Order
    from fillbridge_rithmic.gateway.gateway import Gateway
    from fillbridge_rithmic.gateway.sessions import Session
    from fillbridge_rithmic.gateway.settings import Route

_OF_ORDERS: Final = (351, 352)

Notifications = list[tuple[str, Any]]
"""Messages, each with the account that it is about."""


class Audience:
    """The sessions of a gateway, told of what they have subscribed to."""

    def __init__(self, gateway: Gateway) -> None:
        self.sessions: list[Session] = []
        self._gateway = gateway
        self._valued_ns: dict[str, int] = {}
        self._stream = Stream(gateway.faults, self._send_later)
        self._held: Notifications | None = None

    # What there is to tell

    def hear(self, event: Event) -> None:
        """Tell of something that happened to an order."""
        for message in self._gateway.notices.of(event):
            event.order.history.append(message)
            self.publish(event.order.ticket.account, message)
        if event.fill is not None:
            self._tell_positions(event.fill.account)
            self.tell_bracket(event.order)

    def tell_bracket(self, order: Order) -> None:
        """Tell how the bracket of an entry stands (353), if it has one."""
        account, bracket = self._gateway.accounts[order.ticket.account], order.ticket.bracket
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

    def tell_market(self, symbol: str, bit: int, message: Any | None) -> None:
        """Tell whoever wants to know this of a symbol."""
        for session in self.sessions:
            if message is not None and session.market_data.get(symbol, 0) & bit:
                session.send(message)

    def tell_route(self, route: Route) -> None:
        """Tell whoever wants to know how a way to an exchange stands now (350)."""
        houses = {(each.fcm_id, each.ib_id) for each in self._gateway.accounts.values()}
        for session in self.sessions:
            for fcm_id, ib_id in sorted(houses) if session.hears_of_routes else ():
                session.send(
                    build(
                        350,
                        fcm_id=fcm_id,
                        ib_id=ib_id,
                        exchange=route.exchange,
                        trade_route=route.trade_route,
                        status=route.status,
                        is_default=route.is_default,
                    )
                )

    def revalue(self, symbol: str) -> None:
        """Tell what positions are worth now, not more than once a second."""
        now_ns = self._gateway.now_ns()
        for account, ledger in self._gateway.book.ledgers.items():
            if now_ns - self._valued_ns.get(account, 0) >= SECOND_NS and ledger.net(symbol):
                self._tell_positions(account)

    def _tell_positions(self, account: str) -> None:
        if any(account in session.position_accounts for session in self.sessions):
            self._valued_ns[account] = self._gateway.now_ns()
            for message in position_rows(self._gateway, account, is_snapshot=False):
                self.publish(account, message)

    # Telling it

    def publish(self, account: str, message: Any) -> None:
        """Tell whoever subscribed to an account."""
        if self._held is None:
            self.release([(account, message)])
        else:
            self._held.append((account, message))

    @contextmanager
    def held(self) -> Iterator[Notifications]:
        """Keep back what happens meanwhile, so that an answer can come before it."""
        held: Notifications = []
        self._held = held
        try:
            yield held
        finally:
            self._held = None

    def release(self, notifications: Notifications) -> None:
        """Tell what was kept back."""
        for account, message in notifications:
            template = message.template_id
            sent = [message]
            if template in _OF_ORDERS:
                sent = self._stream.pass_on(account, message)
            self._send(account, template, sent)

    def _send_later(self, delay_s: float, account: str, sent: Callable[[], list[Any]]) -> object:
        return self._gateway.later(delay_s, lambda: self._send(account, _OF_ORDERS[0], sent()))

    def _send(self, account: str, template: int, sent: list[Any]) -> None:
        for session in self.sessions:
            if account not in session.heard_accounts(template) or session.is_over:
                continue
            for message in sent:
                if isinstance(message, bytes):
                    session.send_bytes(message)
                else:
                    session.send(message)
