"""Seeded chance: a stream for each kind of fault, so that one never shifts another."""

import random
from hashlib import blake2b

_RANGE = 1 << 64


class Dice:
    """Chance that is the same for the same seed, whatever ``PYTHONHASHSEED`` is."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._streams: dict[str, random.Random] = {}

    def stream(self, name: str) -> random.Random:
        """The stream of that name; it goes on where it was left."""
        found = self._streams.get(name)
        if found is None:
            found = self._streams[name] = self._seeded(name)
        return found

    def happens(self, name: str, rate: float) -> bool:
        """Whether it happens this time; a rate of 0 draws nothing."""
        return rate > 0 and self.stream(name).random() < rate

    def settled(self, name: str, key: str) -> float:
        """A number in [0, 1) that hangs on seed, name and key alone, not on earlier draws.

        What happens to a fill is settled this way, so that a report of it and every query, in
        this process and after a restart, tell the same.
        """
        digest = blake2b(f"{self._seed}/{name}/{key}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") / _RANGE

    def settled_stream(self, name: str, key: str) -> random.Random:
        """A fresh stream that hangs on seed, name and key alone."""
        return self._seeded(f"{name}/{key}")

    def _seeded(self, name: str) -> random.Random:
        return random.Random(f"{self._seed}/{name}")  # noqa: S311  # repeatable, not secret
