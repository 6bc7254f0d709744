"""The commands to a running handler."""

import json
import signal

import msgspec
import pytest
from click.testing import CliRunner

from fillbridge.cli.main import cli
from fillbridge.cli.manage import COMMANDS

CONFIG = """execution_handler:
  live_settings:
    journal: {folder}/j
    durability: process
    simulation: {{volatility: 0.0, ticks_per_second: 50}}
"""


@pytest.fixture(scope="module")
def config(tmp_path_factory, start_handler):
    """The configuration of a handler that runs."""
    folder = tmp_path_factory.mktemp("run")
    path = folder / "c.yaml"
    path.write_text(CONFIG.format(folder=folder))
    handler = start_handler(folder, "--config", str(path))
    handler.wait_open()
    yield path
    assert handler.end(signal.SIGTERM) == 0


@pytest.fixture
def invoke(config, tmp_path, monkeypatch):
    """Runs a command to that handler; its result."""
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments):
        where = () if "--socket" in arguments else ("--config", str(config))
        return CliRunner().invoke(cli, [*arguments, *where], catch_exceptions=False)

    invoke("resume")
    yield invoke
    invoke("close-all")


@pytest.fixture
def document(invoke):
    """Runs a command with --json; what it prints."""

    def document(*arguments):
        result = invoke(*arguments, "--json")
        assert result.exit_code == 0, result.stderr
        return json.loads(result.stdout)

    return document


@pytest.fixture
def propose(invoke, tmp_path):
    """Proposes the trades of a file; its result."""

    def propose(*rows, name="ideas.jsonl", arguments=()):
        if name.endswith(".csv"):
            content = "\n".join(rows)
        else:
            content = "\n".join(msgspec.json.encode(row).decode() for row in rows)
        (tmp_path / name).write_text(content + "\n")
        return invoke("propose", "--file", name, *arguments)

    return propose


_numbers = iter(range(1000))


def idea(**fields):
    return {
        "proposal_id": f"p{next(_numbers)}",
        "position_size": 1,
        "direction": "LONG",
        "urgency": "high",
        "stop_loss_ticks": 400,
        "take_profit_ticks": 400,
        **fields,
    }


def resting(**fields):
    return idea(entry_type="limit", entry_limit_price=4500.0, **fields)


def until(document, command, condition):
    """The answers to a command from the first on that fulfils the condition."""
    for _ in range(500):
        found = document(command)
        if condition(found):
            return found
    raise AssertionError(found)


def test_the_status_says_whether_entries_may_leave(invoke, document):
    status = document("status")
    assert (status["gate"], status["account"], status["is_recording"]) == ("open", "default", True)
    shown = invoke("status").stdout
    assert "default at sim, connected" in shown
    assert "new at the start, epoch 1" in shown


def test_a_trade_is_seen_from_its_entry_to_its_end(invoke, document, propose):
    assert propose(idea()).exit_code == 0
    (position,) = until(document, "positions", lambda found: found[0]["bracket_orders"])
    assert (position["direction"], position["size"], position["status"]) == ("LONG", 1, "open")
    assert position["trade_id"] in invoke("positions").stdout
    legs = {order["internal_id"].partition("_")[2] for order in document("orders")}
    assert legs == {"SL", "TP"}
    assert "_ENTRY" in invoke("orders", "--all").stdout
    assert "_ENTRY" not in invoke("orders").stdout
    closing = invoke("close-all")
    assert (closing.exit_code, closing.stdout) == (0, "closing 1 trade\n")
    until(document, "positions", lambda found: not found)
    trade = document("trades")[-1]
    assert (trade["trade_id"], trade["exit_reason"]) == (position["trade_id"], "MANUAL")
    assert position["trade_id"] in invoke("trades", "--last", "1").stdout
    assert document("metrics")["trades_closed"] >= 1
    assert "trades closed" in invoke("metrics").stdout


def test_what_is_empty_is_said(invoke, document):
    until(document, "positions", lambda found: not found)
    assert invoke("positions").stdout == "flat: no position, and no entry that may still fill\n"
    assert invoke("orders").stdout == "no order may still fill\n"


def test_entries_are_withdrawn(invoke, document, propose):
    assert propose(resting()).exit_code == 0
    assert [one["status"] for one in document("positions")] == ["pending"]
    assert document("cancel-all") == {"said": "withdrawing every entry"}
    until(document, "positions", lambda found: not found)


def test_a_halt_refuses_proposals_until_somebody_resumes(invoke, document, propose):
    halted = invoke("halt", "--reason", "news at 14:00")
    assert (halted.exit_code, halted.stdout) == (0, "halted until somebody resumes\n")
    assert document("status")["reasons"] == ["halted: news at 14:00"]
    assert "halted: news at 14:00" in invoke("status").stdout
    refused = propose(idea(proposal_id="r"))
    assert refused.exit_code == 1
    assert refused.stdout == (
        "r: refused: gate: expected open for entries, was halted (news at 14:00)\n"
    )
    assert refused.stderr == "Error: 1 of 1 proposals were not executed\n"
    assert document("resume") == {"said": "the gate is open"}


def test_flattening_closes_everything_and_halts(invoke, document, propose):
    assert propose(idea(), resting()).exit_code == 0
    until(document, "positions", lambda found: found[0]["bracket_orders"])
    said = "halted until somebody resumes, closing 2 trades\n"
    assert invoke("flatten", "--reason", "fire").stdout == said
    until(document, "positions", lambda found: not found)
    assert document("status")["reasons"] == ["halted: fire"]


def test_a_proposal_is_traded_once(document, propose):
    same = idea()
    first = propose(same, arguments=("--json",))
    again = propose(same, arguments=("--json",))
    assert first.exit_code == again.exit_code == 0
    assert json.loads(first.stdout) == json.loads(again.stdout)
    assert len(document("positions")) == 1


def test_a_proposal_that_breaks_a_rule_is_bad_input(propose):
    result = propose(idea(proposal_id="a"), idea(proposal_id="b", symbol="NOPE"))
    assert result.exit_code == 2
    done, invalid = result.stdout.splitlines()
    assert done.startswith("a: trade FB")
    assert invalid.startswith("b: invalid: symbol: expected one of the built-in contracts")
    assert result.stderr == "Error: 1 of 2 proposals were not executed\n"


CSV = "proposal_id,ts,direction,position_size,stop_loss_ticks,take_profit_ticks,timeout_seconds"


def test_rows_that_were_decided_long_ago_are_taken_only_when_that_is_asked_for(propose, document):
    rows = (CSV, "c1,1000,LONG,1,40,40,", "c2,4000000000000000000,LONG,1,40,40,")
    result = propose(*rows, name="ideas.csv")
    assert result.exit_code == 2
    assert result.stderr.startswith(
        "Error: ideas.csv: 1 of 2 rows were decided longer ago than their entries live, nothing"
        " was sent: row 2 (c1) "
    )
    assert result.stderr.endswith("s ago; --now takes all as decided now\n")
    assert document("positions") == []
    assert propose(*rows, name="ideas.csv", arguments=("--now",)).exit_code == 0


@pytest.mark.parametrize(
    ("name", "rows", "said"),
    [
        ("i.csv", (CSV, "c1,1,UP,1,40,40,", "c2,1,LONG,0,40,40,"), "i.csv: 2 of 2 rows cannot"),
        ("i.csv", ("a,b", "1,2"), "i.csv: expected the columns proposal_id"),
        ("i.csv", (CSV,), "i.csv: expected at least one row, was none"),
        ("i.txt", ("x",), "i.txt: expected a name that ends in .jsonl, .ndjson, .csv"),
        ("i.jsonl", (), "i.jsonl: expected at least one line, was none"),
        ("i.jsonl", ("text",), "row 1: line: expected an object of JSON, was 'text'"),
        ("i.jsonl", ({"position_size": 1, "direction": "LONG"},), "row 1: proposal_id: expected"),
        ("i.jsonl", (idea(sise=2),), "): sise: unknown field; known are position_size, stop_lo"),
        ("i.jsonl", (idea(entry_type="LIMIT"),), "entry_type: expected one of 'market', 'limit'"),
        ("i.jsonl", (idea(position_size="2"),), "position_size: expected int, was '2'"),
        ("i.jsonl", (idea(arrival={"bid": "x"}),), "): arrival: "),
        ("i.jsonl", (idea(arrival={"mid": 4000.0}),), "): arrival: Object contains unknown field"),
        ("i.jsonl", ({"proposal_id": "z"},), "(z): position_size: expected a value, was absent"),
        ("i.jsonl", (idea(proposal_id="x"), idea(proposal_id="x")), "row 2 (x): proposal_id: exp"),
        ("i.jsonl", ["text"] * 12, "; and 2 more"),
    ],
)
def test_a_file_with_rows_that_cannot_be_used_sends_nothing(propose, document, name, rows, said):
    result = propose(*rows, name=name)
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""
    assert document("positions") == []


@pytest.mark.parametrize("rest", ["}", "[" * 5000])
def test_a_line_that_is_half_json_is_said(invoke, tmp_path, rest):
    (tmp_path / "i.jsonl").write_text('{"proposal_id": 1, "x": ' + rest + "\n")
    result = invoke("propose", "--file", "i.jsonl")
    assert result.exit_code == 2
    assert "i.jsonl: 1 of 1 rows cannot be used, nothing was sent: row 1: " in result.stderr


def test_a_file_that_is_not_there_is_said(invoke):
    for name in ("no.csv", "no.jsonl"):
        result = invoke("propose", "--file", name)
        assert result.exit_code == 2
        assert result.stderr.startswith(f"Error: {name}: ")


# Nobody there


@pytest.mark.parametrize("command", [command.name for command in COMMANDS])
def test_a_command_that_finds_nobody_says_so(invoke, command):
    result = invoke(command, "--account", "other")
    assert result.exit_code == 3
    assert result.stdout == ""
    assert result.stderr.startswith("Error: account 'other': no handler answers at ")
    assert result.stderr.endswith("; there are sockets of other accounts: default\n")


def test_a_proposal_that_finds_nobody_says_so(propose):
    result = propose(idea(), arguments=("--account", "other"))
    assert result.exit_code == 3
    assert result.stderr.startswith("Error: account 'other': no handler answers at ")


def test_a_handler_is_found_by_its_socket(invoke, config):
    assert (
        invoke("status", "--socket", str(config.parent / "j/default/handler.sock")).exit_code == 0
    )
    result = invoke("status", "--socket", "nowhere")
    assert result.exit_code == 3
    assert result.stderr == "Error: no handler answers at nowhere; fillbridge run starts one\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("status", "--socket", "x" * 120), "expected the path of a socket of at most"),
        (("status", "--account", "../x"), "account: expected text that matches"),
        (("halt", "--reason", "x" * 501), "expected at most 500 characters, was 501"),
        (("trades", "--last", "0"), "0 is not in the range"),
    ],
)
def test_input_that_cannot_be_used_is_said(invoke, arguments, said):
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert said in result.stderr


@pytest.mark.parametrize("command", [*COMMANDS, cli.commands["run"], cli.commands["propose"]])
def test_every_command_has_help_with_an_example(command):
    result = CliRunner().invoke(cli, [command.name, "--help"])
    assert result.exit_code == 0
    assert f"  Example:\n    fillbridge {command.name}" in result.stdout
    assert "--json" in result.stdout
