"""A live simulated broker on a clock that is moved by hand."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import msgspec
import pytest

from fillbridge_hooks import (
    ApprovedOrder,
    ConnectionTerms,
    Driver,
    Instrument,
    Message,
    Order,
    OrderRole,
    OrderType,
    Permit,
    QuoteTick,
    Replacement,
    SendOutcome,
    Session,
    Side,
    TimeInForce,
    TradeTick,
)
from fillbridge_hooks.testing import ManualClock
from fillbridge_sim import SimDriver, SimulationSettings

ES = Instrument(symbol="ES", tick_size=0.25, point_value=50)
START = 1_772_460_000_000_000_000  # a Monday, 08:00 in Chicago


def order(
    name: str,
    side: str = "BUY",
    quantity: int = 1,
    limit: float | None = None,
    stop: float | None = None,
    role: str = "entry",
    instrument: Instrument = ES,
    time_in_force: str = "GTC",
) -> Order:
    """An order whose type follows from the prices it has."""
    if stop is not None:
        kind = OrderType.STOP if limit is None else OrderType.STOP_LIMIT
    else:
        kind = OrderType.MARKET if limit is None else OrderType.LIMIT
    return Order(
        client_order_id=name,
        trade_id="T",
        role=OrderRole(role),
        instrument=instrument,
        side=Side(side),
        quantity=quantity,
        order_type=kind,
        limit_ticks=None if limit is None else instrument.to_ticks(limit),
        trigger_ticks=None if stop is None else instrument.to_ticks(stop),
        time_in_force=TimeInForce(time_in_force),
    )


class Desk:
    """A driver with its clock, told in points what to do."""

    def __init__(self, driver: Driver, clock: ManualClock, settings: SimulationSettings) -> None:
        self.driver = driver
        self.clock = clock
        self.settings = settings
        self._made = 0

    @asynccontextmanager
    async def log_in(self, account: str = "A", *instruments: Instrument) -> AsyncIterator["Seat"]:
        terms = ConnectionTerms(
            account=account,
            instruments=instruments or (ES,),
            settings=self.settings,
            credentials={},
            clock=self.clock,
            heartbeat_interval_s=30,
        )
        async with self.driver.connect(terms) as session:
            yield Seat(self, session)

    def trade(self, price: float, size: float = 1, symbol: str = "ES") -> None:
        assert isinstance(self.driver, SimDriver)
        assert self.driver.broker is not None
        self.driver.broker.trade(symbol, price, size)

    def quote(self, bid: float, ask: float, size: float = 100) -> None:
        assert isinstance(self.driver, SimDriver)
        assert self.driver.broker is not None
        self.driver.broker.quote("ES", bid, ask, size, size)

    order = staticmethod(order)

    def name(self) -> str:
        self._made += 1
        return f"O{self._made}"


class Seat:
    """One session, and shorter ways to use it."""

    def __init__(self, desk: Desk, session: Session) -> None:
        self.desk = desk
        self.session = session

    async def submit(self, asked: Order, *legs: Order) -> SendOutcome:
        return await self.session.submit(ApprovedOrder(asked, Permit(), legs))

    async def buy(self, quantity: int = 1, name: str | None = None, **terms: Any) -> str:
        name = name or self.desk.name()
        await self.submit(order(name, "BUY", quantity, **terms))
        return name

    async def sell(self, quantity: int = 1, name: str | None = None, **terms: Any) -> str:
        name = name or self.desk.name()
        await self.submit(order(name, "SELL", quantity, **terms))
        return name

    async def reprice(self, name: str, quantity: int, limit: float) -> SendOutcome:
        ticks = ES.to_ticks(limit)
        return await self.session.replace(Replacement(name, quantity, OrderType.LIMIT, ticks, None))

    async def heard(self) -> list[Message]:
        """Everything that can be received without time going on."""
        messages: list[Message] = []

        async def listen() -> None:
            while True:
                messages.append(await self.session.receive())

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(listen)
            await self.desk.clock.settle()
            tasks.cancel_scope.cancel()
        return messages

    async def reports(self) -> list[Any]:
        """As ``heard``, without market data."""
        heard = await self.heard()
        return [one for one in heard if not isinstance(one, TradeTick | QuoteTick)]

    async def story(self) -> list[tuple[str, str]]:
        """Kind and order of each report."""
        return [(type(one).__name__, one.client_order_id) for one in await self.reports()]

    async def held(self) -> dict[str, int]:
        return {held.symbol: held.quantity for held in await self.session.positions()}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def desk(clock: ManualClock) -> Callable[..., Desk]:
    """Open a broker: ``desk(bracket=True, ticks=path, volume_share=1.0)``."""

    def open_desk(bracket: bool = False, **settings: Any) -> Desk:
        matching = ("volume_share", "latency_ms", "limit_fill")
        rules = {name: settings.pop(name) for name in matching if name in settings}
        live = {"market": "manual", **settings}
        return Desk(
            SimDriver(bracket), clock, msgspec.convert({**rules, "live": live}, SimulationSettings)
        )

    return open_desk
