"""Requests and their answers, over a real TLS socket."""

import anyio
import pytest
from tests.drivers.rithmic.link.server import PATIENCE_S, Heard, logged_in, serving

from fillbridge_hooks import ForcedLogout, RetryableError
from fillbridge_rithmic.link.errors import RequestRefused
from fillbridge_rithmic.link.requests import MOST_ROWS, Waiters
from fillbridge_rithmic.wire.messages import make

pytestmark = pytest.mark.anyio


async def route(connection, request, exchange):
    await connection.say(
        311, user_msg=list(request.user_msg), rq_handler_rp_code=["0"], exchange=exchange
    )


async def test_a_login_tells_the_server_who_and_what_logs_in():
    async with serving() as server:
        async with logged_in(server) as plant:
            assert (plant.login.fcm_id, plant.login.ib_id) == ("F", "I")
            await server.wait_for(18)
            login, heartbeat = server.received[:2]
            assert (login.template_id, login.infra_type, login.app_name) == (10, 2, "fillbridge")
            assert (heartbeat.template_id, heartbeat.ssboe) == (18, 1_772_460_000)
        await server.wait_for(12)
        assert isinstance(plant.end, RetryableError)
        assert plant.has_ended.is_set()


async def test_rows_of_answers_that_interleave_go_to_who_asked():
    waiting = []

    async def answer_two(connection, request):
        waiting.append(request)
        if len(waiting) < 2:
            return
        first, second = waiting
        await route(connection, second, "CBOT")
        await route(connection, first, "CME")
        await route(connection, first, "COMEX")
        await connection.answer(first, 311)
        await route(connection, second, "NYMEX")
        await connection.answer(second, 311)

    answers = {}

    async def ask(name):
        answers[name] = await plant.ask(310)

    async with serving() as server, logged_in(server) as plant:
        server.on[310] = answer_two
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask, "first")
            await server.wait_for(310)
            tasks.start_soon(ask, "second")

    exchanges = {name: [row.exchange for row in one.rows] for name, one in answers.items()}
    assert exchanges == {"first": ["CME", "COMEX", ""], "second": ["CBOT", "NYMEX", ""]}
    assert {answer.code for answer in answers.values()} == {"0"}


async def test_rows_and_what_is_heard_keep_their_order():
    order = []

    async def answer(connection, request):
        await route(connection, request, "CME")
        await connection.say(350, exchange="heard")
        await route(connection, request, "CBOT")
        await connection.answer(request, 311)

    async with (
        serving() as server,
        logged_in(server, lambda message: order.append(message.exchange)) as plant,
    ):
        server.on[310] = answer
        answered = await plant.ask(310, rows=lambda row: order.append(row.exchange))
    assert order == ["CME", "heard", "CBOT", ""]
    assert answered.rows == ()


async def test_what_taking_a_row_raises_is_raised_where_it_was_asked():
    async def answer(connection, request):
        await route(connection, request, "CME")
        await connection.answer(request, 311)

    def refuse(row):
        raise KeyError(row.exchange)

    async with serving() as server, logged_in(server) as plant:
        server.on[310] = answer
        with pytest.raises(KeyError, match="CME"):
            await plant.ask(310, rows=refuse)
        assert len((await plant.ask(310)).rows) == 2


async def test_no_data_is_an_empty_answer_and_other_words_are_an_error():
    words = ["no data"]

    async def answer(connection, request):
        await connection.answer(request, 303, "7", *words)

    async with serving() as server, logged_in(server) as plant:
        server.on[302] = answer
        assert (await plant.ask(302)).rows == ()
        words = ["an error occurred while parsing data."]
        with pytest.raises(RequestRefused, match="while parsing") as refused:
            await plant.ask(302)
        assert (refused.value.code, refused.value.text) == ("7", words[0])
        words = []
        with pytest.raises(RequestRefused):
            await plant.ask(302)


async def test_a_refused_request_says_why_and_the_connection_goes_on():
    codes = [["1039", "FCM Id field is not received."], ["0"]]

    async def answer(connection, request):
        await connection.answer(request, 303, *codes.pop(0))

    async with serving() as server, logged_in(server) as plant:
        server.on[302] = answer
        with pytest.raises(RequestRefused, match="1039 FCM Id field is not received"):
            await plant.ask(302)
        await plant.ask(302)


async def test_a_reject_fails_the_request_that_it_names():
    async def answer(connection, request):
        await connection.say(75, user_msg=list(request.user_msg), rp_code=["6", "bad input"])

    async with serving() as server, logged_in(server) as plant:
        server.on[302] = answer
        with pytest.raises(RequestRefused, match="6 bad input"):
            await plant.ask(302)
        assert plant.rejects == 0


async def test_a_reject_that_names_none_fails_the_only_one_that_waits():
    async def answer(connection, request):
        await connection.say(75, rp_code=["6", "message length is invalid"])

    async with serving() as server, logged_in(server) as plant:
        server.on[302] = answer
        with pytest.raises(RequestRefused, match="length is invalid"):
            await plant.ask(302)


async def test_a_reject_that_names_none_of_several_is_counted_and_heard():
    heard = Heard()

    async def answer(connection, request):
        await connection.say(75, rp_code=["6", "bad input"])
        await connection.answer(request, 303)
        await connection.answer(first[0], 311)

    first = []

    async def keep(connection, request):
        first.append(request)

    async with serving() as server, logged_in(server, heard) as plant:
        server.on |= {302: answer, 310: keep}
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(plant.ask, 310)
            await server.wait_for(310)
            await plant.ask(302)
        await heard.wait_for(1)
        assert plant.rejects == 1
    assert [message.template_id for message in heard] == [75]


async def test_a_forced_logout_ends_it_and_fails_who_waits():
    async def kick(connection, request):
        await connection.say(77)

    async with serving() as server, logged_in(server) as plant:
        server.on[302] = kick
        with pytest.raises(ForcedLogout, match="another login"):
            await plant.ask(302)
        with pytest.raises(ForcedLogout):
            await plant.ask(302)
        with anyio.fail_after(PATIENCE_S):
            await plant.has_ended.wait()
        assert isinstance(plant.end, ForcedLogout)
    assert server.count(302) == 1


async def test_requests_that_time_out_leave_nothing_behind():
    async def ask():
        with pytest.raises(RetryableError, match="no answer within"):
            await plant.ask(302, timeout_s=0.2)

    async with serving() as server, logged_in(server) as plant:
        async with anyio.create_task_group() as tasks:
            for _ in range(1000):
                tasks.start_soon(ask)
        assert len(plant._waiters) == 0
        assert plant.end is None
        server.on[302] = lambda connection, request: connection.answer(request, 303)
        assert (await plant.ask(302)).code == "0"


async def test_a_request_that_was_cancelled_leaves_nothing_behind():
    async with serving() as server, logged_in(server) as plant:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(plant.ask, 302)
            await server.wait_for(302)
            tasks.cancel_scope.cancel()
        assert len(plant._waiters) == 0
        assert plant.end is None


async def test_an_answer_that_comes_too_late_is_heard():
    heard = Heard()
    late = []

    async def keep(connection, request):
        late.append(request)

    async with serving() as server, logged_in(server, heard) as plant:
        server.on[302] = keep
        with pytest.raises(RetryableError):
            await plant.ask(302, timeout_s=0.1)
        await server.wait_for(302)
        await server.last.answer(late[0], 303)
        await heard.wait_for(1)
    assert heard[0].template_id == 303


async def test_the_loss_of_the_connection_fails_all_who_wait():
    failed = []

    async def ask():
        try:
            await plant.ask(302, timeout_s=1000)
        except RetryableError as error:
            failed.append(str(error))

    async with serving() as server, logged_in(server) as plant:
        with anyio.fail_after(PATIENCE_S):
            async with anyio.create_task_group() as tasks:
                for _ in range(5):
                    tasks.start_soon(ask)
                await server.wait_for(302, times=5)
                await server.last.reset()
        assert len(failed) == 5
        assert all("connection to Rithmic is lost" in one for one in failed)
        assert isinstance(plant.end, RetryableError)


async def test_a_request_that_cannot_be_made_waits_for_nothing():
    async with serving() as server, logged_in(server) as plant:
        with pytest.raises(ValueError, match="no_such_field"):
            await plant.ask(302, no_such_field=1)
        assert len(plant._waiters) == 0


def test_an_answer_keeps_a_bounded_number_of_rows():
    waiters = Waiters()
    waiter = waiters.add(None)
    row = make(311, user_msg=[waiter.name], rq_handler_rp_code=["0"])
    for _ in range(MOST_ROWS + 1):
        waiters.take(row)
    with pytest.raises(RetryableError, match="expected at most"):
        waiter.answer()


def test_what_comes_after_the_end_of_an_answer_changes_nothing():
    waiters = Waiters()
    waiter = waiters.add(None)
    end = make(311, user_msg=[waiter.name], rp_code=["0"])
    waiters.take(end)
    waiters.take(make(75, user_msg=[waiter.name], rp_code=["6"]))
    assert list(waiter.answer().rows) == [end]


def test_a_reject_without_a_code_is_a_refusal():
    waiters = Waiters()
    waiter = waiters.add(None)
    waiters.take(make(75, user_msg=[waiter.name]))
    with pytest.raises(RequestRefused):
        waiter.answer()
