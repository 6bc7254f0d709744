"""What the remote driver is rehearsed with: a broker behind a real socket that can be cut."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio
from anyio.abc import ByteStream

from fillbridge_hooks import Rehearsal
from fillbridge_hooks.testing import connection_terms, loop_clock
from fillbridge_sim.live.broker import LiveBroker
from fillbridge_sim.live.rehearsal import hand_driven, rehearsed
from fillbridge_sim.live.server import BrokerServer
from fillbridge_sim.remote import RemoteSettings, SimRemoteDriver
from fillbridge_sim.settings import SimulationSettings


class CuttableStream(ByteStream):
    """The server's end of a connection, until it is cut."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self.cuts_after_next_request = False
        """Whether what arrives next is the last thing that passes."""

    async def receive(self, max_bytes: int = 65536) -> bytes:
        """Whatever arrives; the cut comes before anything is said to it."""
        arrived = await self._stream.receive(max_bytes)
        if self.cuts_after_next_request:
            await self.cut()
        return arrived

    async def send(self, item: bytes) -> None:
        """Send, if there is still something to send on."""
        await self._stream.send(item)

    async def send_eof(self) -> None:
        """End this direction."""
        await self._stream.send_eof()

    async def aclose(self) -> None:
        """Close the connection."""
        await self._stream.aclose()

    async def cut(self) -> None:
        """Break the connection, whoever uses it."""
        await anyio.aclose_forcefully(self._stream)


@asynccontextmanager
async def rehearse_remotely(driver: SimRemoteDriver) -> AsyncIterator[Rehearsal]:
    """A broker of its own in this process, served at a socket in a directory of its own."""
    streams: list[CuttableStream] = []

    async def handle(stream: ByteStream) -> None:
        streams.append(CuttableStream(stream))
        await server.handle(streams[-1])

    async def cut(*, after_next_request: bool = False) -> None:
        if after_next_request:
            streams[-1].cuts_after_next_request = True
        else:
            await streams[-1].cut()

    with TemporaryDirectory(prefix="fillbridge-") as directory:
        path = str(Path(directory) / "broker.sock")
        async with (
            loop_clock() as clock,
            await anyio.create_unix_listener(path) as listener,
            anyio.create_task_group() as tasks,
        ):
            broker = LiveBroker(rehearsed(SimulationSettings()), clock)
            server = BrokerServer(broker)
            tasks.start_soon(listener.serve, handle)
            yield Rehearsal(
                driver=driver,
                terms=connection_terms(clock, RemoteSettings(socket=path)),
                drive=hand_driven(lambda: broker),
                cut=cut,
            )
            tasks.cancel_scope.cancel()
