"""Replace: new terms take the place of the old ones, and what was filled counts on."""

from fillbridge_hooks.orders import Order
from fillbridge_hooks.reports import NotSent, Replaced, Replacement, ReplaceRejected
from fillbridge_hooks.terms import OrderStatus, OrderType, Side
from fillbridge_hooks.testing.drivers.conversation import Conversation
from fillbridge_hooks.testing.drivers.stage import (
    BASE_TICKS,
    FAR,
    Stage,
    expect_sent,
    expect_terms,
)
from fillbridge_hooks.testing.drivers.table import TABLE
from fillbridge_hooks.testing.requirements import demand, demand_equal

GROUP = "replace"


@TABLE.add(510, GROUP, "replace")
async def a_limit_is_moved(stage: Stage) -> None:
    """A new limit is confirmed by ``Replaced`` with the new terms, and ``working_orders`` has it.

    If this fails, send every field of the ``Replacement``, and report the terms that the broker
    confirmed.
    """
    async with stage.session() as talk:
        order = stage.limit(Side.BUY, -8, quantity=2)
        await stage.send(talk, order)
        replaced = await _replace(talk, order, limit_ticks=BASE_TICKS - 20)
        demand_equal("Replaced.limit_ticks", replaced.limit_ticks, BASE_TICKS - 20)
        demand_equal("Replaced.quantity", replaced.quantity, 2)
        found = await talk.order(order.client_order_id, among="working_orders")
        expect_terms(found, order, limit_ticks=BASE_TICKS - 20)


@TABLE.add(520, GROUP, "replace")
async def a_quantity_is_changed(stage: Stage) -> None:
    """A new quantity is the order's new total: it fills for that and for no more.

    If this fails, check whether the broker wants the total or what is left.
    """
    async with stage.session() as talk:
        order = stage.limit(Side.BUY, -8, quantity=3)
        await stage.send(talk, order)
        await _replace(talk, order, quantity=2)
        found = await talk.order(order.client_order_id, among="working_orders")
        expect_terms(found, order, quantity=2)
        await stage.drive(-12)
        await talk.filled(order.client_order_id, 2)
        await stage.settle(talk)
        filled = sum(fill.quantity for fill in talk.fills(order.client_order_id))
        demand_equal("filled", filled, 2)


@TABLE.add(530, GROUP, "replace")
async def the_old_price_is_forgotten(stage: Stage) -> None:
    """A replaced order does not fill at its old price, and fills at its new one.

    If this fails, the old order still works: replace it at the broker, or cancel it first.
    """
    async with stage.session() as talk:
        order = stage.limit(Side.BUY, -8)
        await stage.send(talk, order)
        await _replace(talk, order, limit_ticks=BASE_TICKS - 20)
        await stage.drive(-12)
        await stage.settle(talk)
        demand_equal("fills at the old price", talk.fills(order.client_order_id), [])
        await stage.drive(-24)
        (fill,) = await talk.filled(order.client_order_id, 1)
        limit = stage.price(-20)
        demand(fill.price <= limit, f"price: expected <= {limit}, was {fill.price}")


@TABLE.add(540, GROUP, "replace")
async def a_stop_becomes_a_market_order(stage: Stage) -> None:
    """A working stop can be replaced by a market order, which fills: so a position is closed.

    If this fails, send the new type too. The core closes positions this way, so that stop and
    exit can never both fill.
    """
    async with stage.session() as talk:
        await stage.trade(talk, Side.BUY)
        stop = stage.stop(Side.SELL, -40)
        await stage.send(talk, stop)
        await _replace(talk, stop, order_type=OrderType.MARKET, trigger_ticks=None)
        await stage.drive(0)
        await talk.filled(stop.client_order_id, 1)
        demand_equal("position", await talk.position(stage.symbol), 0)


@TABLE.add(550, GROUP, "replace")
async def a_filled_order_cannot_be_replaced(stage: Stage) -> None:
    """A replacement that comes after the fill is answered with ``ReplaceRejected``.

    If this fails, report what the broker answered, and never send the change as a new order.
    """
    async with stage.session() as talk:
        order = stage.limit(Side.BUY, -8)
        await stage.send(talk, order)
        await stage.drive(-12)
        await talk.filled(order.client_order_id, 1)
        outcome = await talk.session.replace(_change(order, limit_ticks=BASE_TICKS - 4, quantity=2))
        if not isinstance(outcome, NotSent):
            await talk.answer(order.client_order_id, ReplaceRejected)
        await stage.settle(talk)
        found = await talk.order(order.client_order_id)
        demand_equal("status", found.status, OrderStatus.FILLED)
        demand_equal("position", await talk.position(stage.symbol), 1)


@TABLE.add(560, GROUP)
async def an_unknown_order_cannot_be_replaced(stage: Stage) -> None:
    """A replacement of an id that nobody sent is ``NotSent`` or answered with ``ReplaceRejected``.

    If this fails, answer instead of raising. A driver that does not declare ``replace`` answers
    every replacement so.
    """
    async with stage.session() as talk:
        unknown = stage.limit(Side.BUY, -FAR)
        outcome = await talk.session.replace(_change(unknown))
        if not isinstance(outcome, NotSent):
            expect_sent("replace()", outcome, unknown.client_order_id)
            await talk.answer(unknown.client_order_id, ReplaceRejected)
        await stage.settle(talk)
        demand_equal("of the unknown", await talk.orders(unknown.client_order_id), [])


@TABLE.add(570, GROUP, "replace", "partial_fills")
async def what_was_filled_counts_after_a_replacement(stage: Stage) -> None:
    """A partly filled order that is replaced keeps its fills: the new quantity includes them.

    If this fails, check whether the broker counts anew; then send what is left, and add what
    was filled to what it reports.
    """
    async with stage.session() as talk:
        order = stage.limit(Side.BUY, -8, quantity=3)
        await stage.send(talk, order)
        await stage.drive(-12, 1)
        await talk.filled(order.client_order_id, 1)
        await _replace(talk, order, quantity=2)
        found = await talk.order(order.client_order_id, among="working_orders")
        expect_terms(found, order, quantity=2)
        demand_equal("filled", found.filled, 1)
        await stage.drive(-12)
        fills = await talk.filled(order.client_order_id, 2)
        sums = [fill.cumulative_quantity for fill in fills]
        demand_equal("cumulative quantities", sums, [1, 2])
        await stage.settle(talk)
        demand_equal("position", await talk.position(stage.symbol), 2)


@TABLE.add(580, GROUP, "replace", "partial_fills")
async def a_quantity_below_what_is_filled_is_refused(stage: Stage) -> None:
    """A new quantity that is filled already is refused, and the order works on as it was.

    If this fails, report the broker's refusal as ``ReplaceRejected``, with its reason and, if it
    says which change it refuses, with that one.
    """
    async with stage.session() as talk:
        order = stage.limit(Side.BUY, -8, quantity=3)
        await stage.send(talk, order)
        await stage.drive(-12, 2)
        await talk.filled(order.client_order_id, 2)
        change = _change(order, quantity=1)
        outcome = await talk.session.replace(change)
        if not isinstance(outcome, NotSent):
            refused = await talk.answer(order.client_order_id, ReplaceRejected)
            demand(refused.reason, "ReplaceRejected.reason: expected a reason, was ''")
            rule = f"ReplaceRejected.change: expected {change} or None, was {refused.change}"
            demand(refused.change in (None, change), rule)
        expect_terms(await talk.order(order.client_order_id, among="working_orders"), order)
        await stage.drive(-12)
        await talk.filled(order.client_order_id, 3)


@TABLE.add(590, GROUP, "replace")
async def a_trigger_is_moved(stage: Stage) -> None:
    """A stop whose trigger was moved waits for the new one, then fills.

    If this fails, check that a new trigger is neither sent nor read as a limit.
    """
    async with stage.session() as talk:
        order = stage.stop(Side.SELL, -8)
        await stage.send(talk, order)
        replaced = await _replace(talk, order, trigger_ticks=BASE_TICKS - 20)
        demand_equal("Replaced.trigger_ticks", replaced.trigger_ticks, BASE_TICKS - 20)
        found = await talk.order(order.client_order_id, among="working_orders")
        expect_terms(found, order, trigger_ticks=BASE_TICKS - 20)
        await stage.drive(-12)
        await stage.settle(talk)
        demand_equal("fills at the old trigger", talk.fills(order.client_order_id), [])
        await stage.drive(-24)
        await stage.drive(-24)
        await talk.filled(order.client_order_id, 1)


def _change(
    order: Order,
    quantity: int | None = None,
    order_type: OrderType | None = None,
    **prices: int | None,
) -> Replacement:
    return Replacement(
        order.client_order_id,
        order.quantity if quantity is None else quantity,
        order.order_type if order_type is None else order_type,
        prices.get("limit_ticks", order.limit_ticks),
        prices.get("trigger_ticks", order.trigger_ticks),
    )


async def _replace(
    talk: Conversation,
    order: Order,
    quantity: int | None = None,
    order_type: OrderType | None = None,
    **prices: int | None,
) -> Replaced:
    outcome = await talk.session.replace(_change(order, quantity, order_type, **prices))
    expect_sent("replace()", outcome, order.client_order_id)
    return await talk.answer(order.client_order_id, Replaced)
