"""The socket of a running handler."""

from __future__ import annotations

import logging
import stat
from contextlib import asynccontextmanager, closing, suppress
from typing import TYPE_CHECKING

import anyio

from fillbridge.management.lines import Lines, LineTooLong
from fillbridge.management.messages import MAX_REQUEST_BYTES, Answer, AnswerKind, encode_line
from fillbridge.management.places import check_socket_path
from fillbridge.management.sockets import UnixListener, UnixStream, connect_unix
from fillbridge_hooks import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from anyio.abc import TaskGroup

    from fillbridge.management.service import Management

_logger = logging.getLogger(__name__)

_MOST_CONNECTIONS = 64
_RETRY_S = 0.1


@asynccontextmanager
async def serve_management(management: Management, path: Path) -> AsyncIterator[None]:
    """Answer at ``path`` as long as the context is open; nobody but the owner can connect.

    The file of a handler that is gone is replaced; the own one is removed at the end.

    :raises ConfigurationError: if no socket can be opened there, or somebody else answers at it
    """
    check_socket_path(path)
    await _make_way(path)
    try:
        listener = UnixListener.at(path)
    except OSError as error:
        raise _unusable(path, error) from None
    made = _identity(path)
    try:
        with closing(listener):
            async with anyio.create_task_group() as group:
                group.start_soon(_Server(management, group).serve, listener)
                try:
                    yield
                finally:
                    group.cancel_scope.cancel()
    finally:
        if _identity(path) == made:
            _remove(path)


async def _make_way(path: Path) -> None:
    """Remove the socket of a handler that is gone.

    :raises ConfigurationError: if somebody answers at it, or the file is something else
    """
    if not _is_socket(path):
        return
    try:
        stream = await connect_unix(path)
    except PermissionError as error:
        raise _unusable(path, error) from None
    except OSError:
        _remove(path)
        return
    stream.close()
    raise ConfigurationError(f"{path}: expected a socket of no other handler, was in use")


def _is_socket(path: Path) -> bool:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _unusable(path, error) from None
    if not stat.S_ISSOCK(mode):
        raise ConfigurationError(f"{path}: expected a socket, or nothing, was another file")
    return True


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()


def _unusable(path: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(f"{path}: no socket can be opened: {error.strerror or error}")


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.lstat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


class _Server:
    """Serves connections, a bounded number of them: a new one takes the place of an idle one."""

    def __init__(self, management: Management, tasks: TaskGroup) -> None:
        self._management = management
        self._tasks = tasks
        self._connections = 0
        self._idle: dict[UnixStream, anyio.CancelScope] = {}
        """Those of which nothing is being carried out, the one that is idle longest first."""

    async def serve(self, listener: UnixListener) -> None:
        while True:
            try:
                stream = await listener.accept()
            except OSError as error:
                _logger.warning("a connection cannot be taken: %s", error.strerror)
                await anyio.sleep(_RETRY_S)
                continue
            self._tasks.start_soon(self._attend, stream)

    async def _attend(self, stream: UnixStream) -> None:
        self._connections += 1
        # Whoever goes away in the middle goes away alone.
        with closing(stream), suppress(anyio.BrokenResourceError):
            await self._converse(stream)
        self._connections -= 1

    async def _converse(self, stream: UnixStream) -> None:
        if self._connections > _MOST_CONNECTIONS and not self._end_an_idle_one():
            error = f"expected at most {_MOST_CONNECTIONS} connections at once, was more"
            await stream.send(encode_line(Answer(kind=AnswerKind.REFUSED, error=error)))
            return
        lines, answer = Lines(stream, MAX_REQUEST_BYTES), b""
        while True:
            line = None
            # Whoever does not take its answer is as idle as one that asks nothing.
            with anyio.CancelScope() as scope:
                self._idle[stream] = scope
                try:
                    if answer:
                        await stream.send(answer)
                    line = await lines.next()
                except LineTooLong as error:
                    too_long = Answer(kind=AnswerKind.INVALID, error=f"request: {error}")
                    await stream.send(encode_line(too_long))
                    await _hear_out(stream)
                finally:
                    self._idle.pop(stream, None)
            if line is None:
                return
            answer = await self._management.answer_line(line)

    def _end_an_idle_one(self) -> bool:
        """End the connection that is idle longest; whether there was one."""
        for stream in self._idle:
            self._idle.pop(stream).cancel()
            return True
        return False


async def _hear_out(stream: UnixStream) -> None:
    """Read on for a while: closed with bytes unread, the socket would take the answer back."""
    with suppress(anyio.EndOfStream):
        for _ in range(64):
            await stream.receive()
