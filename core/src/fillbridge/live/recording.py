"""What live trading asks of a journal."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from fillbridge.engine import EngineState
from fillbridge.engine.messages import Event


class Recording(Protocol):
    """Keeps what happened, before anything that follows from it leaves."""

    epoch: int
    """Which start of this account it is, from 1."""
    state: EngineState
    """What was recorded before, folded."""

    def append(self, events: Sequence[Event], now_ns: int) -> None:
        """Take events; they are kept once :meth:`commit` returns."""

    def note(self, kind: str, payload: Mapping[str, Any], now_ns: int) -> None:
        """Take a fact that is no event of the engine."""

    def commit(self, *, is_urgent: bool = False) -> None:
        """Keep what was taken.

        :param is_urgent: whether an order waits for it
        :raises JournalFailed: if it cannot be kept; nothing is taken from then on
        """

    def check(self, live: EngineState, *, always: bool = False) -> None:
        """Compare what the engine holds with the fold of what was kept, now and then or always.

        :raises StateDiverged: if they differ
        """


class NoRecording:
    """Keeps nothing: for tests, and what is left where a journal has failed."""

    def __init__(self, state: EngineState | None = None, epoch: int = 1) -> None:
        self.epoch = epoch
        self.state = EngineState() if state is None else state

    def append(self, events: Sequence[Event], now_ns: int) -> None:
        """Forget them."""

    def note(self, kind: str, payload: Mapping[str, Any], now_ns: int) -> None:
        """Forget it."""

    def commit(self, *, is_urgent: bool = False) -> None:
        """There is nothing to keep."""

    def check(self, live: EngineState, *, always: bool = False) -> None:
        """There is nothing to compare with."""
