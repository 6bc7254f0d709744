"""Lists of orders count when they are complete, whatever else is asked meanwhile."""

from typing import Any

import anyio
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec import Struct
from tests.drivers.rithmic.orders.lives import ACCOUNT, ES, PLACE, approved, desk, entry

from fillbridge_hooks import OrderStatus, Rejected, RetryableError
from fillbridge_rithmic import queries
from fillbridge_rithmic.link.requests import Answer
from fillbridge_rithmic.queries import OrderQueries
from fillbridge_rithmic.settings import RithmicSettings
from fillbridge_rithmic.wire.messages import make

pytestmark = pytest.mark.anyio

SECOND = 1_000_000_000
NOW_NS = 1_800_000_000 * SECOND
TAG = "T1_ENTRY"
DONE = Answer(rows=(), code="0", text="")
LIST, HISTORY, OF_DATE, REPLAY = 320, 322, 324, 3506
OPEN, COMPLETE, TRIGGER_PENDING, FILL = 13, 15, 18, 5
SETTLE_S = 0.02


class Clock(Struct):
    now_ns: int = NOW_NS


class Terms(Struct):
    clock: Clock
    instruments: tuple[Any, ...] = (ES,)


class Plant:
    """A plant that answers each list by what was set for it: rows, or something to do."""

    end = None

    def __init__(self, request_timeout_s=4.0):
        self.request_timeout_s = request_timeout_s
        self.desk = desk()
        self.clock = Clock()
        self.asked = []
        self.lists = {}
        self.queries = OrderQueries(
            self, self.desk, PLACE, Terms(self.clock), RithmicSettings(settle_s=SETTLE_S)
        )

    def hear(self, message):
        self.queries.hear(self.desk.hear(message, self.clock.now_ns))

    async def ask(self, template, **fields):
        self.asked.append((template, fields.get("basket_id", "")))
        rows = self.lists.get((template, fields.get("basket_id")), self.lists.get(template, ()))
        if callable(rows):
            await rows()
            return DONE
        for row in rows:
            self.hear(row)
        return DONE

    def submit(self, name=TAG):
        return self.desk.submit(approved(entry(name)), None)


def row(basket_id="7", tag=TAG, notify_type=OPEN, *, is_snapshot=True, template=351, **fields):
    said = {
        "basket_id": basket_id,
        "user_tag": tag,
        "account_id": ACCOUNT,
        "symbol": ES.symbol,
        "exchange": ES.exchange,
        "quantity": 3,
        "price": 5000.0,
        "price_type": 1,
        "transaction_type": 1,
        "status": "open" if notify_type == OPEN else "complete",
        "ssboe": NOW_NS // SECOND - 100,
        "is_snapshot": is_snapshot,
        "notify_type": notify_type,
    }
    return make(template, **(said | fields))


def ids(orders):
    return [order.client_order_id for order in orders]


async def test_a_list_that_is_being_asked_for_takes_nothing_from_the_one_before():
    plant = Plant()
    plant.lists[LIST] = [row()]
    await plant.queries.working()
    assert ids(plant.queries.that_work()) == [TAG]
    seen = []

    async def look():
        seen.append(ids(plant.queries.that_work()))
        plant.hear(row())

    plant.lists[LIST] = look
    await plant.queries.working()
    assert seen == [[TAG]]
    assert ids(plant.queries.that_work()) == [TAG]


async def test_a_long_list_may_take_as_long_as_rows_come():
    plant = Plant(request_timeout_s=0.5)

    async def long():
        for number in range(6):
            await anyio.sleep(0.15)
            plant.hear(row(str(number), f"T{number}_ENTRY"))

    plant.lists[LIST] = long
    await plant.queries.working()
    assert ids(plant.queries.that_work()) == [f"T{number}_ENTRY" for number in range(6)]


async def test_a_list_of_which_no_row_comes_any_more_is_no_answer():
    plant = Plant(request_timeout_s=0.1)

    async def ends_nowhere():
        plant.hear(row())
        await anyio.sleep_forever()

    plant.lists[LIST] = ends_nowhere
    with pytest.raises(RetryableError, match=r"request 320: no answer and no row within 0\.1 s"):
        await plant.queries.working()
    plant.lists[LIST] = [row()]
    await plant.queries.working()
    assert ids(plant.queries.that_work()) == [TAG]


async def test_a_list_that_fails_takes_nothing_from_the_one_before():
    plant = Plant()
    plant.lists[LIST] = [row()]
    await plant.queries.working()

    async def fail():
        raise RetryableError("lost")

    plant.lists[LIST] = fail
    with pytest.raises(RetryableError):
        await plant.queries.working()
    assert ids(plant.queries.that_work()) == [TAG]


def acknowledged(plant, basket_id="7"):
    """An order that was sent, and whose answer is all that was heard of it."""
    request = plant.submit()
    plant.desk.answer(make(313, user_msg=[request.key], rp_code=["0"], basket_id=basket_id), NOW_NS)


async def test_a_list_without_an_order_that_was_acknowledged_is_no_answer():
    plant = Plant()
    await plant.queries.working()
    acknowledged(plant)
    with pytest.raises(RetryableError, match="baskets 7: not among the working orders"):
        await plant.queries.working()
    plant.lists[HISTORY] = [row(notify_type=COMPLETE, completion_reason="R", text="no margin")]
    await plant.queries.working()
    assert plant.queries.that_work() == ()
    assert [type(one) for one in plant.desk.reports] == [Rejected]


async def test_rows_after_the_end_are_waited_for_where_an_acknowledged_order_is_missed():
    plant = Plant()
    await plant.queries.working()
    acknowledged(plant)
    async with anyio.create_task_group() as tasks:

        async def late():
            tasks.start_soon(say)

        async def say():
            plant.hear(row())

        plant.lists[LIST] = late
        await plant.queries.working()
    assert ids(plant.queries.that_work()) == [TAG]


def leg(basket_id, parent_id, price_type, **fields):
    return row(
        basket_id,
        "",
        TRIGGER_PENDING,
        original_basket_id=parent_id,
        price_type=price_type,
        transaction_type=2,
        status="trigger pending",
        trigger_price=4990.0,
        **fields,
    )


async def test_a_history_that_says_whose_a_leg_is_needs_no_silence():
    plant = Plant()
    await plant.queries.working()
    waits = []

    async def silence():
        waits.append(True)

    plant.queries._silence = silence
    plant.lists[LIST] = [leg(str(20 + number), str(10 + number), 4) for number in range(6)]
    for number in range(6):
        plant.lists[HISTORY, str(10 + number)] = [
            row(
                str(10 + number),
                f"T{number}_ENTRY",
                COMPLETE,
                completion_reason="F",
                total_fill_size=3,
            )
        ]
    await plant.queries.working()
    assert sorted(ids(plant.queries.that_work())) == [f"T{number}_SL" for number in range(6)]
    assert waits == []


async def test_an_end_that_waits_for_its_fills_is_answered_though_no_list_has_it():
    plant = Plant()
    plant.submit()
    plant.hear(row(is_snapshot=False))
    plant.hear(
        row(notify_type=COMPLETE, is_snapshot=False, completion_reason="F", total_fill_size=3)
    )
    plant.lists[LIST] = []
    await plant.queries.working()
    (order,) = await plant.queries.of_today()
    assert (order.status, order.filled) == (OrderStatus.FILLED, 3)


@pytest.mark.parametrize(
    ("hours", "open_for_hours", "is_known"),
    [(35, 0, True), (37, 0, False), (100, 99, False), (100, 101, True)],
)
async def test_what_ended_is_forgotten_unless_it_may_be_asked_for(hours, open_for_hours, is_known):
    hour_ns = 3_600 * SECOND
    plant = Plant()
    plant.submit()
    plant.hear(row(notify_type=COMPLETE, is_snapshot=False, completion_reason="C"))
    await plant.queries.fills(NOW_NS)
    plant.clock.now_ns += hours * hour_ns
    await plant.queries.fills(plant.clock.now_ns - open_for_hours * hour_ns)
    assert bool(plant.desk.book.baskets) is is_known
    assert bool(plant.desk.book.submitted) is is_known


# Executions


@given(
    most=st.integers(1, 6),
    seconds=st.lists(st.integers(0, 600), min_size=1, max_size=40),
    takes_newest=st.booleans(),
)
def test_every_fill_is_found_though_a_replay_ends_after_so_many(most, seconds, takes_newest):
    together = max(seconds.count(second) + seconds.count(second + 1) for second in seconds)
    assume(together < most)
    begin = NOW_NS // SECOND - 600

    class Replaying(Plant):
        async def ask(self, template, **fields):
            if template != REPLAY:
                return DONE
            found = [
                (number, second)
                for number, second in sorted(enumerate(seconds), key=lambda one: one[1])
                if fields["start_index"] <= begin + second <= fields["finish_index"]
            ]
            for number, second in found[-most:] if takes_newest else found[:most]:
                self.hear(filled(number, begin + second))
            return DONE

    async def replay():
        plant = Replaying()
        plant.hear(row(is_snapshot=False, quantity=100))
        return await plant.queries.fills(begin * SECOND)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(queries, "_MOST_EXECUTIONS", most)
        fills = anyio.run(replay)
    assert {fill.fill_id for fill in fills} == {f"F{number}" for number in range(len(seconds))}


def filled(number, second):
    return row(
        notify_type=FILL,
        template=352,
        fill_id=f"F{number}",
        fill_price=5000.0,
        fill_size=1,
        quantity=100,
        ssboe=second,
    )
