"""What was committed is there after any end of the process; what was not, is not."""

import os
import subprocess
import sys

import pytest

from fillbridge.engine.messages import CancelSent
from fillbridge.journal import (
    AccountLocked,
    JournalFailed,
    Note,
    PositionChanged,
    StateDiverged,
    open_journal,
)
from fillbridge.journal.contents import copy_state, state_bytes
from fillbridge.journal.places import accounts
from fillbridge_hooks import InvalidValue, Secret, VirtualClock


def same(one, other):
    return state_bytes(copy_state(one)) == state_bytes(copy_state(other))


def test_a_first_start_is_new_and_empty(bench):
    journal = bench.open()

    assert (journal.recovery.status, journal.recovery.reason) == ("new", "")
    assert journal.epoch == 1
    assert journal.state.trades == {}
    assert journal.last_seq == 1  # the start itself


@pytest.mark.parametrize("durability", ["power", "process"])
def test_the_state_is_the_fold_of_what_was_committed(bench, busy, durability):
    bench.written(busy.recorded, durability=durability)

    journal = bench.open()

    assert journal.recovery.status == "recovered"
    assert journal.recovery.records > len(busy.recorded)
    assert same(journal.state, busy.state)
    journal.check(busy.state, always=True)


def test_a_clean_end_is_told_from_a_kill(bench, busy):
    journal = bench.open()
    bench.record(journal, busy.recorded)
    journal.close(clean=True)

    again = bench.open()

    assert (again.recovery.status, again.recovery.reason) == ("clean", "")
    assert again.recovery.records == 0  # the snapshot of the end holds everything
    assert same(again.state, busy.state)
    again.close(clean=False)
    assert bench.reopen().status == "recovered"


def test_what_was_not_committed_is_not_there(bench, busy):
    journal = bench.open()
    journal.append(busy.recorded[:1], bench.clock.now_ns)
    journal.close(clean=False)

    assert bench.open().state.trades == {}


def test_a_clean_end_commits_what_was_appended(bench, busy):
    journal = bench.open()
    journal.append(busy.recorded, bench.clock.now_ns)
    journal.close(clean=True)

    assert same(bench.open().state, busy.state)


def test_snapshots_stand_in_for_the_records_before_them(bench, trades):
    account = trades(40)
    bench.written(account.recorded, snapshot_records=50)

    journal = bench.open()

    assert 0 < journal.recovery.records < 150
    assert same(journal.state, account.state)


def test_recording_goes_on_after_a_recovery(bench, busy):
    half = len(busy.recorded) // 2
    bench.written(busy.recorded[:half], snapshot_records=20)
    bench.written(busy.recorded[half:], snapshot_records=20)

    assert same(bench.open().state, busy.state)


def test_a_fill_is_followed_by_its_change_of_position(bench, trades):
    bench.written(trades(1).recorded)

    kinds = [type(record).__name__ for _, record in bench.records()]
    changes = [record for _, record in bench.records() if type(record) is PositionChanged]

    assert kinds.count("FillBooked") == 2
    assert all(
        kinds[place + 1] == "PositionChanged"
        for place, kind in enumerate(kinds)
        if kind == "FillBooked"
    )
    assert [(one.before, one.after, one.cause) for one in changes] == [
        (0, 2, "entry"),
        (2, 0, "TP"),
    ]


def test_records_are_numbered_without_a_gap(bench, busy):
    bench.written(busy.recorded)

    numbers = [seq for seq, _ in bench.records()]

    assert numbers == list(range(1, len(numbers) + 1))


# The epoch and the lock


def test_the_epoch_rises_with_every_start(bench):
    assert [bench.open().epoch for _ in range(3) if bench.close() is None] == [1, 2, 3]


@pytest.mark.parametrize("kept", ["0", "1", "text", ""])
def test_the_epoch_rises_even_if_the_file_beside_it_is_set_back(bench, kept):
    for _ in range(3):
        bench.reopen()
    bench.where.epoch.write_text(kept)

    assert bench.open().epoch == 4


def test_the_epoch_follows_the_file_where_it_is_ahead(bench):
    bench.reopen()
    bench.where.epoch.write_text("41\n")

    assert bench.open().epoch == 42


def test_the_epoch_stands_before_the_start_returns(bench):
    journal = bench.open()

    assert bench.where.epoch.read_text() == "1\n"
    assert next(journal.notes("journal.opened")).payload["epoch"] == 1


def test_a_second_handler_is_refused(bench):
    journal = bench.open()

    with pytest.raises(AccountLocked, match=rf"'SIM-1'.*in use by process {os.getpid()}"):
        bench.open()

    journal.close(clean=False)
    bench.open()


def test_the_lock_ends_with_a_process_that_is_killed(bench):
    program = (
        "import sys, os, signal\n"
        "from pathlib import Path\n"
        "from fillbridge.journal import open_journal\n"
        "from fillbridge_hooks import VirtualClock\n"
        f"journal = open_journal(Path(sys.argv[1]), {'SIM-1'!r}, clock=VirtualClock(5))\n"
        "journal.note('gate', {'state': 'OPEN'}, 6)\n"
        "journal.commit()\n"
        "print('ready', flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(bench.directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout.readline() == b"ready\n"
        with pytest.raises(AccountLocked, match=f"process {process.pid}"):
            bench.open()
        process.kill()
        process.wait()
    journal = bench.open()

    assert journal.recovery.status == "recovered"
    assert journal.epoch == 2
    assert next(journal.notes("gate")).payload == {"state": "OPEN"}


def test_a_child_does_not_keep_the_lock(bench):
    journal = bench.open()
    with subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, close_fds=False
    ) as child:
        journal.close(clean=False)
        again = bench.open()
        assert child.poll() is None
        assert again.epoch == journal.epoch + 1
        again.close(clean=False)
        child.communicate(b"\n")


def test_accounts_have_journals_of_their_own(tmp_path):
    names = ["A", "a/b", "..", "with space", "ü"]
    journals = [open_journal(tmp_path, name, clock=VirtualClock(1)) for name in names]

    assert accounts(tmp_path) == sorted(names)
    assert {path.parent for path in tmp_path.rglob("journal.db")} == set(tmp_path.iterdir())
    for journal in journals:
        journal.close(clean=True)


@pytest.mark.parametrize("name", ["", "x" * 101])
def test_an_account_has_a_name(tmp_path, name):
    with pytest.raises(InvalidValue, match="account: expected 1 to 100 characters"):
        open_journal(tmp_path, name, clock=VirtualClock(1))


# Notes


def test_notes_come_newest_first(bench):
    journal = bench.open()
    for number in range(3):
        journal.note("kill", {"number": number}, number)
        journal.note("gate", {"number": number}, number)
        journal.commit()
    journal.note("kill", {"number": 3}, 3)
    journal.note("kill", {"number": 4}, 4)

    assert [note.payload["number"] for note in journal.notes("kill")] == [4, 3, 2, 1, 0]
    assert [note.payload["number"] for note in journal.notes("gate")] == [2, 1, 0]
    assert list(journal.notes("other")) == []


def test_a_note_is_found_however_old_it_is(bench, trades):
    journal = bench.open(snapshot_records=50)
    journal.note("kill", {"on": True, "by": "me", "why": "to see", "raw": b"\xff"}, 5)
    journal.note("kill", {"on": False}, 6)
    journal.commit()
    bench.record(journal, trades(60).recorded, size=1)
    journal.close(clean=False)

    journal = bench.open()
    found = list(journal.notes("kill"))

    assert found[0] == Note("kill", {"on": False}, 6)
    assert found[1].payload["raw"] == b"\xff"
    assert len(found) == 2
    assert list(bench.where.archive.iterdir()), "the notes are in the archive by now"


@pytest.mark.parametrize("kind", ["", "journal.opened"])
def test_notes_of_the_journal_itself_are_its_own(bench, kind):
    with pytest.raises(InvalidValue, match="kind: expected a word"):
        bench.open().note(kind, {}, 0)


def test_a_note_that_cannot_be_written_leaves_the_journal_as_it_was(bench):
    journal = bench.open()

    with pytest.raises(InvalidValue):
        journal.note("gate", {"state": object()}, 0)
    journal.note("gate", {"state": "OPEN"}, 0)
    journal.commit()

    assert [note.payload for note in journal.notes("gate")] == [{"state": "OPEN"}]


# What must not be recorded


def test_an_event_that_does_not_follow_ends_recording(bench):
    journal = bench.open()

    with pytest.raises(StateDiverged, match="CancelSent does not follow"):
        journal.append([CancelSent("nobody", "why", 5)], 5)
    with pytest.raises(JournalFailed, match="CancelSent"):
        journal.commit()


def test_an_engine_that_holds_something_else_is_found_at_the_next_snapshot(bench, trades):
    account = trades(8)
    journal = bench.open(snapshot_records=30)
    journal.check(account.state)  # no snapshot, no comparison
    bench.record(journal, account.recorded)
    account.state.counters.trades += 1

    with pytest.raises(StateDiverged, match="the engine holds another state"):
        journal.check(account.state)
    with pytest.raises(JournalFailed):
        journal.note("gate", {}, 0)


def test_an_engine_that_holds_the_same_is_compared_once_for_each_snapshot(bench, trades):
    account = trades(8)
    journal = bench.open(snapshot_records=30)
    bench.record(journal, account.recorded)

    journal.check(account.state)
    account.state.counters.trades += 1
    journal.check(account.state)  # no further snapshot
    assert not journal.failure
    with pytest.raises(StateDiverged, match="the engine holds another state"):
        journal.check(account.state, always=True)


def test_a_closed_journal_refuses_everything(bench, busy):
    journal = bench.open()
    journal.close(clean=True)
    journal.close(clean=True)

    for refused in (
        lambda: journal.append(busy.recorded[:1], 0),
        lambda: journal.note("gate", {}, 0),
        journal.commit,
    ):
        with pytest.raises(JournalFailed, match="it is closed"):
            refused()
    assert next(journal.notes("journal.opened")).payload["epoch"] == 1
    assert bench.reopen().status == "clean"


# The key


def test_the_key_may_stand_elsewhere(bench, busy):
    bench.written(busy.recorded, key=b"0123456789abcdef")

    assert not bench.where.key.exists()
    assert bench.reopen(key=Secret("0123456789abcdef")).status == "recovered"
    assert bench.reopen(key=b"another key, as long").status == "quarantined"


def test_nothing_is_readable_by_others(bench, busy):
    bench.written(busy.recorded, snapshot_records=10)
    bench.open()

    files = [path for path in bench.where.folder.rglob("*") if path.is_file()]
    assert len(files) >= 6
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert bench.where.folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("durability", ["power", "process"])
def test_a_kill_loses_nothing_that_was_acknowledged(bench, durability):
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from fillbridge.journal import open_journal\n"
        "from fillbridge_hooks import VirtualClock\n"
        "journal = open_journal(\n"
        "    Path(sys.argv[1]), 'SIM-1', clock=VirtualClock(5), durability=sys.argv[2],\n"
        "    snapshot_records=50, checkpoint_records=20,\n"
        ")\n"
        "number = journal.last_seq\n"
        "while True:\n"
        "    number += 1\n"
        "    journal.note('count', {'number': number}, number)\n"
        "    journal.commit()\n"
        "    print(number, flush=True)\n"
    )
    for start, lines in enumerate((3, 200, 77), 1):
        with subprocess.Popen(
            [sys.executable, "-c", program, str(bench.directory), durability],
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            told = [process.stdout.readline() for _ in range(lines)]
            process.kill()
            told += process.stdout.readlines()
            acknowledged = int([line for line in told if line.endswith("\n")][-1])
        journal = bench.open()
        assert journal.recovery.status == "recovered"
        assert journal.epoch == 2 * start
        assert next(journal.notes("count")).payload["number"] in {acknowledged, acknowledged + 1}
        journal.close(clean=False)
    assert bench.verify().is_sound


def test_the_slowest_commit_is_told_once(bench, busy, monkeypatch):
    journal = bench.open()
    journal.take_slowest_commit_ns()
    times = iter([0, 3_000, 10_000, 17_000, 20_000, 21_000])
    monkeypatch.setattr("fillbridge.journal.writer.time.perf_counter_ns", lambda: next(times))
    for _ in range(3):
        journal.note("a", {}, 1)
        journal.commit()
    journal.commit()  # there is nothing to write
    assert journal.take_slowest_commit_ns() == 7_000
    assert journal.take_slowest_commit_ns() == 0
