"""Reject: what the broker does not take is said, and never fills."""

import msgspec

from fillbridge_hooks.orders import Order
from fillbridge_hooks.terms import OrderStatus, OrderType, Side
from fillbridge_hooks.testing.drivers.conversation import Conversation
from fillbridge_hooks.testing.drivers.stage import FAR, Stage
from fillbridge_hooks.testing.drivers.table import TABLE
from fillbridge_hooks.testing.requirements import demand, demand_equal

GROUP = "reject"


@TABLE.add(710, GROUP)
async def a_refusal_is_reported(stage: Stage) -> None:
    """An order that cannot be, a limit without a price, is refused with a reason.

    If this fails, report ``Rejected`` with the broker's words, or answer ``NotSent`` where the
    driver can tell by itself. A refusal that is swallowed leaves the order in doubt for ever.
    """
    async with stage.session() as talk:
        await _expect_refused(stage, talk, _impossible(stage))


@TABLE.add(720, GROUP)
async def a_refused_order_does_not_work(stage: Stage) -> None:
    """A refused order is not in ``working_orders``; in ``orders_today`` it is ``REJECTED``.

    If this fails, check how the broker's status is read.
    """
    async with stage.session() as talk:
        order = _impossible(stage)
        await _expect_refused(stage, talk, order)
        demand_equal("working_orders()", await talk.working(), set())
        for found in await talk.orders(order.client_order_id):
            demand_equal("status", found.status, OrderStatus.REJECTED)


@TABLE.add(730, GROUP)
async def a_refused_order_never_fills(stage: Stage) -> None:
    """The market may trade wherever it likes: a refused order does not fill.

    If this fails, check that a missing price is not sent as zero.
    """
    async with stage.session() as talk:
        order = _impossible(stage)
        await _expect_refused(stage, talk, order)
        await stage.drive(-40)
        await stage.drive(40)
        await stage.settle(talk)
        demand_equal("fills", talk.fills(order.client_order_id), [])
        demand_equal("position", await talk.position(stage.symbol), 0)


@TABLE.add(740, GROUP)
async def a_refusal_leaves_the_session_alone(stage: Stage) -> None:
    """After a refusal the next order is taken as if nothing had been.

    If this fails, do not end the session for what one order did.
    """
    async with stage.session() as talk:
        await _expect_refused(stage, talk, _impossible(stage))
        await stage.trade(talk, Side.BUY)


@TABLE.add(750, GROUP)
async def an_unknown_contract_is_refused(stage: Stage) -> None:
    """An order for a contract that does not exist is refused with a reason.

    If this fails, report ``Rejected``, or ``NotSent`` where the contract was not among
    ``terms.instruments``; ``submit`` does not raise for it.
    """
    async with stage.session() as talk:
        unknown = msgspec.structs.replace(stage.instrument, symbol="NO-SUCH-CONTRACT")
        order = msgspec.structs.replace(stage.limit(Side.BUY, -FAR), instrument=unknown)
        await _expect_refused(stage, talk, order)
        await stage.settle(talk)


def _impossible(stage: Stage) -> Order:
    return stage.order(Side.BUY, 1, OrderType.LIMIT)


async def _expect_refused(stage: Stage, talk: Conversation, order: Order) -> None:
    taken = await stage.is_taken(talk, order)
    demand(not taken, f"{order.client_order_id}: expected a refusal, was accepted")
