"""What a journal holds: the engine's events, the changes of positions, and notes.

The codec is made from the engine's own union of events, so that an event which is added there is
known here.
"""

import struct
from collections.abc import Iterable
from typing import Any

import msgspec

from fillbridge.engine.messages import Event
from fillbridge_hooks import InvalidValue


class Note(msgspec.Struct, frozen=True, tag=True):
    """Something worth keeping that is no event of the engine: a start, a gate, a kill latch."""

    kind: str
    payload: dict[str, Any]
    time_ns: int


class PositionChanged(msgspec.Struct, frozen=True, gc=False, tag=True):
    """What the account holds of a symbol has changed; contracts are signed, positive is long."""

    symbol: str
    before: int
    delta: int
    after: int
    price: float
    """Of the fill, points."""
    average_price: float | None
    """Of what is held now, points; ``None`` when flat."""
    fill_id: str
    client_order_id: str
    trade_id: str
    cause: str
    """``entry``, why the trade ends (``TP``, ``SL`` ...), or ``void`` for a fill taken back."""
    time_ns: int
    """When it happened, by whoever reported it."""
    recorded_ns: int


Record = Event | PositionChanged | Note

_encoder = msgspec.msgpack.Encoder()
_one: msgspec.msgpack.Decoder[Record] = msgspec.msgpack.Decoder(Record)
_many: msgspec.msgpack.Decoder[list[Record]] = msgspec.msgpack.Decoder(list[Record])

_ARRAY_32 = struct.Struct(">BI")
_ARRAY_32_TAG = 0xDD


def encode(record: Record) -> bytes:
    """The bytes of one record.

    :raises InvalidValue: if it holds what msgpack cannot
    """
    try:
        return _encoder.encode(record)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise InvalidValue(type(record).__name__, f"plain values ({error})", record) from None


def decode(encoded: bytes) -> Record:
    """The record that :func:`encode` was given.

    :raises msgspec.MsgspecError: if these are no bytes of a record
    """
    return _one.decode(encoded)


def pack(encoded: Iterable[bytes]) -> bytes:
    """Encoded records as the payload of one row."""
    records = tuple(encoded)
    return _ARRAY_32.pack(_ARRAY_32_TAG, len(records)) + b"".join(records)


def count(payload: bytes) -> int:
    """How many records a payload says it has; 0 where it is no payload."""
    if len(payload) < _ARRAY_32.size or payload[0] != _ARRAY_32_TAG:
        return 0
    _, found = _ARRAY_32.unpack_from(payload)
    return int(found)


def unpack(payload: bytes) -> list[Record]:
    """The records of a payload.

    :raises msgspec.MsgspecError: if it holds something else
    """
    return _many.decode(payload)
