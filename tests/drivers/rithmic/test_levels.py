"""Distances of legs that are to come, over the gateway: before the fill, and after a restart."""

from contextlib import asynccontextmanager

import msgspec
import pytest
from tests.drivers.rithmic.ground import BRACKET, CANCEL, MODIFY, ground, until

from fillbridge_hooks import (
    Cancelled,
    OrderRole,
    OrderType,
    Replaced,
    Replacement,
    Sent,
    Side,
)
from fillbridge_hooks.testing.drivers.stage import BASE_TICKS

pytestmark = pytest.mark.anyio

MOVE_TARGET, MOVE_STOP, SHOW_TARGETS, SHOW_STOPS = 332, 334, 338, 340
MOVES, LISTS = (MOVE_TARGET, MOVE_STOP), (SHOW_TARGETS, SHOW_STOPS)


class Bracket:
    """An entry of two contracts at -8, or as a stop at 8, with legs at -40 and 40."""

    def __init__(self, here, *, is_stop=False):
        self.here = here
        self.entry = here.stop(Side.BUY, 8, 2) if is_stop else here.limit(Side.BUY, -8, 2)
        self.stop, self.target = (
            here.order(
                Side.SELL,
                2,
                kind,
                role=role,
                client_order_id=f"{self.entry.trade_id}_{name}",
                trade_id=self.entry.trade_id,
                **prices,
            )
            for kind, role, name, prices in (
                (OrderType.STOP, OrderRole.STOP, "SL", {"trigger_ticks": BASE_TICKS - 40}),
                (OrderType.LIMIT, OrderRole.TARGET, "TP", {"limit_ticks": BASE_TICKS + 40}),
            )
        )

    async def rests(self, talk):
        await self.here.send(talk, self.entry, legs=(self.stop, self.target))

    def change(self, order, ticks):
        terms = (
            {"limit_ticks": BASE_TICKS + ticks, "trigger_ticks": None}
            if order.order_type is OrderType.LIMIT
            else {"limit_ticks": None, "trigger_ticks": BASE_TICKS + ticks}
        )
        return Replacement(
            client_order_id=order.client_order_id,
            quantity=2,
            order_type=order.order_type,
            **terms,
        )

    async def replace(self, talk, order, ticks):
        assert isinstance(await talk.session.replace(self.change(order, ticks)), Sent)

    async def reprice(self, talk, ticks):
        await self.replace(talk, self.entry, ticks)
        await talk.answer(self.entry.client_order_id, Replaced)

    def moves(self):
        """The distances that were asked for, each with the one before it."""
        found = []
        for message in self.here.received(*MOVES):
            is_stop = message.template_id == MOVE_STOP
            ticks = message.stop_ticks if is_stop else message.target_ticks
            found.append((message.template_id, message.level, ticks))
        return found

    async def asked_for(self, *moves):
        await until(f"{moves}", lambda: self.moves() == list(moves), self.moves)

    def held(self):
        """What the gateway has: stop, target."""
        (order,) = self.here.gateway.orders(self.entry.client_order_id)
        return order.ticket.bracket.stop_ticks, order.ticket.bracket.target_ticks

    async def holds(self, *ticks):
        await until(f"{ticks}", lambda: self.held() == ticks, self.held)

    def born(self):
        """Where its legs were when they appeared: stop, target; in ticks from the base price."""
        return self._ticks(lambda leg: (leg.ticket.trigger_price, leg.ticket.price))

    def stands(self):
        """Where its legs are."""
        return self._ticks(lambda leg: (leg.trigger_price, leg.limit))

    def _ticks(self, prices_of):
        legs = {one.ticket.leg: one for one in self.here.gateway.orders() if one.ticket.leg}
        prices = prices_of(legs["stop"])[0], prices_of(legs["target"])[1]
        return tuple(round(one / self.here.instrument.tick_size) - BASE_TICKS for one in prices)

    async def fills(self, talk, ticks):
        await self.here.drive(ticks)
        await talk.filled(self.entry.client_order_id, 2)
        await talk.order(self.stop.client_order_id, among="working_orders")


@asynccontextmanager
async def resting(**kind):
    """A ground with a session in which a bracket rests."""
    async with ground() as here, here.session() as talk:
        one = Bracket(here, **kind)
        await one.rests(talk)
        yield here, talk, one


def changed(here):
    """Baskets that were changed by 314."""
    return [one.basket_id for one in here.received(MODIFY)]


@pytest.mark.parametrize("is_stop", [False, True])
async def test_legs_of_a_repriced_entry_are_born_where_they_belong(is_stop):
    async with resting(is_stop=is_stop) as (here, talk, one):
        before, at = ((48, 32), 12) if is_stop else ((32, 48), -12)
        assert one.held() == before
        await one.reprice(talk, at)
        await one.holds(40 + at, 40 - at)
        await one.fills(talk, at)
        assert one.born() == (-40, 40)
        assert len(changed(here)) == 1
        assert len(one.moves()) == 2


async def test_a_leg_that_is_replaced_before_the_fill_is_born_there_and_reported_then():
    async with resting() as (here, talk, one):
        await one.replace(talk, one.stop, -44)
        await one.asked_for((MOVE_STOP, 32, 36))
        await one.replace(talk, one.stop, -46)
        await one.asked_for((MOVE_STOP, 32, 36), (MOVE_STOP, 36, 38))
        await one.holds(38, 48)
        await here.settle(talk)
        assert talk.about(one.stop.client_order_id) == []
        await one.fills(talk, -8)
        replaced = await talk.answer(one.stop.client_order_id, Replaced)
        assert replaced.trigger_ticks == BASE_TICKS - 46
        assert one.born() == (-46, 40)
        assert changed(here) == []


@pytest.mark.parametrize(
    ("fault", "options"),
    [
        ("level_wrong", {}),
        ("refused", {"code": "6", "text": "no"}),
        ("rejected", {"code": "6", "text": "no"}),
        ("silence", {}),
    ],
)
async def test_a_distance_that_is_not_taken_costs_nothing(fault, options):
    async with resting() as (here, talk, one):
        for template in MOVES:
            here.gateway.faults.arm(fault, template=template, **options)
        await one.reprice(talk, -12)
        await one.asked_for((MOVE_STOP, 32, 28), (MOVE_TARGET, 48, 52))
        assert one.held() == (32, 48)
        await one.fills(talk, -12)
        await until("legs at their level", lambda: one.stands() == (-40, 40), one.stands)
        assert one.born() == (-44, 36)
        assert len(changed(here)) == 3
        assert len(one.moves()) == 2


async def test_a_distance_that_is_taken_without_an_answer_is_not_asked_for_again():
    async with resting() as (here, talk, one):
        here.gateway.faults.arm("ack_never", template=MOVE_STOP)
        await one.reprice(talk, -12)
        await one.holds(28, 52)
        await one.fills(talk, -12)
        assert one.born() == (-40, 40)
        assert len(changed(here)) == 1
        assert len(one.moves()) == 2


async def test_an_entry_that_fills_before_its_legs_are_put_right_has_them_moved():
    async with resting() as (here, talk, one):
        # It fills at the price that the distances were counted from.
        here.gateway.faults.arm("fill_before_modify")
        await one.replace(talk, one.entry, -12)
        await talk.filled(one.entry.client_order_id, 2)
        await until("legs", lambda: len(here.gateway.orders(working=True)) == 2)
        await here.settle(talk)
        assert one.stands() == one.born() == (-40, 40)
        assert one.moves() == []


async def test_a_cancel_right_after_a_new_price_goes_before_the_distances():
    async with resting() as (here, talk, one):
        await one.replace(talk, one.entry, -12)
        assert isinstance(await talk.session.cancel(one.entry.client_order_id), Sent)
        await talk.answer(one.entry.client_order_id, Cancelled)
        sent = here.received(BRACKET, MODIFY, CANCEL, *MOVES)
        assert [message.template_id for message in sent] == [BRACKET, MODIFY, CANCEL]


@pytest.mark.parametrize("fault", ["silence", "ack_never"])
async def test_a_cancel_is_not_held_up_by_a_distance_that_nobody_answers(fault):
    async with resting() as (here, talk, one):
        here.gateway.faults.arm(fault, template=MOVE_STOP)
        await one.reprice(talk, -12)
        await one.asked_for((MOVE_STOP, 32, 28))
        assert isinstance(await talk.session.cancel(one.entry.client_order_id), Sent)
        await talk.answer(one.entry.client_order_id, Cancelled)
        assert one.moves() == [(MOVE_STOP, 32, 28)]


async def test_a_later_session_knows_what_distance_there_is():
    async with ground() as here:
        async with here.session() as talk:
            one = Bracket(here)
            await one.rests(talk)
            await one.reprice(talk, -12)
            await one.holds(28, 52)
        assert here.received(*LISTS) == []
        here.gateway.received.clear()
        async with here.session() as talk:
            assert sorted(one.template_id for one in here.received(*LISTS)) == sorted(LISTS)
            await here.settle(talk)
            assert one.moves() == []
            await one.reprice(talk, -20)
            await one.asked_for((MOVE_STOP, 28, 20), (MOVE_TARGET, 52, 60))
            await one.holds(20, 60)
            await one.fills(talk, -20)
            assert one.born() == (-40, 40)
            assert len(changed(here)) == 1
            assert len(here.received(*LISTS)) == 2


async def test_a_distance_that_a_dead_handler_left_wrong_is_put_right():
    async with ground() as here:
        async with here.session() as talk:
            one = Bracket(here)
            await one.rests(talk)
            here.gateway.faults.arm("silence", template=MOVE_STOP)
            await one.reprice(talk, -12)
            await one.asked_for((MOVE_STOP, 32, 28))
        assert one.held() == (32, 48)
        here.gateway.received.clear()
        async with here.session() as talk:
            await one.asked_for((MOVE_STOP, 32, 28), (MOVE_TARGET, 48, 52))
            await one.holds(28, 52)
            await one.fills(talk, -12)
            assert one.born() == (-40, 40)
            assert changed(here) == []


async def test_nothing_is_asked_where_no_entry_with_legs_rests():
    async with ground() as here:
        async with here.session() as talk:
            one = Bracket(here)
            await one.rests(talk)
            await one.fills(talk, -8)
            await here.send(talk, here.limit(Side.BUY, -30))
        async with here.session():
            assert here.received(*LISTS) == []


@pytest.mark.parametrize("fault", ["no_rows", "no_data", "handler_no_data", "rows_after_end"])
async def test_an_entry_without_a_row_is_warned_of(fault, caplog):
    async with ground() as here:
        async with here.session() as talk:
            one = Bracket(here)
            await one.rests(talk)
        here.gateway.faults.arm(fault, template=SHOW_STOPS)
        async with here.session() as talk:
            (said,) = [text for text in caplog.messages if one.entry.client_order_id in text]
            assert "lists no stop for it" in said
            await one.reprice(talk, -12)
            await one.asked_for((MOVE_TARGET, 48, 52))
            await one.holds(32, 52)
            await one.fills(talk, -12)
            assert one.stands() == (-40, 40)


@pytest.mark.parametrize("fault", ["silence", "refused", "rejected", "ack_never"])
async def test_a_session_begins_whether_or_not_the_lists_are_answered(fault, caplog):
    async with ground() as here:
        async with here.session() as talk:
            one = Bracket(here)
            await one.rests(talk)
        for template in LISTS:
            here.gateway.faults.arm(fault, template=template)
        async with here.session() as talk:
            assert len([text for text in caplog.messages if "will be" in text]) == 2
            assert not [text for text in caplog.messages if one.entry.client_order_id in text]
            await one.reprice(talk, -12)
            await one.fills(talk, -12)
            assert one.stands() == (-40, 40)
            assert one.moves() == []


async def test_legs_at_a_distance_stay_there():
    async with ground() as here, here.session() as talk:
        one = Bracket(here)
        one.stop = msgspec.structs.replace(one.stop, trigger_ticks=None, distance_ticks=32)
        one.target = msgspec.structs.replace(one.target, limit_ticks=None, distance_ticks=48)
        await one.rests(talk)
        await one.reprice(talk, -12)
        await one.fills(talk, -12)
        assert one.born() == (-44, 36)
        assert one.moves() == []
