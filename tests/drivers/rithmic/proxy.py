"""A TCP proxy that does to a connection what networks do: the bytes stay as they were, until not.

``proxy.up`` is the way to the server, ``proxy.down`` the way back; each is set for all connections
that there are and that will be.

    async with proxying(server_port) as proxy:
        proxy.down.delay_s = 0.05    # what comes is late
        proxy.up.piece = 1           # what is sent goes in single bytes
        proxy.up.stall()             # nothing is read any more: whoever sends fills the buffers
        proxy.down.lose = True       # what comes is thrown away
        await proxy.half_close("up") # the server is told that nothing more will come
        await proxy.reset()          # every connection ends as if the plug had been pulled
        proxy.heal()                 # new connections are treated well again
"""

import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from random import Random
from typing import Literal

import anyio
from anyio.abc import SocketAttribute, SocketStream

GONE = (anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream, OSError)

Direction = Literal["up", "down"]


class Way:
    """What is done to the bytes that go one way."""

    def __init__(self) -> None:
        self.delay_s = 0.0
        """Waited before each piece is passed on."""
        self.piece: int | None = None
        """Bytes in one write at most."""
        self.lose = False
        """Whether bytes are read and thrown away."""
        self.carried = 0
        """Bytes that were passed on."""
        self._goes_on = anyio.Event()
        self._goes_on.set()

    def stall(self) -> None:
        """Read nothing any more, until :meth:`go_on`."""
        if self._goes_on.is_set():
            self._goes_on = anyio.Event()

    def go_on(self) -> None:
        """Read again."""
        self._goes_on.set()

    def heal(self) -> None:
        """Pass everything on at once."""
        self.delay_s, self.piece, self.lose = 0.0, None, False
        self.go_on()

    async def carry(self, source: SocketStream, target: SocketStream) -> None:
        """Pass on what comes until it ends."""
        while True:
            await self._goes_on.wait()
            data = await source.receive()
            # What arrived while a stall began is held up as well.
            await self._goes_on.wait()
            while data:
                piece, data = data[: self.piece], data[self.piece or len(data) :]
                if self.delay_s:
                    await anyio.sleep(self.delay_s)
                if not self.lose:
                    self.carried += len(piece)
                    await target.send(piece)


class Pair:
    """The two ends of one connection."""

    def __init__(self, client: SocketStream, server: SocketStream) -> None:
        self.client = client
        self.server = server

    async def reset(self) -> None:
        """End both ends at once, with what is still under way lost."""
        for stream in (self.client, self.server):
            with suppress(*GONE):
                raw: socket.socket = stream.extra(SocketAttribute.raw_socket)  # noqa: S610
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            await stream.aclose()


class Proxy:
    """Stands between clients and one server; made by :func:`proxying`."""

    def __init__(self, port: int, server_port: int) -> None:
        self.port = port
        self.server_port = server_port
        self.up = Way()
        self.down = Way()
        self.refuses = False
        """Whether new connections are ended at once."""
        self.pairs: list[Pair] = []
        """The connections there are."""
        self.accepted = 0
        """How many there ever were."""

    def heal(self) -> None:
        """Treat everything well that goes through from now on."""
        self.refuses = False
        self.up.heal()
        self.down.heal()

    async def reset(self) -> None:
        """End every connection as a crash would."""
        for pair in self.pairs[:]:
            await pair.reset()

    async def half_close(self, direction: Direction) -> None:
        """Say at the far end of a way that nothing more will come."""
        for pair in self.pairs[:]:
            with suppress(*GONE):
                await (pair.server if direction == "up" else pair.client).send_eof()

    async def strike(self, random: Random) -> str:
        """Do one thing out of all, by the dice; says which. :meth:`heal` ends what lasts."""
        name = random.choice(
            ("reset", "half_close", "delay", "split", "stall", "lose", "refuse and reset")
        )
        direction: Direction = random.choice(("up", "down"))
        way = self.up if direction == "up" else self.down
        if name == "half_close":
            await self.half_close(direction)
        elif name == "delay":
            way.delay_s = random.uniform(0.001, 0.02)
        elif name == "split":
            way.piece = random.randint(1, 20)
        elif name == "stall":
            way.stall()
        elif name == "lose":
            way.lose = True
        else:
            self.refuses = name != "reset"
            await self.reset()
            return name
        return f"{name} {direction}"

    async def serve(self, client: SocketStream) -> None:
        """Carry one connection until both ways have ended."""
        async with client:
            self.accepted += 1
            if self.refuses:
                await Pair(client, client).reset()
                return
            with suppress(*GONE):
                async with await anyio.connect_tcp("127.0.0.1", self.server_port) as server:
                    pair = Pair(client, server)
                    self.pairs.append(pair)
                    try:
                        async with anyio.create_task_group() as tasks:
                            tasks.start_soon(self._carry, self.up, client, server)
                            tasks.start_soon(self._carry, self.down, server, client)
                    finally:
                        self.pairs.remove(pair)

    async def _carry(self, way: Way, source: SocketStream, target: SocketStream) -> None:
        with suppress(*GONE):
            try:
                await way.carry(source, target)
            except anyio.EndOfStream:
                await target.send_eof()
            except (*GONE, RuntimeError):  # asyncio's, where it was closed halfway before
                await Pair(source, target).reset()


@asynccontextmanager
async def proxying(server_port: int, receive_buffer: int | None = None) -> AsyncIterator[Proxy]:
    """A proxy before a server on loopback, until the context is left.

    :param receive_buffer: bytes that its ends towards clients hold unread; the system's default
    """
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener:
        if receive_buffer is not None:
            raw: socket.socket = listener.extra(SocketAttribute.raw_socket)  # noqa: S610
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        port = listener.extra(SocketAttribute.local_port)  # noqa: S610
        proxy = Proxy(port, server_port)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(listener.serve, proxy.serve)
            try:
                yield proxy
            finally:
                tasks.cancel_scope.cancel()
