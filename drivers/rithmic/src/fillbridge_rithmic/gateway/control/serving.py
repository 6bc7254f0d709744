"""The control socket, from start to end."""

from __future__ import annotations

import os
import socket
import stat
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import msgspec
from anyio.streams.buffered import BufferedByteReceiveStream

from fillbridge_hooks import ConfigurationError
from fillbridge_rithmic.gateway.control.answering import answer

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from anyio.abc import SocketStream

    from fillbridge_rithmic.gateway.gateway import Gateway

_LONGEST_LINE = 1 << 20
_ONLY_ITS_OWNER = 0o177
_LOST = (OSError, anyio.IncompleteRead, anyio.DelimiterNotFound, anyio.BrokenResourceError)


@asynccontextmanager
async def control_served(gateway: Gateway, path: str) -> AsyncGenerator[None]:
    """Serve a gateway's control socket, for the user of this process alone.

    What a dead gateway left there is replaced.

    :raises ConfigurationError: if there is another gateway at ``path``, or anything but a socket
    """

    async def handle(stream: SocketStream) -> None:
        lines = BufferedByteReceiveStream(stream)
        async with stream:
            with suppress(*_LOST):
                while True:
                    line = await lines.receive_until(b"\n", _LONGEST_LINE)
                    await stream.send(msgspec.json.encode(await answer(gateway, line)) + b"\n")

    _make_room(path)
    before = os.umask(_ONLY_ITS_OWNER)
    try:
        listener = await anyio.create_unix_listener(path)
    except (ValueError, OSError) as error:
        raise _no_socket(path, error) from None
    finally:
        os.umask(before)
    try:
        async with listener, anyio.create_task_group() as tasks:
            tasks.start_soon(listener.serve, handle)
            try:
                yield
            finally:
                tasks.cancel_scope.cancel()
    finally:
        _remove(path)


def _make_room(path: str) -> None:
    try:
        is_socket = stat.S_ISSOCK(Path(path).lstat().st_mode)
    except FileNotFoundError:
        return
    except (ValueError, OSError) as error:
        raise _no_socket(path, error) from None
    if not is_socket:
        raise ConfigurationError(f"{path}: expected a socket or nothing, was another file")
    with socket.socket(socket.AF_UNIX) as probe, suppress(OSError):
        probe.connect(path)
        raise ConfigurationError(f"{path}: expected no gateway there, was one that answers")
    _remove(path)


def _remove(path: str) -> None:
    with suppress(OSError):
        Path(path).unlink()


def _no_socket(path: str, error: Exception) -> ConfigurationError:
    reason = getattr(error, "strerror", None) or error
    return ConfigurationError(f"{path}: no socket can be made: {reason}")
