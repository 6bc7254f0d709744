"""The socket: who may connect, what becomes of its file, and what is done about nonsense."""

import contextlib
import socket
import stat
from contextlib import AsyncExitStack
from pathlib import Path

import anyio
import msgspec
import pytest

from fillbridge import ConfigurationError
from fillbridge.config import decode_settings
from fillbridge.management import (
    AnswerKind,
    ManagementClient,
    ShowStatus,
    connect,
    other_sockets,
    serve_management,
    socket_path,
)
from fillbridge.management.messages import MAX_REQUEST_BYTES
from fillbridge.management.sockets import UnixListener, connect_unix
from fillbridge_hooks import NotConnected

pytestmark = pytest.mark.anyio


async def exchange(path, sent, *, ends=False):
    """Every line that is answered to these bytes until the server closes or 1 answer came."""
    received = b""
    with contextlib.closing(await connect_unix(path)) as stream:
        with contextlib.suppress(anyio.BrokenResourceError):
            await stream.send(sent)
        if ends:
            stream.send_eof()
        with contextlib.suppress(anyio.EndOfStream):
            while ends or b"\n" not in received:
                received += await stream.receive()
    return [msgspec.json.decode(line) for line in received.splitlines()]


async def test_nobody_but_the_owner_can_connect_and_the_file_goes_with_the_server(desk):
    async with desk() as opened:
        async with serve_management(opened.management, opened.path):
            assert stat.S_IMODE(opened.path.lstat().st_mode) == 0o600
        assert not opened.path.exists()


async def test_the_socket_of_a_handler_that_is_gone_is_replaced(desk):
    async with desk() as opened:
        dead = socket.socket(socket.AF_UNIX)
        dead.bind(str(opened.path))
        dead.close()
        async with (
            serve_management(opened.management, opened.path),
            connect(opened.path) as client,
        ):
            assert (await client.ask(ShowStatus())).kind is AnswerKind.DONE


async def test_a_socket_at_which_somebody_answers_is_left_alone(served):
    async with served() as at:
        with pytest.raises(ConfigurationError, match="expected a socket of no other handler"):
            async with serve_management(at.desk.management, at.desk.path):
                pass
        assert (await at.client.ask(ShowStatus())).kind is AnswerKind.DONE


async def test_a_file_that_is_no_socket_is_left_alone(desk):
    async with desk() as opened:
        opened.path.write_text("mine")
        with pytest.raises(ConfigurationError, match="was another file"):
            async with serve_management(opened.management, opened.path):
                pass
        assert opened.path.read_text() == "mine"


async def test_a_socket_that_took_the_place_of_ours_is_left_alone(desk):
    async with desk() as opened:
        other = socket.socket(socket.AF_UNIX)
        async with serve_management(opened.management, opened.path):
            opened.path.unlink()
            other.bind(str(opened.path))
        assert opened.path.is_socket()
        other.close()


async def test_a_folder_that_is_not_there_is_said(desk, tmp_path):
    async with desk() as opened:
        with pytest.raises(ConfigurationError, match="no socket can be opened"):
            async with serve_management(opened.management, tmp_path / "no" / "s"):
                pass


async def test_nonsense_is_answered_and_the_conversation_goes_on(served):
    async with served() as at:
        sent = b'nonsense\n[]\n\n{"request":"dance"}\n{"request":"status"}\n\xff\xfe\n{"request'
        answers = await exchange(at.desk.path, sent, ends=True)
        kinds = [answer["kind"] for answer in answers]
        assert kinds == ["invalid"] * 4 + ["done"] + ["invalid"] * 2


@pytest.mark.parametrize("ending", [b"", b"\n"])
async def test_a_line_that_is_too_long_is_answered_and_ends_the_conversation(served, ending):
    async with served() as at:
        sent = b"x" * (MAX_REQUEST_BYTES + 1) + ending
        (answer,) = await exchange(at.desk.path, sent)
        assert answer["error"] == "request: expected at most 1048576 bytes in a line, was more"
        assert (await at.client.ask(ShowStatus())).kind is AnswerKind.DONE


async def test_whoever_goes_away_goes_alone(served):
    async with served() as at:
        for _ in range(3):
            with contextlib.closing(await connect_unix(at.desk.path)) as stream:
                await stream.send(b'{"request":"status"}\n' * 50)
        assert (await at.client.ask(ShowStatus())).kind is AnswerKind.DONE


async def test_the_connection_that_is_idle_longest_makes_way_for_a_new_one(served):
    async with served() as at, AsyncExitStack() as stack:
        others = [await stack.enter_async_context(connect(at.desk.path)) for _ in range(63)]
        for client in (others[-1], at.client, *others[1:]):
            assert (await client.ask(ShowStatus())).kind is AnswerKind.DONE
        for sent in range(3):
            (answer,) = await exchange(at.desk.path, b'{"request":"status"}\n')
            assert answer["kind"] == "done", sent
        with pytest.raises(NotConnected, match="the handler ended"):
            await others[0].ask(ShowStatus())
        assert (await others[-1].ask(ShowStatus())).kind is AnswerKind.DONE


async def test_whoever_takes_no_answers_makes_way_too(served):
    async with served() as at, AsyncExitStack() as stack:
        for _ in range(64):
            stream = stack.enter_context(contextlib.closing(await connect_unix(at.desk.path)))
            stream._socket.send(b'{"request":"status"}\n' * 4_000)
        await anyio.wait_all_tasks_blocked()
        (answer,) = await exchange(at.desk.path, b'{"request":"status"}\n')
        assert answer["kind"] == "done"


async def test_connections_are_bounded(desk, monkeypatch):
    async with desk() as opened:
        going_on = anyio.Event()

        async def take_time(line):
            await going_on.wait()
            return b'{"kind":"done"}\n'

        monkeypatch.setattr(opened.management, "answer_line", take_time)
        async with serve_management(opened.management, opened.path), AsyncExitStack() as stack:
            for _ in range(64):
                stream = await connect_unix(opened.path)
                stack.enter_context(contextlib.closing(stream))
                await stream.send(b"busy\n")
            await anyio.wait_all_tasks_blocked()
            (answer,) = await exchange(opened.path, b"")
            assert answer["kind"] == "refused"
            assert answer["error"] == "expected at most 64 connections at once, was more"


async def test_a_client_finds_nobody(tmp_path):
    with pytest.raises(NotConnected, match=r"no handler answers at .*fillbridge run starts one"):
        async with connect(tmp_path / "s"):
            pass


async def test_a_handler_that_ends_is_said_to_have(desk):
    async with desk() as opened:
        async with serve_management(opened.management, opened.path):
            stream = await connect_unix(opened.path)
        with (
            contextlib.closing(stream),
            pytest.raises(NotConnected, match="the handler ended"),
        ):
            await ManagementClient(stream, opened.path).ask(ShowStatus())


async def test_what_answers_may_be_no_handler(tmp_path):
    path = tmp_path / "s"
    listener = UnixListener.at(path)

    async def answer():
        with contextlib.closing(await listener.accept()) as stream:
            await stream.receive()
            await stream.send(b"220 ready\n")

    with contextlib.closing(listener):
        async with anyio.create_task_group() as group:
            group.start_soon(answer)
            async with connect(path) as client:
                with pytest.raises(NotConnected, match="what answers there is no handler"):
                    await client.ask(ShowStatus())


def settings(**live):
    return decode_settings({"execution_handler": {"live_settings": live}})


def test_the_socket_stands_beside_the_journal_unless_it_is_named():
    assert socket_path(settings(journal="j", account="a.b")) == Path("j/a%2Eb/handler.sock")
    assert socket_path(settings(journal="j", socket="x/s")) == Path("x/s")


def test_a_path_that_no_socket_can_have_is_refused():
    with pytest.raises(ConfigurationError, match=r"at most \d+ bytes, was 1\d\d; name a shorter"):
        socket_path(settings(journal="j" * 100))


async def test_other_accounts_with_a_socket_are_found(served, journal):
    async with served(live_settings={"account": "a1"}) as at:
        mine = settings(journal=journal, account="b2")
        assert other_sockets(mine) == [("a1", at.desk.path)]
        assert other_sockets(at.handler.settings) == []
