"""Websocket frames: one as a client sends it; those of a server, cut one by one from what arrived.

Many arrive at once, and the first may be an answer that somebody waits for: it is handed on before
the next is looked at. Here is told where a frame ends, and whether it is a whole message; what else
it may be, and what it must not be, is for the protocol to say.
"""

from __future__ import annotations

import os
import struct
from typing import Final

from fillbridge_rithmic.wire.framing import LARGEST

_MESSAGE: Final = 0x82
"""The first byte of a frame that is a whole binary message."""
_KNOWN: Final = frozenset({0x00, 0x80, 0x01, 0x81, 0x02, _MESSAGE, 0x88, 0x89, 0x8A})
"""The first bytes there are: parts and wholes of messages, and frames of control."""
_SHORTEST: Final = 2
"""Bytes of a header that has nothing but the length."""
_SHORT: Final = 126
_LONG: Final = 127
"""What stands for the length where that follows in two bytes, or in eight."""


_MASKED: Final = 0x80
_MASK_SIZE: Final = 4
_SIZES: Final = 1 << 16
"""Lengths below stand in two bytes."""


def whole_message(data: bytes) -> bytes:
    """The frame of a client that is a whole binary message, masked with bytes nobody foresees."""
    length = len(data)
    if length < _SHORT:
        header = struct.pack("!BB", _MESSAGE, _MASKED | length)
    elif length < _SIZES:
        header = struct.pack("!BBH", _MESSAGE, _MASKED | _SHORT, length)
    else:
        header = struct.pack("!BBQ", _MESSAGE, _MASKED | _LONG, length)
    mask = os.urandom(_MASK_SIZE)
    over = (mask * (length // _MASK_SIZE + 1))[:length]
    masked = int.from_bytes(data, "big") ^ int.from_bytes(over, "big")
    return header + mask + masked.to_bytes(length, "big")


class Frames:
    """Bytes that arrived and were not handed on yet."""

    def __init__(self) -> None:
        self._arrived = bytearray()
        self._at = 0

    def add(self, data: bytes) -> None:
        """More has arrived."""
        del self._arrived[: self._at]
        self._at = 0
        self._arrived += data

    def take(self, *, is_within: bool) -> tuple[bytes, bool] | None:
        """The next frame, ``None`` while it has not arrived as a whole.

        :param is_within: whether parts of a message came that has not ended
        :return: a message and true; or a frame as it came, for the protocol, and false. What no
            server may send, or is too large, comes with all that is behind it.
        """
        arrived, at = self._arrived, self._at
        start = at + _SHORTEST
        if start > len(arrived):
            return None
        first, length = arrived[at], arrived[at + 1]
        if _SHORT <= length <= _LONG:
            start += 2 if length == _SHORT else 8
            if start > len(arrived):
                return None
            length = int.from_bytes(arrived[at + _SHORTEST : start], "big")
        elif length > _LONG:
            length = LARGEST + 1  # masked, as only clients do
        if length > LARGEST or first not in _KNOWN:
            self._at = len(arrived)
            return bytes(arrived[at:]), False
        end = start + length
        if end > len(arrived):
            return None
        self._at = end
        if first == _MESSAGE and not is_within:
            return bytes(arrived[start:end]), True
        return bytes(arrived[at:end]), False
