import json
import sys

import pytest
from click import unstyle
from click.testing import CliRunner

from fillbridge.cli.plugins import plugins


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install a distribution ``their-dist`` with one plugin; answer the name of its module."""

    def install(plugin, source):
        module = f"their_{plugin}"
        (tmp_path / f"{module}.py").write_text(source)
        metadata = tmp_path / "their_dist-2.3.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(
            "Metadata-Version: 2.1\nName: their-dist\nVersion: 2.3\n"
        )
        (metadata / "entry_points.txt").write_text(f"[fillbridge]\n{plugin} = {module}\n")
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, module, raising=False)
        return module

    return install


MODEL = """
from fillbridge_hooks import hookimpl

@hookimpl
def fillbridge_slippage(order, market):
    return 0.25
"""


def run(*arguments, **environment):
    return CliRunner(env=environment).invoke(plugins, arguments)


def test_list_names_plugin_distribution_version_module_and_hooks(install):
    module = install("flat", MODEL)

    result = run("list", "--json")

    listed = {report["plugin"]: report for report in json.loads(result.stdout)["plugins"]}
    assert listed["flat"] == {
        "plugin": "flat",
        "distribution": "their-dist",
        "version": "2.3",
        "module": module,
        "status": "ok",
        "hooks": ["fillbridge_slippage"],
        "reason": None,
    }


def test_list_shows_the_same_as_a_table(install):
    module = install("flat", MODEL)

    result = run("list")

    (row,) = [line for line in result.stdout.splitlines() if module in line]
    cells = [cell.strip() for cell in row.strip("│").split("│")]
    assert cells == ["flat", "their-dist", "2.3", module, "fillbridge_slippage", "ok"]


def test_a_table_fits_a_terminal_and_loses_nothing(install):
    install("flat", MODEL)

    result = run("list", FORCE_COLOR="1", COLUMNS="60")

    assert max(len(line) for line in unstyle(result.stdout).splitlines()) <= 60
    assert "…" not in result.stdout


def test_a_broken_plugin_is_listed_with_the_reason_and_fails_the_command(install):
    install("wrong", "raise ValueError('[red]not markup')")

    result = run("list")
    as_json = run("list", "--json")

    assert (result.exit_code, as_json.exit_code) == (1, 1)
    assert "broken: cannot be imported: ValueError: [red]not markup" in result.stdout
    reports = {report["plugin"]: report for report in json.loads(as_json.stdout)["plugins"]}
    assert reports["wrong"]["status"] == "broken"
    assert reports["wrong"]["reason"] == "cannot be imported: ValueError: [red]not markup"


def test_explain_shows_who_is_called_and_what_is_named(install):
    install("flat", MODEL)

    result = run("explain", "fillbridge_slippage", "--json")

    (report,) = json.loads(result.stdout)["hooks"]
    source = {
        "plugin": "flat",
        "distribution": "their-dist",
        "version": "2.3",
        "module": "their_flat",
    }
    assert source in report["implementations"]
    assert {**source, "name": "flat"} in report["models"]


def test_explain_prints_one_hook_or_all(install):
    install("flat", MODEL)

    one = run("explain", "fillbridge_slippage").stdout
    every = run("explain").stdout

    assert one.startswith("fillbridge_slippage(order, market)\nImplementations")
    assert "fillbridge_commission" not in one
    assert one.strip() in every
    assert "fillbridge_commission(fill, instrument)" in every


def test_explain_says_on_the_error_stream_what_is_broken(install):
    install("wrong", "raise ValueError('no')")

    result = run("explain", "fillbridge_handle_event")

    assert result.exit_code == 1
    assert result.stderr.startswith("Error: plugin 'wrong' from their-dist 2.3: cannot be imported")
    assert "fillbridge_handle_event(event)" in result.stdout


def test_a_hook_that_there_is_not_is_bad_usage():
    result = run("explain", "fillbridge_nothing")

    assert result.exit_code == 2
    assert "'fillbridge_nothing' is not one of" in result.stderr


@pytest.mark.parametrize("command", ["list", "explain"])
def test_help_has_an_example(command):
    assert f"\n    fillbridge plugins {command}" in run(command, "--help").stdout
