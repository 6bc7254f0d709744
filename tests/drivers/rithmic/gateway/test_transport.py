import ssl

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.drivers.rithmic.gateway.client import HOUSE, connected, logged_in
from websockets.frames import Opcode

from fillbridge_hooks import ConfigurationError
from fillbridge_rithmic.gateway import Gateway, GatewaySettings, serve_gateway
from fillbridge_rithmic.gateway.codec import BadFrame, build, pack, unpack

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "data",
    [b"", b"\x00", b"\x00\x00\x00\x09\x08\x01", b"\x00\x00\x00\x00"],
)
async def test_a_wrong_length_is_rejected_and_the_next_frame_is_heard(data):
    async with serve_gateway() as running, logged_in(running) as client:
        await client.send_bytes(data)
        assert list((await client.until(75)).rp_code) == ["6", "message length is invalid"]
        await client.ask(18)


async def test_a_message_of_text_is_rejected():
    async with serve_gateway() as running, logged_in(running) as client:
        client.protocol.send_text(b"hello")
        await client.flush()
        assert (await client.until(75)).rp_code[1] == "message length is invalid"


async def test_several_messages_in_one_and_one_in_several_frames_are_heard():
    async with serve_gateway() as running, logged_in(running) as client:
        await client.send_bytes(pack(build(18, user_msg=["a"])) + pack(build(18, user_msg=["b"])))
        await client.until(19)
        await client.until(19)
        data = pack(build(18, user_msg=["c"]))
        client.protocol.send_binary(data[:5], fin=False)
        client.protocol.send_continuation(data[5:], fin=True)
        await client.flush()
        assert list((await client.until(19)).user_msg) == ["c"]


async def test_a_ping_is_answered_and_can_be_sent():
    async with serve_gateway() as running, logged_in(running) as client:
        client.protocol.send_ping(b"x")
        await client.flush()
        await running.gateway.sessions[0].websocket.ping()
        await client.ask(18)
        assert sorted(client.controls) == [Opcode.PING, Opcode.PONG]


async def test_who_sends_nothing_is_disconnected():
    settings = GatewaySettings(heartbeat_interval_s=0.2, idle_intervals=1.5)
    async with serve_gateway(settings) as running, logged_in(running) as client:
        await client.until_gone()
        with anyio.fail_after(20):
            while running.gateway.sessions:
                await anyio.lowlevel.checkpoint()
        assert 18 not in {each.template for each in running.gateway.received}


async def until_closed(stream):
    try:
        while True:
            await stream.receive()
    except (anyio.EndOfStream, anyio.BrokenResourceError):
        pass


async def test_who_speaks_no_tls_or_no_websocket_ends_alone():
    async with serve_gateway() as running:
        port = int(running.uri.rpartition(":")[2])
        async with await anyio.connect_tcp("127.0.0.1", port) as stream:
            await stream.send(b"GET / HTTP/1.1\r\n\r\n")
            with anyio.fail_after(20):
                await until_closed(stream)
        context = ssl.create_default_context(cafile=running.ca_file)
        async with await anyio.connect_tcp(
            "127.0.0.1", port, tls=True, ssl_context=context, tls_standard_compatible=False
        ) as stream:
            await stream.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"426" in await stream.receive()
        async with await anyio.connect_tcp(
            "127.0.0.1", port, tls=True, ssl_context=context, tls_standard_compatible=False
        ) as stream:
            await stream.send(b"nonsense\r\n\r\n")
            with anyio.fail_after(20):
                await until_closed(stream)
        async with logged_in(running) as client:
            await client.ask(18)


async def test_a_client_may_say_goodbye():
    async with serve_gateway() as running, logged_in(running) as client:
        client.protocol.send_close(1000)
        await client.flush()
        await client.until_gone()
        assert client.protocol.close_rcvd.code == 1000


async def test_a_cut_is_a_reset_and_not_a_goodbye():
    async with serve_gateway() as running, logged_in(running) as client:
        await running.gateway.cut(plant=2)
        with anyio.fail_after(20), pytest.raises(anyio.BrokenResourceError) as broken:
            await client.stream.receive()
        assert isinstance(broken.value.__cause__, ConnectionResetError)


async def test_who_leaves_too_much_unread_is_disconnected(monkeypatch):
    monkeypatch.setattr("fillbridge_rithmic.gateway.sessions._MOST_UNSENT", 10)
    async with serve_gateway() as running, logged_in(running) as client:
        (session,) = running.gateway.sessions
        for _ in range(11):
            session.send(build(77))
        await client.until_gone()
        assert len(client.notices(77)) <= 10
        assert session.is_over


async def test_nothing_is_done_later_by_a_gateway_that_is_not_served():
    with pytest.raises(RuntimeError, match="not served"):
        Gateway(GatewaySettings()).later(1, lambda: None)


async def test_a_message_needs_its_template():
    with pytest.raises(BadFrame, match="template id field is not received"):
        list(unpack(pack(HEADLESS)))


async def test_a_text_has_to_be_utf_8():
    data = bytearray(pack(build(18, user_msg=["abc"])))
    data[-1] = 0xF9
    with pytest.raises(BadFrame, match="an error occurred while parsing"):
        list(unpack(bytes(data)))
    data = bytearray(pack(build(10, user="abc")))
    data[-1] = 0xF9
    with pytest.raises(BadFrame, match="an error occurred while parsing"):
        list(unpack(bytes(data)))


HEADLESS = build(18, ssboe=1)
HEADLESS.ClearField("template_id")


async def test_a_book_can_be_served_again_with_the_same_certificates(tmp_path):
    settings = GatewaySettings(tls_directory=str(tmp_path))
    async with serve_gateway(settings) as running, logged_in(running) as client:
        await client.order("T1")
        gateway, ca_file = running.gateway, running.ca_file
    before = (tmp_path / "ca.pem").read_bytes()
    assert (tmp_path / "server.pem").stat().st_mode & 0o077 == 0
    async with serve_gateway(gateway=gateway) as running, logged_in(running):
        assert (running.ca_file, running.gateway) == (ca_file, gateway)
        assert (tmp_path / "ca.pem").read_bytes() == before
        assert len(gateway.orders("T1", working=True)) == 1


async def test_what_cannot_be_served_is_said(tmp_path):
    async with serve_gateway() as running:
        port = int(running.uri.rpartition(":")[2])
        with pytest.raises(ConfigurationError, match=f"127.0.0.1:{port}: cannot be listened at"):
            async with serve_gateway(GatewaySettings(port=port)):
                pass
    (tmp_path / "ca.pem").write_text("nothing")
    (tmp_path / "server.pem").write_text("nothing")
    with pytest.raises(ConfigurationError, match="no certificates"):
        async with serve_gateway(GatewaySettings(tls_directory=str(tmp_path))):
            pass


async def test_an_error_of_who_serves_is_raised_as_it_is():
    with pytest.raises(KeyError):
        async with serve_gateway():
            raise KeyError


@given(st.binary(max_size=200))
@settings(max_examples=200)
def test_any_bytes_are_messages_or_a_bad_frame(data):
    try:
        for message in unpack(data):
            assert message.template_id is not None
    except BadFrame:
        pass


ORDER = pack(
    build(
        312,
        **HOUSE,
        user_msg=["1"],
        symbol="ES",
        exchange="CME",
        quantity=1,
        transaction_type=1,
        duration=1,
        price_type=1,
        price=4990.0,
        trigger_price=5010.0,
        cancel_after_secs=9,
    )
)


def damaged(at, byte):
    data = bytearray(ORDER)
    data[4 + at % (len(ORDER) - 4)] = byte
    return bytes(data)


@given(
    frames=st.lists(
        st.binary(max_size=60)
        | st.builds(damaged, st.integers(0, 500), st.integers(0, 255))
        | st.sampled_from((14, 18, 100, 312, 314, 316, 320, 330, 346, 3504)).map(build).map(pack),
        max_size=20,
    )
)
@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
)
async def test_the_gateway_survives_whatever_is_sent(frames):
    async with serve_gateway() as running:
        async with connected(running) as client:
            for frame in frames:
                await client.send_bytes(frame)
            await client.send(18)
            await client.until(75)
        async with logged_in(running) as client:
            for frame in frames:
                await client.send_bytes(frame)
            (answer,) = await client.ask(18)
    assert answer.template_id == 19
