"""What is known of one basket, whatever the order in which it was heard.

Every fact only ever grows: a flag is set and stays, a sum is the largest that was said, terms are
those of the latest time. So notifications may be repeated, late and out of order, and the state is
the same; what has ended is never undone.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from fillbridge_hooks import OrderStatus, OrderType, Side
from fillbridge_rithmic.orders.notices import Execution, OrderNotice, Phase
from fillbridge_rithmic.wire.codes import Completion

_CHANGES: Final = (Phase.UNDER_WAY, Phase.WORKING, Phase.CHANGED)
"""Notices whose type and prices are those that the order works with."""
_ASIDE: Final = (Phase.FILLED, Phase.TRIGGERED, Phase.ENDED)
"""Notices whose quantity counts only where no other has one: it might be what is left."""
_RESTING: Final = (OrderType.STOP, OrderType.STOP_LIMIT)
"""Types of orders that wait for a trigger."""
_AT_ONE_TIME: Final = {Phase.UNDER_WAY: 0, Phase.WORKING: 1, Phase.FILLED: 2, Phase.CHANGED: 3}
"""Which terms count of those that were said with one time."""
_PLAIN_WORDS: Final = (
    Completion.FILL,
    Completion.FAILURE,
    Completion.REJECT,
    Completion.PARTIALLY_FILLED_BALANCE_CANCELLED,
    Completion.CANCEL,
    "",
)
"""Reasons of an end, the one that says most first."""


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """Type and prices (points) of an order."""

    order_type: OrderType
    limit: float | None = None
    trigger: float | None = None


class Basket:
    """One order as Rithmic numbers them."""

    def __init__(self, basket_id: str) -> None:
        self.basket_id = basket_id
        self.tag = ""
        self.window_name = ""
        self.parent_id = ""
        self.account_id = ""
        self.user_id = ""
        self.symbol = ""
        self.exchange = ""
        self.side: Side | None = None
        self.is_new = False
        """Whether it appeared while there was a session."""
        self.is_silent = True
        """Whether nothing was heard of it yet but the answer to its request."""
        self.works = False
        """Whether it was ever heard that the exchange has it, or Rithmic in its place."""
        self.triggered = False
        """Whether it was heard that its trigger was reached."""
        self.executions: dict[str, Execution] = {}
        self.stated = 0
        """Filled as far as anything said so."""
        self.last_ns = 0
        self._first_type: tuple[int, int, OrderType | None] = (-1, -1, None)
        self._quantity: tuple[tuple[int, int], int] = ((-1, -1), 0)
        self._terms: tuple[tuple[int, int], Terms | None] = ((-1, -1), None)
        self._ends: dict[str, str] = {}
        """By the reason of an end, what was said with it."""

    def apply(self, notice: OrderNotice) -> None:
        """Take in what a notice says."""
        self.is_silent = False
        self._identify(notice)
        self.last_ns = max(self.last_ns, notice.time_ns)
        self.stated = max(self.stated, notice.filled)
        phase, execution = notice.phase, notice.execution
        if phase in (Phase.WORKING, Phase.CHANGED, Phase.TRIGGERED):
            self.works = True
        self.triggered = self.triggered or phase is Phase.TRIGGERED
        if execution is not None:
            known = self.executions.get(execution.fill_id)
            if known is None or _key(execution) > _key(known):
                self.executions[execution.fill_id] = execution
        key = (notice.time_ns, _AT_ONE_TIME.get(phase, -1))
        if phase in (*_CHANGES, *_ASIDE) and notice.quantity > 0:
            says, quantity = key, notice.quantity
            if phase in _ASIDE:
                says = (-1, -1)
                quantity = max(quantity, notice.filled + (notice.unfilled or 0))
            self._quantity = max(self._quantity, (says, quantity))
        if phase in _CHANGES and _is_whole(notice):
            assert notice.order_type is not None  # noqa: S101  # _is_whole saw to it
            terms = Terms(order_type=notice.order_type, limit=notice.limit, trigger=notice.trigger)
            if (key, _key(terms)) > (self._terms[0], _key(self._terms[1])):
                self._terms = key, terms
        if phase is Phase.ENDED:
            self._end(notice.reason, notice.text)
        elif phase is Phase.FILLED and notice.unfilled == 0 and notice.filled > 0:
            self._end(Completion.FILL, "")

    def refuse(self, text: str) -> None:
        """Take in that the order was not taken at all, as the answer to its request says."""
        if not self.works and not self.filled:
            self._end(Completion.REJECT, text)

    def _identify(self, notice: OrderNotice) -> None:
        self.tag = max(self.tag, notice.tag)
        self.window_name = max(self.window_name, notice.window_name)
        self.account_id = max(self.account_id, notice.account_id)
        self.user_id = max(self.user_id, notice.user_id)
        self.symbol = max(self.symbol, notice.symbol)
        self.exchange = max(self.exchange, notice.exchange)
        if notice.parent_id != self.basket_id:
            self.parent_id = max(self.parent_id, notice.parent_id)
        self.side = notice.side or self.side
        for kind, says in (
            (notice.first_type, 2),
            (notice.order_type, 1 if notice.phase in _CHANGES else 0),
        ):
            if kind is not None:
                # A stop that triggered is a market order; what it was before tells its part.
                self._first_type = max(self._first_type, (says, _TYPE_RANKS[kind], kind))

    def _end(self, reason: str, text: str) -> None:
        self._ends[reason] = max(self._ends.get(reason, ""), text)

    @property
    def standing(self) -> tuple[object, ...]:
        """All that a report may follow from; equal as long as nothing is news but the time."""
        return (
            self._quantity[1],
            self._terms[1],
            self.stated,
            self.works,
            self.triggered,
            len(self.executions),
            len(self._ends),
            self._first_type,
            self.tag,
            self.parent_id,
        )

    @property
    def first_type(self) -> OrderType | None:
        """As what it was sent, as far as anything said so; ``None`` while nothing did."""
        return self._first_type[2]

    @property
    def quantity(self) -> int:
        """In total, fills included; 0 while nobody said."""
        return self._quantity[1]

    @property
    def terms(self) -> Terms | None:
        """Type and prices that it works with; ``None`` while nobody said."""
        return self._terms[1]

    @property
    def is_leaving(self) -> bool:
        """Whether it is on its way into the market, and no longer waits for a trigger."""
        kind = None if self.terms is None else self.terms.order_type
        has_turned = self.first_type in _RESTING and kind is OrderType.LIMIT
        return self.triggered or has_turned or kind is OrderType.MARKET

    @property
    def executed(self) -> int:
        """The sum of the fills that were heard of."""
        return sum(one.quantity for one in self.executions.values())

    @property
    def filled(self) -> int:
        """Filled so far, whether or not each fill was heard of."""
        filled = max(self.stated, self.executed)
        if not filled and self.end_reason == Completion.FILL:
            return self.quantity
        return filled

    @property
    def left(self) -> int:
        """What may still fill."""
        return 0 if self.has_ended else max(0, self.quantity - self.filled)

    @property
    def has_ended(self) -> bool:
        """Whether no further fill is expected."""
        return bool(self._ends) or 0 < self.quantity <= max(self.stated, self.executed)

    @property
    def end_reason(self) -> str:
        """The code of the end, empty where there is none."""
        for reason in _PLAIN_WORDS:
            if reason in self._ends:
                return reason
        return min(self._ends, default="")

    @property
    def end_text(self) -> str:
        """What was said with the end."""
        texts = (self._ends.get(reason, "") for reason in (*_PLAIN_WORDS, *sorted(self._ends)))
        return next((text for text in texts if text), "")

    @property
    def status(self) -> OrderStatus:
        """Where it stands."""
        filled = self.filled
        if not self.has_ended:
            if filled:
                return OrderStatus.PARTIAL_FILLED
            return OrderStatus.SUBMITTED if self.works else OrderStatus.PENDING
        if Completion.FILL in self._ends or 0 < self.quantity <= filled:
            return OrderStatus.FILLED
        is_refused = self.end_reason in (Completion.REJECT, Completion.FAILURE)
        if is_refused and not filled:
            return OrderStatus.REJECTED
        is_expired = any("expire" in text.lower() for text in self._ends.values())
        return OrderStatus.EXPIRED if is_expired else OrderStatus.CANCELLED


_TYPE_RANKS: Final = {
    OrderType.MARKET: 0,
    OrderType.LIMIT: 1,
    OrderType.STOP_LIMIT: 2,
    OrderType.STOP: 3,
    OrderType.TRAILING_STOP: 4,
}


def _is_whole(notice: OrderNotice) -> bool:
    """Whether a notice has the prices that its type needs; some leave them out."""
    kind = notice.order_type
    if kind in (OrderType.LIMIT, OrderType.STOP_LIMIT) and notice.limit is None:
        return False
    if kind in (OrderType.STOP, OrderType.STOP_LIMIT) and notice.trigger is None:
        return False
    return kind is not None


def _key(value: Any) -> str:
    """Something to compare any two values by, so that it does not count which was first."""
    return "" if value is None else repr(value)
