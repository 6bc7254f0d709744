"""The chain that makes a changed, removed, moved or added record show.

Each row carries an HMAC-SHA256 over the value of the row before it and its own bytes. Without the
key nobody can make the values that follow a change.
"""

import hmac
import struct

SIZE = 32
_PLACE = struct.Struct(">qq")
_LENGTH = struct.Struct(">I")


def genesis(key: bytes, account: str, born: int) -> bytes:
    """What the first row of a journal follows; ``born`` is the epoch in which it was made."""
    return seal(key, "genesis", account.encode(), str(born).encode())


def link(key: bytes, previous: bytes, seq: int, wall_ns: int, payload: bytes) -> bytes:
    """The chain's value after a row."""
    return hmac.digest(key, previous + _PLACE.pack(seq, wall_ns) + payload, "sha256")


class Links:
    """Makes link after link with one key: what follows from the key alone is done once."""

    def __init__(self, key: bytes) -> None:
        self._keyed = hmac.new(key, digestmod="sha256")

    def link(self, previous: bytes, seq: int, wall_ns: int, payload: bytes) -> bytes:
        """The chain's value after a row; what :func:`link` makes of the same key."""
        keyed = self._keyed.copy()
        keyed.update(previous + _PLACE.pack(seq, wall_ns) + payload)
        return keyed.digest()


def seal(key: bytes, purpose: str, *parts: bytes) -> bytes:
    """A signature of these parts, good for this purpose alone."""
    lengths = b"".join(_LENGTH.pack(len(part)) for part in parts)
    return hmac.digest(key, b"\0".join((purpose.encode(), lengths, *parts)), "sha256")


def same(one: bytes, other: bytes) -> bool:
    """Whether two values are the same, in constant time."""
    return hmac.compare_digest(one, other)
