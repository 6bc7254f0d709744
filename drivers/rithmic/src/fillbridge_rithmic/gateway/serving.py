"""Runs a gateway: its TLS port, from start to end."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import anyio
import msgspec
from anyio.abc import SocketAttribute
from anyio.streams.tls import TLSStream

from fillbridge_hooks import ConfigurationError
from fillbridge_rithmic.gateway.connection import converse
from fillbridge_rithmic.gateway.gateway import Gateway
from fillbridge_rithmic.gateway.market.playing import play, ticks_of
from fillbridge_rithmic.gateway.settings import GatewaySettings
from fillbridge_rithmic.gateway.transport.certificates import server_tls
from fillbridge_rithmic.gateway.transport.websocket import LOST, Websocket

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncGenerator, Callable

    from anyio.abc import SocketStream

_HANDSHAKE_S = 10.0


class RunningGateway(msgspec.Struct, frozen=True, kw_only=True):
    """A gateway that can be connected to."""

    gateway: Gateway
    uri: str
    ca_file: str
    """The certificate that vouches for it."""


@asynccontextmanager
async def serve_gateway(
    settings: GatewaySettings | None = None,
    *,
    gateway: Gateway | None = None,
    tls: ssl.SSLContext | None = None,
) -> AsyncGenerator[RunningGateway]:
    """Serve a gateway on its port until the context is left.

    :param gateway: one that was served before, with its book; ``None``: a new one
    :param tls: instead of the certificates that it makes for itself
    :raises ConfigurationError: if the port, the certificates or a recorded market cannot be had
    """
    if gateway is None:
        gateway = Gateway(GatewaySettings() if settings is None else settings)
    settings = gateway.settings
    failure: Exception | None = None
    async with AsyncExitStack() as stack:
        ticks = ticks_of(gateway)
        directory = settings.tls_directory
        if directory is None:
            directory = stack.enter_context(TemporaryDirectory(prefix="fillbridge-"))
        context, ca_file = server_tls(Path(directory), settings.host)
        listener = await _listen(settings)
        await stack.enter_async_context(listener)
        port = listener.extra(SocketAttribute.local_port)  # noqa: S610 (of anyio, not Django)
        tasks = await stack.enter_async_context(anyio.create_task_group())
        gateway.later = _later(tasks)
        server = _Server(gateway, context if tls is None else tls)
        tasks.start_soon(listener.serve, server.handle)
        if ticks is not None:
            tasks.start_soon(play, gateway, ticks, settings.market.speed if settings.market else 0)
        try:
            yield RunningGateway(
                gateway=gateway, uri=f"wss://{settings.host}:{port}", ca_file=str(ca_file)
            )
        except Exception as error:  # noqa: BLE001 (raised below, outside of the group of tasks)
            failure = error
        finally:
            tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure


async def _listen(settings: GatewaySettings) -> anyio.abc.Listener[SocketStream]:
    try:
        return await anyio.create_tcp_listener(
            local_host=settings.host, local_port=settings.port, reuse_port=False
        )
    except OSError as error:
        reason = error.strerror or error
        raise ConfigurationError(
            f"{settings.host}:{settings.port}: cannot be listened at: {reason}"
        ) from None


def _later(tasks: anyio.abc.TaskGroup) -> Callable[[float, Callable[[], None]], object]:
    async def wait(delay_s: float, action: Callable[[], None]) -> None:
        await anyio.sleep(max(0.0, delay_s))
        action()

    def later(delay_s: float, action: Callable[[], None]) -> object:
        return tasks.start_soon(wait, delay_s, action)

    return later


class _Server:
    def __init__(self, gateway: Gateway, context: ssl.SSLContext) -> None:
        self._gateway = gateway
        self._context = context
        self._connections = 0

    async def handle(self, stream: SocketStream) -> None:
        """Serve one connection until it ends."""
        self._connections += 1
        number = self._connections
        try:
            with suppress(*LOST):
                websocket = None
                with anyio.move_on_after(_HANDSHAKE_S):
                    secured = await TLSStream.wrap(
                        stream,
                        server_side=True,
                        ssl_context=self._context,
                        standard_compatible=False,
                    )
                    websocket = Websocket(secured)
                    if not await websocket.accept():
                        websocket = None
                if websocket is not None:
                    await converse(self._gateway, websocket, number)
        finally:
            await anyio.aclose_forcefully(stream)
