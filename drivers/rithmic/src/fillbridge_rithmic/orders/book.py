"""All orders of the account that were heard of, under the ids that they were sent with.

What is asked every few seconds must not take longer the more orders the day has had. So what may be
an answer is kept apart: what changes gets there, and leaves when it is looked at and is none.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import TYPE_CHECKING

import msgspec

from fillbridge_hooks import Order, OrderRole
from fillbridge_rithmic.orders.lattice import Basket
from fillbridge_rithmic.orders.legs import Leg, has_legs, legs_from, role_of
from fillbridge_rithmic.orders.lines import Line, LineTerms

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fillbridge_hooks import Instrument
    from fillbridge_rithmic.orders.notices import Execution, OrderNotice

_Key = tuple[str, OrderRole | None]


class Submitted(msgspec.Struct, kw_only=True):
    """An order that this session sent, or is about to."""

    order: Order
    legs: dict[OrderRole, Leg]
    is_refused: bool = False
    cancels: bool = False
    """Whether it shall be cancelled as soon as its basket is known."""


class Executed(msgspec.Struct, frozen=True, kw_only=True):
    """What an execution did to a position."""

    fill_id: str
    symbol: str
    signed: int
    """Contracts, above 0 where they were bought."""
    time_ns: int


class Book:
    """Who is who: tags, baskets, entries and their legs.

    :param instruments: what is traded, by symbol; prices of others have no ticks
    """

    def __init__(self, account_id: str, instruments: Mapping[str, Instrument]) -> None:
        self._account_id = account_id
        self._instruments = instruments
        self.submitted: dict[str, Submitted] = {}
        """By tag: what this session sent."""
        self.baskets: dict[str, Basket] = {}
        self._lines: dict[_Key, Line] = {}
        self._line_of: dict[str, Line] = {}
        self._named: dict[str, list[Line]] = {}
        self._legs: dict[str, list[str]] = {}
        """By basket: those that name it as their origin."""
        self._announced: dict[str, Line] = {}
        """By id: legs that were spoken of before Rithmic did."""
        self._may_work: dict[Line, None] = {}
        """Every order that works, and others."""
        self._may_lack: set[str] = set()
        """Every tag of which nothing was heard, and others."""
        self._may_be_unclear: set[str] = set()
        """The origins of every leg that is not clear, and others."""
        self._executed: list[tuple[int, str, str]] = []
        """Time, basket and id of every execution, oldest first; and times that it had before."""
        self._fresh: list[tuple[Basket, str]] = []
        """The executions that were heard of since stock was taken."""
        self.has_begun = False
        """Whether what is heard for the first time may be new at Rithmic, too."""

    # What comes in

    def expect(self, order: Order, legs: dict[OrderRole, Leg]) -> None:
        """An order is about to be sent: notifications may be here before its answer is."""
        self.submitted[order.client_order_id] = Submitted(order=order, legs=legs)
        self._may_lack.add(order.client_order_id)

    def forget(self, tag: str) -> None:
        """It was not sent after all."""
        del self.submitted[tag]

    def bind(self, tag: str, basket_id: str) -> Line:
        """The answer to a request says which basket it made."""
        basket = self._basket(basket_id)
        basket.tag = basket.tag or tag
        order = self.submitted[tag].order
        basket.symbol = basket.symbol or order.instrument.symbol
        basket.exchange = basket.exchange or order.instrument.exchange
        basket.side = basket.side or order.side
        return self._place(basket)

    def apply(self, notice: OrderNotice) -> Line | None:
        """Take in a notice; the order it is about, ``None`` where that is none of the account."""
        if not notice.basket_id or not self._is_of_account(notice):
            return None
        is_new = notice.basket_id not in self.baskets
        basket = self._basket(notice.basket_id)
        basket.is_new = basket.is_new or (is_new and self.has_begun and not notice.is_snapshot)
        execution = notice.execution
        known = None if execution is None else basket.executions.get(execution.fill_id)
        basket.apply(notice)
        if execution is not None:
            fill_id = execution.fill_id
            if known is None:
                self._fresh.append((basket, fill_id))
            time_ns = basket.executions[fill_id].time_ns
            if known is None or known.time_ns != time_ns:
                insort(self._executed, (time_ns, basket.basket_id, fill_id))
        return self._place(basket)

    def _is_of_account(self, notice: OrderNotice) -> bool:
        if notice.account_id:
            return notice.account_id == self._account_id
        # Some notifications name no account; those asked for are of the one that was asked about.
        known = {notice.basket_id, notice.parent_id} & self.baskets.keys()
        return bool(known) or notice.tag in self.submitted or notice.is_snapshot

    def _basket(self, basket_id: str) -> Basket:
        basket = self.baskets.get(basket_id)
        if basket is None:
            basket = self.baskets[basket_id] = Basket(basket_id)
        return basket

    # Who is who

    def _place(self, basket: Basket) -> Line:
        """Let a basket stand for the order that it is by now known to be of."""
        parent_id = basket.parent_id if self._is_leg(basket) else ""
        key, line = self._belongs_to(basket, parent_id)
        before = self._line_of.get(basket.basket_id)
        if before is not line:
            if before is not None:
                before.baskets.remove(basket)
                self._may_lack.add(before.client_order_id)
                line.told.is_followed = line.told.is_followed or before.told.is_followed
            self._line_of[basket.basket_id] = line
            line.add(basket)
        if line.client_order_id in self.submitted or (
            line.entry is not None and line.entry.client_order_id in self.submitted
        ):
            line.told.is_followed = True
        self._may_work[line] = None
        if parent_id:
            self._may_be_unclear.add(parent_id)
            legs = self._legs.setdefault(parent_id, [])
            if basket.basket_id not in legs:
                legs.append(basket.basket_id)
        if key not in self._lines:
            self._lines[key] = line
            self._named.setdefault(line.client_order_id, []).append(line)
        if before is not line and basket.tag:
            for leg_id in self._legs.get(basket.basket_id, ()):
                self._place(self.baskets[leg_id])
        return line

    def _is_leg(self, basket: Basket) -> bool:
        if not basket.parent_id:
            return False
        known = self.submitted.get(basket.tag)
        return known is None or basket.side is not known.order.side

    def _belongs_to(self, basket: Basket, parent_id: str) -> tuple[_Key, Line]:
        instrument = self._instruments.get(basket.symbol)
        parent = self.baskets.get(parent_id)
        role = role_of(basket.first_type) if parent is not None and parent.tag else None
        if parent is None or role is None:
            tag = "" if parent_id else basket.tag
            key: _Key = (f"{basket.basket_id} {tag}", None)
            return key, self._lines.get(key) or Line(tag, instrument)
        key = (f"{parent_id} {parent.tag}", role)
        line = self._lines.get(key)
        if line is None:
            leg = self._legs_of(parent)[role]
            line = self._announced.pop(leg.client_order_id, None) or Line(
                leg.client_order_id, instrument, leg
            )
            line.entry = self._line_of[parent_id]
            other = OrderRole.TARGET if role is OrderRole.STOP else OrderRole.STOP
            line.sibling = self._lines.get((key[0], other))
            if line.sibling is not None:
                line.sibling.sibling = line
            # One that was there before may have been moved, so what it was sent with says nothing.
            is_new = basket.is_new or parent.tag in self.submitted
            if is_new and line.level is None and leg.ticks is not None:
                line.level = _level(leg)
        return key, line

    def _legs_of(self, parent: Basket) -> dict[OrderRole, Leg]:
        usual = legs_from(parent.tag, parent.window_name)
        known = self.submitted.get(parent.tag)
        return usual if known is None else {**usual, **known.legs}

    # What is past

    def forget_past(self, before_ns: int) -> set[str]:
        """Forget what ended before a time, an entry with all its legs or not at all.

        :return: the baskets that are no longer known
        """
        gone: set[str] = set()
        for root_id in {*self._legs, *(self.baskets.keys() - self._leg_ids())}:
            together = [root_id, *self._legs.get(root_id, ())]
            known = [self.baskets[name] for name in together if name in self.baskets]
            if all(self._is_past(basket, before_ns) for basket in known):
                gone.update(basket.basket_id for basket in known)
                self._legs.pop(root_id, None)
        tags = set()
        for basket_id in gone:
            basket, line = self.baskets.pop(basket_id), self._line_of.pop(basket_id)
            line.baskets.remove(basket)
            tags.add(basket.tag)
            for leg in self._legs_of(basket).values():
                self._announced.pop(leg.client_order_id, None)
        self._lines = {key: line for key, line in self._lines.items() if line.baskets}
        self._named = {
            name: left
            for name, lines in self._named.items()
            if (left := [line for line in lines if line.baskets])
        }
        for tag in tags & self.submitted.keys() - self._named.keys():
            del self.submitted[tag]
        self._may_work = {line: None for line in self._may_work if line.baskets}
        self._may_lack &= self.submitted.keys()
        self._may_be_unclear -= gone
        self._executed = [place for place in self._executed if place[1] not in gone]
        self._fresh = [one for one in self._fresh if one[0].basket_id not in gone]
        return gone

    def _leg_ids(self) -> set[str]:
        return {leg_id for leg_ids in self._legs.values() for leg_id in leg_ids}

    def _is_past(self, basket: Basket, before_ns: int) -> bool:
        if basket.last_ns >= before_ns:
            return False
        line = self._line_of[basket.basket_id]
        is_awaited = line.told.is_followed and line.client_order_id and not line.told.has_ended
        return line.has_ended and not is_awaited

    # What is asked

    def named(self, client_order_id: str) -> tuple[Line, ...]:
        """The orders of an id; more than one where it was sent more than once."""
        return tuple(line for line in self._named.get(client_order_id, ()) if line.baskets)

    def announced(self, client_order_id: str) -> Line | None:
        """The leg of that id of an entry that is known, before the leg appears."""
        if client_order_id in self._announced:
            return self._announced[client_order_id]
        for tag, symbol, leg, entry in self._legs_to_come():
            if leg.client_order_id == client_order_id:
                line = Line(client_order_id, self._instruments.get(symbol), leg)
                line.entry, line.entry_id = entry, tag
                self._announced[client_order_id] = line
                return line
        return None

    def legs_ahead(self, basket: Basket) -> Iterator[Leg]:
        """The legs that an entry will have, at the prices that were asked for last."""
        for leg in self._legs_of(basket).values():
            line = self._announced.get(leg.client_order_id)
            level = None if line is None else line.level
            if line is None or level is None:
                yield leg
            elif level.order_type is leg.order_type and not line.is_cancelling:
                ticks = level.trigger_ticks if leg.role is OrderRole.STOP else level.limit_ticks
                yield msgspec.structs.replace(leg, ticks=ticks, distance=None)

    def _legs_to_come(self) -> Iterator[tuple[str, str, Leg, Line | None]]:
        for tag, submitted in self.submitted.items():
            if not submitted.is_refused:
                for leg in submitted.legs.values():
                    entry = next(iter(self.named(tag)), None)
                    yield tag, submitted.order.instrument.symbol, leg, entry
        for basket in self.baskets.values():
            if has_legs(basket.window_name) and not self._is_leg(basket):
                for leg in legs_from(basket.tag, basket.window_name).values():
                    yield basket.tag, basket.symbol, leg, self._line_of[basket.basket_id]

    def line_of(self, basket_id: str) -> Line:
        """The order that a basket stands for."""
        return self._line_of[basket_id]

    def lines(self) -> Iterator[Line]:
        """Every order that was heard of."""
        return (line for line in self._lines.values() if line.baskets)

    def that_may_work(self) -> list[Line]:
        """Every order of which something may still fill."""
        self._may_work = {
            line: None for line in self._may_work if line.baskets and not line.has_ended
        }
        return list(self._may_work)

    def executed_since(self, time_ns: int) -> Iterator[tuple[Basket, Execution]]:
        """Every execution that was heard of at or after a time, ns UTC, oldest first."""
        for at in range(bisect_left(self._executed, (time_ns,)), len(self._executed)):
            said_ns, basket_id, fill_id = self._executed[at]
            basket = self.baskets[basket_id]
            execution = basket.executions[fill_id]
            if execution.time_ns == said_ns:
                yield basket, execution

    def fresh(self) -> Iterator[Executed]:
        """Every execution that was heard of since stock was taken."""
        for basket, fill_id in self._fresh:
            if basket.side is not None:
                one = basket.executions[fill_id]
                yield Executed(
                    fill_id=fill_id,
                    symbol=basket.symbol,
                    signed=basket.side.sign * one.quantity,
                    time_ns=one.time_ns,
                )

    def take_stock(self) -> None:
        """What was executed so far is in what is held."""
        self._fresh.clear()

    def legs_below(self, basket_id: str) -> Iterator[Line]:
        """The legs of an entry."""
        basket = self.baskets[basket_id]
        for role in (OrderRole.STOP, OrderRole.TARGET):
            line = self._lines.get((f"{basket_id} {basket.tag}", role))
            if line is not None and line.baskets:
                yield line

    def strangers(self) -> set[str]:
        """Baskets that legs come from and of which nothing is known."""
        return {parent_id for parent_id in self._unclear() if self._is_stranger(parent_id)}

    def unnamed(self) -> set[str]:
        """Legs of entries of ours of which nothing says whether they are stop or target."""
        return {
            leg_id
            for parent_id in self._unclear()
            if parent_id in self.baskets and self.baskets[parent_id].tag
            for leg_id in self._unnamed_legs(parent_id)
        }

    def _unclear(self) -> set[str]:
        self._may_be_unclear = {
            parent_id
            for parent_id in self._may_be_unclear & self._legs.keys()
            if self._is_stranger(parent_id) or self._unnamed_legs(parent_id)
        }
        return self._may_be_unclear

    def _is_stranger(self, parent_id: str) -> bool:
        parent = self.baskets.get(parent_id)
        return parent is None or (not parent.last_ns and not parent.tag)

    def _unnamed_legs(self, parent_id: str) -> list[str]:
        return [leg_id for leg_id in self._legs[parent_id] if self._line_of[leg_id].leg is None]

    def unanswered(self) -> set[str]:
        """Tags that were sent and of which nothing was heard."""
        self._may_lack = {
            tag
            for tag in self._may_lack & self.submitted.keys()
            if not self.submitted[tag].is_refused and not self.named(tag)
        }
        return self._may_lack.copy()


def _level(leg: Leg) -> LineTerms:
    if leg.role is OrderRole.STOP:
        return LineTerms(order_type=leg.order_type, trigger_ticks=leg.ticks)
    return LineTerms(order_type=leg.order_type, limit_ticks=leg.ticks)
