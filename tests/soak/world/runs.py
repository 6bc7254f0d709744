"""Runs by seed, and what came of each."""

import hashlib
from dataclasses import dataclass, field

from world.violations import Violated
from world.world import World


@dataclass
class Run:
    """What came of one run."""

    seed: int
    violation: str = ""
    struck: list[str] = field(default_factory=list)
    cells: set[str] = field(default_factory=set)
    ended_as: dict[str, int] = field(default_factory=dict)
    longest_ns: dict[str, int] = field(default_factory=dict)
    story: list[str] = field(default_factory=list)
    kills: int = 0
    """How often the kill switch was pulled."""
    flat_ns: int | None = None
    """How long it took from the last pull until nothing was open, where it came to that."""

    @property
    def trace(self) -> str:
        """A digest of the story: the same for the same seed."""
        return hashlib.blake2b("\n".join(self.story).encode(), digest_size=16).hexdigest()


def run(seed: int, profile: str, *, is_told: bool = False) -> Run:
    """Live one seed through.

    :param is_told: whether the story is kept
    """
    story: list[str] = []
    world = World(seed, profile, story if is_told else None)
    violation = ""
    try:
        world.live()
    except Violated as error:
        violation = str(error)
    except Exception as error:  # noqa: BLE001  # whatever escapes would end the handler
        violation = f"crash: {type(error).__name__}: {error}"
    return Run(
        seed,
        violation,
        world.points.struck,
        world.cells,
        world.ended_as,
        world.oracle.longest_ns,
        story,
        0 if world.kills is None else world.kills.count,
        None if world.kills is None else world.kills.flat_ns,
    )
