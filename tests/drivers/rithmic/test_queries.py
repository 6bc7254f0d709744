"""Answers count when they are clean, and no answer is not an empty one."""

import anyio
import pytest
from msgspec import Struct

from fillbridge_hooks import BrokerPosition, ForcedLogout, RetryableError
from fillbridge_rithmic.inbox import LIMIT, Inbox
from fillbridge_rithmic.link.requests import Answer
from fillbridge_rithmic.orders.book import Executed
from fillbridge_rithmic.orders.requests import Place
from fillbridge_rithmic.positions import PositionQueries
from fillbridge_rithmic.settings import RithmicSettings
from fillbridge_rithmic.wire.messages import make

pytestmark = pytest.mark.anyio

SECOND = 1_000_000_000
NOW_NS = 1_800_000_000 * SECOND
PLACE = Place(fcm_id="F", ib_id="I", account_id="A1")
DONE = Answer(rows=(make(403),), code="0", text="")
NO_DATA = Answer(rows=(), code="7", text="no data")


class Scripted(Struct):
    """A plant that says what it is told to, and answers."""

    says: list[object]
    answer: Answer
    queries: PositionQueries | None = None

    async def ask(self, template, **fields):
        assert (template, fields["account_id"]) == (402, "A1")
        for message in self.says:
            self.queries.hear(message)
        return self.answer


def held(symbol="ES", account_id="A1", is_snapshot=True, **fields):
    return make(450, symbol=symbol, account_id=account_id, is_snapshot=is_snapshot, **fields)


def total(**fields):
    return make(451, **({"account_id": "A1", "is_snapshot": True} | fields))


async def nothing(since_ns):
    """A replay that tells nothing new."""


class Executions(Struct):
    """What is asked of a book."""

    since: list[Executed]

    def fresh(self):
        return list(self.since)

    def take_stock(self):
        self.since.clear()


def asked_by(plant, executions=None, replay=nothing):
    settings = RithmicSettings(settle_s=0.01)
    book = Executions([] if executions is None else executions)
    plant.queries = PositionQueries(plant, PLACE, settings, book, replay, lambda: NOW_NS)
    return plant.queries


async def positions(*says, answer=DONE):
    return await asked_by(Scripted(says=list(says), answer=answer)).positions()


async def test_what_is_held_has_its_sign_and_flat_symbols_are_left_out():
    assert await positions(
        held(net_quantity=-2), held("NQ", net_quantity=1), held("CL", net_quantity=0), total()
    ) == (
        BrokerPosition(symbol="ES", quantity=-2),
        BrokerPosition(symbol="NQ", quantity=1),
    )


async def test_no_data_is_flat():
    assert await positions(answer=NO_DATA) == ()


async def test_an_answer_without_any_row_is_no_answer():
    with pytest.raises(RetryableError, match="neither rows nor totals"):
        await positions()


async def test_rows_of_other_accounts_are_no_rows():
    with pytest.raises(RetryableError, match="neither rows nor totals"):
        await positions(held(account_id="A2", net_quantity=3), total(account_id="A2"))


async def test_a_position_without_a_side_is_no_answer():
    with pytest.raises(RetryableError, match="not which way"):
        await positions(held(open_position_quantity=2), total())
    assert await positions(held(), total()) == ()


async def test_what_comes_between_two_questions_is_not_kept():
    plant = Scripted(says=[total()], answer=DONE)
    queries = asked_by(plant)
    queries.hear(held(net_quantity=5))
    assert await queries.positions() == ()


def sold(time_ns=NOW_NS + 1, fill_id="F9", quantity=2):
    return Executed(fill_id=fill_id, symbol="ES", signed=-quantity, time_ns=time_ns)


@pytest.mark.parametrize(
    "since",
    [[], [sold(quantity=1)], [sold(time_ns=NOW_NS - 3_600 * SECOND)]],
    ids=["nothing", "a part", "told once more"],
)
async def test_a_position_that_is_left_out_is_not_flat(since):
    plant, executions = Scripted(says=[held(net_quantity=2), total()], answer=DONE), []
    queries = asked_by(plant, executions)
    assert await queries.positions() == (BrokerPosition(symbol="ES", quantity=2),)
    executions += since
    for plant.says, plant.answer in ([[], NO_DATA], [[total()], DONE]):
        with pytest.raises(RetryableError, match="no row of ES"):
            await queries.positions()
    plant.says, plant.answer = [held(net_quantity=0), total()], DONE
    assert await queries.positions() == ()
    plant.says, plant.answer = [], NO_DATA
    assert await queries.positions() == ()


async def test_a_position_that_was_sold_may_be_left_out():
    plant = Scripted(says=[held(net_quantity=2), total()], answer=DONE)
    executions = [sold(fill_id="F1")]
    queries = asked_by(plant, executions)
    assert await queries.positions() == (BrokerPosition(symbol="ES", quantity=2),)
    executions.append(sold())
    plant.says, plant.answer = [], NO_DATA
    assert await queries.positions() == ()


async def test_a_position_whose_sale_was_missed_is_flat_once_that_is_replayed():
    plant, executions, asked = Scripted(says=[held(net_quantity=2), total()], answer=DONE), [], []

    async def replay(since_ns):
        asked.append(since_ns)
        executions.append(sold())

    queries = asked_by(plant, executions, replay)
    assert await queries.positions() == (BrokerPosition(symbol="ES", quantity=2),)
    assert asked == []
    plant.says, plant.answer = [], NO_DATA
    assert await queries.positions() == ()
    assert asked == [NOW_NS - 5 * SECOND]


# What waits to be received


async def test_what_came_before_the_end_is_still_taken():
    inbox = Inbox()
    inbox.put(["first"])
    inbox.end(RetryableError("lost"))
    inbox.put(["second"])
    assert await inbox.take() == "first"
    for _ in range(2):
        with pytest.raises(RetryableError, match="lost"):
            await inbox.take()


async def test_another_login_is_not_taken_for_a_fault_of_the_network():
    inbox = Inbox()
    inbox.end(RetryableError("lost"))
    inbox.end(ForcedLogout("another login"))
    inbox.end(RetryableError("lost"))
    with pytest.raises(ForcedLogout, match="another login"):
        await inbox.take()


async def test_whoever_never_takes_loses_the_session():
    inbox = Inbox()
    inbox.put(["one"] * (LIMIT + 1))
    with pytest.raises(RetryableError, match="were not received"):
        inbox.check()


async def test_the_end_wakes_whoever_waits():
    inbox, woken = Inbox(), []

    async def wait():
        with pytest.raises(RetryableError):
            await inbox.take()
        woken.append(True)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await anyio.wait_all_tasks_blocked()
        inbox.end(RetryableError("lost"))
    assert woken == [True]
