"""One round of questions: every answer clean and in time, or none at all."""

import anyio
import pytest

from fillbridge.live.questions import ask
from fillbridge_hooks import BrokerPosition, FatalError, ForcedLogout, RetryableError
from fillbridge_hooks.testing.clock import ManualClock

pytestmark = pytest.mark.anyio

SECOND = 1_000_000_000


class Answers:
    """A session that answers each question in its turn, or does not."""

    def __init__(self, clock, **fails):
        self.clock = clock
        self.fails = fails
        self.asked = []

    async def _answer(self, question, answer=()):
        self.asked.append(question)
        await anyio.lowlevel.checkpoint()
        failure = self.fails.get(question)
        if isinstance(failure, Exception):
            raise failure
        if failure is not None:
            await self.clock.sleep_until(self.clock.now_ns + failure * SECOND)
        return answer

    async def working_orders(self):
        return await self._answer("working")

    async def orders_today(self):
        return await self._answer("today")

    async def positions(self):
        return await self._answer("positions", (BrokerPosition(symbol="ES", quantity=2),))

    async def fills(self, since_ns):
        return await self._answer("fills", (since_ns,))


QUESTIONS = ["working", "today", "positions", "fills"]


@pytest.fixture
def clock():
    return ManualClock(100 * SECOND)


async def test_the_answers_are_put_together(clock):
    session = Answers(clock)
    snapshot = await ask(session, clock, 7, 5.0)
    # Fills last: no fill is missing of an order whose end is known.
    assert session.asked == QUESTIONS
    assert snapshot.asked_ns == 100 * SECOND
    assert (snapshot.fills_since_ns, snapshot.fills) == (7, (7,))
    assert snapshot.held() == {"ES": 2}


async def test_the_orders_of_the_trade_date_are_asked_for_where_they_are_needed(clock):
    session, shown = Answers(clock), []
    snapshot = await ask(session, clock, 7, 5.0, lambda working: shown.append(working))
    assert session.asked == ["working", "positions", "fills"]
    assert snapshot.today == ()
    assert shown == [()]


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("error", [RetryableError, FatalError, ForcedLogout])
async def test_one_answer_that_is_not_clean_spoils_them_all(clock, question, error):
    session = Answers(clock, **{question: error("not now")})
    with pytest.raises(error, match="not now"):
        await ask(session, clock, 7, 5.0)
    assert session.asked[-1] == question


async def in_time(clock, session, seconds):
    """What becomes of a round of questions after so much time."""
    found = []

    async def run():
        try:
            found.append(await ask(session, clock, 7, 5.0))
        except RetryableError as error:
            found.append(error)

    async with anyio.create_task_group() as group:
        group.start_soon(run)
        await clock.advance(seconds)
        group.cancel_scope.cancel()
    return found


async def test_answers_that_take_their_time_count_from_when_they_were_asked(clock):
    (snapshot,) = await in_time(clock, Answers(clock, working=2, fills=2), 4.5)
    assert snapshot.asked_ns == 100 * SECOND


@pytest.mark.parametrize("question", QUESTIONS)
async def test_answers_that_take_too_long_are_none(clock, question):
    session = Answers(clock, **{question: 60})
    assert await in_time(clock, session, 4.9) == []
    (error,) = await in_time(clock, Answers(clock, **{question: 60}), 5.1)
    assert str(error) == "no answer within 5.0 s"


async def test_nobody_waits_on_after_the_answers(clock):
    await ask(Answers(clock), clock, 7, 5.0)
    assert clock._sleepers == []
