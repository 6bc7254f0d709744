import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from fillbridge.cli.config import config
from fillbridge.cli.output import console, fail, print_json
from fillbridge.plugins import Plugins
from fillbridge_hooks import PluginError

NAME = "FILLBRIDGE_EXECUTION_HANDLER__BACKTEST_SETTINGS__SYMBOL"

Show = Callable[..., Result]


@pytest.fixture
def show() -> Show:
    def run(*arguments: str | Path, **environ: str) -> Result:
        return CliRunner().invoke(config, ["show", *map(str, arguments)], env=environ)

    return run


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(
        "execution_handler:\n"
        "  live_settings: {credentials: {username: '${USER}', password: hunter2}}\n"
        '  backtest_settings: {bar_seconds: 60, symbol: "[red]ES\\e[31m"}\n'
    )
    return path


def test_what_is_in_force_and_where_it_comes_from(show: Show, file: Path) -> None:
    result = show("--config", file, "--json", **{NAME: "NQ"})
    assert (result.exit_code, result.stderr) == (0, "")
    shown = {
        path.removeprefix("execution_handler."): (item["value"], item["origin"])
        for path, item in json.loads(result.stdout).items()
    }
    assert shown["mode"] == ("backtest", "default")
    assert shown["backtest_settings.bar_seconds"] == (60.0, "file config.yaml")
    assert shown["backtest_settings.symbol"] == ("NQ", f"environment {NAME}")
    assert shown["risk_controls.max_position_size"] == (None, "default")
    assert shown["live_settings.credentials.username"] == ("${USER}", "file config.yaml")
    assert shown["live_settings.credentials.password"] == ("***", "file config.yaml")


def test_the_table_has_a_line_for_each_setting(show: Show, file: Path) -> None:
    result = show("--config", file)
    assert (result.exit_code, result.stderr) == (0, "")
    lines = {line.split()[1]: line for line in result.stdout.splitlines() if "handler." in line}
    assert len(lines) > 30
    symbol = lines["execution_handler.backtest_settings.symbol"]
    assert '"[red]ES\\u001b[31m"' in symbol
    assert "file config.yaml" in symbol
    password = lines["execution_handler.live_settings.credentials.password"]
    assert '"***"' in password
    assert "hunter2" not in result.stdout


def test_nothing_is_cut_off_on_a_narrow_terminal(show: Show) -> None:
    result = show(**{NAME: "Q" * 60, "COLUMNS": "60", "FORCE_COLOR": "1"})
    shown = click.unstyle(result.stdout)
    assert all(len(line) <= 60 for line in shown.splitlines())
    assert shown.count("Q") == 60


def test_without_a_file(show: Show) -> None:
    result = show("--json")
    assert result.exit_code == 0
    assert {item["origin"] for item in json.loads(result.stdout).values()} == {"default"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("execution_handler: {typo: 1}", "execution_handler.typo: unknown key"),
        ("a: [", "line 1: "),
        ("execution_handler: {mode: paper}", "execution_handler.mode: expected one of"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(
    show: Show, file: Path, text: str, message: str
) -> None:
    file.write_text(text)
    result = show("--config", file, "--json")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"Error: {file}: {message}")
    assert result.stderr.count("\n") == 1


def test_a_file_that_is_not_there(show: Show, tmp_path: Path) -> None:
    result = show("--config", tmp_path / "none.yaml")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "none.yaml: cannot be read: No such file" in result.stderr


def test_a_limit_in_the_environment(show: Show) -> None:
    name = "FILLBRIDGE_EXECUTION_HANDLER__RISK_CONTROLS__MAX_POSITION_SIZE"
    result = show(**{name: "1000"})
    assert result.exit_code == 2
    assert result.stderr == f"Error: environment {name}: limits are set in the file alone\n"


def test_a_plugin_that_cannot_be_loaded(show: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(self: Plugins, **options: Any) -> None:
        raise PluginError("broken", "no module named broken", "fillbridge-broken 1.0")

    monkeypatch.setattr(Plugins, "load", load)
    result = show()
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        "Error: plugin 'broken' from fillbridge-broken 1.0: no module named broken\n"
    )


def test_help_has_an_example(show: Show) -> None:
    assert "fillbridge config show --config config.yaml" in show("--help").stdout


def test_failing(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        fail("nothing works", 1)
    assert raised.value.code == 1
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "Error: nothing works\n")


def test_printing_json(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"a": [1, None]})
    assert json.loads(capsys.readouterr().out) == {"a": [1, None]}


def test_a_pipe_is_wide_enough_for_a_long_line(capsys: pytest.CaptureFixture[str]) -> None:
    line = "[red]" + "x" * 190
    console().print(line, markup=False)
    assert capsys.readouterr().out == f"{line}\n"
