"""A tail that was cut off shows up to the last checkpoint that was kept elsewhere."""

import pytest

from fillbridge.journal import JournalUnusable
from fillbridge.journal.wal import log_of


@pytest.fixture
def kept(bench, trades, tmp_path):
    """A journal with its checkpoints in another folder."""
    bench.elsewhere = tmp_path / "elsewhere"
    bench.written(trades(8).recorded, checkpoint_directory=bench.elsewhere, checkpoint_records=10)
    bench.file = bench.elsewhere / "SIM-1.jsonl"
    bench.lines = [line for line in bench.file.read_text().splitlines() if line]
    return bench


def test_checkpoints_agree_with_the_journal(kept):
    result = kept.verify(kept.elsewhere)

    assert result.is_sound
    assert result.checkpoints == len(kept.lines) >= 8


def test_a_clean_end_is_a_checkpoint(bench, tmp_path):
    journal = bench.open(checkpoint_directory=tmp_path)
    journal.close(clean=True)

    assert bench.verify(tmp_path).checkpoints == 1


def test_checkpoints_stand_beside_the_journal_unless_told_otherwise(bench):
    bench.open().close(clean=True)

    assert bench.verify().checkpoints == 1


def test_a_tail_that_was_cut_off_shows(kept):
    kept.execute("DELETE FROM record WHERE seq > 50")
    assert kept.verify().is_sound, "nothing in the journal itself tells"

    result = kept.verify(kept.elsewhere)

    assert not result.is_sound
    assert result.bad_seq == result.last + 1 <= 52
    assert "cut off: a checkpoint says there were" in result.reason


def test_a_tail_that_was_cut_off_and_written_anew_shows(kept):
    kept.execute("DELETE FROM record WHERE seq > 50")
    journal = kept.open()
    for number in range(100):
        journal.note("gate", {"number": number}, number)
        journal.commit()
    journal.close(clean=True)
    assert kept.verify().is_sound

    assert "belongs to another chain" in kept.verify(kept.elsewhere).reason


def test_a_journal_that_was_replaced_shows(kept, trades):
    kept.where.database.unlink()
    log_of(kept.where.database).unlink(missing_ok=True)
    kept.written(trades(8).recorded)

    assert "of a journal made in epoch 1" in kept.verify(kept.elsewhere).reason


def test_a_changed_checkpoint_shows(kept):
    text = kept.file.read_text()
    kept.file.write_text(text.replace('"epoch":1', '"epoch":2', 1))

    assert "its checkpoint was changed" in kept.verify(kept.elsewhere).reason


def test_a_checkpoint_that_a_crash_cut_short_is_passed_over(kept):
    kept.file.write_text(kept.file.read_text() + kept.lines[-1][:40])
    journal = kept.open(checkpoint_directory=kept.elsewhere)
    journal.close(clean=True)

    assert kept.verify(kept.elsewhere).checkpoints == len(kept.lines) + 1


def test_checkpoints_before_the_archive_begins_are_passed_over(bench, trades):
    bench.record(
        bench.open(snapshot_records=40, checkpoint_records=10), trades(40).recorded, size=1
    )
    bench.close()
    all_of_them = bench.verify().checkpoints
    for path in sorted(bench.where.archive.iterdir())[:2]:
        path.unlink()

    result = bench.verify()
    assert result.is_sound
    assert 0 < result.checkpoints < all_of_them


def test_a_folder_without_checkpoints_is_refused(kept, tmp_path):
    with pytest.raises(JournalUnusable, match="expected checkpoints of account 'SIM-1'"):
        kept.verify(tmp_path)
