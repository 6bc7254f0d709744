"""Cancel: what is withdrawn never fills, and what has filled is never withdrawn."""

from fillbridge_hooks.reports import Cancelled, CancelRejected, NotSent
from fillbridge_hooks.terms import OrderStatus, Side
from fillbridge_hooks.testing.drivers.stage import FAR, Stage, expect_sent
from fillbridge_hooks.testing.drivers.table import TABLE
from fillbridge_hooks.testing.requirements import demand, demand_equal

GROUP = "cancel"


@TABLE.add(410, GROUP)
async def a_working_order_is_cancelled(stage: Stage) -> None:
    """``cancel`` of a working order answers ``Sent``, and ``Cancelled`` follows.

    If this fails, find the broker's order by the client order id and turn its confirmation into
    ``Cancelled``.
    """
    async with stage.session() as talk:
        order = stage.limit(Side.BUY, -8)
        await stage.send(talk, order)
        await stage.withdraw(talk, order)


@TABLE.add(420, GROUP)
async def a_cancelled_order_works_no_longer(stage: Stage) -> None:
    """A cancelled order is not in ``working_orders``, and ``CANCELLED`` in ``orders_today``.

    If this fails, check how the broker's status is read, and that ended orders of the day are
    asked for.
    """
    async with stage.session() as talk:
        order = stage.limit(Side.BUY, -8)
        await stage.send(talk, order)
        await stage.withdraw(talk, order)
        demand_equal("working_orders()", await talk.working(), set())
        found = await talk.order(order.client_order_id)
        demand_equal("status", found.status, OrderStatus.CANCELLED)
        demand_equal("filled", found.filled, 0)


@TABLE.add(430, GROUP)
async def a_cancelled_order_never_fills(stage: Stage) -> None:
    """The market may trade through the price of a cancelled order: it does not fill.

    If this fails, do not report ``Cancelled`` before the broker has confirmed it.
    """
    async with stage.session() as talk:
        order = stage.limit(Side.BUY, -8)
        await stage.send(talk, order)
        await stage.withdraw(talk, order)
        await stage.drive(-12)
        await stage.settle(talk)
        demand_equal("fills", talk.fills(order.client_order_id), [])
        demand_equal("position", await talk.position(stage.symbol), 0)


@TABLE.add(440, GROUP)
async def a_filled_order_cannot_be_cancelled(stage: Stage) -> None:
    """A cancel that comes after the fill is answered with ``CancelRejected``, never ``Cancelled``.

    If this fails, report what the broker answered to the cancel, not what was asked of it.
    """
    async with stage.session() as talk:
        (fill, *_) = await stage.trade(talk, Side.BUY)
        outcome = await talk.session.cancel(fill.client_order_id)
        if not isinstance(outcome, NotSent):
            await talk.answer(fill.client_order_id, CancelRejected)
        await stage.settle(talk)
        reports = talk.about(fill.client_order_id)
        demand(
            not any(isinstance(report, Cancelled) for report in reports),
            "cancel of a filled order: expected CancelRejected, was Cancelled",
        )
        found = await talk.order(fill.client_order_id)
        demand_equal("status", found.status, OrderStatus.FILLED)


@TABLE.add(450, GROUP)
async def an_unknown_order_cannot_be_cancelled(stage: Stage) -> None:
    """A cancel of an id that nobody sent is ``NotSent`` or answered with ``CancelRejected``.

    If this fails, answer instead of raising: the core asks for cancels of what may be gone.
    """
    async with stage.session() as talk:
        unknown = stage.limit(Side.BUY, -FAR).client_order_id
        outcome = await talk.session.cancel(unknown)
        if not isinstance(outcome, NotSent):
            expect_sent("cancel()", outcome, unknown)
            await talk.answer(unknown, CancelRejected)


@TABLE.add(460, GROUP)
async def a_cancel_leaves_other_orders_alone(stage: Stage) -> None:
    """Of two orders the one that is named is cancelled; the other works on and fills.

    If this fails, cancel by the order's id, never by symbol or side.
    """
    async with stage.session() as talk:
        gone, kept = stage.limit(Side.BUY, -8), stage.limit(Side.BUY, -8)
        await stage.send(talk, gone)
        await stage.send(talk, kept)
        await stage.withdraw(talk, gone)
        demand_equal("working_orders()", await talk.working(), {kept.client_order_id})
        await stage.drive(-12)
        await talk.filled(kept.client_order_id, 1)


@TABLE.add(470, GROUP)
async def a_second_cancel_is_answered_too(stage: Stage) -> None:
    """A cancel of what is cancelled already is answered, and changes nothing.

    If this fails, answer ``CancelRejected``, or ``NotSent`` where the driver knows it itself.
    """
    async with stage.session() as talk:
        order = stage.limit(Side.BUY, -8)
        await stage.send(talk, order)
        await stage.withdraw(talk, order)
        before = len(talk.about(order.client_order_id))
        outcome = await talk.session.cancel(order.client_order_id)
        if not isinstance(outcome, NotSent):
            expect_sent("cancel()", outcome, order.client_order_id)

            def said() -> object | None:
                return talk.about(order.client_order_id)[before:] or None

            await talk.until(f"a second answer for {order.client_order_id}", said)
        found = await talk.order(order.client_order_id)
        demand_equal("status", found.status, OrderStatus.CANCELLED)
