"""What an emergency command did, and what is left."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

import msgspec

from fillbridge_rithmic.emergency.standing import Standing

if TYPE_CHECKING:
    from collections.abc import Callable


class State(Enum):
    """How it ended."""

    CLEAR = "clear"
    """Nothing is held and nothing works, as far as was asked for."""
    LEFT = "left"
    """Something is held, or works."""
    UNKNOWN = "unknown"
    """The connection ended, or there was no clean answer: what is left is not known."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What an emergency command did, and what is left."""

    account: str
    state: State
    steps: tuple[str, ...]
    """What was done and found out, in order, a sentence each."""
    before: Standing
    left: Standing | None
    """How the whole account stood at last; ``None``: that is not known."""
    unprotected: tuple[str, ...] = ()
    """Symbols of open positions for which fewer contracts of stops work than they have."""


class Report:
    """Collects the sentences, and says each as soon as it is true."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self.steps: list[str] = []
        self._tell = tell

    def say(self, sentence: str) -> None:
        """Add a sentence, unless it was the last one already."""
        if self.steps[-1:] != [sentence]:
            self.steps.append(sentence)
            self._tell(sentence)

    def show(self, standing: Standing) -> None:
        """Say what is held and what works."""
        for position in standing.positions or ():
            self.say(f"holds {position}")
        for order in standing.orders:
            self.say(f"works {order}")
        if standing.positions == ():
            self.say("holds nothing")
        if not standing.orders:
            self.say("nothing works")

    def outcome(
        self, account_id: str, state: State, before: Standing, left: Standing | None
    ) -> Outcome:
        """Everything, once it is over; says so where stops are missing."""
        naked = () if left is None else left.unprotected()
        for position in naked:
            self.say(f"{position} IS OPEN WITHOUT STOPS FOR ALL OF IT: protect or close it by hand")
        return Outcome(
            account=account_id,
            state=state,
            steps=tuple(self.steps),
            before=before,
            left=left,
            unprotected=tuple(position.symbol for position in naked),
        )
