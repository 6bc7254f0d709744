"""A journal is read without touching it, while it is written."""

import shutil

import pytest

from fillbridge.journal import BrokenRecord, JournalUnusable
from fillbridge.journal import reading as module
from fillbridge.journal.reading import one_account, reading


def test_reading_changes_nothing(bench, trades):
    bench.written(trades(3).recorded)
    before = {path: path.read_bytes() for path in bench.where.folder.rglob("*") if path.is_file()}

    bench.verify()
    bench.records()

    after = {path: path.read_bytes() for path in bench.where.folder.rglob("*") if path.is_file()}
    assert after == before


def test_a_copy_is_made_again_where_the_journal_moved_on(bench, trades, monkeypatch):
    events = trades(30).recorded
    journal = bench.open()
    journal._store._connection.wal_autocheckpoint(5)
    written = iter(events)
    attempts = []
    copy = shutil.copyfile

    def copy_while_it_is_written(source, target):
        copy(source, target)
        attempts.append(source)
        for _ in range(40 if len(attempts) < 4 else 1):
            journal.append([next(written)], 0)
            journal.commit()

    monkeypatch.setattr(module.shutil, "copyfile", copy_while_it_is_written)
    result = bench.verify()

    assert result.is_sound
    assert len(attempts) >= 4


def test_a_journal_that_never_rests_is_said(bench, monkeypatch):
    bench.reopen()
    marks = iter(range(1000))
    monkeypatch.setattr(module, "_mark", lambda database: next(marks))

    with pytest.raises(JournalUnusable, match="written too fast"):
        bench.verify()


def test_damage_ends_what_is_read(bench, trades):
    bench.written(trades(3).recorded)
    seq = bench.execute("SELECT seq FROM record ORDER BY seq LIMIT 1 OFFSET 5")[0][0]
    bench.execute("UPDATE record SET wall = 1 WHERE seq = ?", seq)
    found = []

    with reading(bench.where) as reader, pytest.raises(BrokenRecord) as raised:
        found.extend(number for number, _, _ in reader.records())

    assert raised.value.seq == seq
    assert found == list(range(1, seq))


def test_the_only_account_needs_no_name(bench):
    bench.reopen()

    assert one_account(bench.directory, None) == bench.where


def test_records_of_a_later_version_are_said(bench, trades, monkeypatch):
    from fillbridge.journal import writer
    from fillbridge.journal.records import pack

    journal = bench.open()
    bench.record(journal, trades(1).recorded)
    with monkeypatch.context() as patched:
        later = b"\x82\xa4type\xa6Future\xa1x\x05"
        patched.setattr(writer, "pack", lambda pending: pack([later]))
        journal.note("gate", {}, 0)
        journal.commit()
    journal.close(clean=False)

    recovery = bench.reopen()
    assert recovery.status == "quarantined"
    assert "this version cannot read it" in recovery.reason
