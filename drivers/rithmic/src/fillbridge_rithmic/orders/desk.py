"""Orders at Rithmic without the wire: what to send, and what to report of what was heard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fillbridge_hooks import Rejected, ReplaceRejected
from fillbridge_rithmic.orders.book import Book
from fillbridge_rithmic.orders.changes import OPERATION_KEY, Changes
from fillbridge_rithmic.orders.legs import legs_of
from fillbridge_rithmic.orders.levels import LEVEL_KEY
from fillbridge_rithmic.orders.lines import LineTerms
from fillbridge_rithmic.orders.notices import Phase, read_notice
from fillbridge_rithmic.orders.reports import as_fill, tell_nothing_of
from fillbridge_rithmic.orders.requests import (
    Place,
    Refusal,
    Request,
    check_prices,
    new_order,
)
from fillbridge_rithmic.wire.codes import Completion

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fillbridge_hooks import ApprovedOrder, Fill, Instrument, Replacement, Report
    from fillbridge_rithmic.orders.lattice import Basket
    from fillbridge_rithmic.orders.lines import Line
    from fillbridge_rithmic.orders.notices import OrderNotice

_OK: Final = "0"
_REFUSED: Final = (Completion.REJECT, Completion.FAILURE)
_ORDER_KEY: Final = "order "


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
        self.changes = Changes(self.book, place, self.reports)
        self._place = place
        self._routes = routes
        self._user_type = user_type

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
        legs = legs_of(approved.legs)
        template, fields = new_order(order, legs, self._place, route, self._user_type, market_ticks)
        self.book.expect(order, legs)
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
        if all(self.changes.is_complete(line) for line in working):
            return "Rithmic says that the order is complete"
        for line in working:
            line.is_cancelling, line.wish = True, None
            self.changes.begin_anew(line)
        return ""

    def replace(self, change: Replacement, now_ns: int) -> str:
        """Wish for new terms; why that is not possible, empty if it is.

        What is refused for good is reported too, once every fill is.
        """
        name = change.client_order_id
        line = self._to_change(name)
        if line is None:
            return "no such order is known, or Rithmic has yet to answer it"
        objection = self._objection(line, change)
        if objection:
            # What filled and was not heard yet would be closed once more by whoever is refused.
            if line.is_told and not self.changes.is_complete(line):
                self.reports.append(ReplaceRejected(name, objection, now_ns, change))
            return objection
        line.wish, line.may_grow, line.is_cancelling = change, False, False
        line.level = LineTerms(
            order_type=change.order_type,
            limit_ticks=change.limit_ticks,
            trigger_ticks=change.trigger_ticks,
        )
        line.basis = 0 if line.entry is None else line.entry.known_filled
        if line.is_bare:
            self.changes.levels.look_at(line.entry_id)
        self.changes.begin_anew(line)
        self.changes.settle(line, now_ns)
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
        if self.changes.is_complete(line):
            return "Rithmic says that the order is complete"
        try:
            check_prices(change.order_type, change.limit_ticks, change.trigger_ticks)
        except Refusal as refusal:
            return str(refusal)
        return ""

    def lines_of(self, client_order_id: str) -> tuple[Line, ...]:
        """Orders of an id that something may be asked of."""
        return self.book.named(client_order_id)

    def withdraw_wish(self, client_order_id: str) -> None:
        """Nothing of what was wished left, nor ever will."""
        for line in self.book.named(client_order_id):
            line.is_cancelling, line.wish = False, None
            line.refusals.clear()

    def was_taken(self, fill: Fill) -> None:
        """A fill was received, so that what is asked for from now on may go by it."""
        for line in self.book.named(fill.client_order_id):
            line.told.untaken = max(0, line.told.untaken - fill.quantity)

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
        basket = self.book.baskets.get(notice.basket_id)
        before = None if basket is None else basket.standing
        line = self.book.apply(notice)
        if line is None:
            return
        line.told.is_followed = line.told.is_followed or not notice.is_snapshot
        self._bound(line)
        is_stage = notice.phase is Phase.UNDER_WAY and not self.changes.awaits(line)
        # Half of what is told are stages of a request on its way, and change nothing.
        if not is_stage or basket is None or basket.standing != before:
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
        is_answer = not notice.is_snapshot or notice.phase is Phase.WORKING
        phase = notice.phase if is_answer else Phase.OTHER
        self.changes.hear(line, basket, phase, notice.text, now_ns)
        for leg in self.book.legs_below(basket.basket_id):
            self.changes.look_at(leg, now_ns)

    def answer(self, message: Any, now_ns: int) -> None:
        """Take in an answer to a request: 313, 315, 317, 331, 333, 335, or 75 for a refusal."""
        key = message.user_msg[0] if message.user_msg else ""
        codes = list(message.rp_code)
        is_refused = bool(codes) and codes[0] != _OK
        reason = " ".join(code for code in codes[1:] or codes if code) if is_refused else ""
        if key.startswith(OPERATION_KEY):
            self.changes.answer(key, reason, now_ns)
            return
        if key.startswith(LEVEL_KEY):
            self.changes.levels.answer(key, reason)
            return
        tag = key.removeprefix(_ORDER_KEY)
        if not key.startswith(_ORDER_KEY) or tag not in self.book.submitted:
            return
        basket_id = getattr(message, "basket_id", "")
        if basket_id:
            line = self.book.bind(tag, basket_id)
            self._bound(line)
            # Of what nothing was heard before there is nothing to report, as a rule.
            if line.is_cancelling or not all(basket.is_silent for basket in line.baskets):
                self.changes.look_at(line, now_ns)
        if is_refused:
            self._order_refused(tag, reason, now_ns)

    def _bound(self, line: Line) -> None:
        submitted = self.book.submitted.get(line.client_order_id)
        if submitted is not None and submitted.cancels and line.leg is None:
            submitted.cancels = False
            line.is_cancelling = True

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
            self.changes.settle(line, now_ns)

    # The standing

    def begin(self) -> None:
        """What was heard so far but in notifications was so before the session began."""
        self.book.has_begun = True
        for line in self.book.lines():
            if not line.told.is_followed:
                tell_nothing_of(line)

    def forget_past(self, before_ns: int) -> set[str]:
        """Forget what ended before a time; the baskets that are no longer known."""
        gone = self.book.forget_past(before_ns)
        self.changes.forget(gone)
        return gone

    def fills(self, found: Iterable[tuple[Basket, str]]) -> tuple[Fill, ...]:
        """The executions that are named by basket and id, oldest first."""
        fills = []
        for basket, fill_id in found:
            line = self.book.line_of(basket.basket_id)
            total = line.unheard
            for one, execution in line.executions():
                total = min(line.filled, total + execution.quantity)
                if one is basket and execution.fill_id == fill_id:
                    alone = len(line.baskets) == 1 and execution.total
                    fills.append(as_fill(line, execution, execution.total if alone else total))
                    break
        return tuple(sorted(fills, key=lambda fill: (fill.time_ns, fill.fill_id)))
