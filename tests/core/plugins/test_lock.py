"""What a lock does not name, or names otherwise, is never imported."""

import json
import marshal
import shutil
import subprocess
import sys
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import MAGIC_NUMBER, cache_from_source, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest
from tests.core.plugins.wheels import build, rewrite_record, unpack

from fillbridge.plugins import BrokenPlugins, Plugins
from fillbridge.plugins.lock import LockedPlugin, PluginLock, read_lock, write_lock
from fillbridge.plugins.trust import judge, lock_installed
from fillbridge.plugins.verified import IMPORTS, NotVerified
from fillbridge_hooks import ConfigurationError, PluginError

GOOD = """
    from good_one.rate import RATE
    from fillbridge_hooks import hookimpl

    @hookimpl
    def fillbridge_slippage(order, market):
        return RATE
"""
TRIPWIRE = "import pathlib\npathlib.Path(TRIP).write_text('imported')\n"


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder of distributions that is searched before all others."""
    made = tmp_path / "site"
    made.mkdir()
    monkeypatch.syspath_prepend(made)
    before, trusted = set(sys.modules), dict(IMPORTS._packages)
    yield made
    for name in set(sys.modules) - before:
        if name.partition(".")[0] in {"good_one", "evil_one", "lone"}:
            del sys.modules[name]
    IMPORTS._packages = trusted


@pytest.fixture
def trip(tmp_path):
    """Where a tripwire leaves its mark."""
    return tmp_path / "tripped"


@pytest.fixture
def tripwire(trip):
    return TRIPWIRE.replace("TRIP", repr(str(trip)))


@pytest.fixture
def good(site, tmp_path):
    """An honest distribution, installed."""
    files = {
        "good_one/__init__.py": "",
        "good_one/plugin.py": GOOD,
        "good_one/rate.py": "RATE = 0.25\n",
    }
    wheel = build(tmp_path, "good-one", files, {"good": "good_one.plugin"})
    unpack(wheel, site)
    return site / "good_one"


@pytest.fixture
def lock(good):
    """The lock of the honest one, as ``plugins lock`` makes it."""
    return PluginLock(
        plugins=tuple(one for one in lock_installed().plugins if one.plugin == "good")
    )


def refusal(lock, only=("good",)):
    """Why a plugin is not loaded under a lock."""
    plugins = Plugins()
    with pytest.raises(BrokenPlugins) as raised:
        plugins.load(only=only, lock=lock)
    assert plugins.names() == ()
    assert not [name for name in sys.modules if name.startswith("good_one")]
    return str(raised.value)


def test_what_was_locked_is_loaded(lock):
    plugins = Plugins()
    plugins.load(only={"good"}, lock=lock)
    (found,) = plugins.resolve("fillbridge_slippage")
    assert found.function(None, None) == 0.25
    assert plugins.locked() == {"good": lock.plugins[0]}
    assert plugins.unlocked() == ()
    assert lock.plugins[0].install == "recorded"


def test_without_a_lock_that_is_known(good):
    plugins = Plugins()
    plugins.load(only={"good"})
    assert (plugins.unlocked(), plugins.locked()) == (("good",), {})


def test_what_the_lock_does_not_name_is_passed_over(lock, site, tmp_path, tripwire, trip, caplog):
    unpack(build(tmp_path, "evil-one", {"evil_one.py": tripwire}, {"evil": "evil_one"}), site)
    plugins = Plugins()
    plugins.load(only={"good", "evil"}, lock=lock)
    assert plugins.names() == ("good",)
    assert not trip.exists()
    assert (
        "plugin 'evil' from evil-one 1.0 is not imported: the plugin lock does not name it"
        in caplog.text
    )


def test_the_tripwire_would_be_tripped(site, tmp_path, tripwire, trip):
    unpack(build(tmp_path, "evil-one", {"evil_one.py": tripwire}, {"evil": "evil_one"}), site)
    Plugins().load(only={"evil"})
    assert trip.read_text() == "imported"


def test_a_plugin_of_another_distribution_takes_no_name(
    lock, site, tmp_path, tripwire, trip, caplog
):
    unpack(build(tmp_path, "evil-one", {"evil_one.py": tripwire}, {"good": "evil_one"}), site)
    plugins = Plugins()
    plugins.load(only={"good"}, lock=lock)
    assert plugins.source("good").distribution == "good-one"
    assert not trip.exists()
    assert "the plugin lock names 'good' of good-one, another distribution" in caplog.text


def test_it_takes_no_name_where_the_locked_one_is_gone(lock, site, good, tmp_path, tripwire, trip):
    shutil.rmtree(good)
    shutil.rmtree(site / "good_one-1.0.dist-info")
    unpack(build(tmp_path, "evil-one", {"evil_one.py": tripwire}, {"good": "evil_one"}), site)
    assert refusal(lock) == (
        "plugin 'good' from good-one 1.0: is in the plugin lock, but not installed"
    )
    assert not trip.exists()


def test_a_changed_file(lock, good, tripwire, trip):
    with (good / "rate.py").open("a") as file:
        file.write(tripwire)
    assert refusal(lock).endswith("rate.py was changed after it was installed")
    assert not trip.exists()


def test_a_file_that_is_gone(lock, good):
    (good / "rate.py").unlink()
    assert refusal(lock).endswith("rate.py cannot be read: No such file or directory")


def test_a_record_that_was_changed_along_with_the_file(lock, good, site, tripwire, trip):
    with (good / "rate.py").open("a") as file:
        file.write(tripwire)
    rewrite_record(site, "good-one", "good_one/rate.py")
    assert refusal(lock) == (
        "plugin 'good' from good-one 1.0: is not imported: its RECORD is not the one that was"
        " locked, so it was installed anew or changed"
    )
    assert not trip.exists()


@pytest.mark.parametrize("name", ["extra.py", "rate/__init__.py", "rate.abi3.so", "sub/deep.py"])
def test_a_file_that_record_does_not_name(lock, good, name):
    (good / name).parent.mkdir(exist_ok=True)
    (good / name).write_text("")
    assert refusal(lock).endswith(f"{name} stands in its package, and RECORD does not name it")


def test_links_are_refused(lock, good, tmp_path):
    (good / "linked").symlink_to(tmp_path)
    assert "expected a folder, was a link to one" in refusal(lock)


def test_a_package_that_comes_first_on_the_path(lock, site, tmp_path, tripwire, trip, monkeypatch):
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "good_one").mkdir(parents=True)
    (elsewhere / "good_one" / "__init__.py").write_text(tripwire)
    monkeypatch.syspath_prepend(elsewhere)
    assert "which its RECORD does not name" in refusal(lock)
    assert not trip.exists()


def test_another_version(lock, good, site):
    (site / "good_one-1.0.dist-info").rename(site / "good_one-1.1.dist-info")
    metadata = site / "good_one-1.1.dist-info" / "METADATA"
    metadata.write_text(metadata.read_text().replace("1.0", "1.1"))
    assert "not imported" in refusal(lock) or "cannot be read" in refusal(lock)


def test_another_module_of_the_same_distribution(lock, good, site):
    entries = site / "good_one-1.0.dist-info" / "entry_points.txt"
    entries.write_text(entries.read_text().replace("good_one.plugin", "good_one.rate"))
    assert "entry_points.txt was changed after it was installed" in refusal(lock)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("good_one/rate.py,,", "expected a hash of good_one/rate.py, was none"),
        ("good_one/rate.py,md5=x,1", "expected a hash of good_one/rate.py by SHA-256, was 'md5'"),
        ("good_one/rate.py", "expected lines of three values"),
    ],
)
def test_a_record_that_proves_nothing(lock, site, line, said):
    record = site / "good_one-1.0.dist-info" / "RECORD"
    lines = [one for one in record.read_text().splitlines() if "rate.py" not in one]
    record.write_text("\n".join([*lines, line]))
    assert said in refusal(lock)


def test_a_distribution_without_a_record(lock, site):
    (site / "good_one-1.0.dist-info" / "RECORD").unlink()
    assert "has no RECORD, so what was installed cannot be verified" in refusal(lock)


def test_a_package_without_a_file_of_its_own(site, tmp_path):
    unpack(build(tmp_path, "evil-one", {"evil_one/a.py": ""}, {"evil": "evil_one.a"}), site)
    with pytest.raises(PluginError, match="is no file or package of its own"):
        lock_installed()


@pytest.fixture
def forged(good, tripwire):
    """Bytecode beside a source that Python takes for the source's own, though it is another's."""
    source = good / "rate.py"
    code = marshal.dumps(compile(tripwire + "RATE = 9.0", str(source), "exec"))
    status = source.stat()
    numbers = (0, int(status.st_mtime), status.st_size)
    header = b"".join(number.to_bytes(4, "little") for number in numbers)
    cache = Path(cache_from_source(str(source)))
    cache.parent.mkdir()
    cache.write_bytes(MAGIC_NUMBER + header + code)


def test_forged_bytecode_is_passed_over(lock, forged, trip):
    plugins = Plugins()
    plugins.load(only={"good"}, lock=lock)
    assert plugins.resolve("fillbridge_slippage")[0].function(None, None) == 0.25
    assert not trip.exists()


def test_without_a_lock_forged_bytecode_is_run(forged, trip):
    Plugins().load(only={"good"})
    assert trip.exists()


def test_a_module_that_is_imported_later_is_verified_then(lock, good, tripwire, trip):
    Plugins().load(only={"good"}, lock=lock)
    del sys.modules["good_one.rate"]
    (good / "rate.py").write_text(tripwire)
    with pytest.raises(NotVerified, match=r"'good_one\.rate' was changed after it was verified"):
        import_module("good_one.rate")
    (good / "new.py").write_text(tripwire)
    with pytest.raises(NotVerified, match=r"new\.py was not verified"):
        import_module("good_one.new")
    assert not trip.exists()


def test_a_package_that_was_imported_from_elsewhere_before(lock, monkeypatch):
    other = ModuleType("good_one")
    other.__spec__ = ModuleSpec("good_one", None, origin="/elsewhere/good_one.py")
    monkeypatch.setitem(sys.modules, "good_one", other)
    with pytest.raises(BrokenPlugins, match="cannot be verified"):
        Plugins().load(only={"good"}, lock=lock)


def test_a_package_whose_file_is_not_where_it_says(lock, monkeypatch, good):
    other = ModuleType("good_one")
    other.__spec__ = spec_from_file_location("good_one", good / "__init__.py")
    other.__file__ = "/elsewhere/good_one.py"
    monkeypatch.setitem(sys.modules, "good_one", other)
    with pytest.raises(BrokenPlugins, match=r"was imported before, from /elsewhere/good_one\.py"):
        Plugins().load(only={"good"}, lock=lock)


# Editable installs


@pytest.fixture
def editable(site, tmp_path, monkeypatch):
    """A package whose sources stand elsewhere, as an editable install leaves it."""
    sources = tmp_path / "work"
    (sources / "lone").mkdir(parents=True)
    (sources / "lone" / "__init__.py").write_text("")
    (sources / "lone" / "__pycache__").mkdir()
    (sources / "lone" / "__pycache__" / "x.pyc").write_text("")
    unpack(
        build(tmp_path, "lone", {"lone.pth": str(sources)}, {"lone": "lone"}),
        site,
    )
    url = site / "lone-1.0.dist-info" / "direct_url.json"
    url.write_text(json.dumps({"url": "file:///work", "dir_info": {"editable": True}}))
    monkeypatch.syspath_prepend(sources)
    return sources / "lone"


def locked_alone(name):
    return PluginLock(plugins=tuple(one for one in lock_installed().plugins if one.plugin == name))


def test_an_editable_install_is_locked_by_its_sources(editable):
    lock = locked_alone("lone")
    assert lock.plugins[0].install == "editable"
    Plugins().load(only={"lone"}, lock=lock)
    (editable / "__init__.py").write_text("pass")
    del sys.modules["lone"]
    with pytest.raises(BrokenPlugins, match="its sources are not those that were locked"):
        Plugins().load(only={"lone"}, lock=lock)
    (editable / "__init__.py").write_text("")
    (editable / "more.py").write_text("")
    with pytest.raises(BrokenPlugins, match="its sources are not those that were locked"):
        Plugins().load(only={"lone"}, lock=lock)


def test_what_is_not_editable_has_its_sources_in_its_record(editable, site):
    (site / "lone-1.0.dist-info" / "direct_url.json").write_text("{}")
    with pytest.raises(PluginError, match="which its RECORD does not name"):
        lock_installed()


# The file


def test_a_lock_is_read_as_it_was_written(lock, tmp_path):
    path = tmp_path / "plugins.lock"
    write_lock(path, lock)
    assert read_lock(path) == lock
    assert path.stat().st_mode & 0o777 == 0o644


ONE = LockedPlugin(
    plugin="a", module="a", distribution="a", version="1", install="recorded", record="00"
)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "expected a plugin lock"),
        (b"\xff", "expected a plugin lock"),
        (b"{}", "missing required field `plugins`"),
        (b'{"format": 1, "plugins": []}', "Invalid enum value 1"),
        (b'{"plugins": [], "also": 1}', "unknown field `also`"),
        (b" " * (1 << 20) + b"{}", "was a file over 1 MiB"),
    ],
)
def test_what_is_no_lock(tmp_path, content, said):
    path = tmp_path / "plugins.lock"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=said):
        read_lock(path)


def test_a_lock_that_others_may_write_is_refused(tmp_path):
    path = tmp_path / "plugins.lock"
    write_lock(path, PluginLock(plugins=()))
    path.chmod(0o664)
    with pytest.raises(ConfigurationError, match=r"was mode 0664 \(chmod 644 it\)"):
        read_lock(path)


def test_a_lock_that_is_not_there_or_no_file(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be read: No such file"):
        read_lock(tmp_path / "plugins.lock")
    with pytest.raises(ConfigurationError, match="cannot be read: Is a directory"):
        read_lock(tmp_path)


def test_a_plugin_is_locked_once(tmp_path):
    path = tmp_path / "plugins.lock"
    write_lock(path, PluginLock(plugins=(ONE, ONE)))
    with pytest.raises(ConfigurationError, match="plugin 'a' is locked twice"):
        read_lock(path)


def test_two_installed_plugins_of_one_name_are_not_locked(good, site, tmp_path):
    unpack(build(tmp_path, "evil-one", {"evil_one.py": ""}, {"good": "evil_one"}), site)
    with pytest.raises(PluginError, match="has the same name; uninstall one of them"):
        lock_installed()


def test_every_plugin_is_judged(lock, site, good, tmp_path):
    unpack(build(tmp_path, "evil-one", {"evil_one.py": ""}, {"evil": "evil_one"}), site)
    (good / "rate.py").write_text("RATE = 1.0")
    gone = PluginLock(plugins=(*lock.plugins, ONE))
    judged = {one.source.plugin: one for one in judge(gone)}
    assert (judged["good"].status, judged["evil"].status) == ("changed", "unlisted")
    assert (judged["a"].status, judged["a"].reason) == ("changed", "locked, not installed")


@pytest.mark.skipif(shutil.which("uv") is None, reason="needs uv, which installs the wheel")
def test_what_an_installer_leaves_can_be_locked(tmp_path, monkeypatch):
    site = tmp_path / "installed"
    wheel = build(
        tmp_path, "lone", {"lone/__init__.py": "", "lone/data.txt": "x"}, {"lone": "lone"}
    )
    install = ("uv", "pip", "install", "--quiet", "--offline", "--no-deps", "--compile-bytecode")
    subprocess.run([*install, "--target", str(site), str(wheel)], check=True)
    monkeypatch.syspath_prepend(site)
    (found,) = locked_alone("lone").plugins
    assert (found.install, found.version) == ("recorded", "1.0")
