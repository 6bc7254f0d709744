"""Bracket: stop and target at the broker, always for what is held."""

import msgspec

from fillbridge_hooks.orders import Order
from fillbridge_hooks.reports import Replaced, Replacement
from fillbridge_hooks.terms import OrderRole, OrderType, Side
from fillbridge_hooks.testing.drivers.conversation import Conversation
from fillbridge_hooks.testing.drivers.stage import BASE_TICKS, Stage, expect_sent
from fillbridge_hooks.testing.drivers.table import TABLE
from fillbridge_hooks.testing.requirements import demand_equal

GROUP = "bracket"
_STOP, _ENTRY, _TARGET = -40, -8, 40
_BELOW_STOP, _BELOW_ENTRY, _ABOVE_TARGET = -44, -12, 44


class _Bracket(msgspec.Struct, frozen=True):
    """A long entry with its stop and target."""

    entry: Order
    stop: Order
    target: Order


@TABLE.add(610, GROUP, "bracket")
async def legs_wait_for_the_entry(stage: Stage) -> None:
    """Before the entry fills, neither leg can: the market may trade through the target.

    If this fails, send the legs as parts of one bracket order, not as orders of their own.
    """
    async with stage.session() as talk:
        bracket = await _begin(stage, talk, 2)
        await stage.drive(_ABOVE_TARGET)
        await stage.settle(talk)
        demand_equal("fills of the target", talk.fills(bracket.target.client_order_id), [])
        demand_equal("position", await talk.position(stage.symbol), 0)


@TABLE.add(620, GROUP, "bracket")
async def a_filled_entry_is_protected(stage: Stage) -> None:
    """Once the entry has filled, stop and target work for its quantity, under their own ids.

    If this fails, hand on the client order id, role and price of each leg.
    """
    async with stage.session() as talk:
        bracket = await _begin(stage, talk, 2)
        await _fill_entry(stage, talk, bracket, 2)
        await _expect_legs(talk, bracket, 2)
        for leg in (bracket.stop, bracket.target):
            found = await talk.order(leg.client_order_id, among="working_orders")
            demand_equal("side", found.side, Side.SELL)
            demand_equal("order_type", found.order_type, leg.order_type)
            prices = (found.limit_ticks, found.trigger_ticks)
            demand_equal("limit and trigger", prices, (leg.limit_ticks, leg.trigger_ticks))


@TABLE.add(630, GROUP, "bracket")
async def a_filled_target_cancels_the_stop(stage: Stage) -> None:
    """When the target has filled, the stop works no longer and the account is flat.

    If this fails, link the legs at the broker: one cancels the other.
    """
    async with stage.session() as talk:
        bracket = await _begin(stage, talk, 2)
        await _fill_entry(stage, talk, bracket, 2)
        await stage.drive(_ABOVE_TARGET)
        await talk.filled(bracket.target.client_order_id, 2)
        await stage.drive(_BELOW_STOP)
        await _expect_flat(stage, talk)


@TABLE.add(640, GROUP, "bracket")
async def a_filled_stop_cancels_the_target(stage: Stage) -> None:
    """When the stop has filled, the target works no longer and the account is flat.

    If this fails, link the legs at the broker: one cancels the other.
    """
    async with stage.session() as talk:
        bracket = await _begin(stage, talk, 2)
        await _fill_entry(stage, talk, bracket, 2)
        await stage.drive(_BELOW_STOP)
        await stage.drive(_BELOW_STOP)
        await talk.filled(bracket.stop.client_order_id, 2)
        await stage.drive(_ABOVE_TARGET)
        await _expect_flat(stage, talk)


@TABLE.add(650, GROUP, "bracket", "partial_fills")
async def legs_grow_with_the_entry(stage: Stage) -> None:
    """Legs are for exactly what the entry has filled, after each part of it.

    If this fails, resize both legs with every fill; never rest them for the whole order first.
    """
    async with stage.session() as talk:
        bracket = await _begin(stage, talk, 3)
        await _fill_entry(stage, talk, bracket, 1, in_all=1)
        await _expect_legs(talk, bracket, 1)
        await _fill_entry(stage, talk, bracket, 2, in_all=3)
        await _expect_legs(talk, bracket, 3)


@TABLE.add(660, GROUP, "bracket", "partial_fills")
async def a_partly_filled_target_reduces_the_stop(stage: Stage) -> None:
    """What the target has closed the stop no longer protects, and the other way round.

    If this fails, reduce the other leg with every fill of one: else it opens a position anew.
    """
    async with stage.session() as talk:
        bracket = await _begin(stage, talk, 3)
        await _fill_entry(stage, talk, bracket, 3)
        await stage.drive(_ABOVE_TARGET, 1)
        await talk.filled(bracket.target.client_order_id, 1)
        await _expect_legs(talk, bracket, 2)
        await stage.drive(_BELOW_STOP)
        await stage.drive(_BELOW_STOP)
        await talk.filled(bracket.stop.client_order_id, 2)
        await stage.drive(_ABOVE_TARGET)
        await _expect_flat(stage, talk)


@TABLE.add(670, GROUP, "bracket")
async def a_cancelled_entry_leaves_no_legs(stage: Stage) -> None:
    """When the entry is cancelled before it fills, nothing is left that can.

    If this fails, cancel the bracket as a whole.
    """
    async with stage.session() as talk:
        bracket = await _begin(stage, talk, 2)
        await stage.withdraw(talk, bracket.entry)
        await stage.drive(_ABOVE_TARGET)
        await stage.drive(_BELOW_STOP)
        await _expect_flat(stage, talk)


@TABLE.add(680, GROUP, "bracket", "partial_fills")
async def a_partly_filled_entry_stays_protected_when_it_is_cancelled(stage: Stage) -> None:
    """When the rest of the entry is cancelled, stop and target stay for what has filled.

    If this fails, cancel the rest of the entry alone: cancelling the bracket leaves the position
    without its stop.
    """
    async with stage.session() as talk:
        bracket = await _begin(stage, talk, 3)
        await _fill_entry(stage, talk, bracket, 1, in_all=1)
        await stage.withdraw(talk, bracket.entry)
        await _expect_legs(talk, bracket, 1)


@TABLE.add(690, GROUP, "bracket")
async def legs_outlive_the_session(stage: Stage) -> None:
    """An entry that fills while nobody is connected is protected all the same.

    If this fails, the legs are not at the broker but in the driver: do not declare ``bracket``.
    """
    async with stage.session() as talk:
        bracket = await _begin(stage, talk, 2)
        await stage.lose(talk)
    await stage.drive(_BELOW_ENTRY)
    async with stage.session() as talk:
        demand_equal("position", await talk.position(stage.symbol), 2)
        await _expect_legs(talk, bracket, 2)


@TABLE.add(695, GROUP, "bracket", "replace")
async def a_stop_leg_becomes_the_exit(stage: Stage) -> None:
    """A stop leg that is replaced by a market order closes the position, and the target goes.

    If this fails, let legs be replaced like other orders, and keep them linked. The core closes a
    position this way, so that its exits can never fill twice.
    """
    async with stage.session() as talk:
        bracket = await _begin(stage, talk, 2)
        await _fill_entry(stage, talk, bracket, 2)
        stop = bracket.stop.client_order_id
        change = Replacement(stop, 2, OrderType.MARKET, None, None)
        expect_sent("replace()", await talk.session.replace(change), stop)
        await talk.answer(stop, Replaced)
        await stage.drive(0)
        await talk.filled(stop, 2)
        await _expect_flat(stage, talk)


@TABLE.add(698, GROUP, "bracket", "bracket_distances")
async def legs_at_a_distance_count_from_the_fill(stage: Stage) -> None:
    """Legs without a price rest so many ticks from the price at which the entry filled.

    If this fails, count ``distance_ticks`` from the fill, not from what was expected of it.
    """
    async with stage.session() as talk:
        entry = stage.market(Side.BUY, 2)
        stop = _leg(stage, entry, OrderRole.STOP, distance_ticks=12)
        target = _leg(stage, entry, OrderRole.TARGET, distance_ticks=20)
        await stage.send(talk, entry, legs=(stop, target))
        await stage.drive(3)
        await talk.filled(entry.client_order_id, 2)
        for leg, ticks in ((stop, BASE_TICKS + 3 - 12), (target, BASE_TICKS + 3 + 20)):
            found = await talk.order(leg.client_order_id, among="working_orders")
            price = found.limit_ticks if leg is target else found.trigger_ticks
            demand_equal(f"price of {leg.client_order_id}", price, ticks)
            demand_equal(f"left of {leg.client_order_id}", found.quantity - found.filled, 2)


async def _begin(stage: Stage, talk: Conversation, quantity: int) -> _Bracket:
    entry = stage.limit(Side.BUY, _ENTRY, quantity)
    stop = _leg(stage, entry, OrderRole.STOP, trigger_ticks=BASE_TICKS + _STOP)
    target = _leg(stage, entry, OrderRole.TARGET, limit_ticks=BASE_TICKS + _TARGET)
    await stage.send(talk, entry, legs=(stop, target))
    return _Bracket(entry, stop, target)


def _leg(stage: Stage, entry: Order, role: OrderRole, **terms: int) -> Order:
    """A leg of an entry that buys."""
    is_stop = role is OrderRole.STOP
    return stage.order(
        Side.SELL,
        entry.quantity,
        OrderType.STOP if is_stop else OrderType.LIMIT,
        role=role,
        client_order_id=f"{entry.trade_id}_{'SL' if is_stop else 'TP'}",
        trade_id=entry.trade_id,
        **terms,
    )


async def _fill_entry(
    stage: Stage, talk: Conversation, bracket: _Bracket, quantity: int, in_all: int = 0
) -> None:
    await stage.drive(_BELOW_ENTRY, quantity if in_all else None)
    await talk.filled(bracket.entry.client_order_id, in_all or quantity)


async def _expect_legs(talk: Conversation, bracket: _Bracket, left: int) -> None:
    """Both legs work, and what is left of each is exactly this."""
    for leg in (bracket.stop, bracket.target):
        found = await talk.order(leg.client_order_id, among="working_orders")
        demand_equal(f"left of {leg.client_order_id}", found.quantity - found.filled, left)


async def _expect_flat(stage: Stage, talk: Conversation) -> None:
    await stage.settle(talk)
    demand_equal("working_orders()", await talk.working(), set())
    demand_equal("position", await talk.position(stage.symbol), 0)
