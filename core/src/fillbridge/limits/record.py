"""The record of an account's limits, and whether others may take their place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from fillbridge.journal import JournalFailed, JournalUnusable
from fillbridge.journal.private_files import read_private, write_private
from fillbridge.limits.changes import Change, changes
from fillbridge.operators import Approval, Authority, NotApproved, content_hash
from fillbridge_hooks import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from fillbridge.journal import Note

NOTE = "limits"
PURPOSE = "limits"
"""Of an approval of looser limits."""
_LARGEST = 1_000_000
_MOST = 50


class LimitsRefused(ConfigurationError):
    """The limits of a configuration are looser than those in force, and not approved."""


class LimitsJournal(Protocol):
    """What is asked of a journal."""

    account: str

    def notes(self, kind: str) -> Iterator[Note]:
        """The notes of a kind, the newest first."""

    def note(self, kind: str, payload: Mapping[str, Any], now_ns: int) -> None:
        """Take a note."""

    def commit(self) -> None:
        """Make it stand."""


class Proposed(msgspec.Struct, frozen=True, kw_only=True):
    """A change of limits, as operators approve it."""

    account: str
    sequence: int
    """The number of the change: an approval is for one of them."""
    old: dict[str, Any] | None
    """The limits in force; ``None``: none were recorded."""
    new: dict[str, Any]

    @property
    def hash(self) -> str:
        """What an operator signs for the purpose ``limits``."""
        return content_hash(msgspec.to_builtins(self))

    def changes(self) -> tuple[Change, ...]:
        """What it changes."""
        return () if self.old is None else changes(self.old, self.new)

    @property
    def needs_approval(self) -> bool:
        """Whether it takes two operators: where it loosens what guards real money."""
        if self.old is None or self.old["profile"] != "live":
            return False
        return any(change.is_looser for change in self.changes())

    @property
    def operators(self) -> dict[str, str]:
        """Who may approve it: those that were recorded, and the new ones where there were none."""
        path = "live_settings.operators"
        recorded = {} if self.old is None else self.old["limits"].get(path)
        return dict(recorded or self.new["limits"].get(path) or {})


def last_limits(note: Note | None) -> tuple[dict[str, Any] | None, int]:
    """The limits that were recorded last, and the number of that record."""
    if note is None:
        return None, 0
    return note.payload["content"], note.payload["sequence"]


def proposed_change(account: str, note: Note | None, new: dict[str, Any]) -> Proposed:
    """The change from what was recorded last to ``new``."""
    old, sequence = last_limits(note)
    return Proposed(account=account, sequence=sequence + 1, old=old, new=new)


def enforce(
    journal: LimitsJournal,
    new: dict[str, Any],
    approvals: Sequence[Approval],
    by: str,
    now_ns: int,
) -> tuple[Change, ...]:
    """Record the limits with which a run starts, if they are others than before; what changed.

    What tightens is in force at once. What loosens them takes the approvals of two operators,
    where the limits in force are of the profile ``live``.

    :param by: who starts it
    :raises LimitsRefused: if they are looser and too few have approved
    """
    note = next(journal.notes(NOTE), None)
    proposed = proposed_change(journal.account, note, new)
    if proposed.old == new:
        return ()
    found = proposed.changes()
    approvers: tuple[str, ...] = ()
    if proposed.needs_approval:
        authority = Authority(proposed.operators, is_sim=False)
        try:
            approvers = authority.approvers(approvals, PURPOSE, proposed.hash, 2, by, now_ns)
        except NotApproved as error:
            looser = "; ".join(str(one) for one in found if one.is_looser)
            raise LimitsRefused(
                f"the limits are looser than those in force: {looser}. {error}; see fillbridge"
                " limits propose"
            ) from None
    record(journal, proposed, approvers, by, now_ns)
    return found


def record(
    journal: LimitsJournal, proposed: Proposed, approvers: Sequence[str], by: str, now_ns: int
) -> bool:
    """Record a change of limits; whether that could be done.

    No entry leaves without a journal, whatever its limits.
    """
    payload = {
        "sequence": proposed.sequence,
        "content": proposed.new,
        "hash": proposed.hash,
        "changes": [msgspec.to_builtins(one) for one in proposed.changes()],
        "approved_by": list(approvers),
        "by": by,
    }
    try:
        journal.note(NOTE, payload, now_ns)
        journal.commit()
    except JournalFailed:
        return False
    return True


def read_approvals(path: Path) -> tuple[Approval, ...]:
    """The approvals in a file; none where there is no file.

    :raises ConfigurationError: if it holds something else, or others may write it
    """
    if not path.exists():
        return ()
    try:
        content = read_private(path, "the file of approvals")[:_LARGEST]
        return tuple(msgspec.json.decode(content, type=list[Approval]))
    except JournalUnusable as error:
        raise ConfigurationError(str(error)) from None
    except msgspec.MsgspecError:
        raise ConfigurationError(f"{path}: expected approvals, was something else") from None


def write_approval(path: Path, approval: Approval) -> None:
    """Add an approval to a file, of which the last 50 are kept.

    :raises ConfigurationError: if the file cannot be read
    :raises OSError: if it cannot be written
    """
    kept = (*read_approvals(path), approval)[-_MOST:]
    write_private(path, msgspec.json.encode(kept) + b"\n")
