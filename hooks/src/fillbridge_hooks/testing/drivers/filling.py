"""Fill: what trades is reported, and is on the right side of the account."""

import math

from fillbridge_hooks.terms import OrderStatus, Side
from fillbridge_hooks.testing.drivers.stage import Stage
from fillbridge_hooks.testing.drivers.table import TABLE
from fillbridge_hooks.testing.requirements import demand, demand_equal

GROUP = "fill"


@TABLE.add(210, GROUP)
async def a_market_order_fills(stage: Stage) -> None:
    """A market order fills in full once the market trades, with all that a fill has to say.

    If this fails, check each field of ``Fill``: ids of both sides, quantity of this fill,
    quantity of all so far, price in points and the time in ns UTC.
    """
    async with stage.session() as talk:
        order = stage.market(Side.BUY, 2)
        accepted = await stage.send(talk, order)
        await stage.drive(0)
        fills = await talk.filled(order.client_order_id, 2)
        demand_equal("filled", sum(fill.quantity for fill in fills), 2)
        demand_equal("cumulative_quantity", max(fill.cumulative_quantity for fill in fills), 2)
        for fill in fills:
            demand(fill.fill_id, "fill_id: expected an id, was ''")
            demand_equal("broker_order_id", fill.broker_order_id, accepted.broker_order_id)
            demand(math.isfinite(fill.price), f"price: expected a price, was {fill.price}")
            demand(fill.time_ns >= 0, f"time_ns: expected ns UTC, was {fill.time_ns}")


@TABLE.add(220, GROUP)
async def a_buy_limit_fills_at_its_limit_or_better(stage: Stage) -> None:
    """A buy limit fills once the market trades below it, never above it.

    If this fails, check side and limit of what is sent, and that prices are points.
    """
    async with stage.session() as talk:
        order = stage.limit(Side.BUY, -8)
        await stage.send(talk, order)
        await stage.drive(-12)
        (fill,) = await talk.filled(order.client_order_id, 1)
        limit = stage.price(-8)
        demand(fill.price <= limit, f"price: expected <= {limit}, was {fill.price}")


@TABLE.add(230, GROUP)
async def a_sell_limit_fills_at_its_limit_or_better(stage: Stage) -> None:
    """A sell limit fills once the market trades above it, never below it.

    If this fails, check side and limit of what is sent, and that prices are points.
    """
    async with stage.session() as talk:
        order = stage.limit(Side.SELL, 8)
        await stage.send(talk, order)
        await stage.drive(12)
        (fill,) = await talk.filled(order.client_order_id, 1)
        limit = stage.price(8)
        demand(fill.price >= limit, f"price: expected >= {limit}, was {fill.price}")


@TABLE.add(240, GROUP)
async def a_limit_waits_for_its_price(stage: Stage) -> None:
    """A limit that the market does not reach works on and does not fill.

    If this fails, check that a limit is not sent as a market order.
    """
    async with stage.session() as talk:
        order = stage.limit(Side.BUY, -8)
        await stage.send(talk, order)
        await stage.drive(12)
        await stage.settle(talk)
        demand_equal("fills", talk.fills(order.client_order_id), [])
        await talk.order(order.client_order_id, among="working_orders")


@TABLE.add(250, GROUP)
async def a_stop_waits_for_its_trigger(stage: Stage) -> None:
    """A stop does not fill before the market has reached its trigger, and then it does.

    If this fails, check side and trigger of what is sent: a stop to sell stands below the market.
    """
    async with stage.session() as talk:
        order = stage.stop(Side.SELL, -8)
        await stage.send(talk, order)
        await stage.drive(-4)
        await stage.drive(12)
        await stage.settle(talk)
        demand_equal("fills above the trigger", talk.fills(order.client_order_id), [])
        await stage.drive(-12)
        await stage.drive(-12)
        await talk.filled(order.client_order_id, 1)


@TABLE.add(260, GROUP)
async def what_was_bought_is_held_long(stage: Stage) -> None:
    """A position that was bought is positive.

    If this fails, check the sign in ``positions``: long is positive, whatever the broker writes.
    """
    async with stage.session() as talk:
        await stage.trade(talk, Side.BUY, 2)
        demand_equal("position", await talk.position(stage.symbol), 2)


@TABLE.add(270, GROUP)
async def what_was_sold_is_held_short(stage: Stage) -> None:
    """A position that was sold is negative.

    If this fails, check the sign in ``positions``: short is negative, whatever the broker writes.
    """
    async with stage.session() as talk:
        await stage.trade(talk, Side.SELL, 2)
        demand_equal("position", await talk.position(stage.symbol), -2)


@TABLE.add(280, GROUP)
async def buying_and_selling_leaves_nothing(stage: Stage) -> None:
    """What was bought and sold is flat: left out of ``positions``, or zero.

    If this fails, check that fills of both sides reach the position.
    """
    async with stage.session() as talk:
        await stage.trade(talk, Side.BUY, 2)
        await stage.trade(talk, Side.SELL, 2)
        demand_equal("position", await talk.position(stage.symbol), 0)


@TABLE.add(290, GROUP)
async def a_filled_order_works_no_longer(stage: Stage) -> None:
    """An order that is filled is not in ``working_orders``, and ``FILLED`` in ``orders_today``.

    If this fails, check how the broker's status is read.
    """
    async with stage.session() as talk:
        (fill, *_) = await stage.trade(talk, Side.BUY, 2)
        demand(
            fill.client_order_id not in await talk.working(),
            f"working_orders(): expected no filled order, was {fill.client_order_id}",
        )
        found = await talk.order(fill.client_order_id)
        demand_equal("status", found.status, OrderStatus.FILLED)
        demand_equal("filled", found.filled, 2)
