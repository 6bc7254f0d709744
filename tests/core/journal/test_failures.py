"""A disk that is full or fails ends recording at once, and nothing is tried again."""

import errno
import logging

import apsw
import pytest

from fillbridge.journal import JournalFailed
from fillbridge.journal.contents import copy_state, state_bytes


class Failing(apsw.VFS):
    """The system's files, which fail from when they are told to."""

    def __init__(self, name):
        self.failing = ""
        self.error = None
        self.calls = 0
        super().__init__(name, "")

    def xOpen(self, name, flags):
        return FailingFile(self, name, flags)

    def fail(self, what):
        if what == self.failing:
            self.calls += 1
            raise self.error


class FailingFile(apsw.VFSFile):
    def __init__(self, vfs, name, flags):
        self._vfs = vfs
        super().__init__("", name, flags)

    def xWrite(self, data, offset):
        self._vfs.fail("write")
        super().xWrite(data, offset)

    def xSync(self, flags):
        self._vfs.fail("sync")
        super().xSync(flags)


@pytest.fixture
def disk():
    vfs = Failing("failing")
    yield vfs
    vfs.unregister()


@pytest.mark.parametrize(
    ("what", "error"),
    [("write", apsw.FullError("disk full")), ("sync", apsw.IOError("EIO")), ("write", OSError())],
)
def test_nothing_is_recorded_after_a_failure(bench, trades, disk, what, error):
    account = trades(2)
    journal = bench.open(vfs="failing", durability="power")
    bench.record(journal, account.recorded[:10])
    known = journal.last_seq
    disk.failing, disk.error = what, error

    journal.append(account.recorded[10:12], 0)
    with pytest.raises(JournalFailed, match="'SIM-1': nothing is recorded any more"):
        journal.commit()
    calls = disk.calls
    disk.failing = ""

    for refused in (
        journal.commit,
        lambda: journal.append(account.recorded[12:], 0),
        lambda: journal.note("gate", {}, 0),
    ):
        with pytest.raises(JournalFailed):
            refused()
    assert journal.failure
    assert journal.last_seq == known
    journal.close(clean=True)
    assert disk.calls == calls, "it was tried again"

    again = bench.open()
    assert again.recovery.status == "recovered"
    assert known <= again.last_seq - 1 <= known + 4


def test_a_clean_end_that_cannot_be_recorded_gives_the_account_back(bench, disk):
    journal = bench.open(vfs="failing", durability="power")
    disk.failing, disk.error = "sync", apsw.IOError("EIO")

    with pytest.raises(JournalFailed):
        journal.close(clean=True)

    disk.failing = ""
    # What was written and not synced may be there all the same: nobody was told.
    assert bench.reopen().status in {"recovered", "clean"}


def test_a_start_that_cannot_be_recorded_gives_the_account_back(bench, disk):
    bench.reopen()
    disk.failing, disk.error = "write", apsw.FullError("disk full")

    with pytest.raises(JournalFailed):
        bench.open(vfs="failing", durability="power")

    disk.failing = ""
    journal = bench.open()
    assert journal.epoch == 3, "the epoch was taken"
    assert journal.recovery.status == "recovered", "nothing of it was lost"


def test_trading_goes_on_without_checkpoints(bench, trades, tmp_path, caplog):
    elsewhere = tmp_path / "a file"
    elsewhere.write_text("")
    account = trades(3)
    with caplog.at_level(logging.WARNING):
        bench.written(account.recorded, checkpoint_directory=elsewhere, checkpoint_records=5)

    assert "no checkpoint of the journal can be written" in caplog.text
    assert state_bytes(bench.open().state) == state_bytes(copy_state(account.state))


def test_trading_goes_on_without_an_archive(bench, trades, caplog, monkeypatch):
    from fillbridge.journal import archive

    def full(path, content):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    account = trades(40)
    with monkeypatch.context() as patched, caplog.at_level(logging.WARNING):
        patched.setattr(archive, "_append", full)
        bench.record(bench.open(snapshot_records=30), account.recorded, size=1)
        bench.close()

    assert caplog.text.count("the archive of the journal cannot be written") == 1
    assert bench.verify().first == 1
    assert state_bytes(bench.open().state) == state_bytes(copy_state(account.state))
