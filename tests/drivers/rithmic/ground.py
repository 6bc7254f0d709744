"""Where the driver is tried: a gateway of its own, over a proxy that can be broken."""

import gc
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio
import anyio.lowlevel
import msgspec
from tests.drivers.rithmic.proxy import Proxy, proxying

from fillbridge_hooks import ConnectionTerms, Rehearsal, Secret
from fillbridge_hooks.testing import connection_terms, loop_clock
from fillbridge_hooks.testing.drivers.stage import Stage
from fillbridge_rithmic import RithmicDriver, RithmicSettings
from fillbridge_rithmic.gateway import Gateway, GatewaySettings, serve_gateway
from fillbridge_rithmic.gateway.settings import User

ACCOUNT = "REHEARSAL"
PASSWORD = "correct-horse-battery"  # noqa: S105
PATIENCE_S = 20.0
"""So long a test that fails waits at most."""
_LOOK_S = 0.01

LOGIN, NEW_ORDER, MODIFY, CANCEL, BRACKET = 10, 312, 314, 316, 330
SENDS = (NEW_ORDER, BRACKET)


class Ground(Stage):
    """A stage, with what stands behind it."""

    def __init__(self, rehearsal: Rehearsal, gateway: Gateway, proxy: Proxy) -> None:
        super().__init__(rehearsal, "T")
        self.gateway = gateway
        self.proxy = proxy

    @property
    def terms(self) -> ConnectionTerms:
        return self.rehearsal.terms

    def received(self, *templates: int) -> list[Any]:
        """What clients sent, oldest first."""
        return [one.message for one in self.gateway.received if one.template in templates]

    def fills(self) -> dict[str, int]:
        """The account's fills: how many contracts each."""
        return {fill.fill_id: fill.size for fill in self.gateway.fills(ACCOUNT)}


@asynccontextmanager
async def ground(
    *,
    heartbeat_s: float = 30.0,
    receive_buffer: int | None = None,
    users: Iterable[str] = ("ann",),
    **settings: Any,
) -> AsyncIterator[Ground]:
    """A gateway whose market moves when it is told to.

    :param heartbeat_s: of the driver
    :param receive_buffer: of the proxy's ends, bytes
    :param users: who may log in; the first one does
    :param settings: of the driver
    """
    offered = GatewaySettings(
        market_orders="next-trade", users=tuple(User(name=one, password=PASSWORD) for one in users)
    )
    async with loop_clock() as clock:
        gateway = Gateway(offered, now_ns=lambda: clock.now_ns)
        async with (
            serve_gateway(gateway=gateway) as running,
            proxying(urlsplit(running.uri).port or 0, receive_buffer) as proxy,
        ):

            async def drive(symbol: str, price: float, quantity: int | None = None) -> None:
                await anyio.lowlevel.checkpoint()
                gateway.trade(symbol, price, quantity)

            wished: dict[str, Any] = {
                "settle_s": 0.02,
                "login_gap_s": 0.0,
                "system_name": offered.systems[0],
            }
            terms = connection_terms(
                clock,
                RithmicSettings(
                    uri=f"wss://127.0.0.1:{proxy.port}",
                    ca_file=running.ca_file,
                    **(wished | settings),
                ),
            )
            terms = msgspec.structs.replace(
                terms,
                account=ACCOUNT,
                credentials={
                    "username": Secret(offered.users[0].name),
                    "password": Secret(PASSWORD),
                },
                heartbeat_interval_s=heartbeat_s,
            )
            rehearsal = Rehearsal(
                driver=RithmicDriver(), terms=terms, drive=drive, patience_s=PATIENCE_S
            )
            yield Ground(rehearsal, gateway, proxy)


async def until(what: str, is_so: Callable[[], Any], told: Callable[[], Any] = lambda: "") -> None:
    """Look again and again; what was ``told`` instead is said if it never is so."""
    with anyio.move_on_after(PATIENCE_S):
        while not is_so():  # noqa: ASYNC110  # what happens at the gateway tells nobody
            await anyio.sleep(_LOOK_S)
        return
    raise AssertionError(f"expected {what} within {PATIENCE_S} s, was {told()}")


class Footprint(msgspec.Struct, frozen=True):
    """What this process uses."""

    tasks: int
    descriptors: int
    objects: int


def footprint() -> Footprint:
    """What this process uses now, without what nobody holds any more."""
    for _ in range(3):
        gc.collect()
    return Footprint(
        tasks=len(anyio.get_running_tasks()),
        descriptors=len(list(Path("/proc/self/fd").iterdir())),
        objects=len(gc.get_objects()),
    )


def limit_requests(session: Any, timeout_s: float) -> None:
    """Have this session wait so long for an answer from now on."""
    for plant in (session._orders, session._positions._plant):
        plant.request_timeout_s = timeout_s
