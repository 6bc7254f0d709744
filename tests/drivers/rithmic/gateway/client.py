"""A small client of the gateway, written with the gateway's own table."""

import itertools
import ssl
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
from anyio.streams.tls import TLSStream
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.uri import parse_uri

from fillbridge_rithmic.gateway import RunningGateway
from fillbridge_rithmic.gateway.codec import build, has_field, pack, unpack

PATIENCE_S = 20.0
HOUSE = {"fcm_id": "FCM", "ib_id": "IB", "account_id": "REHEARSAL"}


class Gone(Exception):
    """The gateway has closed the connection, or broken it."""


class Client:
    """One connection."""

    def __init__(self, stream: TLSStream, uri: str) -> None:
        self.stream = stream
        self.protocol = ClientProtocol(parse_uri(uri), max_size=None)
        self.numbers = itertools.count(1)
        self.heard: list[Any] = []
        """What came in while something else was waited for, oldest first."""
        self.controls: list[Opcode] = []
        """The frames of control that came in, oldest first."""
        self.frames: list[int] = []
        """How many frames each websocket message came in."""
        self._unread: list[Any] = []
        self._events: deque[Any] = deque()
        self._pieces: list[bytes] = []

    async def open(self) -> None:
        self.protocol.send_request(self.protocol.connect())
        await self.flush()
        while self.protocol.state.name == "CONNECTING":
            self.protocol.receive_data(await self.stream.receive())
        assert self.protocol.handshake_exc is None

    async def flush(self) -> None:
        data = b"".join(self.protocol.data_to_send())
        if data:
            await self.stream.send(data)

    async def send(self, template: int, **fields: Any) -> str:
        """Send a request; answers its ``user_msg``."""
        name = f"request-{next(self.numbers)}"
        message = build(template, **fields)
        if has_field(message, "user_msg") and "user_msg" not in fields:
            message.user_msg.append(name)
        await self.send_bytes(pack(message))
        return name

    async def send_bytes(self, data: bytes) -> None:
        self.protocol.send_binary(data)
        await self.flush()

    async def receive(self) -> Any:
        """The next message.

        :raises Gone: if there is none
        """
        try:
            with anyio.fail_after(PATIENCE_S):
                while not self._unread:
                    self._events.extend(self.protocol.events_received())
                    while self._events:
                        self._take(self._events.popleft())
                    await self.flush()
                    if not self._unread:
                        self.protocol.receive_data(await self.stream.receive())
        except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
            raise Gone from None
        return self._unread.pop(0)

    def _take(self, event: Any) -> None:
        if not isinstance(event, Frame):
            return
        if event.opcode in (Opcode.BINARY, Opcode.CONT):
            self._pieces.append(bytes(event.data))
            if event.fin:
                data, count = b"".join(self._pieces), len(self._pieces)
                self._pieces = []
                self.frames.append(count)
                self._unread.extend(unpack(data))
        else:
            self.controls.append(event.opcode)

    async def until(self, *templates: int, **fields: Any) -> Any:
        """The next message of one of these templates that has these values."""
        while True:
            message = await self.receive()
            self.heard.append(message)
            if message.template_id in templates and all(
                getattr(message, name) == value for name, value in fields.items()
            ):
                return message

    async def until_gone(self) -> None:
        """Hear everything until the connection ends."""
        try:
            while True:
                self.heard.append(await self.receive())
        except Gone:
            pass

    async def ask(self, template: int, **fields: Any) -> list[Any]:
        """Every message of the answer to a request, its end last."""
        name = await self.send(template, **fields)
        rows = []
        while True:
            message = await self.receive()
            self.heard.append(message)
            if has_field(message, "user_msg") and name in message.user_msg:
                rows.append(message)
                if message.rp_code:
                    return rows

    async def log_in(self, plant: int = 2, **fields: Any) -> Any:
        given = {
            "template_version": "3.9",
            "user": "rehearsal",
            "password": "rehearsal",
            "system_name": "Fillbridge Rehearsal",
            "app_name": "test",
            "app_version": "1",
            "infra_type": plant,
        } | fields
        (answer,) = await self.ask(10, **given)
        return answer

    async def subscribe(self, **fields: Any) -> None:
        for template in (308, 336):
            (answer,) = await self.ask(template, **(HOUSE | fields))
            assert list(answer.rp_code) == ["0"]

    async def order(self, tag: str | None = "T1", template: int = 312, **fields: Any) -> list[Any]:
        """Place an order: by default a limit to buy one at 4990."""
        given = HOUSE | {
            "user_tag": tag,
            "symbol": "ES",
            "exchange": "CME",
            "quantity": 1,
            "transaction_type": 1,
            "duration": 1,
            "price_type": 1,
            "price": 4990.0,
            "trade_route": "simulator",
            "manual_or_auto": 2,
        }
        return await self.ask(template, **(given | fields))

    async def hears_nothing_of_an_order(self) -> bool:
        """Place an order on a connection that nobody listens to; whether that is so."""
        await self.send(312, **HOUSE, symbol="ES", exchange="CME", quantity=1)
        with anyio.move_on_after(0.1) as waited:
            await self.receive()
        return waited.cancelled_caught

    def notices(self, *templates: int) -> list[Any]:
        return [each for each in self.heard if each.template_id in (templates or (351, 352))]


@asynccontextmanager
async def connected(running: RunningGateway) -> AsyncIterator[Client]:
    """A connection without a login."""
    port = int(running.uri.rpartition(":")[2])
    stream = await anyio.connect_tcp(
        "127.0.0.1",
        port,
        tls=True,
        ssl_context=ssl.create_default_context(cafile=running.ca_file),
        tls_standard_compatible=False,
    )
    try:
        client = Client(stream, running.uri)
        await client.open()
        yield client
    finally:
        await anyio.aclose_forcefully(stream)


@asynccontextmanager
async def logged_in(
    running: RunningGateway, plant: int = 2, **fields: Any
) -> AsyncIterator[Client]:
    """A connection of the rehearsal user; at the order plant it hears of everything."""
    async with connected(running) as client:
        answer = await client.log_in(plant, **fields)
        assert list(answer.rp_code) == ["0"], list(answer.rp_code)
        if plant == 2:
            await client.subscribe()
        yield client
