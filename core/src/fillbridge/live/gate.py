"""Whether entries may leave, and why not.

Each cause shuts the gate on its own and is lifted on its own; the gate is as shut as the most
severe of them says. Orders that only reduce a position are never held up by it.
"""

from enum import StrEnum

from fillbridge_hooks import Refuse


class GateState(StrEnum):
    """How far the gate is open; only ``OPEN`` lets an entry out."""

    OPEN = "open"
    REDUCE_ONLY = "reduce_only"  # something is not as it should be, and may right itself
    RECOVERING = "recovering"  # not connected, or not yet reconciled with the broker
    STANDBY = "standby"  # another login took the session: a person decides
    HALTED = "halted"  # stopped on purpose, or because nothing can be relied on


_SEVERITY = {state: rank for rank, state in enumerate(GateState)}


class Gate:
    """The causes that shut it, for everything or for one symbol."""

    def __init__(self) -> None:
        self.version = 0
        """Rises with every change: what was decided under another version is judged again."""
        self._causes: dict[str, tuple[GateState, str]] = {}
        self._symbols: dict[str, dict[str, str]] = {}

    @property
    def state(self) -> GateState:
        """The most severe of what shuts it."""
        states = (state for state, _ in self._causes.values())
        return max(states, key=_SEVERITY.__getitem__, default=GateState.OPEN)

    def reasons(self) -> tuple[str, ...]:
        """Every reason in words, those of single symbols behind the others."""
        everywhere = [f"{state.value}: {reason}" for state, reason in self._causes.values()]
        single = [
            f"{symbol}: {reason}"
            for symbol, causes in self._symbols.items()
            for reason in causes.values()
        ]
        return (*everywhere, *single)

    def shut(self, cause: str, state: GateState, reason: str) -> bool:
        """Shut it for ``cause``; whether that is news, which another reason alone is not."""
        known = self._causes.get(cause)
        self._causes[cause] = (state, reason)
        if known is not None and known[0] is state:
            return False
        self.version += 1
        return True

    def lift(self, cause: str) -> bool:
        """Shut it for ``cause`` no longer; whether that is news."""
        if self._causes.pop(cause, None) is None:
            return False
        self.version += 1
        return True

    def shuts(self, cause: str) -> bool:
        """Whether ``cause`` shuts it."""
        return cause in self._causes

    def block(self, symbol: str, cause: str, reason: str) -> bool:
        """Let no entry of ``symbol`` out for ``cause``; whether that is news."""
        causes = self._symbols.setdefault(symbol, {})
        if causes.get(cause) == reason:
            return False
        causes[cause] = reason
        self.version += 1
        return True

    def unblock(self, symbol: str, cause: str) -> bool:
        """Block ``symbol`` for ``cause`` no longer; whether that is news."""
        if self._symbols.get(symbol, {}).pop(cause, None) is None:
            return False
        self.version += 1
        return True

    def blocked(self, cause: str) -> set[str]:
        """The symbols that ``cause`` blocks."""
        return {symbol for symbol, causes in self._symbols.items() if cause in causes}

    @property
    def has_blocks(self) -> bool:
        """Whether any symbol is blocked."""
        return any(self._symbols.values())

    def objection(self, symbol: str) -> Refuse | None:
        """Why an entry of ``symbol`` may not leave; ``None`` if it may."""
        reasons = [f"{state.value} ({reason})" for state, reason in self._causes.values()]
        reasons += self._symbols.get(symbol, {}).values()
        if not reasons:
            return None
        return Refuse(check="gate", limit="open for entries", value="; ".join(reasons))
