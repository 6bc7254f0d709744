"""Disconnect in flight: what is told of a lost link is true."""

from typing import TYPE_CHECKING

from fillbridge_hooks.driver import SendOutcome
from fillbridge_hooks.errors import RetryableError
from fillbridge_hooks.reports import NotSent, Replacement
from fillbridge_hooks.terms import OrderStatus, OrderType, Side
from fillbridge_hooks.testing.drivers.stage import (
    BASE_TICKS,
    Stage,
    expect_outcome_of_lost_link,
)
from fillbridge_hooks.testing.drivers.table import TABLE
from fillbridge_hooks.testing.requirements import Unmet, demand, demand_equal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

GROUP = "disconnect in flight"


@TABLE.add(810, GROUP)
async def a_lost_link_is_said(stage: Stage) -> None:
    """``receive`` raises ``RetryableError`` once the link is lost, at every further call too.

    If this fails, raise it where the reader ends, after what had arrived before.
    """
    async with stage.session() as talk:
        await stage.lose(talk)
        await talk.lost()
        await talk.lost()


@TABLE.add(820, GROUP)
async def a_lost_link_is_no_empty_answer(stage: Stage) -> None:
    """Every query on a lost link raises ``RetryableError``; none answers, least of all "nothing".

    If this fails, raise where no clean answer came: an empty one is taken as "no orders, flat".
    """
    async with stage.session() as talk:
        await stage.trade(talk, Side.BUY)
        await stage.lose(talk)
        session = talk.session
        queries: dict[str, Callable[[], Awaitable[object]]] = {
            "working_orders": session.working_orders,
            "orders_today": session.orders_today,
            "fills": lambda: session.fills(0),
            "positions": session.positions,
        }
        for name, query in queries.items():
            try:
                answer = await talk.within_patience(f"an end of {name}()", query)
            except RetryableError:
                continue
            raise Unmet(f"{name}() on a lost link: expected RetryableError, was {answer!r}")


@TABLE.add(830, GROUP)
async def an_order_on_a_lost_link_is_not_sent_or_unknown(stage: Stage) -> None:
    """``submit`` on a lost link raises nothing, and what it answers agrees with the broker.

    If this fails, answer ``NotSent`` only if no byte left, and then let none leave later.
    """
    async with stage.session() as talk:
        await stage.lose(talk)
        order = stage.limit(Side.BUY, -8)
        outcome = await stage.submit(talk, order)
        expect_outcome_of_lost_link("submit()", outcome)
    await _expect_truth(stage, order.client_order_id, outcome)


@TABLE.add(840, GROUP)
async def an_order_in_flight_is_never_called_not_sent(stage: Stage) -> None:
    """When the link is lost while an order is under way, ``NotSent`` is answered only if it is so.

    If this fails, answer ``OutcomeUnknown`` once the first byte may have left: whoever hears
    ``NotSent`` may send the order again, and then it is there twice.
    """
    order = stage.limit(Side.BUY, -8)
    async with stage.session() as talk:
        outcome = await stage.lose_after(talk, lambda: stage.submit(talk, order))
        expect_outcome_of_lost_link("submit()", outcome)
    await _expect_truth(stage, order.client_order_id, outcome)


@TABLE.add(850, GROUP)
async def a_cancel_on_a_lost_link_is_not_raised(stage: Stage) -> None:
    """``cancel`` on a lost link raises nothing, and ``NotSent`` means that the order works on.

    If this fails, answer with an outcome, and send nothing once the link is back.
    """
    order = stage.limit(Side.BUY, -8)
    async with stage.session() as talk:
        await stage.send(talk, order)
        await stage.lose(talk)
        outcome = await talk.session.cancel(order.client_order_id)
        expect_outcome_of_lost_link("cancel()", outcome)
    await _expect_still_working(stage, order.client_order_id, outcome)


@TABLE.add(860, GROUP)
async def a_cancel_in_flight_is_told_truly(stage: Stage) -> None:
    """When the link is lost while a cancel is under way, the queries tell afterwards.

    If this fails, answer ``OutcomeUnknown`` or ``Sent`` where the cancel may have left.
    """
    order = stage.limit(Side.BUY, -8)
    async with stage.session() as talk:
        await stage.send(talk, order)
        outcome = await stage.lose_after(talk, lambda: talk.session.cancel(order.client_order_id))
        expect_outcome_of_lost_link("cancel()", outcome)
    await _expect_still_working(stage, order.client_order_id, outcome)


@TABLE.add(870, GROUP, "replace")
async def a_replacement_on_a_lost_link_is_not_raised(stage: Stage) -> None:
    """``replace`` on a lost link raises nothing, and ``NotSent`` means that the old terms hold.

    If this fails, answer with an outcome, and send nothing once the link is back.
    """
    order = stage.limit(Side.BUY, -8)
    change = Replacement(order.client_order_id, 1, OrderType.LIMIT, BASE_TICKS - 20, None)
    async with stage.session() as talk:
        await stage.send(talk, order)
        await stage.lose(talk)
        outcome = await talk.session.replace(change)
        expect_outcome_of_lost_link("replace()", outcome)
    async with stage.session() as talk:
        found = await talk.order(order.client_order_id, among="working_orders")
        if isinstance(outcome, NotSent):
            demand_equal("limit after NotSent", found.limit_ticks, order.limit_ticks)


async def _expect_truth(stage: Stage, client_order_id: str, outcome: SendOutcome) -> None:
    """The broker has an order at most once, and not if it was called not sent."""
    async with stage.session() as talk:
        await stage.settle(talk)
        there = await talk.orders(client_order_id)
        demand(
            not (isinstance(outcome, NotSent) and there),
            f"{client_order_id}: expected OutcomeUnknown, was NotSent and the broker has it",
        )
        await stage.drive(-12)
        if there:
            await talk.filled(client_order_id, 1)
        await stage.settle(talk)
        demand_equal("position", await talk.position(stage.symbol), len(there))


async def _expect_still_working(stage: Stage, client_order_id: str, outcome: SendOutcome) -> None:
    async with stage.session() as talk:
        await stage.settle(talk)
        found = await talk.order(client_order_id)
        works = client_order_id in await talk.working()
        demand(
            works or not isinstance(outcome, NotSent),
            f"{client_order_id}: expected it to work after NotSent, was {found.status}",
        )
        demand_equal("working", works, found.status is OrderStatus.SUBMITTED)
