"""Signed proposals from the command line, and the commands for those that wait."""

import json
import signal

import msgspec
import pytest
from click.testing import CliRunner

from fillbridge.cli.main import cli

CONFIG = """execution_handler:
  live_settings:
    journal: {folder}/j
    durability: process
    simulation: {{volatility: 0.0, ticks_per_second: 50}}
    secrets: {folder}/secrets
    proposal_keys:
      desk: {{secret: "${{DESK}}", strategies: [s1, s2, s3]}}
      wrong: {{secret: "${{WRONG}}", strategies: [s1]}}
  risk_controls:
    anomaly_hold: true
"""


@pytest.fixture(scope="module")
def config(tmp_path_factory, start_handler):
    """The configuration of a handler that runs, and demands signatures."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "secrets").mkdir()
    for name in ("DESK", "WRONG"):
        path = folder / "secrets" / name
        path.touch(0o600)
        path.write_text(f"the secret {name} of more than 32 bytes\n")
    path = folder / "c.yaml"
    path.write_text(CONFIG.format(folder=folder))
    handler = start_handler(folder, "--config", str(path))
    handler.wait_open()
    # From here on whoever signs with it does so with another secret than the handler's.
    (folder / "secrets" / "WRONG").write_text("another secret of more than 32 bytes\n")
    yield path
    assert handler.end(signal.SIGTERM) == 0


@pytest.fixture
def invoke(config, tmp_path, monkeypatch):
    """Runs a command to that handler; its result."""
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments):
        where = () if "--socket" in arguments else ("--config", str(config))
        return CliRunner().invoke(cli, [*arguments, *where], catch_exceptions=False)

    yield invoke
    invoke("close-all")


@pytest.fixture
def propose(invoke, tmp_path):
    """Proposes one trade of a strategy; the result."""

    def propose(name, strategy, *arguments):
        row = {
            "proposal_id": name,
            "position_size": 1,
            "direction": "LONG",
            "urgency": "high",
            "stop_loss_ticks": 40,
            "take_profit_ticks": 40,
            "strategy": strategy,
        }
        (tmp_path / "ideas.jsonl").write_bytes(msgspec.json.encode(row) + b"\n")
        return invoke("propose", "--file", "ideas.jsonl", *arguments)

    return propose


def held(result):
    """The id under which the proposal waits."""
    assert result.exit_code == 1, result.output
    assert "1 of 1 proposals were not executed" in result.stderr
    return result.stdout.strip().rpartition("it waits as ")[2]


def test_nothing_waits_at_first(invoke):
    assert invoke("holds").stdout == "no proposal waits for approval\n"
    assert invoke("holds", "--json").stdout.strip() == "[]"


def test_a_signed_proposal_waits_is_listed_and_approved(invoke, propose):
    hold_id = held(propose("a1", "s1", "--sign", "desk"))
    table = invoke("holds").stdout
    assert hold_id in table
    assert "LONG 1 ES" in table
    (listed,) = json.loads(invoke("holds", "--json").stdout)
    assert (listed["hold_id"], listed["proposal_id"]) == (hold_id, "a1")

    approved = invoke("approve", hold_id)
    assert approved.exit_code == 0
    assert approved.stdout.startswith(f"approved what waited as {hold_id}: trade FB")
    again = propose("a1", "s1", "--sign", "desk")
    assert again.exit_code == 0
    assert again.stdout.startswith("a1: trade FB")


def test_a_rejected_one_is_refused(invoke, propose):
    hold_id = held(propose("b1", "s2", "--sign", "desk"))
    rejected = invoke("reject", hold_id, "--reason", "not today", "--json")
    assert json.loads(rejected.stdout) == {"said": f"refused what waited as {hold_id}"}
    again = propose("b1", "s2", "--sign", "desk")
    assert again.exit_code == 1
    assert "not today" in again.stdout


@pytest.mark.parametrize("command", ["approve", "reject"])
def test_what_does_not_wait_is_neither_approved_nor_rejected(invoke, command):
    result = invoke(command, "H9-9")
    assert result.exit_code == 1
    assert "no held proposal with id 'H9-9' is known here" in result.stderr


@pytest.mark.parametrize(
    ("name", "strategy", "arguments", "said"),
    [
        ("c1", "s1", (), "signature: expected one by a key that this account knows, was none"),
        ("c2", "s1", ("--sign", "wrong"), "signature: expected a genuine one, was not"),
        ("c3", "s9", ("--sign", "desk"), "signature: expected one of a strategy that its key"),
    ],
)
def test_what_is_not_signed_right_is_refused(propose, name, strategy, arguments, said):
    result = propose(name, strategy, *arguments)
    assert result.exit_code == 1
    assert result.stdout.startswith(f"{name}: refused: {said}")


def test_a_key_that_is_not_configured_sends_nothing(propose):
    result = propose("d1", "s1", "--sign", "none")
    assert result.exit_code == 2
    assert "proposal_keys.none: expected a configured key (desk, wrong), was none" in result.stderr


def test_a_secret_that_is_not_there_is_named(propose, config):
    secret = config.parent / "secrets" / "WRONG"
    kept = secret.read_text()
    secret.unlink()
    result = propose("d2", "s1", "--sign", "wrong")
    secret.touch(0o600)
    secret.write_text(kept)
    assert result.exit_code == 2
    assert "${WRONG}: expected a secret" in result.stderr


def test_a_reason_has_a_bound(invoke):
    assert invoke("reject", "H9-9", "--reason", "x" * 501).exit_code == 2
