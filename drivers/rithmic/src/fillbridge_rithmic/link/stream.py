"""TLS over a socket that is read and written right here, on asyncio and on trio.

An order leaves within the call that sends it, and what arrived is read in the task that waits for
it: no layer in between has its own turn of the event loop.
"""

import os
import socket
import ssl
import struct
from typing import Final, Self

import anyio
import anyio.lowlevel
from anyio.abc import SocketAttribute

_CHUNK: Final = 1 << 16
_AT_ONCE: Final = struct.pack("ii", 1, 0)
"""Linger for no time."""


class TlsStream:
    """One connection; made by :meth:`connect`. One task may receive and one may send at a time."""

    def __init__(self, secured: ssl.SSLSocket) -> None:
        self._socket = secured
        self._is_closed = False

    @classmethod
    async def connect(cls, host: str, port: int, ssl_context: ssl.SSLContext) -> Self:
        """Connect, and see who answers.

        :raises OSError: if nobody answers
        :raises ssl.SSLError: if TLS could not be set up
        :raises anyio.EndOfStream: if the connection ended while it was
        """
        stream = cls(_secured(await _connected(host, port), host, ssl_context))
        try:
            await stream._shake_hands()
        except BaseException:
            stream.close()
            raise
        return stream

    async def _shake_hands(self) -> None:
        while True:
            try:
                self._socket.do_handshake()
            except ssl.SSLWantReadError:
                await anyio.wait_readable(self._socket)
            except ssl.SSLWantWriteError:
                await anyio.wait_writable(self._socket)
            except (ssl.SSLEOFError, ConnectionError) as error:
                raise anyio.EndOfStream from error
            else:
                return

    async def receive(self) -> bytes:
        """Wait for what comes next.

        :raises anyio.EndOfStream: once the other side has ended the connection
        :raises anyio.ClosedResourceError: once it was closed here
        :raises OSError: if it broke
        """
        await anyio.lowlevel.checkpoint_if_cancelled()
        has_waited = False
        while True:
            if self._is_closed:
                raise anyio.ClosedResourceError
            try:
                data = self._socket.recv(_CHUNK)
            except ssl.SSLWantReadError:
                await anyio.wait_readable(self._socket)
                has_waited = True
            except ssl.SSLWantWriteError:
                await anyio.wait_writable(self._socket)
                has_waited = True
            else:
                if not data:
                    raise anyio.EndOfStream
                if not has_waited:
                    # Who is sent more than can be dealt with must not keep others from running.
                    await anyio.lowlevel.cancel_shielded_checkpoint()
                return data

    async def send(self, data: bytes) -> None:
        """Hand all of it to the operating system; whoever is cancelled may have sent a part.

        :raises anyio.ClosedResourceError: once it was closed here
        :raises OSError: if it broke
        """
        left = memoryview(data)
        while left:
            if self._is_closed:
                raise anyio.ClosedResourceError
            try:
                left = left[self._socket.send(left) :]
            except ssl.SSLWantWriteError:
                await anyio.wait_writable(self._socket)
        await anyio.lowlevel.cancel_shielded_checkpoint()

    def close(self) -> None:
        """Close it at once; whoever receives or sends fails."""
        if not self._is_closed:
            self._is_closed = True
            anyio.notify_closing(self._socket)
            self._socket.close()


async def _connected(host: str, port: int) -> socket.socket:
    """A socket of our own for the first address that answers."""
    # Both event loops set TCP_NODELAY: nothing waits for more to send.
    stream = await anyio.connect_tcp(host, port)
    raw: socket.socket = stream.extra(SocketAttribute.raw_socket)  # noqa: S610 (of anyio)
    own = socket.socket(fileno=os.dup(raw.fileno()))
    with anyio.CancelScope(shield=True):
        await stream.aclose()
    return own


def _secured(raw: socket.socket, host: str, ssl_context: ssl.SSLContext) -> ssl.SSLSocket:
    try:
        raw.setblocking(False)
        # What the system still holds when a connection is given up must not leave once the
        # network is back: whoever sent it was told that it is lost, and has acted on that since.
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        raw.getpeername()  # of one that was reset already, the library would lose the socket
        return ssl_context.wrap_socket(raw, server_hostname=host, do_handshake_on_connect=False)
    except BaseException as error:
        raw.close()
        if isinstance(error, OSError) and not isinstance(error, ssl.SSLError):
            raise anyio.EndOfStream from error
        raise
