"""Each check, on what is well and on what is not."""

import fcntl
import json
import os
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from fillbridge.config import LiveSettings, Settings, decode_settings
from fillbridge.config.schema import ProposalKey
from fillbridge.doctor import account, examine, machine, process, trusting
from fillbridge.doctor.findings import Patient
from fillbridge.engine.messages import EntriesHalted, EntriesResumed
from fillbridge.journal import open_journal
from fillbridge.journal.latch import LatchFile, LatchState, seal_of
from fillbridge.plugins import Plugins
from fillbridge.plugins.lock import PluginLock, write_lock
from fillbridge.plugins.trust import lock_installed
from fillbridge_hooks import Instrument, KillLevel, VirtualClock

START = 1_700_000_000_000_000_000


@pytest.fixture(scope="module")
def installed():
    plugins = Plugins()
    plugins.load()
    return plugins


@pytest.fixture
def patient(tmp_path, installed, monkeypatch):
    """Makes the settings of an account in a folder of its own, as a check is told of them."""
    monkeypatch.chdir(tmp_path)

    def make(*, config=None, is_prod=False, instruments=None, **live):
        environment = "prod" if is_prod else "sim"
        settings = LiveSettings(journal=str(tmp_path / "journal"), environment=environment, **live)
        configured = {"mode": "live", "live_settings": {"environment": environment}}
        decoded = decode_settings(configured, installed.settings_sections())
        return Patient(
            config=config,
            settings=Settings(
                live_settings=settings,
                instruments=instruments or {},
                plugin_sections=decoded.plugin_sections,
            ),
            plugins=installed,
            is_prod=is_prod,
        )

    return make


def made_journal(tmp_path, *, clean=True):
    made = open_journal(
        tmp_path / "journal", "default", clock=VirtualClock(START), durability="process"
    )
    made.close(clean)


# The machine


def test_python(patient, monkeypatch):
    assert machine.python(patient()).status == "ok"
    monkeypatch.setattr("sys.flags", SimpleNamespace(safe_path=False, isolated=0))
    assert machine.python(patient(is_prod=True)).advice.startswith("set PYTHONSAFEPATH=1")
    monkeypatch.setattr("sys.flags", SimpleNamespace(safe_path=True, isolated=0))
    assert "no module from the working directory" in machine.python(patient(is_prod=True)).found
    monkeypatch.setattr("sys.version_info", (3, 10, 0))
    assert machine.python(patient()).status == "fail"


def test_sqlite(patient, monkeypatch):
    assert machine.sqlite(patient()).status == "ok"

    class Remote:
        def __init__(self, path):
            pass

        def execute(self, statement):
            return SimpleNamespace(fetchall=lambda: [("delete",)])

        def close(self):
            pass

    monkeypatch.setattr("apsw.Connection", Remote)
    found = machine.sqlite(patient())
    assert (found.status, "the journal mode in" in found.found) == ("fail", True)
    monkeypatch.setattr("tempfile.TemporaryDirectory", fail_with(PermissionError(13, "no")))
    assert "cannot write in" in machine.sqlite(patient()).found


def fail_with(error):
    def fail(*arguments, **options):
        raise error

    return fail


def test_the_clock(patient, monkeypatch):
    monkeypatch.setattr(machine, "_is_unsynchronised", lambda: False)
    assert machine.clock(patient()).status == "ok"
    monkeypatch.setattr(machine, "_is_unsynchronised", lambda: True)
    assert machine.clock(patient()).status == "warn"
    monkeypatch.setattr(machine, "SystemClock", lambda: SimpleNamespace(skew_ns=-300_000_000))
    found = machine.clock(patient())
    assert (found.status, "stepped by -300 ms" in found.found) == ("fail", True)


def test_time_zones(patient, monkeypatch):
    assert machine.time_zones(patient()).status == "ok"
    odd = Instrument(symbol="X", tick_size=1.0, point_value=1.0, time_zone="Mars/Olympus")
    found = machine.time_zones(patient(instruments={"X": odd}))
    assert (found.status, found.found) == ("fail", "there is no data of Mars/Olympus")


@pytest.mark.parametrize(
    ("free", "status"),
    [(50 << 20, "fail"), (500 << 20, "warn"), (9 << 30, "warn"), (50 << 30, "ok")],
)
def test_the_disk(patient, monkeypatch, free, status):
    usage = SimpleNamespace(free=free, total=100 << 30)
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage)
    assert machine.disk(patient()).status == status


def test_syncs(patient, monkeypatch):
    assert machine.sync(patient()).status == "ok"
    monkeypatch.setattr(machine, "_timed", lambda call: 0.3)
    assert machine.sync(patient()).status == "warn"
    monkeypatch.setattr("tempfile.TemporaryFile", fail_with(OSError(30, "Read-only file system")))
    assert machine.sync(patient()).found.endswith("nothing can be written: Read-only file system")


# The process


def test_core_dumps(patient, monkeypatch):
    for limit, said in ((0, "none"), (-1, "unlimited"), (1024, "1,024 bytes")):
        monkeypatch.setattr(process, "core_limit", lambda limit=limit: limit)
        monkeypatch.setattr(process, "_read", lambda path: "core")
        assert process.core_dumps(patient()).found.endswith(said)
    monkeypatch.setattr(process, "_read", lambda path: "|/usr/lib/systemd/systemd-coredump")
    assert "hands them to a program" in process.core_dumps(patient()).found


@pytest.mark.parametrize(
    ("dumpable", "user", "is_prod", "scope", "status"),
    [
        (None, 1, False, "1", "warn"),
        (True, 0, True, "1", "warn"),
        (True, 1, True, "0", "ok"),
        (True, 1, False, "0", "warn"),
        (True, 1, False, "", "warn"),
        (True, 1, False, "1", "ok"),
    ],
)
def test_inspection(patient, monkeypatch, dumpable, user, is_prod, scope, status):
    made = patient(is_prod=is_prod)
    monkeypatch.setattr(process, "is_dumpable", lambda: dumpable)
    monkeypatch.setattr("os.geteuid", lambda: user)
    monkeypatch.setattr(process, "_read", lambda path: scope)
    assert process.inspection(made).status == status


# The account


def test_the_lock(patient, tmp_path):
    assert account.lock(patient()).status == "ok"
    made_journal(tmp_path)
    assert account.lock(patient()).status == "ok"
    with held(patient().places.lock):
        found = account.lock(patient())
        assert (found.status, found.found) == (
            "warn",
            f"a handler has the account: process {os.getpid()}",
        )
    assert account.lock(patient()).status == "ok"


@contextmanager
def held(path):
    with path.open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def test_permissions(patient, tmp_path):
    made_journal(tmp_path)
    made = patient()
    assert account.permissions(made).status == "ok"
    made.places.key.chmod(0o640)
    config = tmp_path / "c.yaml"
    config.write_text("")
    config.chmod(0o666)
    found = account.permissions(patient(config=config))
    assert found.status == "fail"
    assert f"{made.places.key} has mode 0640" in found.found
    assert f"{config} has mode 0666" in found.found
    made.places.folder.chmod(0o755)
    assert f"{made.places.folder} has mode 0755" in account.permissions(made).found


def test_a_folder_above_that_anybody_may_write(patient, tmp_path):
    made_journal(tmp_path)
    tmp_path.chmod(0o777)
    assert f"{tmp_path}: anybody may write it" in account.permissions(patient()).found
    tmp_path.chmod(0o1777)
    assert account.permissions(patient()).status == "ok"


def test_links_and_files_of_others(patient, tmp_path, monkeypatch):
    made_journal(tmp_path)
    made = patient()
    key = made.places.key
    key.rename(tmp_path / "key")
    key.symlink_to(tmp_path / "key")
    assert f"{key} is a link" in account.permissions(made).found
    real = os.geteuid()
    monkeypatch.setattr("os.geteuid", lambda: real + 1)
    if real:
        assert f"is owned by user {real}" in account.permissions(made).found


def test_a_journal_that_ended_in_order_and_one_that_did_not(patient, tmp_path):
    assert "there is none yet" in account.journal(patient()).found
    made_journal(tmp_path)
    found = account.journal(patient())
    assert (found.status, found.found) == ("ok", "2 records, epoch 1; nothing is open")
    made_journal(tmp_path, clean=False)
    found = account.journal(patient())
    assert found.status == "warn"
    assert "epoch 2; the last run did not stop in order" in found.found
    with held(patient().places.lock):
        assert account.journal(patient()).status == "ok"


def test_a_journal_that_cannot_be_read(patient, tmp_path):
    made_journal(tmp_path)
    patient().places.key.unlink()
    assert account.journal(patient()).status == "fail"


def test_a_journal_that_was_changed(patient, tmp_path):
    made_journal(tmp_path)
    key = patient().places.key
    key.write_bytes(b"0" * 64)
    found = account.journal(patient())
    assert (found.status, "was changed" in found.found) == ("fail", True)


def latched(patient, level=None, sequence=1):
    """Write the latch of the account as its handler would."""
    where = patient.places
    state = LatchState(
        level=level, sequence=sequence, reason="drill", by="ann", via="api", time_ns=START
    )
    LatchFile(where.latch, seal_of(where.key.read_bytes(), where.account)).write(state)


def test_the_kill_latch(patient, tmp_path):
    assert account.latch(patient()).found == "there is none"
    made_journal(tmp_path)
    made = patient()
    assert account.latch(made).found == "there is none"
    latched(made)
    found = account.latch(made)
    assert (found.status, found.found) == ("ok", "armed: entries may leave")
    latched(made, KillLevel.FLATTEN)
    found = account.latch(made)
    assert (found.status, found.found) == ("warn", "stopped (flatten) by ann: drill")


def test_a_kill_latch_that_was_forged(patient, tmp_path):
    made_journal(tmp_path)
    made = patient()
    latched(made, KillLevel.FLATTEN)
    path = made.places.latch
    stopped = path.read_bytes()
    forged = stopped.replace(b'"flatten"', b"null")
    for content, said in (
        (forged, "was changed"),
        (b"nonsense", "was changed"),
        (b"", "was changed"),
        (b"x" * 20_000, "was something else"),
    ):
        path.write_bytes(content)
        found = account.latch(made)
        assert (found.status, said in found.found) == ("fail", True), found
    path.write_bytes(stopped)
    path.chmod(0o644)
    assert "with mode 0600, was 0644" in account.latch(made).found
    path.chmod(0o600)
    made.places.key.rename(tmp_path / "key")
    found = account.latch(made)
    assert (found.status, "without the journal's key" in found.found) == ("fail", True)


def test_a_kill_latch_that_is_gone_or_an_older_copy(patient, tmp_path):
    made = open_journal(
        tmp_path / "journal", "default", clock=VirtualClock(START), durability="process"
    )
    made.append([EntriesHalted("drill", "ann", START), EntriesResumed("ann", START)], START)
    made.commit()
    made.close(True)
    who = patient()
    found = account.latch(who)
    assert (found.status, found.found) == ("fail", "the kill latch is gone")
    latched(who, sequence=1)
    found = account.latch(who)
    assert (found.status, "it is another copy" in found.found) == ("fail", True)
    latched(who, sequence=2)
    assert account.latch(who).status == "ok"


def test_a_kill_latch_that_cannot_be_read(patient, tmp_path):
    made_journal(tmp_path)
    patient().places.latch.mkdir()
    assert account.latch(patient()).status == "fail"


# Plugins, driver, secrets


def test_plugins(patient, tmp_path):
    assert trusting.plugins(patient()).status == "ok"
    found = trusting.plugins(patient(is_prod=True))
    assert (found.status, found.advice) == ("fail", "fillbridge plugins lock")
    lock = lock_installed()
    path = tmp_path / "plugins.lock"
    write_lock(path, lock)
    assert trusting.plugins(patient()).status == "ok"
    if any(one.install == "editable" for one in lock.plugins):
        assert trusting.plugins(patient(is_prod=True)).status == "warn"
    write_lock(path, PluginLock(plugins=lock.plugins[1:], dependencies=lock.dependencies))
    found = trusting.plugins(patient())
    assert (found.status, "never imported: plugin 'chaos'" in found.found) == ("warn", True)
    changed = msgspec.structs.replace(lock.dependencies[0], record="00")
    write_lock(path, msgspec.structs.replace(lock, dependencies=(changed, *lock.dependencies[1:])))
    found = trusting.plugins(patient())
    assert (found.status, found.found.startswith(f"{changed.distribution} ")) == ("fail", True)
    write_lock(path, lock)
    content = json.loads(path.read_text())
    content["plugins"][0]["record"] = "00"
    path.write_text(json.dumps(content))
    found = trusting.plugins(patient())
    assert (found.status, "its RECORD is not the one" in found.found) == ("fail", True)


def test_the_driver(patient):
    assert "'sim' loads; it offers" in trusting.driver(patient()).found
    found = trusting.driver(patient(provider="none-such"))
    assert (found.status, "was 'none-such'" in found.found) == ("fail", True)


def test_secrets(patient, tmp_path):
    folder = tmp_path / "secrets"
    folder.mkdir(mode=0o700)
    (folder / "PASSWORD").write_text("CANARY-hunter2")
    (folder / "PASSWORD").chmod(0o600)
    (folder / "EMPTY").touch(0o600)
    assert trusting.secrets(patient()).found == "no credentials are configured"

    def look(**credentials):
        found = trusting.secrets(patient(credentials=credentials, secrets=str(folder)))
        assert "hunter2" not in repr(found)
        return found.status

    assert look(key="${PASSWORD}") == "ok"
    assert look(key="${PASSWORD}", user="${ABSENT}") == "fail"
    assert look(key="${EMPTY}") == "fail"
    assert look(key="CANARY-hunter2") == "warn"
    (folder / "PASSWORD").chmod(0o644)
    assert look(key="${PASSWORD}") == "fail"


@pytest.mark.parametrize(
    ("secret", "status", "said"),
    [
        ("${KEY}", "ok", "1 proposal key resolved"),
        ("${ABSENT}", "fail", "proposal_keys.desk: ${ABSENT}: expected a secret"),
        ("${SHORT}", "fail", "expected at least 32 bytes"),
        ("written out, as none should be at all", "warn", "configuration: proposal_keys.desk"),
    ],
)
def test_secrets_of_proposal_keys(patient, tmp_path, secret, status, said):
    folder = tmp_path / "secrets"
    folder.mkdir(mode=0o700)
    for name, text in (("KEY", "CANARY-" * 8), ("SHORT", "CANARY")):
        (folder / name).touch(0o600)
        (folder / name).write_text(text)
    keys = {"desk": ProposalKey(secret=secret, strategies=["fade"])}
    found = trusting.secrets(patient(proposal_keys=keys, secrets=str(folder)))
    assert (found.status, said in found.found) == (status, True), found
    assert "CANARY" not in repr(found)


# Together


def test_a_check_that_breaks_is_a_finding_and_stops_no_other(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def broken(patient):
        raise ZeroDivisionError("odd")

    monkeypatch.setattr("fillbridge.doctor.examination.CHECKS", (broken, machine.disk))
    configuration, found, disk = examine(None)
    assert (configuration.status, configuration.check) == ("ok", "configuration")
    assert found.found == "could not be examined: ZeroDivisionError: odd"
    assert disk.check == "disk"


def test_a_configuration_that_cannot_be_used(tmp_path):
    (tmp_path / "c.yaml").write_text("execution_handler: {mode: neither}")
    (found,) = examine(tmp_path / "c.yaml")
    assert (found.check, found.status) == ("configuration", "fail")


def test_nothing_is_left_behind(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    examine(None, "other")
    assert list(Path.cwd().iterdir()) == []
