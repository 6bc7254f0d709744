"""What changed between two contents of limits, and whether that loosens them.

What is not known to tighten counts as loosening.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

_LESS_IS_TIGHTER = (
    "max_",
    "daily_loss_",
    "messages_per_",
    "message_burst",
    "strategy_entries_",
    "dead_man_s",
)
_MORE_IS_TIGHTER = (
    "min_",
    "look_alike_seconds",
    "margin_factor",
    "move_pause_s",
    "quiet_",
    "cooling_off_s",
)
_ABSENT = "absent"
_LEVELS = ("pause", "cancel", "flatten")


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One limit that is another."""

    path: str
    old: Any
    new: Any
    is_looser: bool

    def __str__(self) -> str:
        direction = "looser" if self.is_looser else "tighter"
        return f"{self.path}: {shown(self.old)} -> {shown(self.new)} ({direction})"


def shown(value: Any) -> str:
    """The value of a limit as JSON, which is how ``fillbridge limits set`` takes it."""
    return msgspec.json.encode(value).decode()


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[Change, ...]:
    """Every difference between two contents, by path."""
    found = []
    if old["profile"] != new["profile"]:
        is_looser = new["profile"] != "live"
        found.append(
            Change(path="profile", old=old["profile"], new=new["profile"], is_looser=is_looser)
        )
    before, after = old["limits"], new["limits"]
    for path in sorted(before.keys() | after.keys()):
        one, other = before.get(path, _ABSENT), after.get(path, _ABSENT)
        if one != other:
            is_looser = not _tightens(path.rpartition(".")[2], one, other)
            found.append(Change(path=path, old=one, new=other, is_looser=is_looser))
    return tuple(found)


def _tightens(name: str, old: Any, new: Any) -> bool:
    """Whether it is known that ``new`` allows nothing that ``old`` did not."""
    if name == "operators":
        return not old
    if new is None or new == _ABSENT:
        return False
    if old is None or old == _ABSENT:
        return new is not False
    if isinstance(old, bool) or isinstance(new, bool):
        return new is True
    if isinstance(old, int | float) and isinstance(new, int | float):
        if name.startswith(_LESS_IS_TIGHTER):
            return new < old
        return name.startswith(_MORE_IS_TIGHTER) and new > old
    if isinstance(old, list) and isinstance(new, list):
        return all(one in old for one in new)
    if isinstance(old, dict) and isinstance(new, dict):
        return all(key in old and _within(old[key], value) for key, value in new.items())
    if name == "dead_man_level":
        return bool(_LEVELS.index(new) > _LEVELS.index(old))
    return False


def _within(old: Any, new: Any) -> bool:
    if isinstance(old, list) and isinstance(new, list):
        return all(one in old for one in new)
    return bool(old == new)
