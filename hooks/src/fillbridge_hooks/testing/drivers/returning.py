"""Reconnect and reconcile: the queries tell what happened while nobody listened."""

from fillbridge_hooks.terms import OrderStatus, Side
from fillbridge_hooks.testing.drivers.stage import FAR, Stage, expect_terms
from fillbridge_hooks.testing.drivers.table import TABLE
from fillbridge_hooks.testing.requirements import demand, demand_equal

GROUP = "reconnect and reconcile"


@TABLE.add(910, GROUP)
async def working_orders_outlive_a_lost_link(stage: Stage) -> None:
    """An order that worked before the link was lost works on, under the same ids and terms.

    If this fails, do not let the broker cancel on disconnect, and ask it for orders of earlier
    sessions too.
    """
    order = stage.limit(Side.BUY, -8, quantity=2)
    async with stage.session() as talk:
        accepted = await stage.send(talk, order)
        await stage.lose(talk)
    async with stage.session() as talk:
        found = await talk.order(order.client_order_id, among="working_orders")
        expect_terms(found, order)
        demand_equal("broker_order_id", found.broker_order_id, accepted.broker_order_id)


@TABLE.add(920, GROUP)
async def connecting_again_sends_nothing(stage: Stage) -> None:
    """A new session sends no order, cancel or change of an earlier one again.

    If this fails, drop what was waiting to be sent with the session: the core decides whether
    anything is sent again, and an entry never is.
    """
    working, lost = stage.limit(Side.BUY, -8), stage.limit(Side.BUY, -8)
    async with stage.session() as talk:
        await stage.send(talk, working)
        await stage.lose_after(talk, lambda: stage.submit(talk, lost))
    async with stage.session() as talk:
        before = await talk.session.orders_today()
        await stage.settle(talk)
    async with stage.session() as talk:
        await stage.settle(talk)
        after = await talk.session.orders_today()
        demand_equal("orders_today(), but for two probes", len(after), len(before) + 2)
        there = len(await talk.orders(working.client_order_id))
        there += len(await talk.orders(lost.client_order_id))
        await stage.drive(-12)
        await stage.settle(talk)
        demand_equal("position", await talk.position(stage.symbol), there)


@TABLE.add(930, GROUP)
async def a_fill_that_nobody_heard_is_found(stage: Stage) -> None:
    """What filled while nobody was connected is in ``fills``, the position and the order.

    If this fails, ask the broker for its history when asked: what came through ``receive`` is
    not all there is.
    """
    order = stage.limit(Side.BUY, -8, quantity=2)
    async with stage.session() as talk:
        await stage.send(talk, order)
        await stage.lose(talk)
    await stage.drive(-12)
    async with stage.session() as talk:
        fills = await talk.session.fills(0)
        demand_equal("ids", {fill.client_order_id for fill in fills}, {order.client_order_id})
        demand_equal("filled", sum(fill.quantity for fill in fills), 2)
        demand_equal("position", await talk.position(stage.symbol), 2)
        found = await talk.order(order.client_order_id)
        demand_equal("status", found.status, OrderStatus.FILLED)
        demand_equal("working_orders()", await talk.working(), set())


@TABLE.add(940, GROUP)
async def an_order_of_an_earlier_session_is_cancelled(stage: Stage) -> None:
    """A new session cancels what an earlier one sent.

    If this fails, find the broker's id by asking for the working orders; it is not kept in the
    session that is gone.
    """
    order = stage.limit(Side.BUY, -8)
    async with stage.session() as talk:
        await stage.send(talk, order)
        await stage.lose(talk)
    async with stage.session() as talk:
        await stage.withdraw(talk, order)
        demand_equal("working_orders()", await talk.working(), set())


@TABLE.add(950, GROUP)
async def an_order_of_an_earlier_session_fills_in_this_one(stage: Stage) -> None:
    """A new session reports fills of what an earlier one sent.

    If this fails, subscribe to reports of the account, not to those of the session.
    """
    order = stage.limit(Side.BUY, -8)
    async with stage.session() as talk:
        await stage.send(talk, order)
        await stage.lose(talk)
    async with stage.session() as talk:
        await stage.drive(-12)
        await talk.filled(order.client_order_id, 1)


@TABLE.add(960, GROUP)
async def fills_are_not_forgotten(stage: Stage) -> None:
    """``fills`` answers every fill of the account, oldest first, however often it is asked.

    If this fails, ask the broker each time; do not hand out a queue that is emptied.
    """
    async with stage.session() as talk:
        traded = [await stage.trade(talk, side) for side in (Side.BUY, Side.SELL, Side.BUY)]
        expected = [fill.fill_id for fills in traded for fill in fills]
        for _ in range(2):
            answer = await talk.session.fills(0)
            demand_equal("fills(0)", [fill.fill_id for fill in answer], expected)
        await stage.lose(talk)
    async with stage.session() as talk:
        answer = await talk.session.fills(0)
        demand_equal("fills(0) in a new session", [one.fill_id for one in answer], expected)


@TABLE.add(970, GROUP)
async def fills_begin_at_the_time_that_is_asked_for(stage: Stage) -> None:
    """``fills(since_ns)`` holds a fill of exactly that time, and none before it.

    If this fails, round the time down to what the broker can be asked for, then leave out what
    is too old.
    """
    async with stage.session() as talk:
        await stage.trade(talk, Side.BUY)
        (last,) = await stage.trade(talk, Side.SELL)
        since = await talk.session.fills(last.time_ns)
        demand(
            last.fill_id in {fill.fill_id for fill in since},
            f"fills({last.time_ns}): expected {last.fill_id} of that time, was left out",
        )
        early = [fill.time_ns for fill in since if fill.time_ns < last.time_ns]
        demand_equal(f"fills({last.time_ns}) before that", early, [])
        demand_equal("fills after the last", await talk.session.fills(last.time_ns + 1), ())


@TABLE.add(980, GROUP)
async def the_position_outlives_a_lost_link(stage: Stage) -> None:
    """A position is the same in a new session.

    If this fails, ask the broker when connecting, and wait for its answer.
    """
    async with stage.session() as talk:
        await stage.trade(talk, Side.SELL, 3)
        await stage.lose(talk)
    async with stage.session() as talk:
        demand_equal("position", await talk.position(stage.symbol), -3)


@TABLE.add(990, GROUP)
async def orders_of_the_day_outlive_a_lost_link(stage: Stage) -> None:
    """``orders_today`` of a new session has all orders of earlier ones, working or ended.

    If this fails, ask for the whole trade date rather than for this session.
    """
    working, gone = stage.limit(Side.BUY, -FAR), stage.limit(Side.BUY, -FAR)
    async with stage.session() as talk:
        (fill,) = await stage.trade(talk, Side.BUY)
        await stage.send(talk, working)
        await stage.send(talk, gone)
        await stage.withdraw(talk, gone)
        await stage.lose(talk)
    async with stage.session() as talk:
        for client_order_id, status in (
            (fill.client_order_id, OrderStatus.FILLED),
            (working.client_order_id, OrderStatus.SUBMITTED),
            (gone.client_order_id, OrderStatus.CANCELLED),
        ):
            found = await talk.order(client_order_id)
            demand_equal(f"status of {client_order_id}", found.status, status)
