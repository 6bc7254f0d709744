"""An honest broker over a dict, and a rig that trades with it through the chaos."""

import random
from collections import deque
from contextlib import asynccontextmanager

import anyio
import anyio.lowlevel
import msgspec
import pytest

from fillbridge_chaos import PROFILES, ChaosDriver, Faults
from fillbridge_hooks import (
    Accepted,
    ApprovedOrder,
    BrokerOrder,
    BrokerPosition,
    Cancelled,
    CancelRejected,
    Capabilities,
    ConnectionTerms,
    DriverError,
    Fill,
    Instrument,
    Liquidity,
    NotSent,
    Order,
    OrderRole,
    OrderStatus,
    OrderType,
    Permit,
    Replaced,
    ReplaceRejected,
    Sent,
    Side,
)
from fillbridge_hooks.testing import ManualClock

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
ES = Instrument(symbol="ES", tick_size=0.25, point_value=50)
ENDED = (OrderStatus.FILLED, OrderStatus.CANCELLED)


class HonestBroker:
    """Market orders fill at once, others when the test says so; every query is the truth."""

    def __init__(self, clock):
        self.clock = clock
        self.orders = {}
        self.sides = {}
        self.executions = []
        self.session = None

    def say(self, report):
        if self.session is not None:
            self.session.hear(report)

    def take(self, order):
        name = order.client_order_id
        assert name not in self.orders, "the chaos never sends an order twice"
        self.orders[name] = BrokerOrder(
            client_order_id=name,
            broker_order_id=f"B{name}",
            symbol=order.instrument.symbol,
            side=order.side,
            quantity=order.quantity,
            filled=0,
            status=OrderStatus.SUBMITTED,
            order_type=order.order_type,
            limit_ticks=order.limit_ticks,
            time_ns=self.clock.now_ns,
        )
        self.say(Accepted(name, f"B{name}", self.clock.now_ns))
        if order.order_type is OrderType.MARKET:
            self.fill(name, order.quantity)

    def fill(self, name, quantity):
        order = self.orders[name]
        total = order.filled + quantity
        assert total <= order.quantity
        status = OrderStatus.FILLED if total == order.quantity else OrderStatus.PARTIAL_FILLED
        self.orders[name] = msgspec.structs.replace(order, filled=total, status=status)
        fill = Fill(
            fill_id=f"F{len(self.executions) + 1}",
            client_order_id=name,
            broker_order_id=order.broker_order_id,
            quantity=quantity,
            cumulative_quantity=total,
            price=5000.0,
            reference_ticks=20000,
            slippage=0.0,
            slippage_model="",
            liquidity=Liquidity.TAKER,
            time_ns=self.clock.now_ns,
        )
        self.executions.append(fill)
        self.say(fill)
        return fill

    def cancel(self, name):
        now_ns = self.clock.now_ns
        order = self.orders.get(name)
        if order is None or order.status in ENDED:
            self.say(CancelRejected(name, "too late", now_ns))
            return
        self.orders[name] = msgspec.structs.replace(order, status=OrderStatus.CANCELLED)
        self.say(Cancelled(name, "asked for", now_ns, order.filled))

    def replace(self, change):
        name, now_ns = change.client_order_id, self.clock.now_ns
        order = self.orders.get(name)
        if order is None or order.status in ENDED:
            self.say(ReplaceRejected(name, "too late", now_ns))
            return
        self.orders[name] = msgspec.structs.replace(order, quantity=change.quantity)
        kind, limit, trigger = change.order_type, change.limit_ticks, change.trigger_ticks
        self.say(Replaced(name, change.quantity, kind, limit, trigger, now_ns))

    def working(self):
        return tuple(order for order in self.orders.values() if order.status not in ENDED)

    def positions(self):
        held = 0
        for fill in self.executions:
            held += self.orders[fill.client_order_id].side.sign * fill.quantity
        return (BrokerPosition(symbol="ES", quantity=held),) if held else ()


class HonestSession:
    def __init__(self, broker):
        self.broker = broker
        self.waiting = deque()
        self.arrived = anyio.Event()
        self.failure = None
        self.refuses = False

    def hear(self, message):
        self.waiting.append(message)
        self.arrived.set()

    def fail(self, error):
        self.failure = error
        self.arrived.set()

    async def _send(self, name, act, argument):
        await anyio.lowlevel.checkpoint()
        if self.refuses:
            return NotSent(name, "the pipe is full", self.broker.clock.now_ns)
        act(argument)
        return Sent(name)

    async def submit(self, approved):
        approved.permit.spend()
        order = approved.order
        return await self._send(order.client_order_id, self.broker.take, order)

    async def cancel(self, client_order_id):
        return await self._send(client_order_id, self.broker.cancel, client_order_id)

    async def replace(self, change):
        return await self._send(change.client_order_id, self.broker.replace, change)

    async def receive(self):
        await anyio.lowlevel.checkpoint()
        while not self.waiting:
            if self.failure is not None:
                raise self.failure
            self.arrived = anyio.Event()
            await self.arrived.wait()
        return self.waiting.popleft()

    async def working_orders(self):
        return self.broker.working()

    async def orders_today(self):
        return tuple(self.broker.orders.values())

    async def fills(self, since_ns):
        return tuple(fill for fill in self.broker.executions if fill.time_ns >= since_ns)

    async def positions(self):
        return self.broker.positions()


class HonestDriver:
    capabilities = Capabilities(replace=True, partial_fills=True)

    def __init__(self, broker):
        self.broker = broker

    @asynccontextmanager
    async def connect(self, terms):
        self.broker.session = HonestSession(self.broker)
        try:
            yield self.broker.session
        finally:
            self.broker.session = None


class Rig:
    """Who trades through the chaos: it listens, asks, and remembers what it heard."""

    def __init__(self, faults=None, seed=1, inside=None, settings=None):
        self.settings = settings
        self.clock = ManualClock(START)
        self.broker = HonestBroker(self.clock)
        self.inside = inside or HonestDriver(self.broker)
        self.driver = ChaosDriver(self.inside, faults or Faults(), seed)
        self.terms = ConnectionTerms(
            account="A",
            instruments=(ES,),
            settings=self.settings,
            credentials={},
            clock=self.clock,
            heartbeat_interval_s=30,
        )
        self.heard = []
        self.error = None
        self.orders_made = 0

    @property
    def counters(self):
        return self.driver.counters

    @asynccontextmanager
    async def connected(self):
        failure = None
        async with self.driver.connect(self.terms) as session, anyio.create_task_group() as group:
            self.error = None
            group.start_soon(self._listen, session)
            await self.clock.settle()
            try:
                yield session
                await self.clock.settle()
            except DriverError as error:
                failure = error  # the group would wrap it
            group.cancel_scope.cancel()
        if failure is not None:
            raise failure

    async def _listen(self, session):
        while True:
            try:
                message = await session.receive()
            except DriverError as error:
                self.error = error
                return
            self.heard.append((self.clock.now_ns, message))

    @property
    def messages(self):
        return [message for _, message in self.heard]

    def of(self, kind):
        return [message for message in self.messages if isinstance(message, kind)]

    def order(self, quantity=1, kind=OrderType.MARKET, side=Side.BUY):
        self.orders_made += 1
        return ApprovedOrder(
            Order(
                client_order_id=f"T{self.orders_made}",
                trade_id=f"T{self.orders_made}",
                role=OrderRole.ENTRY,
                instrument=ES,
                side=side,
                quantity=quantity,
                order_type=kind,
                limit_ticks=20000 if kind is OrderType.LIMIT else None,
            ),
            Permit(),
        )

    async def ask(self, question, *arguments):
        """Ask, and let the time pass that it takes."""
        answered = []

        async def run():
            try:
                answered.append((await question(*arguments), None))
            except DriverError as error:
                answered.append((None, error))

        async with anyio.create_task_group() as group:
            group.start_soon(run)
            await self.clock.settle()
            while not answered:
                await self.clock.advance_to(self.clock.next_due_ns)
        answer, error = answered[0]
        if error is not None:
            raise error
        return answer

    async def read(self, session):
        """One pass over everything that can be asked."""
        questions = (session.working_orders, session.orders_today, session.positions)
        answers = [await self.ask(question) for question in questions]
        return (*answers, await self.ask(session.fills, 0))


async def rehearse(rig, steps, rng):
    """Trade at random through the chaos, connecting again whenever the link is lost."""
    done = 0
    while done < steps:
        try:
            async with rig.connected() as session:
                while done < steps and rig.error is None:
                    done += 1
                    await step(rig, session, rng)
        except DriverError:
            await rig.clock.advance(1)


async def step(rig, session, rng):
    broker = rig.broker
    working = [order.client_order_id for order in broker.working()]
    action = rng.randrange(6)
    if action < 2 or not working:
        kind = rng.choice([OrderType.MARKET, OrderType.LIMIT])
        side = rng.choice([Side.BUY, Side.SELL])
        await session.submit(rig.order(rng.randint(1, 6), kind, side))
    elif action == 2:
        order = broker.orders[rng.choice(working)]
        broker.fill(order.client_order_id, rng.randint(1, order.quantity - order.filled))
    elif action == 3:
        await session.cancel(rng.choice(working))
    elif action == 4:
        try:
            await rig.read(session)
        except DriverError:
            return
    await rig.clock.advance(rng.choice([0.0, 0.01, 0.3, 2.0]))


async def settled(rig, passes=300):
    """Wait for quiet, then ask until two passes over all queries agree; answer the last."""
    await rig.clock.advance(120)
    last = None
    for _ in range(passes):
        try:
            async with rig.connected() as session:
                while True:
                    await rig.clock.advance(20)
                    read = await rig.read(session)
                    if read == last:
                        return read
                    last = read
        except DriverError:
            last = None
            await rig.clock.advance(1)
    raise AssertionError("expected two equal passes")


def trace_of(seed, profile="hell", backend="asyncio", steps=120):
    """What a rehearsal leaves behind: the hash of its trace and its counters."""

    async def run():
        rig = Rig(PROFILES[profile], seed)
        await rehearse(rig, steps, random.Random(99))
        return rig.driver.trace_hash, rig.counters

    return anyio.run(run, backend=backend)


@pytest.fixture(scope="session")
def make_rig():
    return Rig


@pytest.fixture(scope="session")
def rehearsal():
    return rehearse


@pytest.fixture(scope="session")
def settling():
    return settled


@pytest.fixture(scope="session")
def tracing():
    return trace_of
