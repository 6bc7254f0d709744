"""What the driver is rehearsed with: a gateway in this process, over real TLS on loopback."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio.lowlevel
import msgspec

from fillbridge_hooks import Rehearsal, Secret
from fillbridge_hooks.testing import connection_terms, loop_clock
from fillbridge_rithmic.gateway import Gateway, GatewaySettings, serve_gateway
from fillbridge_rithmic.settings import RithmicSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fillbridge_rithmic.driver import RithmicDriver

_SETTLE_S = 0.02


@asynccontextmanager
async def rehearse(driver: RithmicDriver, settings: Any = None) -> AsyncIterator[Rehearsal]:
    """A gateway of its own, whose market trades when it is told to.

    :param settings: the driver's, of which the place, the login and the pauses are replaced
    """
    async with rehearse_at(driver, settings) as (rehearsal, _):
        yield rehearsal


@asynccontextmanager
async def rehearse_at(
    driver: RithmicDriver, settings: Any = None
) -> AsyncIterator[tuple[Rehearsal, Gateway]]:
    """A rehearsal, and the gateway that it is at."""
    wished = settings if isinstance(settings, RithmicSettings) else RithmicSettings()
    async with loop_clock() as clock:
        offered = GatewaySettings(market_orders="next-trade")
        (user, *_), (account, *_) = offered.users, offered.accounts
        gateway = Gateway(offered, now_ns=lambda: clock.now_ns)
        async with serve_gateway(gateway=gateway) as running:

            async def drive(symbol: str, price: float, quantity: int | None = None) -> None:
                await anyio.lowlevel.checkpoint()
                gateway.trade(symbol, price, quantity)

            async def cut(*, after_next_request: bool = False) -> None:
                if after_next_request:
                    # Heartbeats name no account; what asks for something does.
                    gateway.faults.arm("drop_before_ack", account=account.account_id)
                else:
                    await gateway.cut()

            terms = connection_terms(
                clock,
                msgspec.structs.replace(
                    wished,
                    uri=running.uri,
                    ca_file=running.ca_file,
                    system_name=offered.systems[0],
                    fcm_id=None,
                    ib_id=None,
                    trade_route=None,
                    settle_s=_SETTLE_S,
                    login_gap_s=0.0,
                ),
            )
            credentials = {"username": Secret(user.name), "password": Secret(user.password)}
            terms = msgspec.structs.replace(
                terms, account=account.account_id, credentials=credentials
            )
            yield Rehearsal(driver=driver, terms=terms, drive=drive, cut=cut), gateway
