"""Requests of the order plant for what is over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fillbridge_rithmic.gateway.answers import Answer, answered, answered_rows, row
from fillbridge_rithmic.gateway.clock import SECOND_NS, date_and_time, stamps, trade_date
from fillbridge_rithmic.gateway.codes import NO_DATA, Duration, Plant, PriceType, Side
from fillbridge_rithmic.gateway.requests.registry import carries_out

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fillbridge_rithmic.gateway.book.order import Fill, Order
    from fillbridge_rithmic.gateway.gateway import Gateway
    from fillbridge_rithmic.gateway.sessions import Session

_MOST_RECORDS = 10_000


@carries_out(318, Plant.ORDER)
def list_dates(gateway: Gateway, session: Session, request: Any) -> Answer:
    """The trade dates that there are orders of."""
    accounts = {account.account_id for account in gateway.accounts_of(session.user)}
    dates = {
        trade_date(order.changed_ns)
        for order in gateway.book.orders.values()
        if order.ticket.account in accounts
    }
    return answered(request, date=sorted(dates)) if dates else answered(request, NO_DATA)


@carries_out(322, Plant.ORDER)
def show_history(gateway: Gateway, session: Session, request: Any) -> Answer:
    """All that was told of an order, or of all orders."""
    rows = [
        told
        for order in _orders(gateway, request)
        if request.basket_id in ("", order.basket_id)
        for told in order.history
    ]
    return answered_rows(request, _once_more(rows))


@carries_out(326, Plant.ORDER)
def show_detail(gateway: Gateway, session: Session, request: Any) -> Answer:
    """All that was told of an order of a trade date."""
    rows = [
        told
        for order in _orders(gateway, request, request.date)
        if order.basket_id == request.basket_id
        for told in order.history
    ]
    return answered_rows(request, _once_more(rows))


@carries_out(324, Plant.ORDER)
def show_summary(gateway: Gateway, session: Session, request: Any) -> Answer:
    """How each order of a trade date stands or ended."""
    rows = [
        told
        for order in _orders(gateway, request, request.date)
        for told in _last_words(order.history)
    ]
    return answered_rows(request, _once_more(rows))


def _orders(gateway: Gateway, request: Any, date: str | None = None) -> Iterator[Order]:
    for order in gateway.book.orders.values():
        dates = (trade_date(order.placed_ns), trade_date(order.changed_ns))
        if order.ticket.account == request.account_id and (date is None or date in dates):
            yield order


def _last_words(history: list[Any]) -> Iterator[Any]:
    """What the exchange said last, and Rithmic if it is over."""
    reported = [told for told in history if told.template_id == 352]
    yield from reported[-1:]
    if history and history[-1].template_id == 351:
        yield history[-1]


def _once_more(messages: list[Any]) -> list[Any]:
    rows = []
    for message in messages:
        again = type(message)()
        again.CopyFrom(message)
        again.is_snapshot = True
        rows.append(again)
    return rows


@carries_out(3512, Plant.ORDER)
def list_fills(gateway: Gateway, session: Session, request: Any) -> Answer:
    """The fills of a time, as rows; they name the basket and no tag."""
    start_ns = request.start_index * SECOND_NS
    end_ns = (request.finish_index + 1) * SECOND_NS
    fills = [
        fill
        for fill in gateway.book.ledger(request.account_id).fills
        if start_ns <= fill.time_ns < end_ns
    ]
    most = request.max_record_count or _MOST_RECORDS
    return answered_rows(request, [_fill_row(gateway, request, fill) for fill in fills[:most]])


def _fill_row(gateway: Gateway, request: Any, fill: Fill) -> Any:
    order = gateway.book.orders[fill.basket_id]
    date, time = date_and_time(fill.time_ns)
    ssboe, usecs = stamps(fill.time_ns)
    return row(
        request,
        basket_id=fill.basket_id,
        fcm_id=request.fcm_id,
        ib_id=request.ib_id,
        account_id=fill.account,
        symbol=fill.symbol,
        exchange=fill.exchange,
        trade_route=order.ticket.trade_route,
        exchange_order_id=fill.basket_id,
        instrument_type="Future",
        transaction_type=Side(fill.side).name,
        duration=Duration(order.ticket.duration).name,
        price_type=PriceType(order.price_type).name,
        orig_price_type=PriceType(order.ticket.price_type).name,
        price=order.limit,
        trigger_price=order.trigger_price,
        fill_id=fill.fill_id,
        fill_price=fill.price,
        fill_size=fill.size,
        fill_date=date,
        fill_time=time,
        avg_fill_price=fill.average,
        total_fill_size=fill.total,
        total_unfilled_size=fill.left,
        ssboe=ssboe,
        usecs=usecs,
    )
