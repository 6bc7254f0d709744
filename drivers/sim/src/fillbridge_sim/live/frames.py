"""Frames over a stream of bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
from anyio.streams.buffered import BufferedByteReceiveStream

from fillbridge_sim.live.wire import LENGTH_BYTES, BadFrame, body_length

if TYPE_CHECKING:
    from anyio.abc import ByteStream

LOST = (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError, OSError)
"""What is raised where the other side is gone."""


class Frames:
    """One connection. Frames are written whole, one after another, whoever writes them.

    A write that was cut short, by a lost connection or because its task was cancelled, ends the
    connection: the other side could not tell where the next frame begins.
    """

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self._reader = BufferedByteReceiveStream(stream)
        self._writing = anyio.Lock()
        self.is_open = True
        """Whether nothing has gone wrong with it yet."""

    async def write(self, frame: bytes) -> bool:
        """Write a frame; ``False`` where the connection had ended before its first byte.

        :raises LOST: if the connection ended on the way
        """
        async with self._writing:
            if not self.is_open:
                return False
            try:
                await self._stream.send(frame)
            except BaseException:
                await self.close()
                raise
            return True

    async def read(self) -> bytes:
        """The body of the next frame.

        :raises BadFrame: if what comes is no frame
        :raises LOST: if the connection has ended
        """
        try:
            length = body_length(await self._reader.receive_exactly(LENGTH_BYTES))
            return await self._reader.receive_exactly(length) if length else b""
        except anyio.IncompleteRead:
            await self.close()
            raise anyio.EndOfStream from None
        except (BadFrame, *LOST):
            await self.close()
            raise

    async def end_writing(self) -> None:
        """Say that nothing more will be written.

        :raises LOST: if the connection has ended
        """
        async with self._writing:
            if self.is_open:
                self.is_open = False
                await self._stream.send_eof()

    async def close(self) -> None:
        """End the connection."""
        self.is_open = False
        await anyio.aclose_forcefully(self._stream)
