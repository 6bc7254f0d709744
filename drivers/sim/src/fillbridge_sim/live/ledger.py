"""What a broker keeps of an account: every order of the day, every fill, the positions."""

from bisect import bisect_left
from collections import deque
from typing import TypeVar

import msgspec

from fillbridge_hooks import (
    Accepted,
    BrokerOrder,
    BrokerPosition,
    Cancelled,
    Expired,
    Fill,
    Instrument,
    Order,
    OrderStatus,
    Rejected,
    Replaced,
    Report,
)
from fillbridge_hooks.sessions import trade_date_end_ns

_HOUR = 3_600_000_000_000
_KEPT_NS = 48 * _HOUR
_ENDS = {
    Rejected: OrderStatus.REJECTED,
    Cancelled: OrderStatus.CANCELLED,
    Expired: OrderStatus.EXPIRED,
}


ReportT = TypeVar("ReportT", bound=Report)


class Entry:
    """One order: what was asked for, and how it stands."""

    __slots__ = ("key", "order", "previous", "state")

    def __init__(self, key: str, order: Order, time_ns: int, previous: "Entry | None") -> None:
        self.key = key
        """Unique within the account, whatever ids its sender gives."""
        self.order = order
        self.previous = previous
        """The order that had the same client order id before it."""
        self.state = BrokerOrder(
            client_order_id=order.client_order_id,
            broker_order_id="",
            symbol=order.instrument.symbol,
            side=order.side,
            quantity=order.quantity,
            filled=0,
            status=OrderStatus.PENDING,
            order_type=order.order_type,
            limit_ticks=order.limit_ticks,
            trigger_ticks=order.trigger_ticks,
            time_ns=time_ns,
        )

    @property
    def is_working(self) -> bool:
        """Whether it may still fill."""
        return not self.state.status.is_terminal

    @property
    def open_quantity(self) -> int:
        """What is not filled of it."""
        return self.state.quantity - self.state.filled


class Ledger:
    """The book of one account, kept from the broker's own reports.

    Ended orders and fills are forgotten 48 hours after they happened; positions are not.
    """

    def __init__(self) -> None:
        self.working: dict[str, Entry] = {}
        """Orders that may still fill, by key, oldest first."""
        self._ended: deque[Entry] = deque()
        self._entries: dict[str, Entry] = {}
        self._latest: dict[str, Entry] = {}
        self._fills: list[tuple[Entry, Fill]] = []
        self._positions: dict[str, int] = {}
        self._dates: dict[str, tuple[int, int]] = {}

    # Keeping

    def open(self, order: Order, time_ns: int) -> Entry:
        """Book a new order, which is another one even if its client order id is known."""
        self._forget(time_ns)
        name = order.client_order_id
        key, copies = name, 1
        while key in self._entries:
            copies += 1
            key = f"{name} ({copies})"
        entry = Entry(key, order, time_ns, self._latest.get(name))
        self._entries[key] = self._latest[name] = self.working[key] = entry
        return entry

    def apply(self, report: Report) -> Entry | None:
        """Book what the broker reports; its ``client_order_id`` is a key. ``None`` if unknown."""
        entry = self._entries.get(report.client_order_id)
        if entry is None:
            return None
        state = entry.state
        if isinstance(report, Accepted):
            entry.state = msgspec.structs.replace(
                state,
                broker_order_id=report.broker_order_id,
                status=OrderStatus.SUBMITTED,
                time_ns=report.time_ns,
            )
        elif isinstance(report, Fill):
            self._book_fill(entry, report)
        elif isinstance(report, Replaced):
            entry.state = msgspec.structs.replace(
                state,
                quantity=report.quantity,
                order_type=report.order_type,
                limit_ticks=report.limit_ticks,
                trigger_ticks=report.trigger_ticks,
                time_ns=report.time_ns,
            )
        elif isinstance(report, Rejected | Cancelled | Expired):
            status = _ENDS[type(report)]
            entry.state = msgspec.structs.replace(
                state, status=status, reason=report.reason, time_ns=report.time_ns
            )
            self._end(entry)
        return entry

    def _book_fill(self, entry: Entry, fill: Fill) -> None:
        state = entry.state
        complete = fill.cumulative_quantity >= state.quantity
        entry.state = msgspec.structs.replace(
            state,
            filled=fill.cumulative_quantity,
            status=OrderStatus.FILLED if complete else OrderStatus.PARTIAL_FILLED,
            time_ns=fill.time_ns,
        )
        self._fills.append((entry, fill))
        held = self._positions.get(state.symbol, 0) + state.side.sign * fill.quantity
        self._positions[state.symbol] = held
        if complete:
            self._end(entry)

    def _end(self, entry: Entry) -> None:
        del self.working[entry.key]
        self._ended.append(entry)

    def _forget(self, now_ns: int) -> None:
        before = now_ns - _KEPT_NS
        while self._ended and self._ended[0].state.time_ns < before:
            entry = self._ended.popleft()
            del self._entries[entry.key]
            name = entry.order.client_order_id
            if self._latest.get(name) is entry:
                del self._latest[name]
        entries = self._fills
        if entries and entries[0][1].time_ns < before - _HOUR:
            # In bulk, for the rest of the list moves up each time.
            del entries[: bisect_left(entries, before, key=_time_of)]

    # Answers

    def find_working(self, client_order_id: str) -> Entry | None:
        """The latest order of that client order id that may still fill."""
        entry = self._latest.get(client_order_id)
        while entry is not None and not entry.is_working:
            entry = entry.previous
        return entry

    def working_orders(self) -> tuple[BrokerOrder, ...]:
        """Every order that may still fill, oldest first."""
        return tuple(entry.state for entry in self.working.values())

    def orders_today(self, now_ns: int) -> tuple[BrokerOrder, ...]:
        """Those that ended in the trade date of ``now_ns``, in that order, then the working."""
        return (*self._ended_today(now_ns), *self.working_orders())

    def _ended_today(self, now_ns: int) -> list[BrokerOrder]:
        starts: dict[str, int] = {}
        found = []
        for entry in reversed(self._ended):
            instrument = entry.order.instrument
            start_ns = starts.get(instrument.symbol)
            if start_ns is None:
                start_ns = starts[instrument.symbol] = self._start_of_date(instrument, now_ns)
            if entry.state.time_ns >= start_ns:
                found.append(entry.state)
        found.reverse()
        return found

    def _start_of_date(self, instrument: Instrument, now_ns: int) -> int:
        start_ns, end_ns = self._dates.get(instrument.symbol, (0, 0))
        if not start_ns <= now_ns < end_ns:
            end_ns = trade_date_end_ns(instrument, now_ns)
            # A day lasts from 23 to 25 hours where clocks change.
            start_ns = trade_date_end_ns(instrument, end_ns - 26 * _HOUR)
            self._dates[instrument.symbol] = start_ns, end_ns
        return start_ns

    def orders(self) -> tuple[BrokerOrder, ...]:
        """Every order that is kept: those that ended, in that order, then the working."""
        return (*(entry.state for entry in self._ended), *self.working_orders())

    def fills(self, since_ns: int = 0) -> tuple[Fill, ...]:
        """Every fill at or after ``since_ns``, oldest first, with the sender's order id."""
        start = bisect_left(self._fills, since_ns, key=_time_of)
        return tuple(named(fill, entry) for entry, fill in self._fills[start:])

    def positions(self) -> tuple[BrokerPosition, ...]:
        """What is held; a symbol that is left out is flat."""
        return tuple(
            BrokerPosition(symbol=symbol, quantity=quantity)
            for symbol, quantity in self._positions.items()
            if quantity
        )


def named(report: ReportT, entry: Entry | None) -> ReportT:
    """The report with the client order id that the order's sender gave."""
    if entry is None or entry.key == entry.order.client_order_id:
        return report
    return msgspec.structs.replace(report, client_order_id=entry.order.client_order_id)


def _time_of(booked: tuple[Entry, Fill]) -> int:
    return booked[1].time_ns
