"""From wishes to cancels and changes, and to what is reported of them."""

from __future__ import annotations

import logging
from itertools import count
from typing import TYPE_CHECKING, Final

from fillbridge_hooks import CancelRejected, OrderStatus, OrderType, ReplaceRejected
from fillbridge_rithmic.orders.levels import Levels
from fillbridge_rithmic.orders.notices import Phase
from fillbridge_rithmic.orders.reports import due, replaced, tell_nothing_of
from fillbridge_rithmic.orders.requests import Request, cancel_order, modify_order
from fillbridge_rithmic.orders.serial import Operation, Refused, Serial
from fillbridge_rithmic.orders.wishes import is_granted, shortage, wanted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fillbridge_hooks import Report
    from fillbridge_rithmic.orders.book import Book
    from fillbridge_rithmic.orders.lattice import Basket
    from fillbridge_rithmic.orders.lines import Line
    from fillbridge_rithmic.orders.requests import Place

_logger = logging.getLogger(__name__)

_AT_WORK: Final = (Phase.WORKING, Phase.CHANGED)

OPERATION_KEY: Final = "change "
"""What the key of every cancel and change begins with."""


class Changes:
    """What is wished of orders, what is under way for it, and what was reported.

    :param reports: where reports are put
    """

    def __init__(self, book: Book, place: Place, reports: list[Report]) -> None:
        self._book = book
        self._place = place
        self._reports = reports
        self.levels = Levels(book, place)
        """How far from their fill legs that are to come will stand."""
        self._serial = Serial()
        self._numbers = count(1)
        self._restless: dict[int, Line] = {}
        """Orders that may not be as they were wished for."""

    def is_complete(self, line: Line) -> bool:
        """Whether Rithmic said, to an operation, that an order is complete."""
        return not line.is_bare and all(
            self._serial.is_complete(basket.basket_id) for basket in line.working()
        )

    def awaits(self, line: Line) -> bool:
        """Whether something is wished of an order, or under way."""
        return id(line) in self._restless

    def begin_anew(self, line: Line) -> None:
        """There is a new wish for an order."""
        if not line.is_bare and not line.told.is_followed:
            # Whoever asks is to be told what becomes of it.
            tell_nothing_of(line)
            line.told.is_followed = True
        for basket in line.working():
            self._serial.forget_tries(basket.basket_id)
        line.refusals.clear()
        self._restless[id(line)] = line

    def forget(self, gone: set[str]) -> None:
        """Baskets are no longer known."""
        self._serial.forget(gone)
        self.levels.forget(gone)
        for key, line in tuple(self._restless.items()):
            if line.is_bare and self._book.announced(line.client_order_id) is not line:
                del self._restless[key]

    # What is to be sent for it

    def requests(self, now_ns: int, only: Iterable[Line] | None = None) -> list[Request]:
        """Cancels and changes that are to be sent now; they count as under way.

        What waits for another operation on its basket comes at a later call.
        """
        self._serial.give_up_waiting(now_ns)
        self.levels.give_up_waiting(now_ns)
        requests = []
        for line in tuple(self._restless.values()) if only is None else only:
            for operation in wanted(line):
                if not self._is_free(operation.basket_id, now_ns):
                    continue
                if self._serial.is_in_vain(operation):
                    is_wished = line.is_cancelling or line.wish is not None
                    if is_wished and self._serial.is_silent(operation.basket_id):
                        # It may be carried out yet: only the orders themselves can tell.
                        continue
                    reason = f"it works on as it was after {operation_text(operation)}"
                    self._refused(Refused(operation=operation, reason=reason), now_ns)
                    continue
                requests.append(self._request(line, operation, now_ns))
            self.settle(line, now_ns)
        if only is None:
            requests += self.levels.requests(now_ns, lambda line: self._is_at_rest(line, now_ns))
        return requests

    def _is_free(self, basket_id: str, now_ns: int) -> bool:
        is_free = self._serial.is_free(basket_id, now_ns)
        return is_free and not self.levels.is_under_way(basket_id)

    def _is_at_rest(self, line: Line, now_ns: int) -> bool:
        """Whether an order is as it was wished for, and nothing is under way on its baskets."""
        is_wished = line.is_cancelling or line.wish is not None or bool(wanted(line))
        return not is_wished and all(
            self._is_free(basket.basket_id, now_ns) for basket in line.working()
        )

    def _request(self, line: Line, operation: Operation, now_ns: int) -> Request:
        basket = self._book.baskets[operation.basket_id]
        terms = operation.terms
        if terms is None:
            template, fields = cancel_order(self._place, basket.basket_id)
        else:
            instrument = line.instrument
            assert instrument is not None  # noqa: S101  # wanted() names no terms without one
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
        key = f"{OPERATION_KEY}{next(self._numbers)}"
        self._serial.begin(operation, key, now_ns)
        return Request(key=key, template=template, fields=fields)

    def operation_was_not_sent(self, request: Request) -> None:
        """It is proved that a cancel, a change or a level did not leave."""
        self._serial.was_not_sent(request.key)
        self.levels.was_not_sent(request.key)

    def next_due_ns(self) -> int | None:
        """When there may be something to send though nothing was heard."""
        times = (self._serial.next_due_ns(), self.levels.next_due_ns())
        return min((time for time in times if time is not None), default=None)

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

    def hear(self, line: Line, basket: Basket, phase: Phase, text: str, now_ns: int) -> None:
        """Take in what a notification says of the operation on a basket."""
        refused = self._serial.hear(basket.basket_id, phase, text, basket.has_ended, now_ns)
        if refused is not None:
            self._refused(refused, now_ns)
        if phase in _AT_WORK and not basket.has_ended:
            self._serial.works_after_all(basket.basket_id)
        self.look_at(line, now_ns)

    def answer(self, key: str, reason: str, now_ns: int) -> None:
        """Take in the answer to an operation; ``reason`` is empty where it was taken."""
        refused = self._serial.answer(key, reason, now_ns)
        if refused is not None:
            self._refused(refused, now_ns)

    def look_at(self, line: Line, now_ns: int) -> None:
        """Something is new of an order: report it, and see what is to be sent."""
        self._restless[id(line)] = line
        self.settle(line, now_ns)

    def _refused(self, refused: Refused, now_ns: int) -> None:
        """An operation will not be carried out.

        What was under way when a newer wish came says nothing of that. Nor does it that a basket
        is complete: what it filled is about to be heard.
        """
        operation = refused.operation
        basket_id = operation.basket_id
        line = self._book.line_of(basket_id)
        if line.is_cancelling:
            if operation.is_cancel:
                line.refusals[basket_id] = refused.reason
        elif line.wish is not None:
            is_of_wish = operation.is_cancel or operation.terms == line.level
            if is_of_wish and not self._serial.is_complete(basket_id):
                line.refusals[basket_id] = refused.reason
        elif not operation.is_cancel:
            # What cannot be moved protects where it is, and is reported as it is.
            line.left_alone.add(basket_id)
            _logger.warning("%s stays where it is: %s", line.client_order_id, refused.reason)
        self.settle(line, now_ns)

    def _tell_refusals(self, line: Line, now_ns: int) -> None:
        """Whoever wished is told that it is refused, once it is clear what became of the rest.

        Whoever hears that a stop could not be turned into the exit closes what is held by another
        order: a basket that closes a part all the same would close it twice.
        """
        if not line.refusals or line.has_ended or self._is_busy(line) or wanted(line):
            return
        name, reason = line.client_order_id, next(iter(line.refusals.values()))
        if line.is_cancelling:
            line.is_cancelling = False
            self._reports.append(CancelRejected(name, reason, now_ns))
        elif line.wish is not None:
            leaves = any(
                basket.terms is not None and basket.terms.order_type is OrderType.MARKET
                for basket in line.working()
            )
            if leaves or not line.is_told:
                return
            self._reports.append(ReplaceRejected(name, reason, now_ns, line.wish))
            line.wish = line.level = None
        line.refusals.clear()

    def settle(self, line: Line, now_ns: int) -> None:
        """Report what is new of an order, and drop wishes that are fulfilled or past."""
        before = line.told.terms
        self._reports += due(line, now_ns)
        self._tell_refusals(line, now_ns)
        wish = line.wish
        is_past = line.has_ended and line.told.has_ended
        if wish is not None and (is_past or self._is_granted(line)):
            line.wish = None
            terms = line.level or line.terms
            if line.has_ended and line.terms != line.level:
                reason = f"the order has ended: {line.status.value}"
                self._reports.append(ReplaceRejected(wish.client_order_id, reason, now_ns, wish))
            elif terms is not None and line.status is not OrderStatus.FILLED:
                time_ns = line.last_ns or now_ns
                self._reports.append(replaced(line, line.quantity, terms, time_ns))
            if line.leg is None:
                line.level = None
        was_sent_so = before is None and wish is None
        if line.leg is None and line.told.terms is not before and not was_sent_so:
            self.levels.look_at(line.client_order_id)
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


def operation_text(operation: Operation) -> str:
    """An operation in words."""
    return "cancels" if operation.is_cancel else "changes that were taken"
