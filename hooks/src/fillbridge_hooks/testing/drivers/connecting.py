"""Connect: what is there before the first order."""

import msgspec

from fillbridge_hooks.capabilities import Capabilities
from fillbridge_hooks.driver import Driver
from fillbridge_hooks.market import QuoteTick, TradeTick
from fillbridge_hooks.testing.drivers.conversation import Conversation
from fillbridge_hooks.testing.drivers.stage import Stage
from fillbridge_hooks.testing.drivers.table import TABLE
from fillbridge_hooks.testing.requirements import demand, demand_equal

GROUP = "connect"


@TABLE.add(10, GROUP)
async def the_driver_declares_its_capabilities(stage: Stage) -> None:
    """A driver has ``connect`` and declares an instance of ``Capabilities``.

    If this fails, set ``capabilities = Capabilities(...)`` on the driver's class, with each thing
    that the broker does by itself.
    """
    driver = stage.rehearsal.driver
    demand(isinstance(driver, Driver), f"driver: expected connect(), was {driver!r}")
    declared = driver.capabilities
    demand(
        isinstance(declared, Capabilities)
        and all(type(flag) is bool for flag in msgspec.structs.astuple(declared)),
        f"capabilities: expected an instance of Capabilities, was {declared!r}",
    )


@TABLE.add(20, GROUP)
async def a_fresh_account_is_empty(stage: Stage) -> None:
    """A session answers all four queries on an account without history, each with nothing.

    If this fails, answer an empty tuple where the broker has nothing to say: that is no error.
    Check, too, that the rehearsal starts a broker of its own for each test.
    """
    async with stage.session() as talk:
        session = talk.session
        demand_equal("working_orders()", await session.working_orders(), ())
        demand_equal("orders_today()", await session.orders_today(), ())
        demand_equal("fills(0)", await session.fills(0), ())
        demand_equal("positions()", await session.positions(), ())


@TABLE.add(30, GROUP)
async def a_driver_connects_again_and_again(stage: Stage) -> None:
    """A driver can be connected once more after a session has ended, and again after that.

    If this fails, keep what belongs to a connection in the session, not in the driver.
    """
    for _ in range(3):
        async with stage.session() as talk:
            await stage.settle(talk)


@TABLE.add(40, GROUP, "market_data")
async def market_data_is_heard(stage: Stage) -> None:
    """A session hears of trades or quotes of the instruments that it was connected for.

    If this fails, subscribe for each of ``terms.instruments`` when connecting, and hand on
    what comes as ``TradeTick`` or ``QuoteTick`` with its ``symbol`` and prices in points.
    """
    async with stage.session() as talk:
        await stage.drive(8)

        def said() -> bool | None:
            return any(_is_at(one, stage, 8) for one in talk.heard) or None

        await talk.until(f"market data of {stage.symbol} at {stage.price(8)}", said)


@TABLE.add(50, GROUP)
async def a_connection_begins_without_reports(stage: Stage) -> None:
    """A new session on an account without history reports nothing that nobody asked for.

    If this fails, leave out what the broker says of other accounts or replays from other days.
    """
    async with stage.session() as talk:
        await stage.settle(talk)
        demand_equal("orders reported on", _orders_of(talk), 1)


def _is_at(said: object, stage: Stage, ticks: int) -> bool:
    price = stage.price(ticks)
    if isinstance(said, TradeTick):
        return said.symbol == stage.symbol and said.price == price
    if isinstance(said, QuoteTick):
        return said.symbol == stage.symbol and price in (said.bid, said.ask)
    return False


def _orders_of(talk: Conversation) -> int:
    return len({report.client_order_id for report in talk.reports})
