"""Journals in a folder, what was recorded in them, and a way to tamper with them."""

import apsw
import pytest

from fillbridge.journal import open_journal
from fillbridge.journal.places import places
from fillbridge.journal.reading import reading
from fillbridge_hooks import VirtualClock

NOW = 1_700_000_000_000_000_000
ACCOUNT = "SIM-1"


class Bench:
    """One account's journal: opens it, records in it, and gives it back at the end."""

    def __init__(self, directory):
        self.directory = directory
        self.clock = VirtualClock(NOW)
        self.opened = []

    @property
    def where(self):
        return places(self.directory, ACCOUNT)

    def open(self, **settings):
        settings.setdefault("durability", "process")  # nobody pulls the plug, and it is faster
        journal = open_journal(self.directory, ACCOUNT, clock=self.clock, **settings)
        self.opened.append(journal)
        return journal

    def record(self, journal, events, size=2):
        """Commit events in batches."""
        for start in range(0, len(events), size):
            journal.append(events[start : start + size], self.clock.now_ns)
            journal.commit()

    def written(self, events, **settings):
        """Record events in a run that is killed."""
        journal = self.open(**settings)
        self.record(journal, events)
        journal.close(clean=False)
        return journal

    def reopen(self, **settings):
        """Open and close; how it was found."""
        journal = self.open(**settings)
        journal.close(clean=False)
        return journal.recovery

    def execute(self, statement, *values):
        """Change the database behind the journal's back."""
        connection = apsw.Connection(str(self.where.database))
        try:
            return list(connection.execute(statement, values))
        finally:
            connection.close()

    def verify(self, checkpoints=None):
        with reading(self.where) as reader:
            return reader.verify(checkpoints)

    def records(self):
        with reading(self.where) as reader:
            return [(seq, record) for seq, _, record in reader.records()]

    def close(self):
        for journal in self.opened:
            journal.close(clean=False)


@pytest.fixture
def bench(tmp_path):
    """A folder for journals."""
    made = Bench(tmp_path / "state")
    yield made
    made.close()


@pytest.fixture
def trades(account):
    """An account after so many trades: its events in ``recorded``, its state in ``state``."""

    def make(number, **plugins):
        made = account(commission=lambda fill, instrument: 2.25, **plugins)
        for _ in range(number):
            made.clock.advance_to(made.clock.now_ns + 1_000_000_000)
            made.trade()
        return made

    return make


@pytest.fixture
def busy(trades):
    """An account with closed trades, one that is open in part, one refused, one withdrawn."""
    made = trades(3)
    made.open(size=4)
    made.broker.fill("T4_ENTRY", 4000.25, quantity=3)
    made.open(symbol="GC", direction="SHORT", size=1)
    made.open(timeout_seconds=1, urgency="low")
    made.clock.advance_to(made.clock.now_ns + 10_000_000_000)
    return made
