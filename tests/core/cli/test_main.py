import json
import logging
import subprocess
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from fillbridge.cli.main import add_plugin_commands, cli
from fillbridge.cli.output import failures, warnings
from fillbridge.files import BadFile
from fillbridge.plugins import Plugins
from fillbridge_hooks import (
    ConfigurationError,
    FillbridgeError,
    InvalidValue,
    PluginError,
    hookimpl,
)


def leaves(command, path=()):
    if not isinstance(command, click.Group):
        return [path]
    return [leaf for name, one in command.commands.items() for leaf in leaves(one, (*path, name))]


@pytest.mark.parametrize("path", leaves(cli), ids=" ".join)
def test_help_has_an_example(path):
    result = CliRunner().invoke(cli, [*path, "--help"])
    assert result.exit_code == 0
    assert f"Example: fillbridge {' '.join(path)}" in " ".join(result.stdout.split())


@pytest.mark.parametrize("path", leaves(cli), ids=" ".join)
def test_every_command_offers_json(path):
    assert "--json" in CliRunner().invoke(cli, [*path, "--help"]).stdout


@pytest.mark.parametrize("path", [("config", "show"), ("plugins", "list"), ("plugins", "explain")])
def test_json_is_one_document_and_nothing_else(path):
    result = CliRunner().invoke(cli, [*path, "--json"])
    assert (result.exit_code, result.stderr) == (0, "")
    assert json.loads(result.stdout)


def test_the_summary_of_each_command_is_whole():
    shown = CliRunner(env={"COLUMNS": "80"}).invoke(cli, ["--help"]).stdout
    _, summaries = shown.split("Commands:")
    assert "Trade a made-up session of ES." in summaries
    assert "..." not in summaries


def test_alone_it_prints_its_help(fillbridge):
    done = fillbridge()
    assert done.returncode == 2
    assert "Usage: fillbridge [OPTIONS] COMMAND" in done.stderr
    assert "demo" in done.stderr


def test_an_unknown_command_is_bad_usage(fillbridge):
    done = fillbridge("backtets")
    assert (done.returncode, done.stdout) == (2, "")
    assert "No such command 'backtets'" in done.stderr


def test_it_has_a_version(fillbridge):
    done = fillbridge("--version")
    assert done.returncode == 0
    assert done.stdout.startswith("fillbridge, version ")


# Failures


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (BadFile(Path("a.csv"), "expected rows", 3), 2, "a.csv, line 3: expected rows"),
        (ConfigurationError("a\nb"), 2, "a b"),
        (InvalidValue("size", ">= 1", 0), 2, "size: expected >= 1, was 0"),
        (PluginError("x", "broken", "dist 1"), 1, "plugin 'x' from dist 1: broken"),
        (FillbridgeError("odd"), 1, "odd"),
        (OSError(28, "No space left", "f.csv"), 1, "f.csv: No space left"),
        (OSError("gone"), 1, "gone"),
    ],
)
def test_what_fails_on_purpose_is_one_sentence_with_a_code(capsys, error, code, message):
    with pytest.raises(SystemExit) as caught, failures():
        raise error
    assert caught.value.code == code
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", f"Error: {message}\n")


def test_a_defect_is_no_failure_on_purpose():
    with pytest.raises(ZeroDivisionError), failures():
        raise ZeroDivisionError


# Warnings


def test_what_is_logged_is_shown_once_for_each_plugin(capsys):
    logger = logging.getLogger("fillbridge.some.module")
    with warnings():
        for number in range(3):
            for plugin in ("a", "b"):
                try:
                    raise ValueError("first\nsecond")
                except ValueError:
                    logger.exception("plugin %s failed on %d", plugin, number)
        logger.error("no arguments")
        logger.info("not worth showing")
    assert capsys.readouterr().err.splitlines() == [
        "Warning: plugin a failed on 0: ValueError: first\\nsecond",
        "Warning: plugin b failed on 0: ValueError: first\\nsecond",
        "Warning: no arguments",
        "Warning: 4 more like these",
    ]


def test_many_kinds_are_cut_off(capsys):
    with warnings():
        for number in range(1020):
            logging.getLogger("fillbridge").warning("trade %s", number)
    shown = capsys.readouterr().err.splitlines()
    assert len(shown) == 21
    assert shown[-1] == "Warning: 1,000 more like these"


def test_afterwards_nothing_is_shown(capsys):
    with warnings():
        pass
    assert logging.getLogger("fillbridge").handlers == []
    assert capsys.readouterr().err == ""


# Plugins


@pytest.fixture
def group():
    """A command line with one command."""
    made = click.Group()
    made.add_command(click.Command("demo", callback=lambda: click.echo("ours")))
    return made


class Greeter:
    @hookimpl
    def fillbridge_register_commands(self, group):
        group.add_command(click.Command("hello", callback=lambda: click.echo("hello")))


def add(group, plugin):
    installed = Plugins()
    installed.register(plugin, "theirs")
    add_plugin_commands(group, installed)


def test_a_plugin_adds_a_command(group, capsys):
    add(group, Greeter())
    assert CliRunner().invoke(group, ["hello"]).stdout == "hello\n"
    assert capsys.readouterr().err == ""


class Raises(Greeter):
    @hookimpl
    def fillbridge_register_commands(self, group):
        group.add_command(click.Command("hello"))
        raise LookupError("no config")


class Leaves(Greeter):
    @hookimpl
    def fillbridge_register_commands(self, group):
        group.add_command(click.Command("hello"))
        raise SystemExit("no config")


class Replaces(Greeter):
    @hookimpl
    def fillbridge_register_commands(self, group):
        group.add_command(click.Command("hello"))
        group.add_command(click.Command("demo"))


@pytest.mark.parametrize(
    ("plugin", "reason"),
    [
        (Raises(), "LookupError: no config"),
        (Leaves(), "SystemExit: no config"),
        (Replaces(), "ValueError: the command 'demo' is another's"),
    ],
)
def test_a_plugin_that_fails_is_left_out_and_that_is_said(group, capsys, plugin, reason):
    add(group, plugin)
    assert CliRunner().invoke(group, ["demo"]).stdout == "ours\n"
    assert list(group.commands) == ["demo"]
    said = capsys.readouterr().err
    assert said.startswith("Warning: plugin 'theirs'")
    assert said.endswith(f": its commands are absent: {reason}\n")


COMMAND = """
import click
from fillbridge_hooks import hookimpl

@hookimpl
def fillbridge_register_commands(group):
    @group.command()
    @click.option("--fail", is_flag=True)
    def hello(fail):
        "Greet."
        if fail:
            raise KeyError("nobody")
        click.echo("hello")
"""


def test_a_command_of_an_installed_plugin(fillbridge, install):
    install("greeter", COMMAND)
    done = fillbridge("hello")
    assert (done.returncode, done.stdout, done.stderr) == (0, "hello\n", "")
    assert "Greet." in fillbridge("--help").stdout


def test_a_defect_is_one_sentence_that_says_where(fillbridge, install):
    install("greeter", COMMAND)
    failed = fillbridge("hello", "--fail")
    assert (failed.returncode, failed.stdout) == (1, "")
    (line,) = failed.stderr.splitlines()
    assert line.startswith("Error: unexpected KeyError at ")
    assert "their_greeter.py:12: 'nobody'" in line


def test_a_broken_plugin_stops_what_needs_plugins_and_nothing_else(fillbridge, install):
    install("broken", "raise RuntimeError('not today')")
    assert fillbridge("--help").returncode == 0
    for arguments in (
        ("demo",),
        ("backtest", "--bars", "bars.csv", "--proposals", "proposals.csv", "--json"),
        ("config", "show"),
    ):
        failed = fillbridge(*arguments)
        assert (failed.returncode, failed.stdout) == (1, "")
        assert failed.stderr == (
            "Error: plugin 'broken' from their-broken 2.3: cannot be imported: "
            "RuntimeError: not today\n"
        )


OBSERVER = """
from fillbridge_hooks import hookimpl

@hookimpl
def fillbridge_handle_fill(fill):
    raise ValueError("no room")

@hookimpl
def fillbridge_handle_event(event):
    raise ValueError("no room")

@hookimpl
def fillbridge_commission(fill):
    raise ValueError("no rate")
"""


def test_an_observer_that_fails_does_not_change_the_run(fillbridge, install, inputs):
    arguments = ("backtest", "--bars", "bars.csv", "--proposals", "proposals.csv", "--json")
    undisturbed = fillbridge(*arguments).stdout
    install("observer", OBSERVER)
    done = fillbridge(*arguments)
    assert (done.returncode, done.stdout) == (0, undisturbed)
    *lines, last = done.stderr.splitlines()
    assert sorted(lines) == [
        "Warning: observer observer failed on ORDER_STATUS_CHANGE: ValueError: no room",
        "Warning: plugin observer failed on fill F1: ValueError: no room",
    ]
    assert last.endswith(" more like these")


def test_a_cost_that_is_unknown_is_said(fillbridge, install, inputs):
    install("observer", OBSERVER)
    (inputs / "config.yaml").write_text(
        "execution_handler: {backtest_settings: {commission: {type: observer}}}"
    )
    files = ("--bars", "bars.csv", "--proposals", "proposals.csv", "--config", "config.yaml")
    done = fillbridge("backtest", *files)
    assert done.returncode == 0
    assert "commission model observer failed on fill F1: ValueError: no rate" in done.stderr
    assert "4 (commission is missing)" in done.stdout


def test_a_reader_that_goes_away_is_no_defect(inputs, executable):
    process = subprocess.Popen(
        [executable, "config", "show"],
        cwd=inputs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.close()
    _, stderr = process.communicate()
    assert "Traceback" not in stderr
    assert "unexpected" not in stderr
