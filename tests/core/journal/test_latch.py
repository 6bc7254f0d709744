"""The kill latch: what was written is read, and nothing else is taken for it."""

import os
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillbridge.journal.chain import seal
from fillbridge.journal.latch import BrokenLatch, LatchFile, LatchState, latch_bytes, latch_of
from fillbridge_hooks import KillLevel

KEY = b"a key of at least sixteen bytes"


def sealed(purpose, content):
    return seal(KEY, purpose, b"default", content)


def other(purpose, content):
    return seal(KEY, purpose, b"paper", content)


def state(level=None, sequence=1):
    return LatchState(
        level=level, sequence=sequence, reason="news", by="ann", via="command", time_ns=7
    )


@pytest.fixture
def latch(tmp_path):
    return LatchFile(tmp_path / "default.latch", sealed)


@pytest.mark.parametrize("level", [None, *KillLevel])
def test_what_was_written_is_read(latch, level):
    assert latch.read() is None
    latch.write(state(level, 3))
    assert latch.read() == state(level, 3)
    assert stat.S_IMODE(latch.path.stat().st_mode) == 0o600


def test_one_of_another_account_is_none(latch):
    latch.write(state())
    with pytest.raises(BrokenLatch, match="was changed"):
        LatchFile(latch.path, other).read()


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_no_byte_of_it_can_be_changed(place, change):
    written = latch_bytes(state(KillLevel.FLATTEN, 3), sealed)
    changed = bytearray(written)
    changed[place % len(changed)] ^= change
    try:
        assert latch_of(bytes(changed), sealed, "x") == state(KillLevel.FLATTEN, 3)
    except BrokenLatch:
        return
    # Only what surrounds the signature may differ.
    assert bytes(changed).strip() == written.strip()


@pytest.mark.parametrize("content", [b"", b"\n", b"armed", b"{}\n00", b"\xff" * 20_000])
def test_what_was_never_written_is_refused(latch, content):
    latch.path.write_bytes(content)
    latch.path.chmod(0o600)
    with pytest.raises(BrokenLatch):
        latch.read()


def test_one_that_this_version_cannot_read_is_refused(latch):
    content = b'{"level":"lunch"}'
    signed = content + b"\n" + sealed("latch", content).hex().encode()
    with pytest.raises(BrokenLatch, match="this version cannot read it"):
        latch_of(signed, sealed, "x")


def test_one_that_others_may_write_is_refused(latch):
    latch.write(state())
    latch.path.chmod(0o620)
    with pytest.raises(BrokenLatch, match="expected the kill latch with mode 0600, was 0620"):
        latch.read()


@pytest.mark.parametrize("is_dangling", [True, False])
def test_a_link_is_refused(latch, tmp_path, is_dangling):
    LatchFile(tmp_path / "real", sealed).write(state())
    latch.path.symlink_to(tmp_path / ("nothing" if is_dangling else "real"))
    with pytest.raises(BrokenLatch, match="was something else"):
        latch.read()


def test_a_folder_in_its_place_is_refused(latch):
    latch.path.mkdir(mode=0o700)
    with pytest.raises(BrokenLatch):
        latch.read()


def test_one_below_a_folder_that_anybody_may_write_says_nothing_any_more(latch, tmp_path):
    latch.write(state())
    tmp_path.chmod(0o777)
    with pytest.raises(OSError, match="anybody can replace the file"):
        latch.write(state(KillLevel.FLATTEN, 2))
    assert not latch.path.exists()


def test_one_that_cannot_be_written_says_nothing_any_more(latch, monkeypatch):
    latch.write(state())

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space left"):
        latch.write(state(KillLevel.FLATTEN, 2))
    assert latch.read() is None
