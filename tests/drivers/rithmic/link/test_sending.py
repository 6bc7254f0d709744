"""What became of the bytes of a request, told truly whatever the connection does."""

import anyio
import pytest
from tests.drivers.rithmic.link.server import PATIENCE_S, Heard, logged_in, serving

from fillbridge_rithmic.link.plant import Delivery
from fillbridge_rithmic.wire.messages import make

pytestmark = pytest.mark.anyio

ORDER = make(312, user_msg=["A1"], user_tag="A1", symbol="ESZ6")
LONG = make(312, user_tag="A" * 500_000)


async def test_a_request_is_sent_and_its_answer_is_heard():
    heard = Heard()

    async def answer(connection, request):
        await connection.say(
            313, user_msg=list(request.user_msg), rp_code=["3", "bad"], user_tag=request.user_tag
        )

    async with serving() as server, logged_in(server, heard) as plant:
        server.on[312] = answer
        assert await plant.send(ORDER) is Delivery.SENT
        await heard.wait_for(1)
    assert (heard[0].template_id, heard[0].user_tag, list(heard[0].user_msg)) == (313, "A1", ["A1"])


async def test_nothing_is_sent_once_the_connection_is_lost():
    async with serving() as server, logged_in(server) as plant:
        await server.last.reset()
        with anyio.fail_after(PATIENCE_S):
            await plant.has_ended.wait()
        for _ in range(100):
            assert await plant.send(ORDER) is Delivery.NOT_SENT
    assert server.count(312) == 0


async def test_nothing_is_sent_once_the_server_says_goodbye():
    async with serving() as server, logged_in(server) as plant:
        server.last.protocol.send_close(1001, "maintenance")
        await server.last.flush()
        with anyio.fail_after(PATIENCE_S):
            await plant.has_ended.wait()
        assert await plant.send(ORDER) is Delivery.NOT_SENT
        assert "1001 maintenance" in str(plant.end)


async def test_nothing_is_sent_after_a_forced_logout():
    async with serving() as server, logged_in(server) as plant:
        await server.last.say(77)
        with anyio.fail_after(PATIENCE_S):
            await plant.has_ended.wait()
        assert await plant.send(ORDER) is Delivery.NOT_SENT


async def test_nothing_is_sent_once_the_login_was_left():
    async with serving() as server:
        async with logged_in(server) as plant:
            pass
        assert await plant.send(ORDER) is Delivery.NOT_SENT
    assert server.count(312) == 0


async def test_of_what_was_cut_in_the_middle_nothing_is_known():
    outcomes = []

    async def send_much():
        while not outcomes or outcomes[-1] is Delivery.SENT:
            outcomes.append(await plant.send(LONG))
        is_cut.set()

    is_cut = anyio.Event()
    async with serving() as server, logged_in(server) as plant:
        server.last.stall()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(send_much)
            await anyio.wait_all_tasks_blocked()
            tasks.start_soon(send_one_more, plant, later := [])
            await anyio.wait_all_tasks_blocked()
            await server.last.reset()
            with anyio.fail_after(PATIENCE_S):
                await is_cut.wait()
        assert outcomes[-1] is Delivery.UNKNOWN
        assert later == [Delivery.NOT_SENT]
        assert await plant.send(ORDER) is Delivery.NOT_SENT


async def send_one_more(plant, outcomes):
    outcomes.append(await plant.send(ORDER))


async def test_a_message_that_was_cancelled_in_the_middle_ends_the_connection():
    async def send_much():
        while True:
            await plant.send(LONG)

    async with serving() as server, logged_in(server) as plant:
        server.last.stall()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(send_much)
            await anyio.wait_all_tasks_blocked()
            tasks.cancel_scope.cancel()
        with anyio.fail_after(PATIENCE_S):
            await plant.has_ended.wait()
        assert "was closed here" in str(plant.end)
        assert await plant.send(ORDER) is Delivery.NOT_SENT


async def test_whoever_waits_for_a_turn_may_be_cancelled_without_harm():
    async with serving() as server, logged_in(server) as plant:
        with anyio.CancelScope() as scope:
            scope.cancel()
            await plant.send(ORDER)
        assert plant.end is None
        assert await plant.send(ORDER) is Delivery.SENT
        await server.wait_for(312)


async def test_messages_sent_at_once_arrive_whole():
    async with serving() as server, logged_in(server) as plant:
        async with anyio.create_task_group() as tasks:
            for number in range(50):
                tasks.start_soon(plant.send, make(312, user_tag=f"{number}-" + "x" * 5000))
        await server.wait_for(312, times=50)
    tags = sorted(
        int(one.user_tag.split("-")[0]) for one in server.received if one.template_id == 312
    )
    assert tags == list(range(50))
