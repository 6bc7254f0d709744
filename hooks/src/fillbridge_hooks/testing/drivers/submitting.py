"""Submit: an order leaves once, and the broker has it as it was asked for."""

from fillbridge_hooks.errors import PermitSpent
from fillbridge_hooks.orders import ApprovedOrder, Permit
from fillbridge_hooks.reports import Accepted
from fillbridge_hooks.terms import OrderStatus, OrderType, Side
from fillbridge_hooks.testing.drivers.stage import (
    BASE_TICKS,
    FAR,
    Stage,
    expect_sent,
    expect_terms,
)
from fillbridge_hooks.testing.drivers.table import TABLE
from fillbridge_hooks.testing.requirements import Unmet, demand, demand_equal

GROUP = "submit"


@TABLE.add(110, GROUP)
async def an_order_is_sent_and_accepted(stage: Stage) -> None:
    """``submit`` answers ``Sent`` with the order's id, and ``Accepted`` follows with the broker's.

    If this fails, turn the broker's acknowledgement into ``Accepted`` with the client order id
    that was sent and the broker's own order id; none may be lost.
    """
    async with stage.session() as talk:
        order = stage.limit(Side.BUY, -FAR)
        outcome = await stage.submit(talk, order)
        expect_sent("submit()", outcome, order.client_order_id)
        demand_equal("Sent.client_order_id", outcome.client_order_id, order.client_order_id)
        accepted = await talk.answer(order.client_order_id, Accepted)
        demand(accepted.broker_order_id, "Accepted.broker_order_id: expected an id, was ''")


@TABLE.add(120, GROUP)
async def a_submission_spends_its_permit(stage: Stage) -> None:
    """The permit of an order is spent once the order was sent.

    If this fails, call ``approved.permit.spend()`` in ``submit`` before the first byte leaves.
    """
    async with stage.session() as talk:
        permit = Permit()
        await talk.session.submit(ApprovedOrder(stage.limit(Side.BUY, -FAR), permit))
        demand(permit.is_spent, "permit.is_spent: expected True after submit(), was False")


@TABLE.add(130, GROUP)
async def a_spent_permit_sends_nothing(stage: Stage) -> None:
    """A second submission with one permit raises ``PermitSpent``, and nothing is sent.

    If this fails, spend the permit before anything else and let ``PermitSpent`` pass.
    """
    async with stage.session() as talk:
        first, second = stage.limit(Side.BUY, -FAR), stage.limit(Side.BUY, -FAR)
        permit = Permit()
        await talk.session.submit(ApprovedOrder(first, permit))
        for again in (first, second):
            try:
                outcome = await talk.session.submit(ApprovedOrder(again, permit))
            except PermitSpent:
                continue
            raise Unmet(f"submit() with a spent permit: expected PermitSpent, was {outcome!r}")
        await stage.settle(talk)
        demand_equal("orders_today(), but for the probe", len(await talk.session.orders_today()), 2)
        await talk.order(first.client_order_id)
        demand_equal("of the second", await talk.orders(second.client_order_id), [])


@TABLE.add(140, GROUP)
async def a_working_limit_order_is_shown_as_it_was_asked_for(stage: Stage) -> None:
    """``working_orders`` shows a limit order with its ids, its terms and nothing filled.

    If this fails, check how the order is written for the broker and how its answer is read:
    side, total quantity, type, and the limit in ticks.
    """
    async with stage.session() as talk:
        order = stage.limit(Side.SELL, FAR, quantity=3)
        accepted = await stage.send(talk, order)
        found = await talk.order(order.client_order_id, among="working_orders")
        expect_terms(found, order)
        demand_equal("broker_order_id", found.broker_order_id, accepted.broker_order_id)
        demand_equal("filled", found.filled, 0)
        demand_equal("status", found.status, OrderStatus.SUBMITTED)


@TABLE.add(150, GROUP)
async def a_working_stop_order_is_shown_as_it_was_asked_for(stage: Stage) -> None:
    """``working_orders`` shows a stop order with its trigger.

    If this fails, check that the trigger is neither sent nor read as a limit.
    """
    async with stage.session() as talk:
        order = stage.stop(Side.SELL, -FAR, quantity=2)
        await stage.send(talk, order)
        expect_terms(await talk.order(order.client_order_id, among="working_orders"), order)


@TABLE.add(160, GROUP)
async def a_working_order_is_among_the_orders_of_the_day(stage: Stage) -> None:
    """``orders_today`` holds working orders too.

    If this fails, ask the broker for all orders of the trade date, not for those that ended.
    """
    async with stage.session() as talk:
        order = stage.limit(Side.BUY, -FAR)
        await stage.send(talk, order)
        found = await talk.order(order.client_order_id)
        expect_terms(found, order)
        demand_equal("status", found.status, OrderStatus.SUBMITTED)


@TABLE.add(170, GROUP)
async def many_orders_are_sent_without_listening(stage: Stage) -> None:
    """Twenty submissions return though nobody calls ``receive``; then each is accepted.

    If this fails, let ``submit`` return once the bytes are written, and keep reports in a queue
    without a bound.
    """
    async with stage.session() as talk:
        orders = [stage.limit(Side.BUY, -FAR - number) for number in range(20)]

        async def submit_all() -> None:
            for order in orders:
                outcome = await stage.submit(talk, order)
                expect_sent("submit()", outcome, order.client_order_id)

        await talk.within_patience("submit() to return", submit_all)
        accepted = [await talk.answer(order.client_order_id, Accepted) for order in orders]
        ids = {report.broker_order_id for report in accepted}
        demand_equal("different broker order ids", len(ids), len(orders))


@TABLE.add(180, GROUP, "idempotent_submit")
async def an_id_that_is_known_makes_no_second_order(stage: Stage) -> None:
    """A second submission under one client order id, with its own permit, makes no second order.

    If this fails, the broker does not take one id only once: do not declare
    ``idempotent_submit``.
    """
    async with stage.session() as talk:
        order = stage.limit(Side.BUY, -8)
        await stage.send(talk, order)
        await stage.submit(talk, order)
        await stage.settle(talk)
        await talk.order(order.client_order_id)
        await stage.drive(-16)
        await talk.filled(order.client_order_id, 1)
        await stage.settle(talk)
        demand_equal("position", await talk.position(stage.symbol), 1)


@TABLE.add(190, GROUP)
async def a_stop_limit_order_keeps_both_prices(stage: Stage) -> None:
    """A stop-limit order is shown with trigger and limit, each in its place; or it is refused.

    If this fails, check the order of the two prices, or refuse the type with ``NotSent``.
    """
    async with stage.session() as talk:
        order = stage.order(
            Side.BUY,
            1,
            OrderType.STOP_LIMIT,
            trigger_ticks=BASE_TICKS + FAR,
            limit_ticks=BASE_TICKS + FAR + 4,
        )
        if await stage.is_taken(talk, order):
            expect_terms(await talk.order(order.client_order_id, among="working_orders"), order)
