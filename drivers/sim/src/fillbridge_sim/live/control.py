"""Requests to a simulated broker without a session, one connection each."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import msgspec

from fillbridge_hooks import ConfigurationError, NotConnected
from fillbridge_sim.live.wire import (
    LENGTH_BYTES,
    Answer,
    BadFrame,
    Done,
    Refused,
    ShowBook,
    body_length,
    frame,
    read_reply,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fillbridge_sim.live.wire import Reply, Request

_PATIENCE_S = 30.0


def carry_out(path: str, request: Request) -> int:
    """Have a request carried out; answers the time of the broker, ns UTC.

    :raises ConfigurationError: if the broker refuses it
    :raises NotConnected: if no broker answers at ``path``
    """
    (done,) = _replies(path, request)
    return _done(path, done)


def read_book(path: str) -> dict[str, Any]:
    """Everything that the broker keeps, by account: its orders, fills and positions.

    :raises NotConnected: if no broker answers at ``path``
    """
    accounts: dict[str, dict[str, Any]] = {}
    *parts, done = _replies(path, ShowBook())
    for part in parts:
        if not isinstance(part, Answer):
            raise _no_broker(path, f"expected an answer, was {type(part).__name__}")
        book = accounts.setdefault(part.account, {"orders": [], "fills": [], "positions": {}})
        book["orders"] += [msgspec.to_builtins(order) for order in part.orders]
        book["fills"] += [msgspec.to_builtins(fill) for fill in part.fills]
        book["positions"] |= {held.symbol: held.quantity for held in part.positions}
    return {"time_ns": _done(path, done), "accounts": accounts}


def is_served(path: str) -> bool:
    """Whether a living process listens at ``path``."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
        except OSError:
            return False
    return True


def _replies(path: str, request: Request) -> Iterator[Reply]:
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_PATIENCE_S)
            connection.connect(path)
            connection.sendall(frame(request))
            with connection.makefile("rb") as stream:
                while True:
                    length = body_length(_exactly(stream.read(LENGTH_BYTES), LENGTH_BYTES))
                    reply = read_reply(_exactly(stream.read(length), length))
                    yield reply
                    if isinstance(reply, Done | Refused):
                        return
    except (BadFrame, OSError) as error:
        raise _no_broker(path, str(getattr(error, "strerror", None) or error)) from None


def _exactly(data: bytes, length: int) -> bytes:
    if len(data) < length:
        raise BadFrame("the connection ended")
    return data


def _done(path: str, reply: Reply) -> int:
    if isinstance(reply, Refused):
        raise ConfigurationError(reply.reason)
    if not isinstance(reply, Done):
        raise _no_broker(path, f"expected it to be done, was {type(reply).__name__}")
    return reply.time_ns


def _no_broker(path: str, reason: str) -> NotConnected:
    return NotConnected(f"{path}: no simulated broker answers there: {reason}")
