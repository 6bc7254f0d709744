"""Where a fault can strike: places are counted as they are passed, and the n-th may be armed."""

from world.timeline import SECOND


class Killed(BaseException):
    """The process is gone: nothing catches this, nothing of it goes on."""


class Points:
    """Which places a run passes, and what shall strike there.

    A place is a word such as ``submit.entry``; a fault waits at its n-th passing from now on.
    """

    def __init__(self) -> None:
        self.last_fault_ns = 0
        """When the last fault struck."""
        self.struck: list[str] = []
        """What struck, in order."""
        self._armed: dict[str, list[tuple[int, str]]] = {}

    def arm(self, place: str, passing: int, fault: str) -> None:
        """Let ``fault`` strike at the n-th passing of ``place``."""
        self._armed.setdefault(place, []).append((passing, fault))

    def disarm(self) -> None:
        """Nothing strikes any more."""
        self._armed.clear()

    @property
    def is_armed(self) -> bool:
        """Whether anything may still strike."""
        return bool(self._armed)

    def passing(self, place: str) -> str:
        """Pass a place; the fault that strikes, or an empty word."""
        waiting = self._armed.get(place)
        if waiting is None:
            return ""
        left = [(passing - 1, fault) for passing, fault in waiting]
        found = next((one for one in left if one[0] <= 0), None)
        if found is not None:
            left.remove(found)
        if left:
            self._armed[place] = left
        else:
            del self._armed[place]
        return found[1] if found is not None else ""

    def strike(self, name: str, now_ns: int) -> None:
        """Keep that a fault struck."""
        self.struck.append(name)
        self.last_fault_ns = now_ns


CALM_NS = 120 * SECOND
"""Within this after the last fault everything is as it should be."""
