"""What is told of each thing that happens to an order: 351 by Rithmic, 352 by the exchange."""

from collections.abc import Iterator
from typing import Any, Final

from fillbridge_rithmic.gateway.book.events import Event, Happening
from fillbridge_rithmic.gateway.book.order import Fill, Order
from fillbridge_rithmic.gateway.clock import date_and_time, stamps
from fillbridge_rithmic.gateway.codec import build
from fillbridge_rithmic.gateway.codes import Reported, Told

_TEXTS: Final = {
    Told.ORDER_RECEIVED: "Order received from client",
    Told.MODIFY_RECEIVED: "Modify received from client",
    Told.CANCEL_RECEIVED: "Cancel received from client",
    Told.OPEN_PENDING: "open pending",
    Told.MODIFY_PENDING: "modify pending",
    Told.CANCEL_PENDING: "cancel pending",
    Told.ORDER_AT_GATEWAY: "order received by exch gateway",
    Told.MODIFY_AT_GATEWAY: "modify received by exch gateway",
    Told.CANCEL_AT_GATEWAY: "cancel received by exch gateway",
    Told.ORDER_SENT: "order sent to exch",
    Told.MODIFY_SENT: "modify sent to exch",
    Told.CANCEL_SENT: "cancel sent to exch",
    Told.OPEN: "open",
    Told.MODIFIED: "modified",
    Told.COMPLETE: "complete",
    Told.MODIFICATION_FAILED: "Modification Failed",
    Told.CANCELLATION_FAILED: "Cancellation Failed",
    Told.TRIGGER_PENDING: "trigger pending",
}

_ASKED: Final = {
    Happening.PLACED: (
        Told.ORDER_RECEIVED,
        Told.OPEN_PENDING,
        Told.ORDER_AT_GATEWAY,
        Told.ORDER_SENT,
    ),
    Happening.MODIFY_ASKED: (
        Told.MODIFY_RECEIVED,
        Told.MODIFY_PENDING,
        Told.MODIFY_AT_GATEWAY,
        Told.MODIFY_SENT,
    ),
    Happening.CANCEL_ASKED: (
        Told.CANCEL_RECEIVED,
        Told.CANCEL_PENDING,
        Told.CANCEL_AT_GATEWAY,
        Told.CANCEL_SENT,
    ),
}

_REPORTS: Final = {
    Reported.STATUS: "status",
    Reported.MODIFY: "modify",
    Reported.CANCEL: "cancel",
    Reported.TRIGGER: "trigger",
    Reported.FILL: "fill",
    Reported.REJECT: "reject",
    Reported.NOT_MODIFIED: "not modified",
    Reported.NOT_CANCELLED: "not cancelled",
}


class Notices:
    """Makes the notices; it knows who the broker and the introducing broker of an account are."""

    def __init__(self, houses: dict[str, tuple[str, str]]) -> None:
        """Begin.

        :param houses: FCM and IB of each account
        """
        self._houses = houses

    def of(self, event: Event) -> Iterator[Any]:
        """Everything that is told of an event, in order."""
        order, happening = event.order, event.happening
        for told in _ASKED.get(happening, ()):
            yield self._told(event, told)
        if happening is Happening.OPENED:
            yield self._reported(event, Reported.STATUS)
            yield self._told(event, Told.OPEN)
        elif happening is Happening.WAITS_FOR_TRIGGER:
            yield self._told(event, Told.TRIGGER_PENDING)
        elif happening is Happening.TRIGGERED:
            yield self._reported(event, Reported.TRIGGER)
            yield self._told(event, Told.OPEN)
        elif happening is Happening.FILLED:
            yield self._reported(event, Reported.FILL)
        elif happening is Happening.CANCELLED:
            yield self._reported(event, Reported.CANCEL)
        elif happening is Happening.MODIFIED:
            yield self._reported(event, Reported.MODIFY)
            yield self._told(event, Told.MODIFIED)
            if not order.waits_for_trigger:
                yield self._told(event, Told.OPEN)
        elif happening is Happening.CANCEL_FAILED:
            yield self._reported(event, Reported.NOT_CANCELLED)
            yield self._told(event, Told.CANCELLATION_FAILED)
        elif happening is Happening.MODIFY_FAILED:
            yield self._reported(event, Reported.NOT_MODIFIED)
            yield self._told(event, Told.MODIFICATION_FAILED)
        elif happening is Happening.REJECTED_AT_EXCHANGE:
            yield self._reported(event, Reported.REJECT)
        elif happening is Happening.COMPLETED:
            yield self._told(event, Told.COMPLETE)

    def snapshot(self, order: Order) -> Any:
        """How a working order stands, as a list of orders shows it."""
        event = Event(happening=Happening.OPENED, order=order, time_ns=order.changed_ns)
        row = self._reported(event, Reported.STATUS)
        row.is_snapshot = True
        if order.waits_for_trigger:
            row.status = _TEXTS[Told.TRIGGER_PENDING]
        elif order.filled:
            row.status = "partial"
        return row

    def replayed(self, order: Order, fill: Fill) -> Any:
        """A fill, told once more."""
        event = Event(happening=Happening.FILLED, order=order, time_ns=fill.time_ns, fill=fill)
        row = self._reported(event, Reported.FILL)
        row.is_snapshot = True
        return row

    def _told(self, event: Event, told: Told) -> Any:
        fields = self._common(event)
        if told is Told.COMPLETE:
            fields["completion_reason"] = event.order.reason
        return build(351, notify_type=told, status=_TEXTS[told], **fields)

    def _reported(self, event: Event, reported: Reported) -> Any:
        fields = self._common(event)
        order = event.order
        date, time = date_and_time(event.time_ns)
        fields.update(confirmed_size=order.quantity, confirmed_date=date, confirmed_time=time)
        status = "open"
        if (fill := event.fill) is not None:
            status = "partial" if fill.left else "complete"
            fields.update(
                fill_id=fill.fill_id,
                fill_price=fill.price,
                fill_size=fill.size,
                fill_date=date,
                fill_time=time,
                avg_fill_price=fill.average,
                total_fill_size=fill.total,
                total_unfilled_size=fill.left,
            )
        elif reported is Reported.CANCEL:
            status = "complete"
            fields.update(cancelled_size=event.size, cancelled_date=date, cancelled_time=time)
        elif reported is Reported.MODIFY:
            status = "modified, trigger pending" if order.waits_for_trigger else "modified"
            fields.update(modified_size=order.quantity, modified_date=date, modified_time=time)
        elif reported is Reported.REJECT:
            status = "complete"
        return build(
            352, notify_type=reported, report_type=_REPORTS[reported], status=status, **fields
        )

    def _common(self, event: Event) -> dict[str, Any]:
        order, ticket = event.order, event.order.ticket
        fcm_id, ib_id = self._houses[ticket.account]
        ssboe, usecs = stamps(event.time_ns)
        reached_exchange = event.happening is not Happening.PLACED
        return {
            "user_tag": ticket.user_tag,
            "basket_id": order.basket_id,
            "original_basket_id": ticket.parent,
            "linked_basket_ids": ",".join(order.siblings) or None,
            "fcm_id": fcm_id,
            "ib_id": ib_id,
            "user_id": ticket.user,
            "account_id": ticket.account,
            "symbol": ticket.symbol,
            "exchange": ticket.exchange,
            "trade_route": ticket.trade_route,
            "exchange_order_id": order.basket_id if reached_exchange else None,
            "instrument_type": "Future",
            "quantity": order.quantity,
            "price": order.limit,
            "trigger_price": order.trigger_price,
            "transaction_type": ticket.side,
            "duration": ticket.duration,
            "price_type": order.price_type,
            "orig_price_type": ticket.price_type,
            "manual_or_auto": ticket.manual_or_auto,
            "bracket_type": ticket.bracket.bracket_type if ticket.bracket else None,
            "avg_fill_price": order.average,
            "total_fill_size": order.filled if reached_exchange else None,
            "total_unfilled_size": order.left if reached_exchange else None,
            "sequence_number": f"Z{int(order.basket_id):X}" if reached_exchange else None,
            "currency": "USD",
            "text": event.text or order.text,
            "window_name": ticket.window_name,
            "originator_window_name": ticket.window_name,
            "cancel_after_secs": ticket.cancel_after_s,
            "ssboe": ssboe,
            "usecs": usecs,
        }
