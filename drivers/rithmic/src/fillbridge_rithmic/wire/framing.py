"""The frame around each message: its length in four bytes, most significant first."""

from collections.abc import Iterator
from typing import Final

LARGEST: Final = 1 << 20
"""No message is as long, in bytes; whoever announces more is not speaking the protocol."""

_PREFIX: Final = 4


class BadFrame(ValueError):
    """What arrived is not a message."""


def framed(body: bytes) -> bytes:
    """The body with its length before it."""
    return len(body).to_bytes(_PREFIX, "big") + body


def bodies(data: bytes) -> Iterator[bytes]:
    """The bodies in one websocket message: one as a rule, several where they were put together.

    :raises BadFrame: where a length and what follows do not agree; those before were yielded
    """
    at = 0
    while at < len(data):
        start = at + _PREFIX
        length = int.from_bytes(data[at:start], "big")
        at = start + length
        if start > len(data) or at > len(data) or length > LARGEST:
            raise BadFrame(
                f"expected a length and as many bytes, was {length} before {len(data) - start}"
            )
        yield data[start:at]
