"""What a session does by itself, and that it never stops doing it without a word."""

from contextlib import asynccontextmanager

import anyio
import pytest
from msgspec import Struct
from tests.drivers.rithmic.orders.lives import PLACE, desk
from tests.drivers.rithmic.orders.test_brackets import STOP, Bracket

from fillbridge_hooks import ForcedLogout, OrderType, Replacement, RetryableError
from fillbridge_rithmic.inbox import Inbox
from fillbridge_rithmic.link.plant import Delivery
from fillbridge_rithmic.margins import Margins
from fillbridge_rithmic.market import Market
from fillbridge_rithmic.session import RithmicSession
from fillbridge_rithmic.throttle import Throttle

pytestmark = pytest.mark.anyio

SECOND = 1_000_000_000
PATIENCE_S = 20


class Clock(Struct):
    now_ns: int = 10 * SECOND


class Terms(Struct):
    clock: Clock


class Plant:
    """Takes what is sent to it."""

    end = None

    def __init__(self):
        self.sent = []
        self.has_sent = anyio.Event()

    async def send(self, message):
        self.sent.append(message)
        self.has_sent.set()
        return Delivery.SENT


class Queries:
    """Answers when it is told to, or raises what it is told to."""

    def __init__(self):
        self.was_asked = anyio.Event()
        self.answers = anyio.Event()
        self.error = None

    async def working(self, **_):
        self.was_asked.set()
        await self.answers.wait()
        self.answers = anyio.Event()
        if self.error is not None:
            error, self.error = self.error, None
            raise error


@asynccontextmanager
async def at_work(its_desk):
    plant, queries, inbox = Plant(), Queries(), Inbox()
    session = RithmicSession(
        Terms(Clock()),
        its_desk,
        plant,
        queries,
        None,
        Market(),
        Margins(PLACE, ()),
        inbox,
        Throttle(20),
    )
    with anyio.fail_after(PATIENCE_S):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(session.work)
            yield session, plant, queries
            tasks.cancel_scope.cancel()


def lacking():
    """A bracket whose stop has one contract of three that its entry filled."""
    bracket = Bracket()
    bracket.fill(1)
    bracket.told(bracket.entry.fill(2))
    return bracket


GROW = Replacement(STOP, 3, OrderType.STOP, None, 19_960)
FLATTEN = Replacement(STOP, 3, OrderType.MARKET, None, None)


@pytest.mark.parametrize("error", [ForcedLogout("another login"), RetryableError("lost")])
async def test_a_question_about_a_leg_that_fails_breaks_nothing_else(error):
    bracket = lacking()
    async with at_work(bracket.desk) as (session, _, queries):
        await session.replace(GROW)
        await queries.was_asked.wait()
        queries.error = error
        queries.answers.set()
        await anyio.wait_all_tasks_blocked()
        assert bracket.named(STOP).wish is None
        session._inbox.check()


async def test_a_question_about_a_leg_that_fails_takes_no_newer_wish_away():
    bracket = lacking()
    async with at_work(bracket.desk) as (session, plant, queries):
        await session.replace(GROW)
        await queries.was_asked.wait()
        await session.replace(FLATTEN)
        assert [one.price_type for one in plant.sent] == [2]
        queries.was_asked = anyio.Event()
        queries.error = RetryableError("no answer")
        queries.answers.set()
        await queries.was_asked.wait()
        assert bracket.named(STOP).wish is FLATTEN


async def test_a_session_that_can_carry_out_nothing_any_more_ends():
    async with at_work(desk()) as (session, _, _):
        await anyio.wait_all_tasks_blocked()

        def fail(*_):
            raise ZeroDivisionError("a defect")

        session._desk.changes.lacking = fail
        session._woken.set()
        with pytest.raises(RetryableError, match="cannot be sent any more"):
            await session.receive()
