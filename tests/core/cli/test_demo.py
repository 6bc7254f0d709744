import json
import shlex

import pytest
from click import unstyle
from click.testing import CliRunner

from fillbridge.cli.main import cli

FILES = [
    *("bars.csv", "config.yaml", "proposals.csv"),
    *("report.html", "summary.json", "trades.csv", "trades.parquet"),
]


@pytest.fixture
def run(tmp_path, monkeypatch):
    """The command in a directory of its own; it must succeed, and say nothing of errors."""
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments, **environment):
        result = CliRunner(env=environment).invoke(cli, arguments)
        assert (result.exit_code, result.stderr) == (0, ""), result.output
        return result.stdout

    return invoke


def test_it_writes_the_session_and_the_files_of_a_backtest(run, tmp_path):
    run("demo")
    assert sorted(path.name for path in (tmp_path / "fillbridge-demo").iterdir()) == FILES


def test_a_seed_makes_the_same_files(run, tmp_path):
    run("demo", "--seed", "3", "--out", "a")
    run("demo", "--seed", "3", "--out", "b")
    run("demo", "--seed", "4", "--out", "c")
    for name in ("bars.csv", "proposals.csv", "trades.csv", "summary.json"):
        first, again, other = (tmp_path / out / name for out in "abc")
        assert first.read_bytes() == again.read_bytes()
        assert first.read_bytes() != other.read_bytes()


def test_variables_of_the_environment_do_not_change_it(run, tmp_path):
    run("demo", "--out", "a")
    name = "FILLBRIDGE_EXECUTION_HANDLER__BACKTEST_SETTINGS__SYMBOL"
    run("demo", "--out", "b", **{name: "NQ"})
    first, again = (tmp_path / out / "trades.csv" for out in "ab")
    assert first.read_bytes() == again.read_bytes()


def test_its_files_give_the_same_trades_in_a_backtest(run, tmp_path):
    shown = run("demo", "--out", "my demo")
    command = shlex.split(shown.splitlines()[-1])
    assert command[:2] == ["fillbridge", "backtest"]
    run(*command[1:])
    for name in ("trades.csv", "trades.parquet"):
        repeated = (tmp_path / "fillbridge-backtest" / name).read_bytes()
        assert repeated == (tmp_path / "my demo" / name).read_bytes()


def test_json_is_the_summary_and_nothing_else(run, tmp_path):
    document = json.loads(run("demo", "--json"))
    assert document.pop("directory") == "fillbridge-demo"
    assert sorted(document.pop("files")) == FILES
    assert document == json.loads((tmp_path / "fillbridge-demo" / "summary.json").read_bytes())


def test_it_shows_what_there_is_to_see(run):
    document = json.loads(run("demo", "--json"))
    assert document["by_exit_reason"]["TP"] > 10
    assert document["by_exit_reason"]["SL"] > 10
    assert document["by_exit_reason"]["SHUTDOWN"] > 0
    assert document["path_dependent"] > 0
    assert 0 < document["rejected"] < 5
    assert document["commission"] > 0
    assert document["slippage"] > 0


def test_nothing_is_cut_off_on_a_narrow_terminal(run):
    shown = unstyle(run("demo", COLUMNS="60", FORCE_COLOR="1"))
    *lines, _ = shown.splitlines()
    assert max(map(len, lines)) <= 60
    assert "…" not in shown


def test_the_tables_fit_a_terminal_and_lose_nothing(run):
    shown = unstyle(run("demo", COLUMNS="80", FORCE_COLOR="1"))
    *lines, _ = shown.splitlines()
    assert max(map(len, lines)) <= 80
    assert "…" not in shown
    trades = [line for line in lines if line.startswith("T")]
    assert [line.split()[0] for line in trades] == [f"T{n + 1}" for n in range(len(trades))]
    assert any(line.split()[6] == "TP*" for line in trades)
    assert "█" in shown


def test_money_on_the_terminal_adds_up(run):
    document = json.loads(run("demo", "--json"))
    shown = run("demo")
    rows = [line.replace(",", "").split() for line in shown.splitlines() if line.startswith("T")]
    for *_, gross, costs, net in rows:
        assert round(float(gross) + float(costs), 2) == float(net)
    assert round(sum(float(row[-1]) for row in rows), 2) == document["pnl_net"]
    assert f"{document['pnl_net']:,.2f}" in shown


def test_a_terminal_without_block_characters_gets_no_picture(fillbridge, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    done = fillbridge("demo")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.isascii()
    assert "net PnL" in done.stdout


def test_it_says_so_where_no_trade_is_made(fillbridge, install):
    install(
        "closed",
        "from fillbridge_hooks import Refuse, hookimpl\n\n\n"
        "@hookimpl\ndef fillbridge_check_risk():\n"
        "    return Refuse(check='closed', limit='an open market', value='a holiday')\n",
    )
    done = fillbridge("demo")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("A made-up session of ES")
    assert "49 (49 rejected)" in done.stdout
    assert "closed: expected an open market, was a holiday" in done.stdout


def test_an_output_that_cannot_be_used(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("mine")
    result = CliRunner().invoke(cli, ["demo", "--out", "file", "--json"])
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("Error: file: expected a directory to write to, was not")


def test_it_replaces_no_file_of_the_user(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_text("mine")
    result = CliRunner().invoke(cli, ["demo", "--out", "."])
    assert result.exit_code == 2
    assert "config.yaml: expected no such file" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["config.yaml"]
    assert (tmp_path / "config.yaml").read_text() == "mine"
