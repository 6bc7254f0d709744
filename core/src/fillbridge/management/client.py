"""Asks a running handler."""

from __future__ import annotations

from contextlib import asynccontextmanager, closing
from typing import TYPE_CHECKING

import anyio
import msgspec

from fillbridge.management.lines import Lines, LineTooLong
from fillbridge.management.messages import Answer, decode_answer, encode_line
from fillbridge.management.sockets import UnixStream, connect_unix
from fillbridge_hooks import NotConnected

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from fillbridge.management.messages import Asked

_MAX_ANSWER_BYTES = 1 << 28
_PATIENCE_S = 30.0


class ManagementClient:
    """A conversation with a handler; see :func:`connect`."""

    def __init__(self, stream: UnixStream, path: Path) -> None:
        self._stream = stream
        self._path = path
        self._lines = Lines(stream, _MAX_ANSWER_BYTES)

    async def ask(self, request: Asked) -> Answer:
        """What becomes of a request.

        :raises NotConnected: if no answer comes; what was asked for may have been done
        """
        reason = f"no answer within {_PATIENCE_S:.0f} s"
        try:
            with anyio.move_on_after(_PATIENCE_S):
                await self._stream.send(encode_line(request))
                line = await self._lines.next()
                if line is not None:
                    return decode_answer(line)
                reason = "the handler ended"
        except anyio.BrokenResourceError:
            reason = "the handler ended"
        except (LineTooLong, msgspec.MsgspecError):
            reason = "what answers there is no handler"
        raise NotConnected(f"{self._path}: {reason}")


@asynccontextmanager
async def connect(path: Path) -> AsyncIterator[ManagementClient]:
    """A conversation with the handler whose socket is at ``path``.

    :raises NotConnected: if no handler answers there
    """
    with closing(await _open(path)) as stream:
        yield ManagementClient(stream, path)


async def _open(path: Path) -> UnixStream:
    try:
        return await connect_unix(path)
    except PermissionError:
        raise NotConnected(f"{path}: the handler there is another user's") from None
    except OSError:
        raise NotConnected(f"no handler answers at {path}; fillbridge run starts one") from None
