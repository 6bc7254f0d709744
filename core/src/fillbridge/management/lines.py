"""Lines of bounded length from a stream of bytes."""

from typing import Protocol

import anyio


class Receiver(Protocol):
    """Where the bytes come from."""

    async def receive(self) -> bytes:
        """What comes next.

        :raises anyio.EndOfStream: if nothing will
        """


class LineTooLong(Exception):
    """A line is longer than it may be; nothing after it can be told apart."""


class Lines:
    """Reads lines.

    :param max_bytes: the longest line, without its end
    """

    def __init__(self, stream: Receiver, max_bytes: int) -> None:
        self._stream = stream
        self._max_bytes = max_bytes
        self._read = bytearray()

    async def next(self) -> bytes | None:
        """The next line without its end, which the last may lack; ``None`` after the last.

        :raises LineTooLong: if it is too long
        :raises anyio.BrokenResourceError: if the other side is gone
        """
        searched = 0
        while True:
            end = self._read.find(b"\n", searched)
            if end > self._max_bytes or (end < 0 and len(self._read) > self._max_bytes):
                raise LineTooLong(f"expected at most {self._max_bytes} bytes in a line, was more")
            if end >= 0:
                line = bytes(self._read[:end])
                del self._read[: end + 1]
                return line
            searched = len(self._read)
            try:
                self._read += await self._stream.receive()
            except anyio.EndOfStream:
                line = bytes(self._read)
                self._read.clear()
                return line or None
