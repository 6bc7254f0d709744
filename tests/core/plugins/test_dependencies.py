"""What locked plugins depend on is locked with them, down to what that depends on."""

import shutil
import sys

import pytest
from tests.core.plugins.wheels import build, rewrite_record, unpack

from fillbridge.plugins import Plugins
from fillbridge.plugins.dependencies import (
    ChangedDependency,
    check_dependencies,
    judge_dependencies,
)
from fillbridge.plugins.lock import PluginLock, read_lock, write_lock
from fillbridge.plugins.trust import lock_installed
from fillbridge.plugins.verified import IMPORTS
from fillbridge_hooks import ConfigurationError

PLUGIN = """
    import pathlib
    pathlib.Path({trip!r}).write_text("imported")
    import near_by
"""


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A plugin, what it needs, and what that needs."""
    made = tmp_path / "site"
    made.mkdir()
    before, trusted = set(sys.modules), dict(IMPORTS._packages)
    trip = str(tmp_path / "tripped")

    def add(name, files, plugins=(), requires=()):
        unpack(build(tmp_path, name, files, dict(plugins), requires=requires), made)

    requires = (
        "Provides-Extra: more",
        "Requires-Dist: Near.By >=1",
        "Requires-Dist: only-elsewhere; sys_platform == 'none such'",
        "Requires-Dist: of-extra; extra == 'more'",
        "Requires-Dist: not-there; extra == 'more'",
    )
    plugin = {"leaning.py": PLUGIN.format(trip=trip)}
    add("leaning-one", plugin, {"leaning": "leaning"}, requires)
    needs = ("Provides-Extra: other", "Requires-Dist: far-away[deep]",
             "Requires-Dist: not-asked-for; extra == 'other'")  # fmt: skip
    add("near-by", {"near_by/__init__.py": "", "near_by/more.py": ""}, requires=needs)
    add("far-away", {"far_away.py": ""}, requires=("Requires-Dist: deep-down; extra == 'deep'",))
    for name in ("deep-down", "of-extra", "only-elsewhere", "not-asked-for"):
        add(name, {f"{name.replace('-', '_')}.py": ""})
    monkeypatch.syspath_prepend(made)
    yield made
    for name in set(sys.modules) - before:
        if name.partition(".")[0] in {"leaning", "near_by", "far_away"}:
            del sys.modules[name]
    IMPORTS._packages = trusted


@pytest.fixture
def lock(site):
    """The lock of that plugin, and of what all of them depend on."""
    found = lock_installed()
    mine = tuple(one for one in found.plugins if one.plugin == "leaning")
    return PluginLock(plugins=mine, dependencies=found.dependencies)


def names(lock):
    return {one.distribution for one in lock.dependencies}


def load(lock):
    plugins = Plugins()
    plugins.load(only=("leaning",), lock=lock)
    return plugins.names()


def status(lock, name):
    """What the lock says of a distribution, every file looked at."""
    (found,) = [one for one in judge_dependencies(lock) if one.distribution == name]
    return found.status, found.reason


def test_what_is_required_is_locked_all_the_way_down(lock):
    assert {"near-by", "far-away", "deep-down", "of-extra"} <= names(lock)
    assert {"fillbridge", "fillbridge-hooks", "msgspec", "pluggy", "cryptography"} <= names(lock)
    # Of other platforms, of extras that nobody asks for, not installed, and plugins themselves.
    never = {"only-elsewhere", "not-asked-for", "not-there", "leaning-one", "fillbridge-sim"}
    assert not never & names(lock)


def test_it_is_read_as_it_was_written(lock, tmp_path):
    write_lock(tmp_path / "x.lock", lock)
    assert read_lock(tmp_path / "x.lock") == lock


def test_what_is_as_it_was_lets_plugins_in(lock):
    assert load(lock) == ("leaning",)
    assert all(one.status == "trusted" for one in judge_dependencies(lock))


def test_a_lock_without_dependencies_as_earlier_versions_wrote_it_is_refused(tmp_path):
    path = tmp_path / "plugins.lock"
    path.write_text('{"format": 1, "plugins": []}')
    with pytest.raises(ConfigurationError, match="expected a plugin lock"):
        read_lock(path)


def other_version(site, tmp_path):
    shutil.rmtree(site / "far_away-1.0.dist-info")
    unpack(build(tmp_path, "far-away", {"far_away.py": ""}, {}, version="1.1"), site)
    return "far-away: expected version 1.0 as locked, was 1.1"


def file_and_record(site, tmp_path):
    (site / "near_by" / "more.py").write_text("x = 1")
    rewrite_record(site, "near-by", "near_by/more.py")
    return "near-by: its RECORD is not the one that was locked"


def gone(site, tmp_path):
    shutil.rmtree(site / "deep_down-1.0.dist-info")
    return "deep-down: it is not installed any more"


def without_record(site, tmp_path):
    (site / "far_away-1.0.dist-info" / "RECORD").unlink()
    return "far-away: its RECORD is not the one that was locked"


CHANGES = (other_version, file_and_record, gone, without_record)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("strict", [True, False])
def test_a_changed_dependency_keeps_every_plugin_out(lock, site, tmp_path, change, strict):
    said = change(site, tmp_path)
    plugins = Plugins()
    with pytest.raises(ChangedDependency) as raised:
        plugins.load(lock=lock, strict=strict)
    assert said in str(raised.value)
    assert plugins.names() == ()
    assert not (tmp_path / "tripped").exists()
    name, _, reason = said.partition(": ")
    found, told = status(lock, name)
    assert found == "changed"
    assert told.startswith(reason)


def test_a_file_alone_is_found_by_whoever_reads_them_all(lock, site):
    (site / "near_by" / "more.py").write_text("x = 1")
    check_dependencies(lock)
    found, reason = status(lock, "near-by")
    assert (found, "more.py was changed after it was installed" in reason) == ("changed", True)
    (site / "near_by" / "more.py").unlink()
    assert "more.py cannot be read" in status(lock, "near-by")[1]


def test_a_module_that_comes_first_on_the_path(lock, tmp_path, monkeypatch):
    before = tmp_path / "before"
    before.mkdir()
    (before / "far_away.py").write_text("")
    monkeypatch.syspath_prepend(before)
    found, reason = status(lock, "far-away")
    assert found == "changed"
    assert f"would be imported from {before / 'far_away.py'}" in reason


def test_a_distribution_that_was_not_there_is_unlisted(lock, site, tmp_path):
    unpack(build(tmp_path, "not-there", {"not_there.py": ""}, {}), site)
    check_dependencies(lock)
    assert status(lock, "not-there") == ("unlisted", "the plugin lock does not name it")


def test_what_cannot_be_verified_is_not_locked(site):
    (site / "near_by-1.0.dist-info" / "RECORD").unlink()
    with pytest.raises(ChangedDependency, match="dependency near-by: has no RECORD"):
        lock_installed()


def test_many_changes_are_told_in_one_bounded_sentence(lock):
    changed = PluginLock(
        plugins=lock.plugins,
        dependencies=tuple(
            type(one)(
                distribution=f"none-such-{number}", version="1", install="recorded", record=""
            )
            for number, one in enumerate(lock.dependencies)
        ),
    )
    with pytest.raises(ChangedDependency, match=r"none-such-4: .* and \d+ more \(fillbridge"):
        check_dependencies(changed)
