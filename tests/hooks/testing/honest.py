"""A complete broker in memory, its driver, and what it is rehearsed with.

Everything it does is a small method, so that a driver that is broken in one way is a subclass of
one method.
"""

import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio
import anyio.lowlevel
import msgspec

from fillbridge_hooks import (
    Accepted,
    ApprovedOrder,
    BrokerOrder,
    BrokerPosition,
    Cancelled,
    CancelRejected,
    Capabilities,
    ConnectionTerms,
    Fill,
    Instrument,
    Liquidity,
    Message,
    NotSent,
    Order,
    OrderRole,
    OrderStatus,
    OrderType,
    OutcomeUnknown,
    Rehearsal,
    Rejected,
    Replaced,
    Replacement,
    ReplaceRejected,
    RetryableError,
    SendOutcome,
    Sent,
    TradeTick,
)
from fillbridge_hooks.testing import ManualClock, connection_terms

EVERYTHING = Capabilities(
    bracket=True,
    bracket_distances=True,
    replace=True,
    query_by_client_order_id=True,
    idempotent_submit=True,
    partial_fills=True,
    market_data=True,
)
PRICED = {
    OrderType.MARKET: (False, False),
    OrderType.LIMIT: (True, False),
    OrderType.STOP: (False, True),
    OrderType.STOP_LIMIT: (True, True),
}
WORKING = (OrderStatus.SUBMITTED, OrderStatus.PARTIAL_FILLED)
START_NS = 1_700_000_000_000_000_000


class Entry:
    """An order in the book."""

    def __init__(self, order: Order, broker_order_id: str) -> None:
        self.order = order
        self.broker_order_id = broker_order_id
        self.quantity = order.quantity
        self.filled = 0
        self.status = OrderStatus.SUBMITTED
        self.order_type = order.order_type
        self.limit_ticks = order.limit_ticks
        self.trigger_ticks = order.trigger_ticks
        self.triggered = False
        self.reason = ""
        self.filled_at = 0
        self.legs: list[Entry] = []
        self.template_legs: tuple[Order, ...] = ()
        self.parent: Entry | None = None

    @property
    def client_order_id(self) -> str:
        return self.order.client_order_id

    @property
    def left(self) -> int:
        return self.quantity - self.filled

    @property
    def works(self) -> bool:
        return self.status in WORKING


class Link:
    """The wire under one session."""

    def __init__(self) -> None:
        self.alive = True
        self.dies_after_next_request = False
        self.send, self.receive = anyio.create_memory_object_stream[Message](math.inf)

    def deliver(self, message: Message) -> None:
        if self.alive:
            self.send.send_nowait(message)

    def lose(self) -> None:
        self.alive = False
        self.send.close()


class Broker:
    """One account; outlives every session."""

    def __init__(self) -> None:
        self.clock = ManualClock(START_NS)
        self.entries: list[Entry] = []
        self.executions: list[Fill] = []
        self.held: dict[str, int] = {}
        self.instruments: dict[str, Instrument] = {}
        self.link: Link | None = None

    # What a session asks

    def submit(self, order: Order, legs: tuple[Order, ...]) -> None:
        objection = self.objection(order)
        if objection:
            self.reject(order, objection)
        elif self.find(order.client_order_id) is None:
            self.accept(order).template_legs = legs

    def cancel(self, client_order_id: str) -> None:
        entry = self.find(client_order_id)
        if entry is None or not entry.works:
            self.report(CancelRejected(client_order_id, "no working order", self.clock.now_ns))
        else:
            self.end(entry, OrderStatus.CANCELLED)
            self.report(self.withdrawn(entry, "cancelled"))

    def withdrawn(self, entry: Entry, reason: str) -> Cancelled:
        return Cancelled(entry.client_order_id, reason, self.clock.now_ns, entry.filled)

    def replace(self, change: Replacement) -> None:
        entry = self.find(change.client_order_id)
        if entry is None or not entry.works or change.quantity <= entry.filled:
            self.report(ReplaceRejected(change.client_order_id, "too late", self.clock.now_ns))
            return
        self.change(entry, change)
        self.report(
            Replaced(
                change.client_order_id,
                change.quantity,
                change.order_type,
                change.limit_ticks,
                change.trigger_ticks,
                self.clock.now_ns,
            )
        )

    def show(self, entry: Entry) -> BrokerOrder:
        return BrokerOrder(
            client_order_id=entry.client_order_id,
            broker_order_id=entry.broker_order_id,
            symbol=entry.order.instrument.symbol,
            side=entry.order.side,
            quantity=entry.quantity,
            filled=entry.filled,
            status=entry.status,
            order_type=entry.order_type,
            limit_ticks=entry.limit_ticks,
            trigger_ticks=entry.trigger_ticks,
            reason=entry.reason,
            time_ns=self.clock.now_ns,
        )

    def working_orders(self) -> tuple[BrokerOrder, ...]:
        return tuple(self.show(entry) for entry in self.entries if entry.works)

    def orders_today(self) -> tuple[BrokerOrder, ...]:
        return tuple(map(self.show, self.entries))

    def fills(self, since_ns: int) -> tuple[Fill, ...]:
        return tuple(fill for fill in self.executions if fill.time_ns >= since_ns)

    def positions(self) -> tuple[BrokerPosition, ...]:
        return tuple(
            BrokerPosition(symbol=symbol, quantity=quantity)
            for symbol, quantity in self.held.items()
            if quantity
        )

    # What follows from it

    def objection(self, order: Order) -> str:
        if order.instrument.symbol not in self.instruments:
            return "no such contract"
        prices = (order.limit_ticks is not None, order.trigger_ticks is not None)
        return "" if prices == PRICED.get(order.order_type) else "a price is missing"

    def reject(self, order: Order, reason: str) -> None:
        entry = self.enter(order)
        entry.status, entry.reason = OrderStatus.REJECTED, reason
        self.report(Rejected(order.client_order_id, reason, self.clock.now_ns))

    def accept(self, order: Order) -> Entry:
        entry = self.enter(order)
        self.report(Accepted(order.client_order_id, entry.broker_order_id, self.clock.now_ns))
        return entry

    def enter(self, order: Order) -> Entry:
        entry = Entry(order, f"B{len(self.entries) + 1}")
        self.entries.append(entry)
        return entry

    def end(self, entry: Entry, status: OrderStatus) -> None:
        entry.status = status

    def change(self, entry: Entry, change: Replacement) -> None:
        entry.quantity = change.quantity
        entry.order_type = change.order_type
        entry.limit_ticks = change.limit_ticks
        entry.trigger_ticks = change.trigger_ticks

    def find(self, client_order_id: str) -> Entry | None:
        for entry in self.entries:
            if entry.client_order_id == client_order_id:
                return entry
        return None

    def report(self, message: Message) -> None:
        if self.link is not None:
            self.link.deliver(message)

    # The market

    def trade(self, symbol: str, price: float, quantity: int | None) -> None:
        size = 1_000_000 if quantity is None else quantity
        self.report(TradeTick(self.clock.now_ns, price, size, symbol))
        ticks = self.instruments[symbol].to_ticks(price)
        for entry in list(self.entries):
            if entry.works and entry.order.instrument.symbol == symbol and size:
                size -= self.match(entry, ticks, size)

    def match(self, entry: Entry, ticks: int, size: int) -> int:
        if not self.meets(entry, ticks):
            return 0
        taken = min(size, entry.left)
        self.execute(entry, taken, ticks)
        return taken

    def meets(self, entry: Entry, ticks: int) -> bool:
        sign = entry.order.side.sign
        if entry.trigger_ticks is not None and not entry.triggered:
            entry.triggered = (ticks - entry.trigger_ticks) * sign >= 0
            if not entry.triggered:
                return False
        return entry.limit_ticks is None or (entry.limit_ticks - ticks) * sign >= 0

    def execute(self, entry: Entry, quantity: int, ticks: int) -> None:
        entry.filled += quantity
        if entry.left:
            entry.status = OrderStatus.PARTIAL_FILLED
        else:
            self.end(entry, OrderStatus.FILLED)
        self.hold(entry, quantity)
        fill = self.make_fill(entry, quantity, ticks)
        self.executions.append(fill)
        self.report(fill)
        entry.filled_at = ticks
        self.protect(entry)

    def hold(self, entry: Entry, quantity: int) -> None:
        symbol = entry.order.instrument.symbol
        self.held[symbol] = self.held.get(symbol, 0) + entry.order.side.sign * quantity

    def make_fill(self, entry: Entry, quantity: int, ticks: int) -> Fill:
        return Fill(
            fill_id=f"F{len(self.executions) + 1}",
            client_order_id=entry.client_order_id,
            broker_order_id=entry.broker_order_id,
            quantity=quantity,
            cumulative_quantity=entry.filled,
            price=entry.order.instrument.to_price(ticks),
            reference_ticks=ticks,
            slippage=0.0,
            slippage_model="",
            liquidity=Liquidity.TAKER,
            time_ns=self.clock.now_ns,
        )

    # Brackets

    def protect(self, entry: Entry) -> None:
        """Make the legs fit what a fill of the entry, or of one of them, has left."""
        parent = entry.parent or entry
        if not parent.legs:
            for order in parent.template_legs:
                leg = self.accept(self.placed(order, parent.filled_at))
                leg.parent = parent
                parent.legs.append(leg)
        self.resize(parent, self.unprotected(parent))

    def placed(self, leg: Order, filled_at: int) -> Order:
        """The leg with its price, where that counts from the fill."""
        if leg.distance_ticks is None:
            return leg
        if leg.role is OrderRole.TARGET:
            ticks = filled_at - leg.side.sign * leg.distance_ticks
            return msgspec.structs.replace(leg, limit_ticks=ticks, distance_ticks=None)
        ticks = filled_at + leg.side.sign * leg.distance_ticks
        return msgspec.structs.replace(leg, trigger_ticks=ticks, distance_ticks=None)

    def unprotected(self, parent: Entry) -> int:
        return parent.filled - sum(leg.filled for leg in parent.legs)

    def resize(self, parent: Entry, left: int) -> None:
        for leg in parent.legs:
            if leg.works:
                self.resize_leg(leg, left)

    def resize_leg(self, leg: Entry, left: int) -> None:
        leg.quantity = leg.filled + left
        if not left:
            self.end(leg, OrderStatus.CANCELLED)
            self.report(self.withdrawn(leg, "the other leg"))


class HonestSession:
    """One connection to the broker."""

    def __init__(self, broker: Broker, link: Link) -> None:
        self.broker = broker
        self.link = link

    async def submit(self, approved: ApprovedOrder) -> SendOutcome:
        approved.permit.spend()
        order = approved.order
        return await self.request(
            order.client_order_id, lambda: self.broker.submit(order, approved.legs)
        )

    async def cancel(self, client_order_id: str) -> SendOutcome:
        return await self.request(client_order_id, lambda: self.broker.cancel(client_order_id))

    async def replace(self, change: Replacement) -> SendOutcome:
        return await self.request(change.client_order_id, lambda: self.broker.replace(change))

    async def request(self, client_order_id: str, carry_out: Callable[[], None]) -> SendOutcome:
        await anyio.lowlevel.checkpoint()
        now_ns = self.broker.clock.now_ns
        if not self.link.alive:
            return NotSent(client_order_id, "not connected", now_ns)
        if self.link.dies_after_next_request:
            self.link.lose()
            carry_out()
            return OutcomeUnknown(client_order_id, "the link was lost", now_ns)
        carry_out()
        return Sent(client_order_id)

    async def receive(self) -> Message:
        try:
            return await self.link.receive.receive()
        except (anyio.EndOfStream, anyio.ClosedResourceError):
            raise RetryableError("the link was lost") from None

    async def ask(self) -> None:
        await anyio.lowlevel.checkpoint()
        if not self.link.alive:
            raise RetryableError("the link was lost")

    async def working_orders(self) -> tuple[BrokerOrder, ...]:
        await self.ask()
        return self.broker.working_orders()

    async def orders_today(self) -> tuple[BrokerOrder, ...]:
        await self.ask()
        return self.broker.orders_today()

    async def fills(self, since_ns: int) -> tuple[Fill, ...]:
        await self.ask()
        return self.broker.fills(since_ns)

    async def positions(self) -> tuple[BrokerPosition, ...]:
        await self.ask()
        return self.broker.positions()


class HonestDriver:
    """The way to a broker in memory."""

    capabilities = EVERYTHING
    broker_class: type[Broker] = Broker
    session_class: type[HonestSession] = HonestSession

    def __init__(self) -> None:
        self.broker = self.broker_class()

    @asynccontextmanager
    async def connect(self, terms: ConnectionTerms) -> AsyncIterator[HonestSession]:
        await anyio.lowlevel.checkpoint()
        link = Link()
        broker = self.broker
        broker.instruments = {one.symbol: one for one in terms.instruments}
        broker.link = link
        with link.send, link.receive:
            try:
                yield self.session_class(broker, link)
            finally:
                link.lose()

    async def drive(self, symbol: str, price: float, quantity: int | None = None) -> None:
        await self.broker.clock.advance(0.001)
        self.broker.trade(symbol, price, quantity)

    async def cut(self, *, after_next_request: bool = False) -> None:
        await anyio.lowlevel.checkpoint()
        link = self.broker.link
        assert link is not None
        if after_next_request:
            link.dies_after_next_request = True
        else:
            link.lose()


@asynccontextmanager
async def rehearse(
    driver_class: type[HonestDriver] = HonestDriver,
    *,
    capabilities: Capabilities | None = None,
    with_cut: bool = True,
) -> AsyncIterator[Rehearsal]:
    driver = driver_class()
    if capabilities is not None:
        driver.capabilities = capabilities
    rehearsal = Rehearsal(
        driver=driver,
        terms=connection_terms(driver.broker.clock),
        drive=driver.drive,
        cut=driver.cut if with_cut else None,
    )
    yield rehearsal
