"""Orders at Rithmic without the wire: what to send, and what to report of what was heard."""

from __future__ import annotations

import logging
from itertools import count
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fillbridge_hooks import (
    ApprovedOrder,
    CancelRejected,
    Fill,
    OrderStatus,
    Rejected,
    ReplaceRejected,
)
from fillbridge_rithmic.orders.book import Book
from fillbridge_rithmic.orders.lines import LineTerms
from fillbridge_rithmic.orders.notices import Phase, read_notice
from fillbridge_rithmic.orders.reports import as_fill, due, replaced, tell_nothing_of
from fillbridge_rithmic.orders.requests import (
    Place,
    Refusal,
    cancel_order,
    check_prices,
    modify_order,
    new_order,
)
from fillbridge_rithmic.orders.serial import Operation, Refused, Serial
from fillbridge_rithmic.orders.wishes import is_granted, shortage, wanted
from fillbridge_rithmic.wire.codes import Completion

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fillbridge_hooks import Instrument, Replacement, Report
    from fillbridge_rithmic.orders.lattice import Basket
    from fillbridge_rithmic.orders.lines import Line
    from fillbridge_rithmic.orders.notices import OrderNotice

_logger = logging.getLogger(__name__)
_OK: Final = "0"
_REFUSED: Final = (Completion.REJECT, Completion.FAILURE)
_ORDER_KEY: Final = "order "
_OPERATION_KEY: Final = "change "


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it is to be sent; its answer bears ``key`` as ``user_msg``."""

    key: str
    template: int
    fields: dict[str, Any]


class Desk:
    """Every order of one account, what is wished of it, and what was reported.

    :param routes: by exchange, the trade route that orders take
    :param user_type: of the login, where a request must name it
    """

    def __init__(
        self,
        place: Place,
        instruments: Mapping[str, Instrument],
        routes: Mapping[str, str],
        user_type: int | None,
    ) -> None:
        self.book = Book(place.account_id, instruments)
        self.reports: list[Report] = []
        """To be taken away by whoever hands them on."""
        self._serial = Serial()
        self._place = place
        self._routes = routes
        self._user_type = user_type
        self._numbers = count(1)
        self._restless: dict[int, Line] = {}
        """Orders that may not be as they were wished for."""

    # What is asked for

    def submit(self, approved: ApprovedOrder, market_ticks: float | None) -> Request:
        """The request for an order, which is known from now on.

        :raises Refusal: if Rithmic cannot be asked for it; nothing is known of it then
        """
        order = approved.order
        route = self._routes.get(order.instrument.exchange)
        if route is None:
            raise Refusal(
                f"exchange: expected one of {', '.join(sorted(self._routes))},"
                f" was {order.instrument.exchange!r}"
            )
        template, fields = new_order(approved, self._place, route, self._user_type, market_ticks)
        self.book.expect(approved)
        return Request(key=_ORDER_KEY + order.client_order_id, template=template, fields=fields)

    def was_not_sent(self, client_order_id: str) -> None:
        """It is proved that an order did not leave."""
        self.book.forget(client_order_id)

    def cancel(self, client_order_id: str) -> str:
        """Wish an order away; why that is not possible, empty if it is."""
        lines = self.book.named(client_order_id)
        if not lines:
            submitted = self.book.submitted.get(client_order_id)
            if submitted is not None and not submitted.is_refused:
                submitted.cancels = True
                return ""
            announced = self.book.announced(client_order_id)
            if announced is None:
                return "no such order is known"
            announced.is_cancelling = True
            return ""
        working = [line for line in lines if not line.has_ended]
        if not working:
            return f"the order has ended: {lines[-1].status.value}"
        if all(self._is_complete(line) for line in working):
            return "Rithmic says that the order is complete"
        for line in working:
            line.is_cancelling, line.wish = True, None
            self._begin_anew(line)
        return ""

    def replace(self, change: Replacement, now_ns: int) -> str:
        """Wish for new terms; why that is not possible, empty if it is.

        What is refused for good is reported too.
        """
        name = change.client_order_id
        line = self._to_change(name)
        if line is None:
            return "no such order is known, or Rithmic has yet to answer it"
        objection = self._objection(line, change)
        if objection:
            self.reports.append(ReplaceRejected(name, objection, now_ns))
            return objection
        line.wish, line.may_grow, line.is_cancelling = change, False, False
        line.level = LineTerms(
            order_type=change.order_type,
            limit_ticks=change.limit_ticks,
            trigger_ticks=change.trigger_ticks,
        )
        self._begin_anew(line)
        self._settle(line, now_ns)
        return ""

    def _to_change(self, name: str) -> Line | None:
        lines = self.book.named(name)
        if not lines:
            # A leg may be spoken of as soon as its entry has filled, before it was heard of.
            return self.book.announced(name)
        return next((one for one in reversed(lines) if not one.has_ended), lines[-1])

    def _objection(self, line: Line, change: Replacement) -> str:
        if line.has_ended:
            return f"the order has ended: {line.status.value}"
        if line.instrument is None:
            return f"{line.symbol}: not among the instruments of this connection"
        if change.quantity <= line.filled:
            return f"quantity: expected more than is filled, {line.filled}, was {change.quantity}"
        if self._is_complete(line):
            return "Rithmic says that the order is complete"
        try:
            check_prices(change.order_type, change.limit_ticks, change.trigger_ticks)
        except Refusal as refusal:
            return str(refusal)
        return ""

    def _is_complete(self, line: Line) -> bool:
        return not line.is_bare and all(
            self._serial.is_complete(basket.basket_id) for basket in line.working()
        )

    def _begin_anew(self, line: Line) -> None:
        for basket in line.working():
            self._serial.forget_tries(basket.basket_id)
        self._restless[id(line)] = line

    # What is to be sent for it

    def requests(self, now_ns: int, only: Iterable[Line] | None = None) -> list[Request]:
        """Cancels and changes that are to be sent now; they count as under way.

        What waits for another operation on its basket comes at a later call.
        """
        self._serial.give_up_waiting(now_ns)
        requests = []
        for line in tuple(self._restless.values()) if only is None else only:
            for operation in wanted(line):
                if not self._serial.is_free(operation.basket_id, now_ns):
                    continue
                if self._serial.is_in_vain(operation):
                    reason = f"it works on as it was after {operation_text(operation)}"
                    self._refused(Refused(operation=operation, reason=reason), now_ns)
                    continue
                requests.append(self._request(line, operation, now_ns))
            self._settle(line, now_ns)
        return requests

    def _request(self, line: Line, operation: Operation, now_ns: int) -> Request:
        basket = self.book.baskets[operation.basket_id]
        terms, instrument = operation.terms, line.instrument
        if terms is None or instrument is None:
            template, fields = cancel_order(self._place, basket.basket_id)
        else:
            limit, trigger = terms.limit_ticks, terms.trigger_ticks
            template, fields = modify_order(
                self._place,
                basket.basket_id,
                basket.symbol,
                basket.exchange,
                operation.quantity,
                terms.order_type,
                None if limit is None else instrument.to_price(limit),
                None if trigger is None else instrument.to_price(trigger),
            )
        key = f"{_OPERATION_KEY}{next(self._numbers)}"
        self._serial.begin(operation, key, now_ns)
        return Request(key=key, template=template, fields=fields)

    def operation_was_not_sent(self, request: Request) -> None:
        """It is proved that a cancel or a change did not leave."""
        self._serial.was_not_sent(request.key)

    def lines_of(self, client_order_id: str) -> tuple[Line, ...]:
        """Orders of an id that something may be asked of."""
        return self.book.named(client_order_id)

    def withdraw_wish(self, client_order_id: str) -> None:
        """Nothing of what was wished left, nor ever will."""
        for line in self.book.named(client_order_id):
            line.is_cancelling, line.wish = False, None

    def next_due_ns(self) -> int | None:
        """When there may be something to send though nothing was heard."""
        return self._serial.next_due_ns()

    @property
    def is_correcting(self) -> bool:
        """Whether a leg is on its way to the level that was asked for."""
        return any(
            bool(wanted(line)) or self._is_busy(line)
            for line in self._restless.values()
            if line.leg is not None
        )

    def lacking(self) -> list[Line]:
        """Legs that seem to lack a basket: Rithmic shall be asked once more."""
        return [line for line in self._restless.values() if not line.may_grow and shortage(line)]

    # What is heard

    def hear(self, message: Any, now_ns: int) -> OrderNotice:
        """Take in a notification: 351 or 352."""
        notice = read_notice(message)
        self.take(notice, now_ns)
        return notice

    def take(self, notice: OrderNotice, now_ns: int) -> None:
        """Take in what a notification says."""
        if not notice.basket_id:
            is_refused = notice.phase is Phase.ENDED and notice.reason in _REFUSED
            if is_refused and notice.tag in self.book.submitted:
                self._order_refused(notice.tag, notice.text, now_ns)
            return
        if not notice.is_snapshot:
            self._follow(notice)
        line = self.book.apply(notice)
        if line is not None:
            line.told.is_followed = line.told.is_followed or not notice.is_snapshot
            self._bound(line)
            self._heard(line, notice, now_ns)

    def _follow(self, notice: OrderNotice) -> None:
        """From here on what happens to an order is news; what was listed before is not."""
        if notice.basket_id not in self.book.baskets:
            return
        line = self.book.line_of(notice.basket_id)
        if not line.told.is_followed:
            tell_nothing_of(line)
            line.told.is_followed = True
            if notice.execution is not None:
                line.told.fill_ids.discard(notice.execution.fill_id)

    def _heard(self, line: Line, notice: OrderNotice, now_ns: int) -> None:
        basket = self.book.baskets[notice.basket_id]
        # A row of a list tells how things stand, not what became of an operation.
        phase = Phase.OTHER if notice.is_snapshot else notice.phase
        refused = self._serial.hear(basket.basket_id, phase, notice.text, basket.has_ended, now_ns)
        if refused is not None:
            self._refused(refused, now_ns)
        self._restless[id(line)] = line
        self._settle(line, now_ns)
        for leg in self.book.legs_below(basket.basket_id):
            self._restless[id(leg)] = leg
            self._settle(leg, now_ns)

    def answer(self, message: Any, now_ns: int) -> None:
        """Take in an answer to a request, or that it was refused: 313, 315, 317, 331 or 75."""
        key = message.user_msg[0] if message.user_msg else ""
        codes = list(message.rp_code)
        is_refused = bool(codes) and codes[0] != _OK
        reason = " ".join(code for code in codes[1:] or codes if code) if is_refused else ""
        if key.startswith(_OPERATION_KEY):
            refused = self._serial.answer(key, reason, now_ns)
            if refused is not None:
                self._refused(refused, now_ns)
            return
        tag = key.removeprefix(_ORDER_KEY)
        if not key.startswith(_ORDER_KEY) or tag not in self.book.submitted:
            return
        basket_id = getattr(message, "basket_id", "")
        if basket_id:
            line = self.book.bind(tag, basket_id)
            self._bound(line)
            self._settle(line, now_ns)
        if is_refused:
            self._order_refused(tag, reason, now_ns)

    def _bound(self, line: Line) -> None:
        submitted = self.book.submitted.get(line.client_order_id)
        if submitted is not None and submitted.cancels and line.leg is None:
            submitted.cancels = False
            line.is_cancelling = True
            self._restless[id(line)] = line

    def _order_refused(self, tag: str, reason: str, now_ns: int) -> None:
        lines = self.book.named(tag)
        if not lines:
            submitted = self.book.submitted[tag]
            if not submitted.is_refused:
                submitted.is_refused = True
                self.reports.append(Rejected(tag, reason, now_ns))
        for line in lines:
            for basket in line.baskets:
                basket.refuse(reason)
            self._settle(line, now_ns)

    def _refused(self, refused: Refused, now_ns: int) -> None:
        """An operation will not be carried out: whoever wished for it is told."""
        operation = refused.operation
        line = self.book.line_of(operation.basket_id)
        name = line.client_order_id
        if line.is_cancelling:
            line.is_cancelling = False
            self.reports.append(CancelRejected(name, refused.reason, now_ns))
            return
        if line.wish is not None:
            line.wish = line.level = None
            self.reports.append(ReplaceRejected(name, refused.reason, now_ns))
        else:
            # What cannot be moved protects where it is, and is reported as it is.
            line.left_alone.add(operation.basket_id)
            _logger.warning("%s stays where it is: %s", name, refused.reason)
        self._settle(line, now_ns)

    def _settle(self, line: Line, now_ns: int) -> None:
        """Report what is new of an order, and drop wishes that are fulfilled or past."""
        self.reports += due(line, now_ns)
        wish = line.wish
        is_past = line.has_ended and line.told.has_ended
        if wish is not None and (is_past or self._is_granted(line)):
            line.wish = None
            terms = line.level or line.terms
            if line.has_ended and line.terms != line.level:
                reason = f"the order has ended: {line.status.value}"
                self.reports.append(ReplaceRejected(wish.client_order_id, reason, now_ns))
            elif terms is not None and line.status is not OrderStatus.FILLED:
                time_ns = line.last_ns or now_ns
                self.reports.append(replaced(line, line.quantity, terms, time_ns))
            if line.leg is None:
                line.level = None
        if line.has_ended and line.told.has_ended:
            line.is_cancelling = False
            self._restless.pop(id(line), None)
        elif line.wish is None and not line.is_cancelling and not wanted(line):
            self._restless.pop(id(line), None)

    def _is_granted(self, line: Line) -> bool:
        if line.is_bare or line.has_ended:
            return False
        return not self._is_busy(line) and is_granted(line)

    def _is_busy(self, line: Line) -> bool:
        return any(self._serial.is_busy(basket.basket_id) for basket in line.working())

    # The standing

    def begin(self) -> None:
        """What was heard so far but in notifications was so before the session began."""
        for line in self.book.lines():
            if not line.told.is_followed:
                tell_nothing_of(line)
                # It may have been moved since, so what it was sent with says nothing.
                line.level = None

    def fills(self, found: Iterable[tuple[Basket, str]]) -> tuple[Fill, ...]:
        """The executions that are named by basket and id, oldest first."""
        fills = []
        for basket, fill_id in found:
            line = self.book.line_of(basket.basket_id)
            total = line.told.unheard
            for one, execution in line.executions():
                total = min(line.filled, total + execution.quantity)
                if one is basket and execution.fill_id == fill_id:
                    alone = len(line.baskets) == 1 and execution.total
                    fills.append(as_fill(line, execution, execution.total if alone else total))
                    break
        return tuple(sorted(fills, key=lambda fill: (fill.time_ns, fill.fill_id)))


def operation_text(operation: Operation) -> str:
    """An operation in words."""
    return "cancels" if operation.is_cancel else "changes that were taken"
