"""The lock on the command line: what trading in prod imports, and what it never does."""

import json
import re

import pytest
from tests.core.plugins.wheels import build, rewrite_record, unpack

PROD = """execution_handler:
  mode: live
  live_settings: {provider: sim, environment: prod, account: a1}
"""


@pytest.fixture
def folder(inputs):
    (inputs / "prod.yaml").write_text(PROD)
    return inputs


@pytest.fixture
def trip(tmp_path_factory):
    return tmp_path_factory.mktemp("trip") / "tripped"


@pytest.fixture
def evil(tmp_path_factory, monkeypatch, trip):
    """Install a plugin whose import leaves a mark, in processes that are started from now on."""
    site = tmp_path_factory.mktemp("evil")
    source = f"import pathlib\npathlib.Path({str(trip)!r}).write_text('imported')\n"

    def install(plugin="evil"):
        unpack(build(site, "evil-one", {"evil_one.py": source}, {plugin: "evil_one"}), site)
        monkeypatch.setenv("PYTHONPATH", str(site))
        return site

    return install


RUN = ("run", "--config", "prod.yaml", "--for", "0.2", "--json")


def test_trading_in_prod_needs_a_lock(folder, fillbridge, evil, trip):
    evil()
    for arguments in (RUN, ("status", "--config", "prod.yaml"), ("config", "show", *RUN[1:3])):
        done = fillbridge(*arguments)
        assert done.returncode == 2
        assert done.stderr == (
            "Error: plugins.lock: expected the plugin lock, which the profile live needs, was no"
            " file (fillbridge plugins lock)\n"
        )
    assert not trip.exists()


def test_a_run_imports_what_is_locked_and_nothing_else(folder, fillbridge, evil, trip):
    locked = json.loads(fillbridge("plugins", "lock", "--config", "prod.yaml", "--json").stdout)
    assert "sim" in [one["plugin"] for one in locked["plugins"]]
    evil()
    done = fillbridge(*RUN)
    assert (done.returncode, trip.exists()) == (0, False)
    shown = fillbridge("journal", "show", "fillbridge-journal", "--kind", "Note", "--json")
    notes = [one for one in json.loads(shown.stdout)["records"] if one.get("kind") == "plugins"]
    loaded = {one["plugin"]: one for one in notes[0]["payload"]["loaded"]}
    assert "evil" not in loaded
    assert loaded["sim"]["lock"] in ("editable", "recorded")
    assert len(loaded["sim"]["record"]) == 64
    verified = fillbridge("plugins", "verify", "--config", "prod.yaml", "--json")
    assert verified.returncode == 1
    statuses = {one["plugin"]: one["status"] for one in json.loads(verified.stdout)["plugins"]}
    assert (statuses["evil"], statuses["sim"]) == ("unlisted", "trusted")
    assert re.search(r"1 of \d+ plugins are not as they were locked", verified.stderr)
    assert not trip.exists()


def test_the_commands_of_a_plugin_are_looked_for_under_the_lock(folder, fillbridge, evil, trip):
    fillbridge("plugins", "lock", "--config", "prod.yaml")
    evil()
    for arguments in (("hello", "--config", "prod.yaml"), ("hello", "--config=prod.yaml")):
        done = fillbridge(*arguments)
        assert (done.returncode, trip.exists()) == (2, False)
        assert "plugin 'evil' from evil-one 1.0 is not imported" in done.stderr
        assert "No such command 'hello'" in done.stderr


@pytest.mark.parametrize("command", [("secrets", "list"), ("operators", "list")])
def test_who_keeps_secrets_and_keys_minds_the_lock(folder, fillbridge, evil, trip, command):
    fillbridge("plugins", "lock", "--config", "prod.yaml")
    evil()
    assert fillbridge(*command, "--config", "prod.yaml").returncode == 0
    assert not trip.exists()


def test_a_changed_plugin_stops_the_start(folder, fillbridge, evil, trip):
    site = evil()
    fillbridge("plugins", "lock", "--config", "prod.yaml")
    assert not trip.exists()
    with (site / "evil_one.py").open("a") as file:
        file.write("# changed")
    done = fillbridge(*RUN)
    assert (done.returncode, trip.exists()) == (1, False)
    assert "evil_one.py was changed after it was installed" in done.stderr


def test_a_changed_dependency_stops_the_start_before_any_plugin_is_imported(
    folder, fillbridge, trip, tmp_path_factory, monkeypatch
):
    site = tmp_path_factory.mktemp("site")
    source = f"import pathlib\npathlib.Path({str(trip)!r}).write_text('imported')\n"
    requires = ("Requires-Dist: near-by",)
    leaning = {"leaning.py": source}
    unpack(build(site, "leaning-one", leaning, {"leaning": "leaning"}, requires=requires), site)
    unpack(build(site, "near-by", {"near_by.py": ""}, {}), site)
    monkeypatch.setenv("PYTHONPATH", str(site))
    assert fillbridge("plugins", "lock", "--config", "prod.yaml").returncode == 0
    assert fillbridge("plugins", "verify", "--config", "prod.yaml").returncode == 0
    with (site / "near_by.py").open("a") as file:
        file.write("# changed")
    done = fillbridge("plugins", "verify", "--config", "prod.yaml")
    assert done.returncode == 1
    assert "0 of 10 plugins and 1 of" in done.stderr
    assert "near_by.py was changed after it was installed" in done.stdout
    rewrite_record(site, "near-by", "near_by.py")
    done = fillbridge(*RUN)
    assert (done.returncode, trip.exists()) == (1, False)
    assert "near-by: its RECORD is not the one that was locked" in done.stderr
    found = fillbridge("doctor", "--config", "prod.yaml", "--json")
    assert (found.returncode, trip.exists()) == (1, False)
    assert "near-by: its RECORD" in found.stdout


def test_a_simulation_needs_no_lock_and_minds_one_that_is_there(folder, fillbridge, evil, trip):
    (folder / "prod.yaml").write_text(PROD.replace("prod,", "sim,"))
    fillbridge("plugins", "lock")
    evil()
    assert fillbridge(*RUN).returncode == 0
    assert not trip.exists()
    (folder / "plugins.lock").unlink()
    assert fillbridge(*RUN).returncode == 0
    assert trip.exists()


def test_a_lock_that_is_named_must_be_there(folder, fillbridge):
    (folder / "prod.yaml").write_text(PROD.replace("account: a1", "plugins_lock: my.lock"))
    done = fillbridge(*RUN)
    assert done.returncode == 2
    assert "my.lock: the plugin lock cannot be read: No such file" in done.stderr
    assert fillbridge("plugins", "lock", "--config", "prod.yaml").returncode == 0
    assert (folder / "my.lock").is_file()


def test_the_environment_names_no_lock(folder, fillbridge, monkeypatch):
    fillbridge("plugins", "lock")
    monkeypatch.setenv("FILLBRIDGE_EXECUTION_HANDLER__LIVE_SETTINGS__PLUGINS_LOCK", "other.lock")
    done = fillbridge(*RUN)
    assert done.returncode == 2
    assert "the plugin lock is named in the file alone" in done.stderr


def test_the_environment_makes_it_prod_and_a_lock_is_needed(folder, fillbridge, monkeypatch):
    (folder / "prod.yaml").write_text(PROD.replace("prod,", "sim,"))
    monkeypatch.setenv("FILLBRIDGE_EXECUTION_HANDLER__LIVE_SETTINGS__ENVIRONMENT", "prod")
    assert "expected the plugin lock" in fillbridge(*RUN).stderr


@pytest.mark.parametrize(
    ("name", "value"), [("LIVE_SETTINGS__ENVIRONMENT", "sim"), ("MODE", "backtest")]
)
def test_no_variable_lets_plugins_in_without_a_lock(
    folder, fillbridge, evil, trip, monkeypatch, name, value
):
    evil()
    monkeypatch.setenv(f"FILLBRIDGE_EXECUTION_HANDLER__{name}", value)
    done = fillbridge(*RUN)
    assert (done.returncode, trip.exists()) == (2, False)
    assert "expected the plugin lock, which the profile live needs" in done.stderr


def test_paper_mode_and_backtests_need_no_lock(folder, fillbridge):
    backtest = ("--bars", "bars.csv", "--proposals", "proposals.csv", "--config", "prod.yaml")
    assert fillbridge("backtest", *backtest).returncode == 0


def test_verifying_without_a_lock(folder, fillbridge):
    done = fillbridge("plugins", "verify")
    assert done.returncode == 2
    assert "plugins.lock: the plugin lock cannot be read" in done.stderr
