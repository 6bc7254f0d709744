"""A server that speaks as a test tells it to, over TLS on loopback."""

import logging
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
import trustme
from anyio.abc import SocketAttribute
from anyio.streams.tls import TLSListener
from websockets.exceptions import InvalidState
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from fillbridge_hooks import Secret
from fillbridge_hooks.testing import ManualClock
from fillbridge_rithmic.link.plant import Plant, log_in
from fillbridge_rithmic.settings import RithmicSettings
from fillbridge_rithmic.wire import codes
from fillbridge_rithmic.wire.messages import decode, encode, make

PASSWORD = "correct horse battery staple"  # noqa: S105
CREDENTIALS = {"username": Secret("ann"), "password": Secret(PASSWORD)}
SYSTEMS = ["Rithmic Test", "Rithmic Paper Trading"]
_FORCED_LOGOUT = 77
GONE = (anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream, OSError)
START_NS = 1_772_460_000_000_000_000
PATIENCE_S = 20
"""So long a test that fails waits at most."""

Handler = Callable[["Connection", Any], Awaitable[None]]


class Connection:
    """The server's end of one connection."""

    def __init__(self, server: "Server", stream: Any) -> None:
        self.server = server
        self.stream = stream
        # Not through the usual logger: a test looks there for what the client must not log.
        self.protocol = ServerProtocol(logger=logging.Logger("server"))  # noqa: LOG001
        self.is_open = anyio.Event()
        self.stalled: anyio.Event | None = None
        self._writing = anyio.Lock()

    async def say(self, template: int, **fields: Any) -> None:
        # Whoever is logged out breaks the connection at once, perhaps while he is still told so.
        gone = GONE if template == _FORCED_LOGOUT else ()
        with suppress(*gone):
            await self.send(encode(make(template, **fields)))

    async def answer(self, request: Any, template: int, code: str = "0", *text: str) -> None:
        """The last message of an answer."""
        await self.say(template, user_msg=list(request.user_msg), rp_code=[code, *text])

    async def send(self, data: bytes) -> None:
        self.protocol.send_binary(data)
        await self.flush()

    async def send_fragments(self, *parts: bytes) -> None:
        first, *others = parts
        self.protocol.send_binary(first, fin=not others)
        for number, part in enumerate(others, 1):
            self.protocol.send_continuation(part, fin=number == len(others))
        await self.flush()

    async def drip(self, data: bytes) -> None:
        """Send a message byte by byte."""
        async with self._writing:
            self.protocol.send_binary(data)
            for byte in b"".join(self.protocol.data_to_send()):
                await self.stream.send(bytes([byte]))

    async def flush(self) -> None:
        async with self._writing:
            for data in self.protocol.data_to_send():
                if data:
                    await self.stream.send(data)
                else:
                    await self.stream.aclose()

    async def reset(self) -> None:
        """End the connection as a crash would."""
        raw: socket.socket = self.stream.extra(SocketAttribute.raw_socket)  # noqa: S610
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await self.stream.aclose()

    def stall(self) -> None:
        """Read and say nothing any more, but keep the connection."""
        self.stalled = anyio.Event()

    async def serve(self) -> None:
        with suppress(*GONE, InvalidState):
            while True:
                if self.stalled is not None:
                    await self.stalled.wait()
                self.protocol.receive_data(await self.stream.receive())
                if self.stalled is not None:
                    continue
                await self.flush()
                for event in self.protocol.events_received():
                    if isinstance(event, Request):
                        self.protocol.send_response(self.protocol.accept(event))
                        await self.flush()
                        self.is_open.set()
                    elif isinstance(event, Frame) and event.opcode is Opcode.BINARY:
                        await self._dispatch(bytes(event.data))
                    elif isinstance(event, Frame) and event.opcode is Opcode.PING:
                        self.server.pings += 1
                        self.server.woken.set()
                    elif isinstance(event, Frame) and event.opcode is Opcode.PONG:
                        self.server.pongs.append(bytes(event.data))

    async def _dispatch(self, data: bytes) -> None:
        for message in decode(data):
            self.server.received.append(message)
            self.server.woken.set()
            handler = self.server.on.get(message.template_id)
            if handler is not None and self.stalled is None:
                await handler(self, message)


class Server:
    """What listens, with the handlers that a test may replace: ``server.on[312] = handler``."""

    def __init__(self, port: int, authority: trustme.CA) -> None:
        self.uri = f"wss://localhost:{port}"
        self.port = port
        self.authority = authority
        self.received: list[Any] = []
        self.pings = 0
        self.pongs: list[bytes] = []
        self.connections: list[Connection] = []
        self.woken = anyio.Event()
        self.heartbeat_interval = 30.0
        self.on: dict[int, Handler] = {
            10: self.answer_login,
            12: self.answer_logout,
            16: self.answer_systems,
            18: self.answer_heartbeat,
        }

    @property
    def last(self) -> Connection:
        return self.connections[-1]

    def count(self, template: int) -> int:
        return sum(message.template_id == template for message in self.received)

    async def wait_for(self, template: int, times: int = 1) -> None:
        await self.wait_until(lambda: self.count(template) >= times)

    async def wait_until(self, is_met: Callable[[], bool]) -> None:
        """Look whenever something has arrived."""
        with anyio.fail_after(PATIENCE_S):
            while not is_met():
                self.woken = anyio.Event()
                await self.woken.wait()

    async def answer_login(self, connection: Connection, request: Any) -> None:
        if (request.user, request.password) != ("ann", PASSWORD) or (
            request.system_name not in SYSTEMS
        ):
            await connection.answer(request, 11, "13", "permission denied")
            return
        await connection.say(
            11,
            user_msg=list(request.user_msg),
            rp_code=["0"],
            fcm_id="F",
            ib_id="I",
            heartbeat_interval=self.heartbeat_interval,
        )

    async def answer_logout(self, connection: Connection, request: Any) -> None:
        await connection.answer(request, 13)
        connection.protocol.send_close(1000)
        await connection.flush()

    async def answer_systems(self, connection: Connection, request: Any) -> None:
        await connection.say(
            17, user_msg=list(request.user_msg), rp_code=["0"], system_name=SYSTEMS
        )
        connection.protocol.send_close(1000)
        await connection.flush()

    async def answer_heartbeat(self, connection: Connection, request: Any) -> None:
        await connection.answer(request, 19)

    def settings(self, **changes: Any) -> RithmicSettings:
        given = {"uri": self.uri, "system_name": SYSTEMS[0], **changes}
        return RithmicSettings(**given)

    def trust(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.authority.configure_trust(context)
        return context


@asynccontextmanager
async def serving(
    handle: Callable[[Connection], Awaitable[None]] = Connection.serve,
    *names: str,
    **certificate: Any,
) -> AsyncIterator[Server]:
    """A server whose certificate is for ``names``, issued as ``certificate`` says."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*(names or ("localhost",)), **certificate).configure_cert(context)
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = listener.extra(SocketAttribute.local_port)  # noqa: S610
    server = Server(port, authority)

    async def accept(stream: Any) -> None:
        connection = Connection(server, stream)
        server.connections.append(connection)
        try:
            await handle(connection)
        finally:
            await anyio.aclose_forcefully(stream)

    tls = TLSListener(listener, context, standard_compatible=False)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(tls.serve, accept)
        try:
            yield server
        finally:
            tasks.cancel_scope.cancel()
    await tls.aclose()


class Heard(list[Any]):
    """What a login heard, and a way to wait for it."""

    def __init__(self) -> None:
        super().__init__()
        self._woken = anyio.Event()

    def __call__(self, message: Any) -> None:
        self.append(message)
        self._woken.set()

    async def wait_for(self, number: int) -> None:
        with anyio.fail_after(PATIENCE_S):
            while len(self) < number:
                self._woken = anyio.Event()
                await self._woken.wait()


def ignore(message: Any) -> None:
    """Hear nothing."""


async def say_nothing(connection: Connection, request: Any) -> None:
    """Leave a request without an answer."""


@asynccontextmanager
async def logged_in(
    server: Server,
    heard: Callable[[Any], None] | None = None,
    *,
    heartbeat_s: float = 30,
    **changes: Any,
) -> AsyncIterator[Plant]:
    """A login at the server's order plant."""
    async with log_in(
        codes.Plant.ORDER,
        server.settings(**changes),
        CREDENTIALS,
        server.trust(),
        ManualClock(START_NS),
        heartbeat_s,
        ignore if heard is None else heard,
    ) as plant:
        yield plant
