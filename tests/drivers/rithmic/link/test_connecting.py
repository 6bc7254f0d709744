"""What goes wrong before there is a login: one sentence each, and never the password."""

import datetime as dt
import ssl
from contextlib import asynccontextmanager

import anyio
import anyio.lowlevel
import pytest
from anyio.abc import SocketAttribute
from tests.drivers.rithmic.link.server import (
    CREDENTIALS,
    PASSWORD,
    PATIENCE_S,
    SYSTEMS,
    Connection,
    ignore,
    logged_in,
    serving,
)
from tests.drivers.rithmic.proxy import proxying

from fillbridge_hooks import (
    ConfigurationError,
    FatalError,
    FillbridgeError,
    ForcedLogout,
    RetryableError,
    Secret,
)
from fillbridge_hooks.testing import ManualClock
from fillbridge_rithmic.link.plant import log_in
from fillbridge_rithmic.link.systems import list_systems
from fillbridge_rithmic.link.tls import client_context
from fillbridge_rithmic.settings import RithmicSettings
from fillbridge_rithmic.wire import codes

pytestmark = pytest.mark.anyio

WRONG = "a wrong password"


async def fails(settings, trust, credentials=CREDENTIALS) -> FillbridgeError:
    """The error of a login, which is checked for what holds for all."""
    with pytest.raises(FillbridgeError) as failed, anyio.fail_after(PATIENCE_S):
        async with log_in(
            codes.Plant.ORDER, settings, credentials, trust, ManualClock(), 30, ignore
        ):
            pass
    error = failed.value
    said = f"{error} {error!r} {error.__cause__!r}"
    assert "\n" not in str(error)
    assert len(str(error)) < 300
    assert PASSWORD not in said
    assert WRONG not in said
    return error


def password(text: str) -> dict[str, Secret]:
    return {**CREDENTIALS, "password": Secret(text)}


async def test_a_wrong_password_says_what_to_check():
    async with serving() as server:
        error = await fails(server.settings(), server.trust(), password(WRONG))
    assert isinstance(error, FatalError)
    assert "check user name, password, system name" in str(error)
    assert server.count(12) == 0


async def test_an_unknown_system_lists_those_there_are():
    async with serving() as server:
        error = await fails(server.settings(system_name="Rithmic 1"), server.trust())
    assert isinstance(error, FatalError)
    assert str(error) == (
        "system_name: expected one of Rithmic Test, Rithmic Paper Trading, was 'Rithmic 1'"
    )


async def test_the_system_of_the_credentials_wins():
    async with serving() as server:
        credentials = {**CREDENTIALS, "system_name": Secret(SYSTEMS[1])}
        settings = server.settings(system_name="other")
        async with log_in(
            codes.Plant.PNL, settings, credentials, server.trust(), ManualClock(), 30, ignore
        ):
            assert server.received[0].system_name == SYSTEMS[1]


@pytest.mark.parametrize(
    ("code", "kind"), [("6", FatalError), ("11", RetryableError), ("1062", RetryableError)]
)
async def test_another_refusal_is_told_without_what_was_sent(code, kind):
    async def refuse(connection, request):
        await connection.answer(request, 11, code, f"no {request.user} with {request.password}")

    async with serving() as server:
        server.on[10] = refuse
        error = await fails(server.settings(), server.trust())
    assert type(error) is kind
    assert str(error).endswith(f"{code} no *** with ***")


async def test_a_refusal_is_told_where_there_is_no_list_of_systems():
    async with serving() as server:
        server.on[16] = lambda connection, request: connection.reset()
        error = await fails(server.settings(), server.trust(), password(WRONG))
    assert isinstance(error, FatalError)


async def test_a_forced_logout_instead_of_a_login_is_one():
    async with serving() as server:
        server.on[10] = lambda connection, request: connection.say(77)
        error = await fails(server.settings(), server.trust())
    assert isinstance(error, ForcedLogout)


async def test_an_expired_certificate():
    day = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    async with serving(Connection.serve, "localhost", not_before=day, not_after=day) as server:
        error = await fails(server.settings(), server.trust())
    assert isinstance(error, FatalError)
    assert "certificate has expired" in str(error)


async def test_a_certificate_of_the_future():
    day = dt.datetime(2099, 1, 1, tzinfo=dt.UTC)
    async with serving(
        Connection.serve, "localhost", not_before=day, not_after=day + dt.timedelta(9)
    ) as server:
        error = await fails(server.settings(), server.trust())
    assert isinstance(error, FatalError)
    assert "not valid yet" in str(error)


async def test_an_authority_that_is_not_trusted():
    async with serving() as server:
        error = await fails(server.settings(), client_context(None))
    assert isinstance(error, FatalError)
    assert "ca_file" in str(error)


async def test_another_authority_than_the_one_in_the_file(tmp_path):
    async with serving() as server, serving() as other:
        other.authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        error = await fails(server.settings(), client_context(str(tmp_path / "ca.pem")))
    assert isinstance(error, FatalError)
    assert "ca_file" in str(error)


async def test_the_authority_in_the_file_is_trusted(tmp_path):
    async with serving() as server:
        server.authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        context = client_context(str(tmp_path / "ca.pem"))
        assert await list_systems(server.uri, context, PATIENCE_S) == tuple(SYSTEMS)
        assert context.cert_store_stats()["x509_ca"] == 1


async def test_a_certificate_for_another_host():
    async with serving(Connection.serve, "rithmic.example") as server:
        error = await fails(server.settings(), server.trust())
    assert isinstance(error, FatalError)
    assert "not for 'localhost'" in str(error)


async def test_a_certificate_for_another_address():
    async with serving() as server:
        uri = f"wss://127.0.0.1:{server.port}"
        error = await fails(server.settings(uri=uri), server.trust())
    assert isinstance(error, FatalError)
    assert "not for '127.0.0.1'" in str(error)


@asynccontextmanager
async def plain(handle):
    """A server without TLS; gives its address."""
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener:
        port = listener.extra(SocketAttribute.local_port)  # noqa: S610

        async def accept(stream):
            async with stream:
                await handle(stream)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(listener.serve, accept)
            yield f"wss://localhost:{port}"
            tasks.cancel_scope.cancel()


def settings(uri: str, **changes) -> RithmicSettings:
    return RithmicSettings(uri=uri, system_name=SYSTEMS[0], **changes)


async def test_an_endpoint_that_speaks_plain_text():
    async def speak(stream):
        await stream.receive()
        await stream.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with plain(speak) as uri:
        error = await fails(settings(uri), client_context(None))
    assert isinstance(error, FatalError)
    assert "no TLS is spoken there; expected a wss:// port" in str(error)


async def test_an_endpoint_that_ends_the_connection_at_once():
    async with plain(lambda stream: stream.receive()) as uri:
        error = await fails(settings(uri), client_context(None))
    assert isinstance(error, RetryableError)
    assert "while TLS was set up" in str(error)


async def test_an_endpoint_that_says_nothing_is_not_waited_for():
    async with plain(lambda stream: anyio.sleep_forever()) as uri:
        error = await fails(settings(uri, connect_timeout_s=0.2), client_context(None))
    assert isinstance(error, RetryableError)
    assert "within 0.2 s" in str(error)


async def test_a_port_where_nobody_listens():
    async with plain(lambda stream: anyio.sleep_forever()) as uri:
        pass
    error = await fails(settings(uri), client_context(None))
    assert isinstance(error, RetryableError)
    assert "cannot be reached: " in str(error)


async def test_a_host_that_is_not_known():
    uri = "wss://no-such-host.invalid:443"
    error = await fails(settings(uri, connect_timeout_s=5), client_context(None))
    assert isinstance(error, RetryableError)
    assert "no-such-host.invalid:443: " in str(error)


async def test_a_proxy_that_refuses():
    async with serving() as server, proxying(server.port) as proxy:
        proxy.refuses = True
        uri = f"wss://localhost:{proxy.port}"
        error = await fails(server.settings(uri=uri), server.trust())
    assert isinstance(error, RetryableError)


async def over_tls(said: bytes) -> FillbridgeError:
    async def speak(connection):
        await connection.stream.receive()
        await connection.stream.send(said)

    async with serving(speak) as server:
        return await fails(server.settings(), server.trust())


@pytest.mark.parametrize(
    ("said", "kind", "text"),
    [
        (b"HTTP/1.1 404 Not Found\r\n\r\n", FatalError, "was HTTP status 404; check uri"),
        (b"HTTP/1.1 503 Busy\r\n\r\n", RetryableError, "was HTTP status 503"),
        (b"HTTP/1.1 101 Go\r\nUpgrade: tea\r\n\r\n", FatalError, "no websocket is spoken there"),
        (b"220 mail ready\r\n", FatalError, "no websocket is spoken there; check uri"),
        (b"", RetryableError, "the connection ended before there was a websocket"),
        (b"HTTP/1.1 101 ", RetryableError, "the connection ended before there was a websocket"),
    ],
)
async def test_who_speaks_no_websocket_is_told_from_who_does_not_answer(said, kind, text):
    error = await over_tls(said)
    assert type(error) is kind
    assert text in str(error)


async def test_a_server_that_never_becomes_a_websocket_is_not_waited_for():
    async with serving(lambda connection: anyio.sleep_forever()) as server:
        error = await fails(server.settings(connect_timeout_s=0.3), server.trust())
    assert isinstance(error, RetryableError)
    assert "no websocket within 0.3 s" in str(error)


async def test_a_login_that_is_not_answered_is_not_waited_for():
    async with serving() as server:
        server.on[10] = lambda connection, request: anyio.lowlevel.checkpoint()
        error = await fails(server.settings(connect_timeout_s=1.0), server.trust())
    assert isinstance(error, RetryableError)
    assert "the login was not answered" in str(error)


async def test_a_connection_that_ends_during_the_login():
    async with serving() as server:
        server.on[10] = lambda connection, request: connection.reset()
        error = await fails(server.settings(), server.trust())
    assert isinstance(error, RetryableError)
    assert "the login was not answered" in str(error)


@pytest.mark.parametrize("missing", ["username", "password"])
async def test_a_credential_that_is_missing_is_named(missing):
    credentials = {name: one for name, one in CREDENTIALS.items() if name != missing}
    error = await fails(settings("wss://localhost:1"), client_context(None), credentials)
    assert isinstance(error, ConfigurationError)
    assert f"credentials.{missing}: missing" in str(error)


async def test_a_system_that_nobody_named():
    given = RithmicSettings(uri="wss://localhost:1")
    error = await fails(given, client_context(None))
    assert isinstance(error, ConfigurationError)
    assert "system_name: missing" in str(error)


async def test_an_address_that_is_missing():
    error = await fails(RithmicSettings(system_name="x"), client_context(None))
    assert isinstance(error, ConfigurationError)
    assert "uri: missing; expected wss://host:port" in str(error)


@pytest.mark.parametrize(
    "uri",
    ["ws://localhost:1", "https://localhost", "wss://", "localhost:1", "wss://h:port", "wss://[::"],
)
def test_an_address_without_tls_or_sense_is_refused(uri):
    with pytest.raises(ConfigurationError, match="uri: expected wss://host:port"):
        RithmicSettings(uri=uri)


def test_an_address_with_a_password_is_refused_without_showing_it():
    with pytest.raises(ConfigurationError, match="without a user") as refused:
        RithmicSettings(uri=f"ws://ann:{WRONG.replace(' ', '_')}@localhost:1")
    assert WRONG.replace(" ", "_") not in str(refused.value)


def test_a_file_of_authorities_must_be_one(tmp_path):
    with pytest.raises(ConfigurationError, match="ca_file: expected a PEM file"):
        client_context(str(tmp_path / "none.pem"))
    (tmp_path / "text.pem").write_text("nothing of the kind")
    with pytest.raises(ConfigurationError, match="ca_file: expected a PEM file"):
        client_context(str(tmp_path / "text.pem"))


def test_old_versions_of_tls_are_not_spoken():
    context = client_context(None)
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


async def test_what_the_body_raises_comes_out_as_it_is():
    async with serving() as server:
        with pytest.raises(KeyError, match="mine"):
            async with logged_in(server):
                raise KeyError("mine")
        await server.wait_for(12)


async def refuse_the_list(connection, request):
    await connection.answer(request, 17, "5", "busy")


async def answer_something_else(connection, request):
    await connection.send(b"\x00\x00\x00\x09nonsense!")


async def test_a_list_of_systems_that_is_refused():
    async with serving() as server:
        server.on[16] = refuse_the_list
        with pytest.raises(RetryableError, match="no list of systems: 5 busy"):
            await list_systems(server.uri, server.trust(), PATIENCE_S)
        server.on[16] = lambda connection, request: connection.reset()
        with pytest.raises(RetryableError, match="no list of systems"):
            await list_systems(server.uri, server.trust(), PATIENCE_S)
        server.on[16] = lambda connection, request: connection.say(350)
        with pytest.raises(RetryableError, match="no list of systems within"):
            await list_systems(server.uri, server.trust(), 0.3)
        server.on[16] = answer_something_else
        with pytest.raises(FatalError, match="no Rithmic answers there"):
            await list_systems(server.uri, server.trust(), PATIENCE_S)
