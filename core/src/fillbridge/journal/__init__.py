"""The journal of one account: what happened stands on the disk before anything follows from it."""

from fillbridge.journal.errors import (
    AccountLocked,
    BrokenRecord,
    JournalFailed,
    JournalUnusable,
    StateDiverged,
)
from fillbridge.journal.opening import open_journal
from fillbridge.journal.records import Note, PositionChanged, Record
from fillbridge.journal.recovery import Recovery
from fillbridge.journal.store import Durability
from fillbridge.journal.writer import Journal

__all__ = (
    "AccountLocked",
    "BrokenRecord",
    "Durability",
    "Journal",
    "JournalFailed",
    "JournalUnusable",
    "Note",
    "PositionChanged",
    "Record",
    "Recovery",
    "StateDiverged",
    "open_journal",
)
