"""What the simulated broker is rehearsed with: a market that trades when it is told to."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio.lowlevel
import msgspec

from fillbridge_hooks import Drive, Rehearsal
from fillbridge_hooks.testing import connection_terms, loop_clock
from fillbridge_sim.driver import SimDriver
from fillbridge_sim.live.broker import LiveBroker
from fillbridge_sim.settings import LiveMarket, SimulationSettings

_ENOUGH = 1_000_000


def rehearsed(settings: SimulationSettings) -> SimulationSettings:
    """These rules for a rehearsal: orders take no more than what trades, which is by hand."""
    return msgspec.structs.replace(settings, volume_share=1.0, live=LiveMarket(market="manual"))


def hand_driven(broker: Callable[[], LiveBroker | None]) -> Drive:
    """What moves the market of a broker, once there is one."""

    async def drive(symbol: str, price: float, quantity: int | None = None) -> None:
        await anyio.lowlevel.checkpoint()
        found = broker()
        if found is not None:
            found.trade(symbol, price, _ENOUGH if quantity is None else quantity)

    return drive


@asynccontextmanager
async def rehearse(driver: SimDriver, settings: SimulationSettings) -> AsyncIterator[Rehearsal]:
    """A broker in this process. There is no link that could be cut."""
    async with loop_clock() as clock:
        terms = connection_terms(clock, rehearsed(settings))
        yield Rehearsal(driver=driver, terms=terms, drive=hand_driven(lambda: driver.broker))
