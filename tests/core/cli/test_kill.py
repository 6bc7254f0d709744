"""The commands of the kill switch, the signal, and the keys of operators."""

import json
import signal

import pytest
from click.testing import CliRunner

from fillbridge.cli.main import cli

CONFIG = """execution_handler:
  mode: live
  live_settings:
    journal: {folder}/j
    durability: process
    environment: {environment}
    operators: {operators}
    simulation: {{volatility: 0.0, ticks_per_second: 50}}
  risk_controls: {{max_position_size: {size}, strategy_entries_per_day: 1}}
"""


class Place:
    """A folder with keys of two operators, and the handler that knows them."""

    def __init__(self, folder):
        self.folder = folder
        self.config = folder / "c.yaml"
        (folder / "passphrase").write_text("correct horse\n")
        (folder / "passphrase").chmod(0o600)
        self.operators = {}
        for name in ("ann", "bob"):
            made = self.run("operators", "new", name, *self.key(name), "--json")
            assert made.exit_code == 0, made.stderr
            self.operators[name] = json.loads(made.stdout)["public_key"]
        self.configure()

    def key(self, name):
        return ("--key", str(self.folder / f"{name}.pem"), "--passphrase-file", self.passphrase)

    @property
    def passphrase(self):
        return str(self.folder / "passphrase")

    def configure(self, size=5, environment="sim"):
        text = CONFIG.format(
            folder=self.folder,
            operators=json.dumps(self.operators),
            size=size,
            environment=environment,
        )
        self.config.write_text(text)

    def run(self, *arguments):
        return CliRunner().invoke(cli, arguments, catch_exceptions=False)

    def ask(self, *arguments):
        return self.run(*arguments, "--config", str(self.config))

    def level(self):
        return json.loads(self.ask("status", "--json").stdout)["kill"]["level"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return Place(tmp_path_factory.mktemp("place"))


@pytest.fixture(scope="module")
def running(place, start_handler):
    handler = start_handler(place.folder, "--config", str(place.config))
    handler.wait_open()
    yield handler
    assert handler.end(signal.SIGTERM) == 0


def arm(place, *names):
    for name in names:
        done = place.ask("arm", "--operator", name, *place.key(name))
        assert done.exit_code == 0, done.stderr
    return done


def test_it_is_pulled_and_armed_again_by_one(place, running):
    done = place.ask("kill", "cancel", "--reason", "the feed is wrong")
    assert (done.exit_code, place.level()) == (0, "cancel")
    assert done.stdout == "stopped until it is armed, withdrawing every entry\n"
    refused = place.ask("arm")
    assert refused.exit_code == 1
    assert "expected approvals of one operator, approved by nobody" in refused.stderr
    armed = arm(place, "ann")
    assert "cancel by" in armed.stdout
    assert armed.stdout.endswith("the gate is open\n")
    assert place.level() is None


def test_after_flatten_two_arm_it(place, running):
    assert place.ask("kill", "flatten").exit_code == 0
    first = arm(place, "ann")
    assert first.stdout.endswith("approved by ann; two operators are needed\n")
    assert place.ask("resume").exit_code == 1
    assert place.level() == "flatten"
    arm(place, "bob")
    assert place.level() is None


def test_the_old_names_are_levels_of_it(place, running):
    assert place.ask("halt").exit_code == 0
    assert place.level() == "pause"
    assert place.ask("flatten").exit_code == 0
    assert place.level() == "flatten"
    arm(place, "bob", "ann")


def test_a_signal_stops_everything(place, running):
    running.process.send_signal(signal.SIGUSR1)
    running.wait_for("gate", gate="halted")
    assert place.level() == "flatten"
    arm(place, "bob", "ann")


def test_a_suspended_strategy_goes_on_by_name(place, running):
    row = {
        "proposal_id": "P1",
        "position_size": 1,
        "direction": "LONG",
        "urgency": "high",
        "stop_loss_ticks": 40,
        "take_profit_ticks": 40,
        "strategy": "s1",
    }
    (place.folder / "ideas.jsonl").write_text(json.dumps(row))
    proposed = place.ask("propose", "--file", str(place.folder / "ideas.jsonl"))
    assert proposed.exit_code == 0, proposed.stderr
    # The first alarm may be another one, of a machine that is slow.
    for _ in range(100):
        shown = " ".join(place.ask("status").stdout.split())
        if "suspended" in shown:
            break
    assert "expected < 1 entries a day of 's1', was 1" in shown
    refused = place.ask("resume", "--strategy", "s1")
    assert refused.exit_code == 1
    assert "resume: expected approvals of one operator" in refused.stderr
    assert "suspended: 's1'" in place.ask("resume").stdout
    done = place.ask("resume", "--strategy", "s1", "--operator", "ann", *place.key("ann"))
    assert done.exit_code == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "strategy 's1' goes on; the gate is open"
    again = place.ask("resume", "--strategy", "s1", "--operator", "ann", *place.key("ann"))
    assert (again.exit_code, "is not suspended" in again.stderr) == (2, True)
    assert place.ask("resume", "--operator", "ann", *place.key("ann")).exit_code == 2
    place.ask("close-all")


def test_somebody_is_alive(place, running):
    assert place.ask("alive").stdout == "the dead man's timer begins anew\n"


@pytest.mark.parametrize("arguments", [("kill",), ("kill", "lunch"), ("arm", "--operator", "ann")])
def test_what_is_incomplete_is_refused(place, running, arguments):
    assert place.ask(*arguments).exit_code == 2


def test_operators_are_listed(place):
    found = json.loads(place.ask("operators", "list", "--json").stdout)
    assert found == place.operators


def test_a_key_is_not_written_over(place):
    again = place.run("operators", "new", "ann", *place.key("ann"))
    assert again.exit_code == 2
    assert "expected no file yet" in again.stderr


def test_limits_are_shown_and_compared(place, running):
    shown = json.loads(place.ask("limits", "show", "--json").stdout)
    assert shown["content"]["limits"]["risk_controls.max_position_size"] == 5
    lines = place.ask("limits", "show").stdout.splitlines()
    # As "limits set" takes them.
    assert "  risk_controls.max_position_size: 5" in lines
    assert "  risk_controls.max_order_quantity: null" in lines
    assert "  risk_controls.emergency_stop_enabled: true" in lines
    assert '  live_settings.dead_man_level: "cancel"' in lines
    place.configure(size=9)
    try:
        found = place.ask("limits", "diff")
        assert "risk_controls.max_position_size: 5 -> 9 (looser)" in found.stdout
        assert "this takes no approvals" in found.stdout
        assert found.exit_code == 0
    finally:
        place.configure()


def test_looser_limits_of_a_live_account_take_two(tmp_path, start_handler):
    place = Place(tmp_path)
    place.configure(environment="prod")
    assert place.ask("plugins", "lock").exit_code == 0
    handler = start_handler(place.folder, "--config", str(place.config))
    handler.wait_for("started")
    assert handler.end(signal.SIGTERM) == 0
    place.configure(size=6, environment="prod")
    diff = place.ask("limits", "diff", "--json")
    assert diff.exit_code == 1
    assert json.loads(diff.stdout)["needs_approval"]

    refused = start_handler(place.folder, "--config", str(place.config))
    assert refused.wait() == 2
    assert "max_position_size: 5 -> 6 (looser)" in refused.errors

    nothing = place.ask("limits", "approve", "--operator", "ann", *place.key("ann"))
    assert nothing.exit_code == 2
    assert place.ask("limits", "propose").exit_code == 0
    for name in ("ann", "bob"):
        done = place.ask("limits", "approve", "--operator", name, *place.key(name))
        assert done.exit_code == 0, done.stderr
        assert "5 -> 6 (looser)" in done.stdout
    handler = start_handler(place.folder, "--config", str(place.config))
    handler.wait_for("started")
    assert handler.end(signal.SIGTERM) == 0
    shown = json.loads(place.ask("limits", "show", "--json").stdout)
    assert shown["approved_by"] == ["ann", "bob"]
    assert shown["content"]["limits"]["risk_controls.max_position_size"] == 6


def test_limits_of_a_running_account_are_tightened_at_once_and_loosened_by_two(
    tmp_path, start_handler
):
    place = Place(tmp_path)
    place.configure(environment="prod")
    assert place.ask("plugins", "lock").exit_code == 0
    handler = start_handler(place.folder, "--config", str(place.config))
    handler.wait_for("started")
    tighter = place.ask("limits", "set", "max_position_size", "3")
    assert tighter.stdout == "risk_controls.max_position_size: 5 -> 3 (tighter)\n", tighter.stderr
    looser = ("limits", "set", "max_position_size", "4")
    refused = place.ask(*looser)
    assert refused.exit_code == 1
    assert "limits: expected approvals of two operators, approved by nobody" in refused.stderr
    first = place.ask(*looser, "--operator", "ann", *place.key("ann"))
    assert first.exit_code == 0, first.stderr
    assert first.stdout.splitlines() == [
        "risk_controls.max_position_size: 3 -> 4 (looser)",
        "approved by ann; two operators are needed",
    ]
    second = place.ask(*looser, "--operator", "bob", *place.key("bob"), "--json")
    answer = json.loads(second.stdout)
    assert (answer["is_in_force"], answer["approved_by"]) == (True, ["ann", "bob"])
    for arguments in (("max_position_size", "0"), ("max_postion_size", "3"), ("symbols", "ESZ6")):
        assert place.ask("limits", "set", *arguments).exit_code == 2
    assert place.ask("limits", "set", "symbols", "[]").stdout == "nothing changes\n"
    shown = json.loads(place.ask("limits", "show", "--json").stdout)
    assert shown["content"]["limits"]["risk_controls.max_position_size"] == 4
    assert shown["approved_by"] == ["ann", "bob"]
    assert handler.end(signal.SIGTERM) == 0
    # What the file says is looser again.
    again = start_handler(place.folder, "--config", str(place.config))
    assert again.wait() == 2
    assert "max_position_size: 4 -> 5 (looser)" in again.errors
