"""One client's connection: a websocket over TLS."""

from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING, Final

import anyio
from anyio.abc import SocketAttribute
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable

    from anyio.streams.tls import TLSStream

LOST: Final = (
    OSError,
    EOFError,
    anyio.BrokenResourceError,
    anyio.ClosedResourceError,
    anyio.EndOfStream,
)
"""How a connection ends."""

_LARGEST: Final = 1 << 20
_RESET: Final = struct.pack("ii", 1, 0)
"""Linger for no time: what is closed then is reset."""


class Websocket:
    """The server's end of one websocket."""

    def __init__(self, stream: TLSStream) -> None:
        self._stream = stream
        self._protocol = ServerProtocol(max_size=_LARGEST)
        self._lock = anyio.Lock()
        self._held: list[bytes] = []
        self._is_text = False
        self.reads = True
        """Whether it listens; one that does not is half open."""
        self.drip_s: float | None = None
        """Seconds between single bytes that it sends; ``None``: all at once."""

    async def accept(self) -> bool:
        """Answer the handshake; whether there is a websocket now."""
        while True:
            self._protocol.receive_data(await self._stream.receive())
            for event in self._protocol.events_received():
                if isinstance(event, Request):
                    self._protocol.send_response(self._protocol.accept(event))
                    await self._flush()
                    return self._protocol.state is State.OPEN
            if self._protocol.handshake_exc is not None:
                await self._flush()
                return False

    async def messages(self) -> AsyncGenerator[bytes | None, None]:
        """What the client sends until it leaves; ``None`` for a message of text."""
        while True:
            for event in self._protocol.events_received():
                if isinstance(event, Frame) and event.opcode is Opcode.CLOSE:
                    await self._flush()
                    return
                if isinstance(event, Frame) and event.opcode in (
                    Opcode.TEXT,
                    Opcode.BINARY,
                    Opcode.CONT,
                ):
                    if event.opcode is not Opcode.CONT:
                        self._held, self._is_text = [], event.opcode is Opcode.TEXT
                    self._held.append(bytes(event.data))
                    if event.fin:
                        yield None if self._is_text else b"".join(self._held)
            await self._flush()
            if self._protocol.close_expected():
                return
            data = await self._stream.receive()
            while not self.reads:
                await anyio.sleep_forever()
            self._protocol.receive_data(data)

    async def send(self, messages: Iterable[bytes], parts: int = 1) -> None:
        """Send messages in one go, each in so many frames; nothing once somebody said goodbye."""
        async with self._lock:
            for data in messages:
                if self._protocol.state is not State.OPEN:
                    return
                size = max(1, -(-len(data) // parts))
                pieces = [data[at : at + size] for at in range(0, len(data), size)]
                for number, piece in enumerate(pieces, 1):
                    is_last = number == len(pieces)
                    if number == 1:
                        self._protocol.send_binary(piece, fin=is_last)
                    else:
                        self._protocol.send_continuation(piece, fin=is_last)
            await self._write()

    async def ping(self) -> None:
        """Send a websocket ping, which the client has to answer."""
        async with self._lock:
            if self._protocol.state is State.OPEN:
                self._protocol.send_ping(b"are you there")
            await self._write()

    async def close(self) -> None:
        """Say goodbye and close."""
        with anyio.move_on_after(1, shield=True):
            try:
                async with self._lock:
                    if self._protocol.state is State.OPEN:
                        self._protocol.send_close(1000)
                    await self._write()
                await self._stream.aclose()
            except LOST:
                pass
        await anyio.aclose_forcefully(self._stream)

    async def abort(self) -> None:
        """Break the connection as a pulled plug would, with a reset."""
        raw = self._stream.extra(SocketAttribute.raw_socket, None)  # noqa: S610 (of anyio)
        if raw is not None and raw.fileno() >= 0:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        await anyio.aclose_forcefully(self._stream)

    async def _flush(self) -> None:
        async with self._lock:
            await self._write()

    async def _write(self) -> None:
        data = b"".join(self._protocol.data_to_send())
        if not data:
            return
        if self.drip_s is None:
            await self._stream.send(data)
            return
        for at in range(len(data)):
            await self._stream.send(data[at : at + 1])
            await anyio.sleep(self.drip_s)
