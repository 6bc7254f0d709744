"""One order as we speak of it: a client order id, and the baskets that stand for it at Rithmic.

As a rule that is one basket. A leg of a bracket has one for each part that its entry filled in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from fillbridge_hooks import BrokerOrder, OrderRole, OrderStatus, OrderType, Side

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fillbridge_hooks import Instrument, Replacement
    from fillbridge_rithmic.orders.lattice import Basket
    from fillbridge_rithmic.orders.legs import Leg
    from fillbridge_rithmic.orders.notices import Execution


class LineTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What an order asks for, in ticks."""

    order_type: OrderType
    limit_ticks: int | None = None
    trigger_ticks: int | None = None


class Told:
    """What of an order was reported already."""

    def __init__(self) -> None:
        self.is_followed = False
        """Whether anything about it may be news: it was sent, or heard of, in this session."""
        self.is_accepted = False
        self.has_ended = False
        self.fill_ids: set[str] = set()
        self.untaken = 0
        """Filled as far as it was reported, but is yet to be received."""
        self.quantity = 0
        self.terms: LineTerms | None = None
        self.before: dict[str, tuple[int, int]] = {}
        """By basket: filled before anybody listened, and when that was."""


class Line:
    """One order with everything that is known of it and that was said of it.

    :param leg: which leg of which bracket it is; ``None`` for an order of its own
    """

    def __init__(
        self, client_order_id: str, instrument: Instrument | None, leg: Leg | None = None
    ) -> None:
        self.client_order_id = client_order_id
        self.instrument = instrument
        self.leg = leg
        self.entry: Line | None = None
        """What brought the leg about."""
        self.entry_id = ""
        """The client order id of the entry of a leg that was spoken of before Rithmic did."""
        self.sibling: Line | None = None
        """The other leg."""
        self.baskets: list[Basket] = []
        """Oldest first."""
        self.told = Told()
        self.level: LineTerms | None = None
        """What each of its baskets shall work with; ``None`` where that is left to Rithmic."""
        self.wish: Replacement | None = None
        """New terms that were asked for and have yet to be confirmed."""
        self.basis = 0
        """What the entry of a leg had filled for whoever had that wish."""
        self.refusals: dict[str, str] = {}
        """By basket: why it will not be as was wished; told once it is clear what the others do."""
        self.left_alone: set[str] = set()
        """Baskets that could not be moved to the level."""
        self.may_grow = False
        """Whether Rithmic was asked once more for baskets that the wish seems to lack."""
        self.is_cancelling = False

    def add(self, basket: Basket) -> None:
        """Let a basket stand for this order too."""
        if basket not in self.baskets:
            self.baskets.append(basket)
            self.baskets.sort(key=age)

    def working(self) -> Iterator[Basket]:
        """Baskets that may still fill."""
        return (basket for basket in self.baskets if not basket.has_ended)

    @property
    def is_bare(self) -> bool:
        """Whether Rithmic has yet to say of which basket it is."""
        return not self.baskets

    @property
    def broker_order_id(self) -> str:
        """Its basket; of a leg that of its entry, and which leg it is.

        Baskets of a leg become known one by one, and not always the oldest first: an id that
        changed with them would make two orders of one.
        """
        if self.entry is not None and self.leg is not None:
            return f"{self.entry.broker_order_id}/{self.leg.role.value}"
        return self.baskets[0].basket_id

    @property
    def symbol(self) -> str:
        """What is traded."""
        return self.baskets[0].symbol if self.baskets else ""

    @property
    def side(self) -> Side | None:
        """Which way it trades; ``None`` while nobody said."""
        return next((one.side for one in self.baskets if one.side is not None), None)

    @property
    def works(self) -> bool:
        """Whether it was ever heard that the exchange, or Rithmic in its place, has it."""
        return any(basket.works or basket.filled for basket in self.baskets)

    @property
    def has_ended(self) -> bool:
        """Whether nothing more of it is expected to fill."""
        return bool(self.baskets) and all(basket.has_ended for basket in self.baskets)

    @property
    def filled(self) -> int:
        """Filled so far."""
        return sum(basket.filled for basket in self.baskets)

    @property
    def executed(self) -> int:
        """The sum of the fills that were heard of."""
        return sum(basket.executed for basket in self.baskets)

    @property
    def quantity(self) -> int:
        """In total, fills included; of what has ended only the fills, unless all has."""
        if len(self.baskets) == 1:
            return max(self.baskets[0].quantity, self.baskets[0].filled)
        if self.has_ended:
            whole = sum(one.quantity for one in self.baskets if one.filled)
            return whole or sum(basket.quantity for basket in self.baskets)
        return sum(
            basket.filled if basket.has_ended else max(basket.quantity, basket.filled)
            for basket in self.baskets
        )

    @property
    def status(self) -> OrderStatus:
        """Where it stands."""
        if len(self.baskets) == 1:
            return self.baskets[0].status
        if not self.has_ended:
            if self.filled:
                return OrderStatus.PARTIAL_FILLED
            return OrderStatus.SUBMITTED if self.works else OrderStatus.PENDING
        statuses = {basket.status for basket in self.baskets if basket.filled}
        if statuses:
            is_whole = statuses == {OrderStatus.FILLED}
            return OrderStatus.FILLED if is_whole else OrderStatus.CANCELLED
        ends = {basket.status for basket in self.baskets}
        return ends.pop() if len(ends) == 1 else OrderStatus.CANCELLED

    @property
    def reason(self) -> str:
        """Why it ended."""
        texts = [one.end_text or one.end_reason for one in self.baskets if one.has_ended]
        return next((text for text in reversed(texts) if text), "")

    @property
    def last_ns(self) -> int:
        """The time of the last change."""
        return max(basket.last_ns for basket in self.baskets)

    @property
    def known_filled(self) -> int:
        """What it has filled for whoever receives what is reported of it."""
        return self.executed + self.unheard - self.told.untaken

    @property
    def wished(self) -> int | None:
        """The total that is wished for: what the entry has filled since then has its legs, too."""
        if self.wish is None:
            return None
        since = 0 if self.entry is None else self.entry.filled - self.basis
        return self.wish.quantity + max(0, since)

    @property
    def most(self) -> int | None:
        """The largest total that a leg may have: what its entry filled and nothing else closed."""
        if self.entry is None:
            return None
        return self.entry.filled - (0 if self.sibling is None else self.sibling.filled)

    @property
    def terms(self) -> LineTerms | None:
        """What it works with, as far as it is known; of several baskets that of the oldest."""
        for basket in (*self.working(), *self.baskets):
            terms = self.terms_of(basket)
            if terms is not None:
                return terms
        return None

    def terms_of(self, basket: Basket) -> LineTerms | None:
        """What one of its baskets works with, in ticks."""
        terms = basket.terms
        if terms is None:
            return None
        return LineTerms(
            order_type=terms.order_type,
            limit_ticks=self._ticks(terms.limit),
            trigger_ticks=self._ticks(terms.trigger),
        )

    @property
    def is_told(self) -> bool:
        """Whether every fill that is known of was heard of, and so reported."""
        return self.executed + self.unheard >= self.filled

    @property
    def unheard(self) -> int:
        """Filled before anybody listened, as far as no replay has told of it since."""
        found = 0
        for basket in self.baskets:
            filled, time_ns = self.told.before.get(basket.basket_id, (0, 0))
            known = sum(
                one.quantity
                for one in basket.executions.values()
                if (one.total <= filled if one.total else one.time_ns <= time_ns)
            )
            found += max(0, filled - known)
        return found

    def executions(self) -> list[tuple[Basket, Execution]]:
        """Its fills that were heard of, oldest first."""
        found = [(one, fill) for one in self.baskets for fill in one.executions.values()]
        return sorted(found, key=lambda pair: (pair[1].time_ns, pair[1].total, pair[1].fill_id))

    def as_broker_order(self) -> BrokerOrder:
        """The order as the broker has it."""
        terms = self.terms or LineTerms(order_type=OrderType.MARKET)
        return BrokerOrder(
            client_order_id=self.client_order_id,
            broker_order_id=self.broker_order_id,
            symbol=self.symbol,
            side=self.side or Side.BUY,
            quantity=self.quantity,
            filled=self.filled,
            status=self.status,
            order_type=terms.order_type,
            limit_ticks=terms.limit_ticks,
            trigger_ticks=terms.trigger_ticks,
            reason=self.reason,
            time_ns=self.last_ns,
        )

    def _ticks(self, price: float | None) -> int | None:
        if price is None or self.instrument is None:
            return None
        return round(price / self.instrument.tick_size)

    @property
    def role(self) -> OrderRole | None:
        """Which leg it is; ``None`` for an order of its own."""
        return None if self.leg is None else self.leg.role


def age(basket: Basket) -> tuple[int, str]:
    """Baskets are numbered upwards."""
    number = basket.basket_id
    return (len(number), number)
