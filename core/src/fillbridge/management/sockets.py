"""Unix sockets that may be waited on, and given up, at any moment.

anyio's own streams trip on asyncio where bytes arrive in the turn in which whoever waits for them
is cancelled; waiting for readiness does not.
"""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Self

import anyio
import anyio.lowlevel

if TYPE_CHECKING:
    from pathlib import Path

_PRIVATE = 0o600
_OTHERS = 0o077
_WAITING = 64
_CHUNK = 65_536


class UnixStream:
    """A connection."""

    def __init__(self, connected: socket.socket) -> None:
        connected.setblocking(False)
        self._socket = connected

    async def receive(self) -> bytes:
        """What comes next.

        :raises anyio.EndOfStream: if nothing will
        :raises anyio.BrokenResourceError: if the other side is gone
        """
        await anyio.lowlevel.checkpoint()
        while True:
            try:
                received = self._socket.recv(_CHUNK)
            except BlockingIOError:
                await anyio.wait_readable(self._socket)
            except OSError as error:
                raise anyio.BrokenResourceError from error
            else:
                if not received:
                    raise anyio.EndOfStream
                return received

    async def send(self, content: bytes) -> None:
        """Send all of it.

        :raises anyio.BrokenResourceError: if the other side is gone
        """
        await anyio.lowlevel.checkpoint()
        left = memoryview(content)
        while left:
            try:
                left = left[self._socket.send(left) :]
            except BlockingIOError:
                await anyio.wait_writable(self._socket)
            except OSError as error:
                raise anyio.BrokenResourceError from error

    def send_eof(self) -> None:
        """Say that nothing more will be sent."""
        self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """End the connection."""
        self._socket.close()


class UnixListener:
    """A socket at a path, to which nobody but the owner can connect."""

    def __init__(self, listening: socket.socket) -> None:
        listening.setblocking(False)
        self._socket = listening

    @classmethod
    def at(cls, path: Path) -> Self:
        """Listen at ``path``.

        :raises OSError: if that is not possible
        """
        listening = socket.socket(socket.AF_UNIX)
        # Whoever waits for the file to appear must not find it open to others, not for a moment.
        before = os.umask(_OTHERS)
        try:
            listening.bind(os.fspath(path))
            path.chmod(_PRIVATE)
            listening.listen(_WAITING)
        except BaseException:
            listening.close()
            raise
        finally:
            os.umask(before)
        return cls(listening)

    def close(self) -> None:
        """Listen no longer; the file stays."""
        self._socket.close()

    async def accept(self) -> UnixStream:
        """The next connection.

        :raises OSError: if none can be taken now
        """
        await anyio.lowlevel.checkpoint()
        while True:
            try:
                return UnixStream(self._socket.accept()[0])
            except BlockingIOError:
                await anyio.wait_readable(self._socket)


async def connect_unix(path: Path) -> UnixStream:
    """A connection to the socket at ``path``.

    :raises OSError: if nobody listens there
    """
    await anyio.lowlevel.checkpoint()
    connecting = socket.socket(socket.AF_UNIX)
    connecting.setblocking(False)
    try:
        connecting.connect(os.fspath(path))
    except BaseException:
        connecting.close()
        raise
    return UnixStream(connecting)
