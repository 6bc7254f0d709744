"""A journal that is not as it was written is found out, and says where."""

import shutil
from itertools import pairwise

import apsw
import pytest

from fillbridge.engine.messages import CancelSent, EntriesHalted
from fillbridge.journal import BrokenRecord, JournalFailed, JournalUnusable, open_journal
from fillbridge.journal.contents import Contents, copy_state, state_bytes
from fillbridge.journal.reading import reading
from fillbridge.journal.records import encode
from fillbridge.journal.recovery import check_row
from fillbridge.journal.store import Head, Row, Snapshot, Store
from fillbridge.journal.wal import log_of


@pytest.fixture
def written(bench, trades):
    """A journal of eight trades, with two snapshots, which was killed."""
    bench.account = trades(8)
    bench.written(bench.account.recorded, snapshot_records=40)
    bench.last = bench.records()[-1][0]
    bench.numbers = [seq for (seq,) in bench.execute("SELECT seq FROM record ORDER BY seq")]
    return bench


def payload_of(bench, seq):
    ((payload, value),) = bench.execute("SELECT payload, chain FROM record WHERE seq = ?", seq)
    return payload, value


def flipped(content, bit):
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def expect(bench, seq, reason):
    """The record is named by whoever looks: when it is opened, and when it is verified."""
    result = bench.verify()
    assert not result.is_sound
    assert (result.bad_seq, reason in result.reason) == (seq, True), result
    assert result.last == seq - 1
    journal = bench.open()
    assert journal.recovery.status == "quarantined"
    assert f"record {seq}: " in journal.recovery.reason
    assert reason in journal.recovery.reason
    return journal


def test_what_is_as_it_was_written_verifies(written):
    result = written.verify()

    assert result.is_sound
    assert (result.first, result.last, result.bad_seq, result.reason) == (1, written.last, None, "")


def test_a_changed_record_is_named(written):
    seq = written.numbers[20]
    payload, _ = payload_of(written, seq)
    changed = payload.replace(b"T", b"U", 1)
    assert changed != payload
    written.execute("UPDATE record SET payload = ? WHERE seq = ?", changed, seq)

    expect(written, seq, "it or its place in the chain was changed")


@pytest.mark.parametrize("column", ["wall", "chain"])
def test_a_changed_time_or_chain_is_named(written, column):
    seq = written.numbers[20]
    value = 5 if column == "wall" else bytes(32)
    written.execute(f"UPDATE record SET {column} = ? WHERE seq = ?", value, seq)  # noqa: S608

    expect(written, seq, "it or its place in the chain was changed")


@pytest.mark.parametrize("column", ["wall", "payload", "chain"])
def test_values_of_other_types_are_named(written, column):
    seq = written.numbers[20]
    written.execute(f"UPDATE record SET {column} = 'text' WHERE seq = ?", seq)  # noqa: S608

    expect(written, seq, "its row holds values of other types")


def test_a_removed_record_is_named(written):
    written.execute("DELETE FROM record WHERE seq = ?", written.numbers[20])

    expect(written, written.numbers[20], f"found {written.numbers[21]} there")


def test_records_that_changed_places_are_named(written):
    one, other = written.numbers[20], written.numbers[21]
    written.execute("UPDATE record SET seq = -1 WHERE seq = ?", one)
    written.execute("UPDATE record SET seq = ? WHERE seq = ?", one, other)
    written.execute("UPDATE record SET seq = ? WHERE seq = -1", other)

    expect(written, one, "it or its place in the chain was changed")


def test_an_added_record_is_named(written):
    payload, value = payload_of(written, written.numbers[-1])
    after = written.last + 1
    written.execute("INSERT INTO record VALUES (?, 5, ?, ?)", after, payload, value)

    expect(written, after, "it or its place in the chain was changed")


def test_an_added_record_in_between_is_named(written):
    seq = next(a for a, b in pairwise(written.numbers) if b > a + 1)
    payload, value = payload_of(written, seq)
    written.execute("INSERT INTO record VALUES (?, 5, ?, ?)", seq + 1, payload, value)

    result = written.verify()
    assert not result.is_sound
    assert result.last < result.bad_seq <= written.last


def test_no_bit_of_a_row_can_change_unseen(bench, trades):
    bench.written(trades(1).recorded)
    key = bench.where.key.read_bytes()
    with reading(bench.where) as reader:
        places = [(reader.start(), None), *reader.rows()]
    for (before, _), (_, row) in pairwise(places):
        assert check_row(key, before, row).seq == row.last
        fields = (row.seq, row.wall_ns, row.payload, row.chain)
        for number, value in enumerate(fields):
            content = value.to_bytes(8) if isinstance(value, int) else value
            for bit in range(len(content) * 8):
                changed = flipped(content, bit)
                values = list(fields)
                values[number] = (
                    int.from_bytes(changed, signed=True) if isinstance(value, int) else changed
                )
                with pytest.raises(BrokenRecord):
                    check_row(key, before, Row(*values))


def test_no_bit_of_a_file_can_change_unseen(bench, trades):
    bench.written(trades(1).recorded)
    for seq, *columns in bench.execute("SELECT seq, payload, chain FROM record ORDER BY seq"):
        for name, content in zip(("payload", "chain"), columns, strict=True):
            statement = f"UPDATE record SET {name} = ? WHERE seq = ?"  # noqa: S608
            connection = apsw.Connection(str(bench.where.database))
            connection.execute("PRAGMA synchronous = OFF")
            for bit in range(0, len(content) * 8, 397):
                connection.execute(statement, (flipped(content, bit), seq))
                result = bench.verify()
                assert (result.is_sound, result.bad_seq) == (False, seq), (name, bit)
            connection.execute(statement, (content, seq))
            connection.close()
    assert bench.verify().is_sound


def test_a_changed_snapshot_is_named(written):
    ((seq,),) = written.execute("SELECT max(seq) FROM snapshot")
    written.execute("UPDATE snapshot SET content = substr(content, 1, 40) WHERE seq = ?", seq)

    recovery = written.reopen()
    assert recovery.status == "quarantined"
    assert recovery.reason == f"record {seq}: the snapshot after it was changed"
    assert written.verify().reason == "the snapshot after it was changed"


def test_a_removed_snapshot_is_seen_where_the_archive_needs_it(written):
    written.execute("DELETE FROM snapshot")

    recovery = written.reopen()
    assert recovery.status == "quarantined"
    assert "expected a snapshot after it, was none" in recovery.reason


def test_a_moved_end_of_the_archive_is_named(written):
    ((seq,),) = written.execute("SELECT seq FROM base")
    written.execute("UPDATE base SET seq = ?", seq + 1)

    assert "the place where the archive ends was changed" in written.reopen().reason


@pytest.mark.parametrize("table", ["base", "snapshot"])
@pytest.mark.parametrize("column", ["chain", "seal"])
def test_seals_of_other_types_are_damage(written, table, column):
    written.execute(f"UPDATE {table} SET {column} = 7")  # noqa: S608

    assert written.reopen().status == "quarantined"


def test_a_snapshot_that_is_not_the_fold_of_its_records_is_a_defect(written, monkeypatch):
    honest = Contents.encode

    def boastful(contents):
        contents.state.counters.trades += 1
        return honest(contents)

    journal = written.open(snapshot_records=1_000)
    with monkeypatch.context() as patched:
        patched.setattr(Contents, "encode", boastful)
        journal.close(clean=True)

    assert "is not the fold of the records" in written.reopen().reason


def test_an_end_that_is_cut_off_shows_by_its_snapshot(written):
    written.execute("DELETE FROM record WHERE seq > 60")

    recovery = written.reopen()
    assert recovery.status == "quarantined"
    assert "as a snapshot" in recovery.reason


def test_a_quarantined_journal_holds_what_verified_and_takes_nothing(written):
    seq = written.numbers[-3]
    written.execute("UPDATE record SET chain = ? WHERE seq = ?", bytes(32), seq)
    before = written.where.database.read_bytes()

    journal = expect(written, seq, "changed")

    for refused in (
        lambda: journal.append(written.account.recorded[:1], 0),
        lambda: journal.note("gate", {}, 0),
        journal.commit,
    ):
        with pytest.raises(JournalFailed, match="it is quarantined"):
            refused()
    assert list(journal.state.counters.recent_orders)
    assert len(list(journal.notes("journal.opened"))) == 1
    journal.close(clean=True)
    assert written.where.database.read_bytes() == before
    assert written.open().epoch == 3, "the epoch rises all the same"


@pytest.mark.parametrize("content", [b"", b"no database at all" * 99])
def test_a_file_that_is_no_database_is_quarantined(written, content):
    written.where.database.write_bytes(content)
    log_of(written.where.database).unlink(missing_ok=True)

    recovery = written.reopen()

    assert recovery.status == "quarantined"
    assert "the file is damaged" in recovery.reason
    with pytest.raises(BrokenRecord, match="the file is damaged"):
        written.verify()


def test_a_damaged_page_is_quarantined(written):
    _, value = payload_of(written, written.numbers[len(written.numbers) // 2])
    content = bytearray(written.where.database.read_bytes())
    page = content.rindex(value) // 4096 * 4096
    content[page : page + 4096] = bytes(4096)
    written.where.database.write_bytes(content)

    assert written.reopen().status == "quarantined"
    assert not written.verify().is_sound


def test_the_journal_of_another_account_is_refused(bench, trades, tmp_path):
    bench.written(trades(1).recorded)
    other = bench.where.folder.with_name("OTHER")
    shutil.copytree(bench.where.folder, other)

    with pytest.raises(JournalUnusable, match="'OTHER', was that of 'SIM-1'"):
        open_journal(bench.directory, "OTHER", clock=bench.clock)


def test_another_database_is_refused(bench):
    bench.reopen()
    bench.execute("PRAGMA application_id = 7")

    with pytest.raises(JournalUnusable, match="was another SQLite database"):
        bench.open()


def test_another_format_is_refused(bench):
    bench.reopen()
    bench.execute("UPDATE journal SET format = 2")

    with pytest.raises(JournalUnusable, match="format 1"):
        bench.open()


# The write-ahead log


@pytest.fixture
def killed(bench, trades, tmp_path):
    """A journal as the kill of its process leaves it: most of it in the write-ahead log."""
    account = trades(4)
    journal = bench.open()
    bench.record(journal, account.recorded)
    left = tmp_path / "left"
    shutil.copytree(bench.where.folder, left)
    journal.close(clean=False)
    shutil.rmtree(bench.where.folder)
    shutil.copytree(left, bench.where.folder)
    bench.account = account
    bench.log = log_of(bench.where.database)
    return bench


def test_an_incomplete_last_commit_is_dropped_and_said(killed):
    with killed.log.open("r+b") as log:
        log.truncate(killed.log.stat().st_size - 1000)

    journal = killed.open()

    assert journal.recovery.status == "recovered"
    assert journal.recovery.torn_bytes > 3000
    assert "its last commit was incomplete" in journal.recovery.reason
    assert state_bytes(journal.state) != state_bytes(copy_state(killed.account.state))


def test_a_damaged_last_commit_is_dropped_and_said(killed):
    content = bytearray(killed.log.read_bytes())
    content[-10] ^= 1
    killed.log.write_bytes(content)

    assert killed.reopen().torn_bytes > 0


def test_damage_to_commits_that_were_followed_by_others_is_quarantined(killed):
    content = bytearray(killed.log.read_bytes())
    content[len(content) // 2] ^= 1
    killed.log.write_bytes(content)

    result = killed.verify()
    assert "acknowledged are damaged" in result.reason
    recovery = killed.reopen()
    assert recovery.status == "quarantined"
    assert "acknowledged are damaged" in recovery.reason


@pytest.mark.parametrize("frames", [2, 3, 10])
def test_damage_to_a_commit_before_the_last_is_quarantined(killed, frames):
    content = bytearray(killed.log.read_bytes())
    content[len(content) - (frames - 1) * 4120 - 100] ^= 1
    killed.log.write_bytes(content)

    assert killed.reopen().status == "quarantined"


@pytest.mark.parametrize("place", [0, 3, 8, 10, 16, 20, 24, 31])
def test_a_damaged_beginning_of_the_log_is_quarantined(killed, place):
    content = bytearray(killed.log.read_bytes())
    content[place] ^= 64
    killed.log.write_bytes(content)

    assert killed.reopen().status == "quarantined"


@pytest.mark.parametrize("size", [0, 20, 32, 100])
def test_a_log_that_was_only_begun_is_no_damage(bench, size):
    bench.open().close(clean=True)
    log_of(bench.where.database).write_bytes(bytes(size))
    log_of(bench.where.database).chmod(0o600)

    assert bench.reopen().status == "clean"


def test_a_log_without_damage_is_recovered(killed):
    recovery = killed.reopen()

    assert (recovery.status, recovery.torn_bytes) == ("recovered", 0)


# What is missing


@pytest.mark.parametrize("evidence", ["key", "epoch", "archive"])
def test_a_journal_that_is_gone_is_said_to_be_lost(written, evidence):
    for path in written.where.folder.iterdir():
        if path.name not in {evidence, "lock"}:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    (written.where.folder / evidence).exists() or written.where.archive.mkdir()

    journal = written.open()

    assert journal.recovery.status == "lost"
    assert "is gone" in journal.recovery.reason
    assert list(journal.notes("journal.lost"))
    assert journal.epoch == (2 if evidence == "epoch" else 1)
    journal.close(clean=True)
    assert written.reopen().status == "clean"


def test_after_a_loss_entries_are_halted_until_somebody_resumes(written):
    written.where.database.unlink()
    log_of(written.where.database).unlink(missing_ok=True)

    lost = written.open()
    assert lost.state.halted.by == "recovery"
    assert "the journal was lost" in lost.state.halted.reason
    lost.check(lost.state, always=True)
    lost.close(clean=False)

    killed = written.open()
    assert (killed.recovery.status, killed.state.halted.by) == ("recovered", "recovery")


def test_records_go_on_after_a_loss(written, trades):
    written.where.database.unlink()
    log_of(written.where.database).unlink(missing_ok=True)

    journal = written.open()
    written.record(journal, trades(2).recorded)
    journal.close(clean=True)

    assert written.open().recovery.status == "clean"


@pytest.fixture
def older(bench, trades):
    """A journal of two runs in whose place that of the first one is put."""
    journal = bench.open()
    bench.record(journal, trades(2).recorded)
    journal.close(clean=True)
    copy = bench.where.database.read_bytes()

    def put_back(clean):
        second = bench.open()
        bench.record(second, [EntriesHalted("news", "ann", bench.clock.now_ns)])
        second.close(clean=clean)
        log_of(bench.where.database).unlink(missing_ok=True)
        bench.where.database.write_bytes(copy)

    bench.put_back = put_back
    return bench


@pytest.mark.parametrize("clean", [True, False])
def test_an_older_copy_shows_by_the_epoch_and_is_a_loss(older, clean):
    older.put_back(clean)

    journal = older.open()

    assert journal.recovery.status == "lost"
    assert "it ends in epoch 1, expected epoch 2" in journal.recovery.reason
    assert journal.state.halted.by == "recovery"
    assert len(journal.state.ended) == 2, "what it holds is kept"
    assert journal.epoch == 3
    journal.close(clean=False)
    assert older.reopen().status == "recovered", "it is said once"


def test_an_older_copy_with_its_epoch_shows_by_the_checkpoints(older):
    older.put_back(clean=True)
    older.where.epoch.write_text("1")

    journal = older.open()

    assert journal.recovery.status == "lost"
    assert "a checkpoint says there were" in journal.recovery.reason
    journal.close(clean=False)
    assert older.reopen().status == "recovered", "it is said once"


def test_the_journal_before_a_loss_put_back_after_it_is_a_loss(older):
    copy = older.where.database.read_bytes()
    older.where.database.unlink()
    older.open().close(clean=True)
    older.where.database.write_bytes(copy)
    older.where.epoch.write_text("1")

    recovery = older.reopen()

    assert recovery.status == "lost"
    assert "it was made in epoch 1, and another one in epoch 2" in recovery.reason


def test_checkpoints_that_were_changed_say_nothing(older):
    older.put_back(clean=True)
    older.where.epoch.write_text("1")
    (file,) = older.where.checkpoints.iterdir()
    file.write_text(file.read_text().replace('"seq"', '"sequence"'))

    assert older.reopen().status == "clean"


def test_a_loss_without_any_epoch_needs_a_person(written):
    written.where.database.unlink()
    written.where.epoch.write_text("smudged")

    with pytest.raises(JournalUnusable, match="write one above every epoch in use"):
        written.open()

    written.where.epoch.write_text("77")
    assert written.open().epoch == 78


def test_a_missing_key_is_refused(written):
    written.where.key.unlink()

    with pytest.raises(JournalUnusable, match="the key of the journal beside it is gone"):
        written.open()
    assert not written.where.key.exists()


def test_a_first_start_that_was_cut_short_is_a_first_start(bench):
    bench.reopen()
    bench.execute("DELETE FROM record")
    bench.where.key.unlink()
    bench.where.epoch.unlink()

    assert bench.reopen().status == "new"


@pytest.mark.parametrize("name", ["key", "database", "epoch"])
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o602])
def test_what_others_may_read_is_refused(written, name, mode):
    path = getattr(written.where, name)
    path.chmod(mode)

    with pytest.raises(JournalUnusable, match=rf"{path}: expected .*was {mode:04o}.*chmod 600"):
        written.open()

    path.chmod(0o600)
    assert written.reopen().status == "recovered"


def test_a_key_that_is_too_short_is_refused(written):
    written.where.key.write_bytes(b"short")

    with pytest.raises(JournalUnusable, match="at least 16 bytes, was 5"):
        written.open()


def test_a_folder_that_cannot_be_made_is_refused(bench):
    bench.directory.parent.joinpath("state").write_text("a file stands there")

    with pytest.raises(JournalUnusable, match="the folder cannot be made"):
        bench.open()


def test_a_database_that_cannot_be_opened_is_refused(bench):
    bench.reopen()
    bench.where.database.unlink()
    bench.where.database.mkdir(mode=0o700)

    with pytest.raises(JournalUnusable, match="the journal cannot be read: Is a directory"):
        bench.open()


def test_a_lock_that_cannot_be_taken_is_refused(bench):
    bench.where.lock.mkdir(parents=True)

    with pytest.raises(JournalUnusable, match="the lock cannot be taken: Is a directory"):
        bench.open()


@pytest.mark.parametrize("content", [b"no database", b""])
def test_a_damaged_database_without_its_key_is_refused(written, content):
    written.where.key.unlink()
    written.where.database.write_bytes(content)
    log_of(written.where.database).unlink(missing_ok=True)

    with pytest.raises(JournalUnusable, match="the key of the journal beside it is gone"):
        written.open()


def test_a_key_that_cannot_be_read_is_refused(written):
    written.where.key.unlink()
    written.where.key.mkdir(mode=0o700)

    with pytest.raises(JournalUnusable, match="the journal's key cannot be read: Is a directory"):
        written.open()


# What only whoever holds the key can write


@pytest.fixture
def add_snapshot(written):
    """Add a sealed snapshot at a place, the oldest unless told otherwise; how it is found then."""

    def add(content, head=None):
        store = Store(written.where.database, "process")
        store.unlock(written.where.key.read_bytes())
        head = head or store.snapshots()[0].head
        store.add_snapshot(Snapshot(head, content), keep=9)
        store.close(keep_log=False)
        return head.seq, written.reopen()

    return add


def test_a_snapshot_of_another_chain_is_named(written, add_snapshot):
    seq, recovery = add_snapshot(b"", Head(written.numbers[-4] - 1, bytes(32)))

    assert recovery.reason == f"record {seq}: the snapshot after it belongs to another chain"


def test_a_snapshot_that_nobody_can_read_is_named(add_snapshot):
    seq, recovery = add_snapshot(b"no contents")

    assert f"record {seq}: the snapshot after it cannot be read" in recovery.reason


def test_a_record_that_does_not_follow_is_named(bench, trades):
    journal = bench.open()
    bench.record(journal, trades(1).recorded)
    journal._pending.append(encode(CancelSent("nobody", "why", 5)))
    journal.commit()
    seq = journal.last_seq
    journal.close(clean=False)

    recovery = bench.reopen()
    assert recovery.status == "quarantined"
    assert f"record {seq}: a CancelSent that does not follow" in recovery.reason
