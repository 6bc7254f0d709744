"""Messages however they are cut, and what is no message."""

import random
from contextlib import asynccontextmanager

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.drivers.rithmic.link.server import PATIENCE_S, Heard, logged_in, say_nothing, serving
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from fillbridge_hooks import RetryableError
from fillbridge_rithmic.link.frames import whole_message
from fillbridge_rithmic.link.plant import Plant
from fillbridge_rithmic.wire import codes
from fillbridge_rithmic.wire.framing import framed
from fillbridge_rithmic.wire.messages import encode, make

GOOD = encode(make(351, user_tag="A1", basket_id="1", notify_type=13, status="open"))
LOGIN = encode(make(11, user_msg=["1"], rp_code=["0"], heartbeat_interval=30.0))
REJECT = encode(make(75, rp_code=["6", "bad input"]))
FILL = encode(make(352, user_tag="A1", fill_id="7", fill_price=5000.25, fill_size=1, symbol="ES"))
UNKNOWN_TEMPLATE = framed(make(19).SerializeToString().replace(b"\x13", b"\x7f"))


@asynccontextmanager
async def quiet(heard=None):
    """A server that says nothing by itself, so that a test may say half of something."""
    async with serving() as server:
        server.on[18] = say_nothing
        async with logged_in(server, heard) as plant:
            yield server, plant


@pytest.mark.anyio
async def test_a_message_in_fragments_is_put_together():
    heard = Heard()
    async with quiet(heard) as (server, _):
        await server.last.send_fragments(GOOD[:1], b"", GOOD[1:9], GOOD[9:], b"")
        await server.last.send_fragments(b"", FILL)
        await server.last.send(GOOD)
        await heard.wait_for(3)
    assert [message.template_id for message in heard] == [351, 352, 351]


@pytest.mark.anyio
async def test_a_ping_is_answered_even_between_fragments():
    heard = Heard()
    async with quiet(heard) as (server, _):
        protocol = server.last.protocol
        protocol.send_binary(GOOD[:7], fin=False)
        protocol.send_ping(b"are you there")
        protocol.send_continuation(GOOD[7:], fin=True)
        await server.last.flush()
        await heard.wait_for(1)
        with anyio.fail_after(PATIENCE_S):
            while not server.pongs:  # noqa: ASYNC110  # a list has no event
                await anyio.sleep(0.01)
    assert b"are you there" in server.pongs


@pytest.mark.anyio
async def test_several_messages_in_one_and_one_in_single_bytes():
    heard = Heard()
    async with serving() as server, logged_in(server, heard):
        await server.last.send(GOOD + FILL + GOOD)
        await server.last.drip(FILL)
        await heard.wait_for(4)
    assert [message.template_id for message in heard] == [351, 352, 351, 352]


@pytest.mark.anyio
async def test_what_is_no_message_is_passed_over_and_counted():
    heard = Heard()
    async with serving() as server, logged_in(server, heard) as plant:
        for bad in (b"", b"\x00", b"\x00\x00\x00\x05abc", b"\xff" * 50, framed(b"\x00\x01\x02")):
            await server.last.send(bad)
        await server.last.send(framed(b"\xff\xff") + GOOD)
        await server.last.send(UNKNOWN_TEMPLATE)
        await server.last.send(FILL)
        await heard.wait_for(2)
        assert plant.passed_over == 5
        assert plant.end is None
    assert [message.template_id for message in heard] == [351, 352]


@pytest.mark.anyio
async def test_a_text_is_passed_over():
    heard = Heard()
    async with serving() as server, logged_in(server, heard) as plant:
        server.last.protocol.send_text(b"hello")
        await server.last.flush()
        await server.last.send(GOOD)
        await heard.wait_for(1)
        assert plant.passed_over == 1


@pytest.mark.anyio
async def test_a_message_without_end_ends_the_connection():
    async with quiet() as (server, plant):
        piece = b"x" * 100_000
        server.last.protocol.send_binary(piece, fin=False)
        for _ in range(11):
            server.last.protocol.send_continuation(piece, fin=False)
        await server.last.flush()
        with anyio.fail_after(PATIENCE_S):
            await plant.has_ended.wait()
        assert isinstance(plant.end, RetryableError)
        assert "websocket protocol" in str(plant.end)


@pytest.mark.anyio
async def test_what_came_before_a_breach_of_the_protocol_is_heard():
    heard = Heard()
    async with serving() as server, logged_in(server, heard) as plant:
        server.last.protocol.send_binary(GOOD)
        good = b"".join(server.last.protocol.data_to_send())
        await server.last.stream.send(good + b"\xff\xff\xff\xff" + good)
        with anyio.fail_after(PATIENCE_S):
            await plant.has_ended.wait()
    assert len(heard) == 1


@pytest.mark.anyio
async def test_who_hears_badly_does_not_stop_the_reading(caplog):
    heard = []

    def hear(message):
        heard.append(message.template_id)
        if len(heard) == 1:
            raise RuntimeError("a defect")

    async with serving() as server, logged_in(server, hear) as plant:
        server.on[302] = lambda connection, request: connection.answer(request, 303)
        await server.last.send(GOOD + FILL)
        await plant.ask(302)
        assert (heard, plant.failures) == ([351, 352], 1)
        assert plant.end is None
    assert "could not be dealt with" in caplog.text


@pytest.mark.anyio
async def test_mutated_messages_over_the_socket_never_stop_the_reading():
    dice = random.Random(7)
    tags = []

    def hear(message):
        if message.template_id == 351:
            tags.append(message.user_tag)

    async with serving() as server, logged_in(server, hear) as plant:
        server.on[302] = lambda connection, request: connection.answer(request, 303)
        for number in range(300):
            data = bytearray(dice.choice((GOOD, FILL, REJECT, LOGIN)))
            for _ in range(dice.randint(1, 6)):
                data[dice.randrange(4, len(data))] = dice.randrange(256)
            await server.last.send(bytes(data))
            await server.last.send(encode(make(351, user_tag=f"good {number}")))
        await plant.ask(302, timeout_s=PATIENCE_S)
        assert plant.end is None
    assert [tag for tag in tags if tag.startswith("good ")] == [f"good {n}" for n in range(300)]


mutations = st.lists(st.tuples(st.integers(0, 400), st.binary(max_size=8)), min_size=1, max_size=6)


@given(st.sampled_from((GOOD, FILL, REJECT, LOGIN)), mutations, st.integers(0, 200))
def test_after_any_mutated_frame_the_next_good_one_is_heard(frame, changes, cut):
    heard = []
    plant = Plant(codes.Plant.ORDER, None, 1, heard.append)
    data = bytearray(frame)
    for at, new in changes:
        data[at : at + len(new)] = new
    plant._take(bytes(data[: len(data) - cut] if cut < 100 else data))
    is_over = plant.end is not None  # it has become a forced logout
    before = len(heard)
    plant._take(GOOD)
    assert len(heard) == before + (not is_over)


@given(st.binary(max_size=400))
def test_after_any_bytes_the_next_good_frame_is_heard(data):
    heard = []
    plant = Plant(codes.Plant.ORDER, None, 1, heard.append)
    plant._take(data)
    plant._take(GOOD)
    assert heard[-1].user_tag == "A1"


def as_a_server_reads(data):
    """The frame that stands there, and nothing else does."""
    reader = StreamReader()
    reader.feed_data(data)
    reading = Frame.parse(reader.read_exact, mask=True)
    with pytest.raises(StopIteration) as read:
        next(reading)
    assert not reader.buffer
    return read.value.value


@given(st.binary(max_size=300))
def test_what_is_sent_is_one_whole_message(data):
    read = as_a_server_reads(whole_message(data))
    assert (read.opcode, read.fin, bytes(read.data)) == (Opcode.BINARY, True, data)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 1 << 20])
def test_what_is_sent_may_have_any_size(size):
    data = random.Random(size).randbytes(size)
    assert bytes(as_a_server_reads(whole_message(data)).data) == data


def test_nobody_foresees_the_mask():
    assert len({whole_message(bytes(64))[2:6] for _ in range(10)}) == 10
