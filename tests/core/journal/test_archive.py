"""Old records leave the database for compressed files, and the chain goes on across them."""

import itertools
import struct
import zlib

import pytest

from fillbridge.journal import BrokenRecord
from fillbridge.journal.archive import Archive, ArchiveReader
from fillbridge.journal.contents import copy_state, state_bytes
from fillbridge.journal.store import Head, Row, Store
from fillbridge.journal.wal import log_of


@pytest.fixture
def archived(bench, trades):
    """A journal of forty trades whose first records are in the archive."""
    bench.account = trades(40)
    bench.record(bench.open(snapshot_records=40), bench.account.recorded, size=1)
    bench.close()
    bench.segments = sorted(bench.where.archive.iterdir())
    assert len(bench.segments) > 3
    return bench


def broken(bench):
    result = bench.verify()
    assert not result.is_sound
    return result


def test_every_record_is_still_there_and_verifies(archived):
    result = archived.verify()
    numbers = [seq for seq, _ in archived.records()]

    assert (result.is_sound, result.first) == (True, 1)
    assert numbers == list(range(1, result.last + 1))
    ((kept,),) = archived.execute("SELECT count(*) FROM record")
    assert kept < len(numbers) / 2


def test_the_database_does_not_grow_with_the_number_of_records(bench):
    sizes = []
    journal = bench.open(snapshot_records=100, checkpoint_records=100)
    for _ in range(6):
        for number in range(600):
            journal.note("gate", {"number": number, "text": "x" * 300}, number)
            journal.commit()
        sizes.append(bench.where.database.stat().st_size)
    assert sizes[-1] <= sizes[2] * 1.05


def upkeep_of(bench, is_urgent, commits):
    """In a journal that has a segment by now: which of the next commits did more than record."""
    journal = bench.open(snapshot_records=100, checkpoint_records=100)

    def commit(number, *, is_urgent):
        journal.note("gate", {"number": number}, number)
        journal.commit(is_urgent=is_urgent)
        upkeep = journal._upkeep
        return upkeep._snapshot_at, upkeep._checkpoint_at, sorted(bench.where.archive.glob("*"))

    for number in range(640):
        found = commit(number, is_urgent=False)
    did = []
    for number in range(640, 640 + commits):
        before, found = found, commit(number, is_urgent=is_urgent(number))
        if found != before:
            did.append(number)
    return did


def test_what_is_due_waits_for_a_commit_that_no_order_waits_for(bench):
    did = upkeep_of(bench, lambda number: number % 2 == 0, 300)
    assert len(did) >= 6
    assert all(number % 2 for number in did)


def test_what_is_overdue_waits_for_nothing(bench):
    did = upkeep_of(bench, lambda number: True, 600)
    assert len(did) >= 2
    bench.close()
    assert bench.verify().is_sound


def test_archive_files_that_were_taken_away_are_no_damage(archived):
    for path in archived.segments[:2]:
        path.unlink()

    result = archived.verify()
    assert result.is_sound
    assert result.first > 40
    assert state_bytes(archived.open().state) == state_bytes(copy_state(archived.account.state))


def test_without_any_archive_the_journal_verifies_from_where_it_begins(archived):
    for path in archived.segments:
        path.unlink()

    assert archived.verify().is_sound
    assert archived.verify().first > 100


def test_an_archive_file_that_is_missing_in_between_is_named(archived):
    archived.segments[1].unlink()

    result = broken(archived)
    assert "expected it after" in result.reason
    assert result.bad_seq == result.last + 1


def test_the_end_of_the_archive_that_is_missing_is_named(archived):
    archived.segments[-1].unlink()

    assert "expected it after" in broken(archived).reason


@pytest.mark.parametrize("place", [0.0, 0.05, 0.3, 0.6, 0.99])
def test_a_damaged_archive_file_is_named(archived, place):
    path = archived.segments[1]
    content = bytearray(path.read_bytes())
    content[int(len(content) * place)] ^= 1
    path.write_bytes(content)

    assert broken(archived).bad_seq <= 120


def test_an_archive_file_of_another_account_is_named(archived):
    path = archived.segments[0]
    content = path.read_bytes()
    changed = content.replace(b"SIM-1", b"SIM-2", 1)
    assert changed != content
    # The checksum of the frame is no secret: whoever changes it mends that too.
    start = len(b"FBJA1\n") + 8
    (size,) = struct.unpack_from(">I", content, start - 8)
    frame = changed[start : start + size]
    mended = struct.pack(">II", size, zlib.crc32(frame))
    path.write_bytes(changed[: start - 8] + mended + changed[start:])

    assert "its beginning was changed" in broken(archived).reason


@pytest.mark.parametrize("garbage", [b"\0", b"\0\0\1\0abcdefgh", bytes(8), b"x" * 500])
def test_what_a_crash_cut_short_is_written_again(tmp_path, garbage):
    key, rows = bytes(32), [Row(seq, 5, bytes(40), bytes(32)) for seq in range(1, 7)]

    def archive():
        return Archive(tmp_path, key, "SIM", 1, segment_records=1_000)

    archive().add(Head(0, bytes(32)), rows[:3])
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes() + garbage)
    archive().add(Head(3, bytes(32)), rows[3:])

    assert list(tmp_path.iterdir()) == [path]
    reader = ArchiveReader(tmp_path, key, "SIM", 1)
    assert list(reader.rows()) == rows
    assert list(reader.rows_back(5)) == rows[3::-1]
    assert reader.start() == Head(0, bytes(32))


def test_an_archive_file_of_which_only_the_beginning_was_written_is_written_again(archived):
    (archived.where.archive / "segment-0000000000009999.fbj").write_bytes(b"FB")

    journal = archived.open(snapshot_records=40)
    for number in range(200):
        journal.note("gate", {"number": number}, number)
        journal.commit()
    journal.close(clean=True)

    assert archived.verify().is_sound


def test_rows_that_a_crash_left_twice_are_read_once(bench, trades, monkeypatch):
    with monkeypatch.context() as patched:
        # The archive stands, and the rows are still in the database.
        patched.setattr(Store, "drop_until", lambda store, head: None)
        bench.record(bench.open(snapshot_records=40), trades(20).recorded, size=1)
        bench.close()

    result = bench.verify()
    numbers = [seq for seq, _ in bench.records()]
    assert result.is_sound
    assert numbers == list(range(1, result.last + 1))
    journal = bench.open()
    back = list(itertools.islice(journal._rows_back(result.last + 1), 10_000))
    assert [row.seq for row in back] == sorted({row.seq for row in back}, reverse=True)
    journal.close(clean=False)


def test_a_journal_that_was_lost_sets_its_archive_aside(archived):
    archived.where.database.unlink()
    log_of(archived.where.database).unlink(missing_ok=True)

    archived.reopen()

    names = {path.name for path in archived.where.folder.iterdir()}
    assert "archive-lost-1" in names
    assert "archive" not in names


def test_archive_files_that_are_not_ours_are_named(tmp_path):
    path = tmp_path / "segment-x.fbj"
    path.write_bytes(b"something else")
    reader = ArchiveReader(tmp_path, bytes(32), "SIM", 1)

    with pytest.raises(BrokenRecord, match=r"record 0: .*segment-x.fbj: expected an archive file"):
        reader.start()


def test_a_frame_that_holds_no_rows_is_named(tmp_path):
    archive = Archive(tmp_path, bytes(32), "SIM", 1, segment_records=1_000)
    archive.add(Head(0, bytes(32)), [Row(1, 5, bytes(40), bytes(32))])
    (path,) = tmp_path.iterdir()
    content = b"sound, but no rows"
    frame = struct.pack(">II", len(content), zlib.crc32(content)) + content
    path.write_bytes(path.read_bytes() + frame)

    with pytest.raises(BrokenRecord, match="it is damaged"):
        list(ArchiveReader(tmp_path, bytes(32), "SIM", 1).rows())


def test_a_disk_that_takes_only_a_part_is_full(tmp_path, monkeypatch):
    monkeypatch.setattr("fillbridge.journal.archive.os.write", lambda descriptor, content: 3)
    archive = Archive(tmp_path, bytes(32), "SIM", 1, segment_records=1_000)

    with pytest.raises(OSError, match="No space left"):
        archive.add(Head(0, bytes(32)), [Row(1, 5, bytes(40), bytes(32))])
