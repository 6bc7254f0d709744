"""Runs a simulated broker as a process: its socket, from start to end."""

from __future__ import annotations

import os
import signal
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from fillbridge_hooks import ConfigurationError
from fillbridge_sim.live.broker import LiveBroker
from fillbridge_sim.live.control import is_served
from fillbridge_sim.live.server import BrokerServer
from fillbridge_sim.live.system_clock import SystemClock
from fillbridge_sim.live.tick_files import check_tape

if TYPE_CHECKING:
    from collections.abc import Callable

    from fillbridge_sim.settings import SimulationSettings

_PRIVATE = 0o177
"""Leaves a new file to be read and written by its owner."""


async def serve(path: str, settings: SimulationSettings, on_ready: Callable[[], None]) -> None:
    """Serve a broker at ``path`` until SIGTERM or SIGINT.

    The socket is for its owner alone. What a dead server left there is replaced.

    :param on_ready: called once connections are accepted
    :raises ConfigurationError: if the market cannot be opened, or there is another server, or
        anything else that is no socket, at ``path``
    """
    check_tape(settings.live)
    _clear(path)
    server = BrokerServer(LiveBroker(settings, SystemClock()))
    before = os.umask(_PRIVATE)
    try:
        listener = await anyio.create_unix_listener(path)
    except (ValueError, OSError) as error:
        raise ConfigurationError(f"{path}: no socket can be made: {_reason(error)}") from None
    finally:
        os.umask(before)
    try:
        async with listener, anyio.create_task_group() as tasks:
            with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
                tasks.start_soon(server.serve, listener)
                on_ready()
                async for _ in signals:
                    break
            tasks.cancel_scope.cancel()
    finally:
        _remove(path)


def _clear(path: str) -> None:
    try:
        is_socket = stat.S_ISSOCK(Path(path).lstat().st_mode)
    except FileNotFoundError:
        return
    except (ValueError, OSError) as error:
        raise ConfigurationError(f"{path}: no socket can be made: {_reason(error)}") from None
    if not is_socket:
        raise ConfigurationError(f"{path}: expected a socket or nothing, was another file")
    if is_served(path):
        raise ConfigurationError(f"{path}: expected no server there, was one that answers")
    _remove(path)


def _remove(path: str) -> None:
    with suppress(OSError):
        Path(path).unlink()


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
