"""How far from its fill the legs of a resting entry will stand: 332 and 334.

Rithmic was told distances, and legs are meant at prices. Where an entry gets another price, or a
leg one before it is there, the distance that Rithmic has is no longer the right one. It is put
right here, so that the leg appears where it belongs. That is a help, never a need: a leg that
appears elsewhere is moved. So each distance is asked for once, whatever becomes of it.

The entry is changed first, and its new price counts only once it is confirmed. A distance that
went ahead would have to be taken back where the change is refused, and would hold up the change
itself, for one operation at a time is under way on a basket. Whichever goes first, a fill between
the two has its legs off by the same number of ticks, until they are moved.
"""

from __future__ import annotations

import logging
from itertools import count
from typing import TYPE_CHECKING, Final

import msgspec

from fillbridge_hooks import OrderRole, OrderType
from fillbridge_rithmic.orders.legs import distance
from fillbridge_rithmic.orders.requests import Request, move_leg, reference_ticks
from fillbridge_rithmic.orders.serial import ANSWER_NS

if TYPE_CHECKING:
    from collections.abc import Callable

    from fillbridge_rithmic.orders.book import Book
    from fillbridge_rithmic.orders.lattice import Basket
    from fillbridge_rithmic.orders.lines import Line
    from fillbridge_rithmic.orders.requests import Place

_logger = logging.getLogger(__name__)

LEVEL_KEY: Final = "level "
"""What the key of every new distance begins with."""

_Slot = tuple[str, OrderRole]
"""The basket of an entry, and which of its legs."""


class _Ask(msgspec.Struct, frozen=True, kw_only=True):
    slot: _Slot
    ticks: int


class Levels:
    """What distances Rithmic has, and which of them are under way."""

    def __init__(self, book: Book, place: Place) -> None:
        self._book = book
        self._place = place
        self._numbers = count(1)
        self._due: dict[str, None] = {}
        """Client order ids of entries whose legs may be meant elsewhere by now."""
        self._held: dict[_Slot, int] = {}
        """What Rithmic said that it has; an entry of this session had its own to begin with."""
        self._tried: dict[_Slot, int] = {}
        self._asks: dict[str, _Ask] = {}
        """By key: what was not answered yet, be it too late."""
        self._flights: dict[str, tuple[str, int]] = {}
        """By basket: the key of what is under way, and when it was sent."""

    def look_at(self, entry_id: str) -> None:
        """An entry has a new price, or one of its legs, before there is a fill."""
        self._due[entry_id] = None

    def learn(self, basket: Basket, role: OrderRole, ticks: int) -> None:
        """Rithmic says what distance it has for a leg of an entry."""
        self._held[basket.basket_id, role] = ticks
        self.look_at(basket.tag)

    def is_under_way(self, basket_id: str) -> bool:
        """Whether a distance is on its way for the legs of a basket."""
        return basket_id in self._flights

    def requests(self, now_ns: int, is_at_rest: Callable[[Line], bool]) -> list[Request]:
        """New distances that are to be sent now; they count as under way.

        :param is_at_rest: whether nothing else is under way on an order, or wished of it
        """
        requests = []
        for entry_id in tuple(self._due):
            is_waiting = not self._book.named(entry_id) and self._is_expected(entry_id)
            for line in self._book.named(entry_id):
                for basket in line.working():
                    if basket.filled or any(self._book.legs_below(basket.basket_id)):
                        # From here on legs are moved where they are.
                        continue
                    if not basket.works or basket.terms is None or not is_at_rest(line):
                        is_waiting = True
                    elif (request := self._request(line, basket, now_ns)) is not None:
                        is_waiting = True
                        requests.append(request)
            if not is_waiting:
                del self._due[entry_id]
        return requests

    def _is_expected(self, entry_id: str) -> bool:
        sent = self._book.submitted.get(entry_id)
        return sent is not None and not sent.is_refused

    def _request(self, line: Line, basket: Basket, now_ns: int) -> Request | None:
        """The first distance of an entry that is not the right one: stops go first."""
        terms, side = line.terms_of(basket), basket.side
        if terms is None or side is None:
            return None
        is_limit = terms.order_type is OrderType.LIMIT
        reference = terms.limit_ticks if is_limit else terms.trigger_ticks
        if reference is None:
            return None
        for leg in self._book.legs_ahead(basket):
            slot = basket.basket_id, leg.role
            before, ticks = self._before(basket, leg.role), distance(leg, side, reference)
            if before < 1 or ticks < 1 or ticks in (before, self._tried.get(slot)):
                continue
            key = f"{LEVEL_KEY}{next(self._numbers)}"
            self._tried[slot] = ticks
            self._asks[key] = _Ask(slot=slot, ticks=ticks)
            self._flights[basket.basket_id] = key, now_ns
            template, fields = move_leg(self._place, *slot, before, ticks)
            return Request(key=key, template=template, fields=fields)
        return None

    def _before(self, basket: Basket, role: OrderRole) -> int:
        """What distance Rithmic has; 0 where that is not known."""
        held = self._held.get((basket.basket_id, role))
        sent = self._book.submitted.get(basket.tag)
        if held is not None or sent is None or role not in sent.legs:
            return held or 0
        return distance(sent.legs[role], sent.order.side, reference_ticks(sent.order, None))

    # What becomes of it

    def answer(self, key: str, reason: str) -> None:
        """Take in the answer to a new distance; ``reason`` is empty where it was taken."""
        self._end(key)
        ask = self._asks.pop(key, None)
        if ask is None:
            return
        basket_id, role = ask.slot
        if not reason:
            self._held[ask.slot] = ask.ticks
        elif basket_id in self._book.baskets:
            name = self._book.line_of(basket_id).client_order_id
            _logger.info("%s: its %s is moved once it is there: %s", name, role.value, reason)

    def was_not_sent(self, key: str) -> None:
        """It is proved that it did not leave."""
        self._end(key)

    def give_up_waiting(self, now_ns: int) -> None:
        """What was not answered for too long holds up nothing any more."""
        for key, sent_ns in tuple(self._flights.values()):
            if now_ns - sent_ns >= ANSWER_NS:
                self._end(key)

    def next_due_ns(self) -> int | None:
        """When something is held up no longer, by time alone."""
        return min((sent_ns + ANSWER_NS for _, sent_ns in self._flights.values()), default=None)

    def forget(self, gone: set[str]) -> None:
        """Baskets are no longer known."""
        for slots in (self._held, self._tried):
            for slot in [one for one in slots if one[0] in gone]:
                del slots[slot]
        for key in [key for key, ask in self._asks.items() if ask.slot[0] in gone]:
            self._end(key)
            del self._asks[key]

    def _end(self, key: str) -> None:
        ask = self._asks.get(key)
        if ask is not None and self._flights.get(ask.slot[0], ("", 0))[0] == key:
            del self._flights[ask.slot[0]]
