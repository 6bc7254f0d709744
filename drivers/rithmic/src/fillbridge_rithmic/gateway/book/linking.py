"""Orders that depend on one another: each is reduced by what the others fill."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from fillbridge_rithmic.gateway.book.order import Order, Ticket
from fillbridge_rithmic.gateway.codes import Duration, PriceType, Side

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fillbridge_rithmic.gateway.book.book import Book


def place_linked(book: Book, tickets: Iterable[Ticket]) -> list[Order]:
    """Place orders that depend on one another; all are accepted before one of them works."""
    orders = [book.accept(ticket) for ticket in tickets]
    for order in orders:
        order.siblings = [each.basket_id for each in orders if each is not order]
    for order in orders:
        if order.works:
            book.open(order)
            _replace_rejected_stop(book, order)
    return orders


def reduce_siblings(book: Book, order: Order, size: int) -> None:
    """What one of several has filled, the others must not fill again."""
    for basket_id in order.siblings:
        if (sibling := book.orders[basket_id]).works:
            book.shrink(sibling, size)


def _replace_rejected_stop(book: Book, order: Order) -> None:
    """Close at the market what a rejected stop would have protected, if that is wished."""
    parent = book.orders.get(order.ticket.parent or "")
    bracket = parent.ticket.bracket if parent else None
    is_rejected_stop = order.ticket.leg == "stop" and order.text is not None and not order.works
    if bracket is None or not bracket.market_on_reject or not is_rejected_stop:
        return
    ticket = msgspec.structs.replace(
        order.ticket, price_type=PriceType.MARKET, trigger_price=None, trail_ticks=None
    )
    instead = book.accept(ticket)
    instead.siblings = list(order.siblings)
    for basket_id in order.siblings:
        book.orders[basket_id].siblings.append(instead.basket_id)
    book.open(instead)


def flatten(
    book: Book,
    account: str,
    symbol: str,
    *,
    user: str,
    window_name: str | None = None,
    manual_or_auto: int | None = None,
) -> Order | None:
    """Close a position at the market, its legs first; ``None``: there was none."""
    for order in book.working(account):
        if order.ticket.symbol == symbol and order.ticket.leg is not None:
            book.end(order)
    net = book.ledger(account).net(symbol)
    if not net:
        return None
    return book.place(
        Ticket(
            account=account,
            user=user,
            symbol=symbol,
            exchange=book.contracts[symbol].exchange,
            side=Side.SELL if net > 0 else Side.BUY,
            quantity=abs(net),
            price_type=PriceType.MARKET,
            duration=Duration.DAY,
            window_name=window_name,
            manual_or_auto=manual_or_auto,
        )
    )
