"""A websocket over TLS, on asyncio and on trio: whole messages out, whole messages in."""

import logging
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

import anyio
import anyio.lowlevel
from anyio.abc import ByteStream, SocketAttribute
from websockets.client import ClientProtocol
from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

from fillbridge_hooks import DriverError, FatalError, RetryableError
from fillbridge_rithmic.link.address import Address, read_address
from fillbridge_rithmic.link.frames import Frames, whole_message
from fillbridge_rithmic.link.tls import handshake_error
from fillbridge_rithmic.wire.framing import LARGEST

_CHUNK: Final = 1 << 16
_GRACE_S: Final = 1.0
_NORMAL: Final = 1000
_SERVER_ERROR: Final = 500
_REASON: Final = 120
_FAILURES: Final = (
    OSError,
    ssl.SSLError,
    EOFError,
    anyio.BrokenResourceError,
    anyio.BusyResourceError,
    anyio.ClosedResourceError,
    anyio.EndOfStream,
)
_AT_ONCE: Final = struct.pack("ii", 1, 0)
"""Linger for no time."""
_OPEN: Final = State.OPEN
_DATA: Final = (Opcode.BINARY, Opcode.TEXT, Opcode.CONT)

# The library logs what is sent at DEBUG, and a login holds a password: it gets a logger that no
# configuration of logging can reach.
_SILENT: Final = logging.Logger("fillbridge_rithmic.websocket", logging.CRITICAL + 1)  # noqa: LOG001


class LinkClosed(Exception):
    """The connection has ended; of this message nothing has left."""


class LinkLost(Exception):
    """The connection broke; parts of the message may have left."""


class WebSocket:
    """One connection; made by :func:`open_websocket`.

    One task may receive; any number may send, each message is sent whole.
    """

    def __init__(self, stream: ByteStream, protocol: ClientProtocol) -> None:
        self._stream = stream
        self._protocol = protocol
        self._writing = anyio.Lock(fast_acquire=True)
        self._frames = Frames()
        self._fragments: list[bytes] = []
        self._is_over = False
        self.heard_at = anyio.current_time()
        """When anything last arrived and was dealt with, by the event loop's clock, s."""
        self._is_heard = False

    async def send(self, data: bytes) -> None:
        """Send a binary message; returns when the operating system has taken it.

        :raises LinkClosed: if nothing has left, and nothing can any more
        :raises LinkLost: if the connection broke meanwhile
        """
        writing = self._writing
        try:
            writing.acquire_nowait()
        except anyio.WouldBlock:
            await writing.acquire()
        try:
            await self._check()
            if self._protocol.state is not _OPEN:
                raise LinkClosed("the connection is being closed")
            await self._flush(whole_message(data))
        finally:
            writing.release()

    async def ping(self) -> None:
        """Ask the other side for a sign of life.

        :raises LinkClosed: if the connection has ended
        :raises LinkLost: if it broke meanwhile
        """
        async with self._writing:
            await self._check()
            try:
                self._protocol.send_ping(b"")
            except WebSocketException:
                raise LinkClosed("the connection is being closed") from None
            await self._flush()

    async def receive(self) -> bytes:
        """Wait for the next message, put together from its fragments.

        :raises LinkLost: once the connection has ended and all that came before was received
        """
        while (message := self._next()) is None:
            await self._read()
        return message

    async def say_goodbye(self) -> None:
        """Ask the other side to end the connection; nothing can be sent any more."""
        async with self._writing:
            if not self._is_over:
                with suppress(WebSocketException, LinkLost):
                    self._protocol.send_close(_NORMAL)
                    await self._flush()

    async def aclose(self) -> None:
        """Say goodbye, if that is possible at once, and close the connection."""
        if not self._is_over:
            with anyio.move_on_after(_GRACE_S, shield=True):
                await self.say_goodbye()
        await self.abort()

    async def abort(self) -> None:
        """Close the connection at once; whoever receives or sends on it fails."""
        self._is_over = True
        with anyio.CancelScope(shield=True), suppress(*_FAILURES):
            await self._stream.aclose()

    async def shake_hands(self) -> None:
        """Turn the connection into a websocket.

        :raises WebSocketException: if the other side speaks no websocket, or ends
        :raises LinkLost: if the connection broke while it was asked
        """
        protocol = self._protocol
        protocol.send_request(protocol.connect())
        await self._flush()
        while protocol.handshake_exc is None:
            try:
                data = await self._stream.receive(_CHUNK)
            except _FAILURES:
                protocol.receive_eof()  # an answer may end with the connection
                continue
            if self._is_agreed(data):
                return
        raise protocol.handshake_exc

    def _is_agreed(self, data: bytes) -> bool:
        """Whether the handshake ends here; what stands behind it are frames."""
        protocol = self._protocol
        lines = iter(data.splitlines(keepends=True))
        for line in lines:
            protocol.receive_data(line)
            if protocol.events_received() and protocol.handshake_exc is None:
                self._frames.add(b"".join(lines))
                return True
        return False

    def _next(self) -> bytes | None:
        """The next message of those that arrived, ``None`` where no whole one did."""
        message: bytes | None = None
        while message is None and not self._has_ended:
            frame = self._frames.take(is_within=bool(self._fragments))
            if frame is None:
                break
            data, is_message = frame
            message = data if is_message else self._take(data)
        return message

    def _take(self, data: bytes) -> bytes | None:
        """Let the protocol see one frame; the message, if it ends one."""
        self._protocol.receive_data(data)
        for frame in self._protocol.events_received():
            if not isinstance(frame, Frame) or frame.opcode not in _DATA:
                continue
            # Their sum is bounded by the protocol's largest size, their number by this.
            if frame.data or not self._fragments:
                self._fragments.append(bytes(frame.data))
            if frame.fin:
                message, self._fragments = b"".join(self._fragments), []
                return message
        return None

    async def _read(self) -> None:
        if self._is_heard:  # only now, for what arrived may be an answer that somebody waits for
            self.heard_at, self._is_heard = anyio.current_time(), False
        if self._protocol.writes:  # what the protocol has to say to what was read
            async with self._writing:
                await self._flush()
        if self._has_ended:
            # Nothing that comes after this counts, and the end itself may be long in coming.
            self._is_over = True
            raise LinkLost(self._farewell())
        try:
            data = await self._stream.receive(_CHUNK)
        except _FAILURES as error:
            self._is_over = True
            raise LinkLost(_reason(error)) from None
        self._is_heard = True
        self._frames.add(data)

    @property
    def _has_ended(self) -> bool:
        return self._protocol.close_rcvd is not None or self._protocol.parser_exc is not None

    def _farewell(self) -> str:
        close = self._protocol.close_rcvd
        if close is None:
            return f"the server broke the websocket protocol: {self._protocol.parser_exc}"
        return f"the server closed it: {close.code} {close.reason[:_REASON]}".rstrip()

    async def _check(self) -> None:
        # Whoever is cancelled by now must not begin, for what is cut short ends the connection.
        await anyio.lowlevel.checkpoint_if_cancelled()
        if self._is_over:
            raise LinkClosed("the connection has ended")

    async def _flush(self, frame: bytes = b"") -> None:
        """Write what the protocol has to send, and a frame; to be called by whoever may write."""
        writes = self._protocol.data_to_send()
        writes.append(frame)
        try:
            for data in writes:
                if data:
                    await self._stream.send(data)
        except _FAILURES as error:
            await self.abort()
            raise LinkLost(_reason(error)) from None
        except BaseException:
            # Whoever sent was cancelled, and half a frame may have left: nothing can follow it.
            await self.abort()
            raise


def _reason(error: Exception) -> str:
    if isinstance(error, anyio.EndOfStream):
        return "the server ended the connection"
    if isinstance(error, anyio.ClosedResourceError):
        return "the connection was closed here"
    cause = error.__cause__ or error
    return str(cause) or type(cause).__name__


@asynccontextmanager
async def open_websocket(
    uri: str, ssl_context: ssl.SSLContext, timeout_s: float
) -> AsyncIterator[WebSocket]:
    """Connect, once; leaving the context closes the connection.

    :raises ConfigurationError: if ``uri`` is no ``wss://host:port``
    :raises RetryableError: if nobody answers, or not within ``timeout_s``
    :raises FatalError: if who answers is not trusted, or speaks something else
    """
    address = read_address(uri)
    opened: WebSocket | None = None
    with anyio.move_on_after(timeout_s) as scope:
        opened = await _connect(address, ssl_context)
    if opened is None or scope.cancelled_caught:
        raise RetryableError(f"{address.place}: no websocket within {timeout_s:g} s")
    try:
        yield opened
    finally:
        await opened.aclose()


async def _connect(address: Address, ssl_context: ssl.SSLContext) -> WebSocket:
    try:
        # Both event loops set TCP_NODELAY: nothing waits for more to send.
        stream = await anyio.connect_tcp(
            address.host,
            address.port,
            tls=True,
            ssl_context=ssl_context,
            tls_standard_compatible=False,
        )
    except ssl.SSLError as error:
        raise handshake_error(error, address) from None
    except (anyio.EndOfStream, anyio.BrokenResourceError):
        raise RetryableError(
            f"{address.place}: the connection ended while TLS was set up; is it a wss:// port?"
        ) from None
    except OSError as error:
        raise RetryableError(f"{address.place}: {_no_way(error)}") from None
    # What the system still holds when a connection is given up must not leave once the network is
    # back: whoever sent it was told that the connection is lost, and has acted on that since.
    raw: socket.socket = stream.extra(SocketAttribute.raw_socket)  # noqa: S610 (of anyio)
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
    opened = WebSocket(
        stream, ClientProtocol(parse_uri(address.uri), max_size=LARGEST, logger=_SILENT)
    )
    try:
        await opened.shake_hands()
    except BaseException as error:
        await opened.abort()
        if isinstance(error, WebSocketException | LinkLost):
            raise _no_websocket(error, address) from None
        raise
    return opened


def _no_way(error: OSError) -> str:
    cause = error.__cause__
    if isinstance(cause, BaseExceptionGroup):
        cause = cause.exceptions[0]
    said = cause if isinstance(cause, OSError) else error
    return f"cannot be reached: {said.strerror or said}"


def _no_websocket(error: Exception, address: Address) -> DriverError:
    place = address.place
    if isinstance(error, LinkLost):
        return RetryableError(f"{place}: the connection ended before there was a websocket")
    if isinstance(error, InvalidStatus):
        status = error.response.status_code
        text = f"{place}: expected a websocket, was HTTP status {status}; check uri"
        return RetryableError(text) if status >= _SERVER_ERROR else FatalError(text)
    if isinstance(error.__cause__, EOFError):
        return RetryableError(f"{place}: the connection ended before there was a websocket")
    return FatalError(f"{place}: no websocket is spoken there; check uri")
