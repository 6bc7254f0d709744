"""``fillbridge run`` from its start to its end."""

import json
import os
import signal
from pathlib import Path

import pytest
from click.testing import CliRunner

from fillbridge.cli.main import cli
from fillbridge.journal import open_journal
from fillbridge_hooks import VirtualClock

SECOND = 1_000_000_000


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working directory without variables that would set anything."""
    for name in [name for name in os.environ if name.startswith("FILLBRIDGE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def invoke(folder):
    """Runs a command in this process; its result."""

    def invoke(*arguments):
        return CliRunner().invoke(cli, list(arguments), catch_exceptions=False)

    return invoke


def events_of(result):
    return [json.loads(line) for line in result.stdout.splitlines()]


def write_proposal(folder, **fields):
    values = {
        "proposal_id": "p1",
        "position_size": 1,
        "direction": "LONG",
        "urgency": "high",
        "stop_loss_ticks": 400,
        "take_profit_ticks": 400,
        **fields,
    }
    (folder / "ideas.jsonl").write_text(json.dumps(values) + "\n")
    return "ideas.jsonl"


def write_ticks(folder, count=200, step_ns=50_000_000):
    rows = [f"{i * step_ns},{5000 + i % 40 * 0.25},1" for i in range(1, count + 1)]
    (folder / "ticks.csv").write_text("\n".join(["ts_event,price,size", *rows]) + "\n")
    return "ticks.csv"


# Processes


def test_a_handler_trades_drains_on_a_signal_and_is_alone_on_its_account(
    folder, invoke, start_handler
):
    handler = start_handler(folder)
    started = handler.wait_for("started")
    assert (started["account"], started["driver"]) == ("default", "sim")
    assert started["recovery"]["status"] == "new"
    handler.wait_open()
    assert invoke("propose", "--file", write_proposal(folder)).exit_code == 0
    second = invoke("run")
    assert second.exit_code == 2
    assert second.stderr == (
        "Error: account 'default': expected no other handler, was in use by process"
        f" {handler.process.pid} (fillbridge-journal/default/lock)\n"
    )
    assert handler.end(signal.SIGTERM) == 0
    assert handler.errors == ""
    ended = handler.events[-1]
    assert (ended["event"], ended["reason"], ended["is_recorded"]) == ("ended", "SIGTERM", True)
    assert len(ended["open_positions"]) == 1
    assert not (folder / "fillbridge-journal/default/handler.sock").exists()
    orders = {one["order"]["internal_id"] for one in handler.events if one["event"] == "order"}
    assert {order_id.partition("_")[2] for order_id in orders} == {"ENTRY", "SL", "TP"}
    gone = invoke("status")
    assert gone.exit_code == 3
    assert gone.stderr.startswith("Error: account 'default': no handler answers at ")
    recovery = open_journal(
        folder / "fillbridge-journal", "default", clock=VirtualClock(SECOND)
    ).recovery
    assert recovery.status == "clean"


def test_a_handler_that_was_killed_recovers_and_says_so(folder, invoke, start_handler):
    ideas = write_proposal(folder)
    killed = start_handler(folder)
    killed.wait_open()
    first = json.loads(invoke("propose", "--file", ideas, "--json").stdout)
    assert killed.end(signal.SIGKILL) == -signal.SIGKILL
    assert (folder / "fillbridge-journal/default/handler.sock").exists()
    gone = invoke("positions")
    assert gone.exit_code == 3

    again = start_handler(folder)
    started = again.wait_for("started")
    assert started["recovery"]["status"] == "recovered"
    assert started["recovery"]["reason"].startswith("the last run did not stop in order")
    assert started["open_positions"] == 1
    # Known, so not made twice.
    second = json.loads(invoke("propose", "--file", ideas, "--json").stdout)
    assert second == first
    assert again.end(signal.SIGINT) == 0


def test_a_second_signal_ends_it_at_once(folder, start_handler):
    plugin = folder / "slow"
    plugin.mkdir()
    (plugin / "their_slow.py").write_text(SLOW)
    info = plugin / "their_slow-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: their-slow\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[fillbridge]\nslow = their_slow\n")
    (folder / "c.yaml").write_text("execution_handler: {live_settings: {provider: slow}}")
    os.environ["PYTHONPATH"] = str(plugin)
    try:
        handler = start_handler(folder, "--config", "c.yaml")
    finally:
        del os.environ["PYTHONPATH"]
    handler.wait_for("gate", connection="connected")
    handler.process.send_signal(signal.SIGTERM)
    handler.wait_for("stopping")
    assert handler.end(signal.SIGTERM) == 1
    assert handler.events[-1]["event"] == "stopping"


SLOW = """
from contextlib import asynccontextmanager
import anyio
from fillbridge_hooks import Capabilities, hookimpl

class Session:
    async def receive(self): await anyio.sleep_forever()
    async def working_orders(self): await anyio.sleep_forever()

class Slow:
    capabilities = Capabilities()
    @asynccontextmanager
    async def connect(self, terms):
        try:
            yield Session()
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.sleep_forever()

@hookimpl
def fillbridge_register_drivers(register):
    register("slow", Slow())
"""


# In this process


def test_recorded_data_is_traded_to_its_end(folder, invoke):
    arguments = ("--replay", write_ticks(folder), "--speed", "max")
    result = invoke("run", *arguments, "--json")
    assert result.exit_code == 0, result.stderr
    events = events_of(result)
    assert [one["event"] for one in events][:1] == ["started"]
    assert [one["event"] for one in events][-2:] == ["stopping", "ended"]
    assert events[-2]["reason"] == "the market data has ended"
    assert events[-1]["trades"] == 0
    shown = invoke("run", *arguments)
    assert "stopping the market data has ended" in shown.stdout
    assert "0 trades, net 0.00" in shown.stdout
    assert "journal clean" in shown.stdout


def test_data_that_cannot_be_read_ends_it(folder, invoke):
    write_ticks(folder)
    with (folder / "ticks.csv").open("a") as file:
        file.write("nonsense,1,1\n")
    result = invoke("run", "--replay", "ticks.csv", "--speed", "max", "--json")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ticks.csv, line 202: ts_event: expected")


def test_it_ends_after_the_time_it_is_given(folder, invoke):
    result = invoke("run", "--for", "0.1", "--account", "a1", "--symbol", "NQ", "--json")
    assert result.exit_code == 0
    started, *_, stopping, _ended = events_of(result)
    assert (started["account"], started["symbol"]) == ("a1", "NQ")
    assert started["socket"] == "fillbridge-journal/a1/handler.sock"
    assert stopping["reason"] == "the time is over"


@pytest.mark.parametrize("provider", ["theirs", "sim-remote"])
def test_paper_mode_keeps_away_from_the_account_of_a_broker(folder, invoke, provider):
    (folder / "c.yaml").write_text(
        "execution_handler: {mode: backtest, live_settings: {provider: PROVIDER, account: real,"
        " environment: prod}}".replace("PROVIDER", provider)
    )
    arguments = ("--config", "c.yaml", "--replay", write_ticks(folder), "--speed", "max", "--json")
    started = events_of(invoke("run", *arguments))[0]
    assert (started["account"], started["driver"]) == ("paper", "sim")
    started = events_of(invoke("run", *arguments, "--account", "mine"))[0]
    assert started["account"] == "mine"


def test_the_account_of_a_simulated_broker_is_shared_with_paper_mode(folder, invoke):
    (folder / "c.yaml").write_text(
        "execution_handler: {live_settings: {provider: sim-bracket, account: a1}}"
    )
    arguments = ("--config", "c.yaml", "--replay", write_ticks(folder), "--speed", "max", "--json")
    started = events_of(invoke("run", *arguments))[0]
    assert (started["account"], started["driver"]) == ("a1", "sim-bracket")


def test_faults_are_rehearsed_with_a_seed(folder, invoke):
    result = invoke("run", "--chaos", "hell", "--seed", "7", "--for", "0.1", "--json")
    assert result.exit_code == 0
    assert events_of(result)[0]["event"] in ("started", "warning")


def test_chaos_that_is_not_installed_is_said(folder, invoke, monkeypatch):
    monkeypatch.setattr("fillbridge.cli.run._has_chaos", lambda plugins: False)
    result = invoke("run", "--chaos", "hell")
    assert result.exit_code == 2
    assert result.stderr == (
        "Error: --chaos: expected the plugin 'chaos', which the distribution fillbridge-chaos has,"
        " was not installed\n"
    )


@pytest.mark.parametrize(
    ("settings", "arguments", "said"),
    [
        ("live_settings: {providr: sim}", (), "live_settings.providr: unknown key"),
        ("live_settings: {order_timeout: x}", (), "order_timeout: expected number > 0, was 'x'"),
        (
            "live_settings: {provider: nobody}",
            (),
            "provider: expected 'rithmic', 'sim', 'sim-bracket'",
        ),
        ("mode: backtest", (), "execution_handler.mode: expected 'live' to run, was 'backtest'"),
        ("live_settings: {account: ../x}", (), "account: expected text that matches"),
        (f"live_settings: {{socket: {'x' * 120}}}", (), "name a shorter one in live_settings"),
        ("", ("--symbol", "NOPE"), "symbol: expected one of the built-in contracts"),
        ("", ("--replay", "no.csv"), "no.csv: expected a file, was none"),
        ("", ("--replay", "c.yaml"), "expected a name that ends in .csv or .csv.gz"),
        ("", ("--replay", "ticks.csv", "--speed", "fast"), "--speed: expected a number >= 0"),
        ("", ("--replay", "ticks.csv", "--speed", "-1"), "speed: expected"),
        ("", ("--speed", "2"), "--speed: expected together with --replay, was alone"),
        ("", ("--quotes", "q.csv"), "--quotes: expected together with --replay, was alone"),
        ("", ("--chaos", "mild"), "chaos.profile: expected one of"),
        ("", ("--for", "0"), "0.0 is not in the range x>0"),
        ("", ("--config", "no.yaml"), "no.yaml"),
    ],
)
def test_input_that_cannot_be_used_is_one_sentence(folder, invoke, settings, arguments, said):
    write_ticks(folder)
    (folder / "c.yaml").write_text(f"execution_handler: {{{settings}}}")
    if "--config" not in arguments:
        arguments = ("--config", "c.yaml", *arguments)
    result = invoke("run", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    *_usage, sentence = result.stderr.splitlines()
    assert sentence.startswith("Error: ")


def test_a_journal_that_others_may_read_is_refused(folder, invoke):
    assert invoke("run", "--for", "0.05").exit_code == 0
    Path("fillbridge-journal/default/journal.db").chmod(0o644)
    result = invoke("run", "--for", "0.05")
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: fillbridge-journal/default/journal.db: expected")
    assert result.stdout == ""


def test_a_socket_in_use_is_refused(folder, invoke):
    Path("s").write_text("mine")
    Path("c.yaml").write_text("execution_handler: {live_settings: {socket: s}}")
    result = invoke("run", "--config", "c.yaml")
    assert result.exit_code == 2
    assert "s: expected a socket, or nothing, was another file" in result.stderr
    assert Path("s").read_text() == "mine"
