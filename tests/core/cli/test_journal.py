"""``fillbridge journal``: what it prints, and how it ends."""

import csv
import json
import os
import subprocess

import apsw
import pytest
from click.testing import CliRunner

from fillbridge.cli.main import cli
from fillbridge.journal import open_journal
from fillbridge.journal.places import places
from fillbridge_hooks import VirtualClock

NOW = 1_700_000_000_000_000_000


@pytest.fixture
def state(tmp_path, account):
    """A directory with the journal of an account that made two trades."""
    directory = tmp_path / "state"
    made = account()
    journal = open_journal(directory, "SIM", clock=VirtualClock(NOW), durability="process")
    made.trade()
    made.trade(direction="SHORT", leg="SL", exit_at=4010.0)
    journal.append(made.recorded, NOW)
    journal.note("gate", {"state": "[bold]OPEN"}, NOW)
    journal.commit()
    journal.close(clean=True)
    return directory


@pytest.fixture
def run():
    def invoke(*arguments):
        return CliRunner().invoke(cli, ["journal", *map(str, arguments)])

    return invoke


def change(state, statement):
    connection = apsw.Connection(str(places(state, "SIM").database))
    connection.execute(statement)
    connection.close()


def test_show_prints_the_newest_records(state, run):
    done = run("show", state, "--last", 3)

    assert done.exit_code == 0, done.output
    assert "[bold]OPEN" in done.output
    assert "journal.closed" in done.output
    assert "2023-11-14 22:13:20" in done.output
    assert "TradeApproved" not in done.output


def test_show_prints_records_as_json(state, run):
    done = run("show", state, "--json")
    found = json.loads(done.output)

    assert done.exit_code == 0
    assert found["account"] == "SIM"
    assert [one["seq"] for one in found["records"]] == list(range(1, len(found["records"]) + 1))
    assert found["records"][0]["kind"] == "journal.opened"
    assert found["records"][1]["record"] == "TradeApproved"
    assert found["records"][1]["plan"]["trade_id"] == "T1"


def test_show_prints_records_of_one_kind(state, run):
    found = json.loads(run("show", state, "--kind", "FillBooked", "--last", 3, "--json").output)

    assert [one["record"] for one in found["records"]] == ["FillBooked"] * 3
    assert found["records"][-1]["fill"]["client_order_id"] == "T2_SL"


def test_show_ends_at_a_record_that_was_changed(state, run):
    change(state, "UPDATE record SET wall = 5 WHERE seq > 1 AND seq < 30")

    done = run("show", state, "--json")

    assert done.exit_code == 1
    assert "Error: record 2: it or its place in the chain was changed" in done.stderr
    assert [one["seq"] for one in json.loads(done.stdout)["records"]] == [1]


def test_verify_says_that_nothing_was_changed(state, run):
    done = run("verify", state)

    assert done.exit_code == 0
    assert done.output.startswith("account SIM: records 1 to ")
    assert "are as they were written; 1 checkpoints agree" in done.output
    assert json.loads(run("verify", state, "--json").output)["is_sound"] is True


def test_verify_names_the_first_record_that_was_changed(state, run):
    change(state, "UPDATE record SET payload = x'dd00000001c0' WHERE seq = 2")

    done = run("verify", state)
    assert done.exit_code == 1
    assert done.stderr == (
        "Error: account SIM, record 2: it or its place in the chain was changed\n"
    )
    as_json = run("verify", state, "--json")
    assert as_json.exit_code == 1
    assert json.loads(as_json.stdout)["bad_seq"] == 2


def test_verify_compares_checkpoints_from_elsewhere(state, run, tmp_path):
    done = run("verify", state, "--checkpoints", places(state, "SIM").checkpoints)
    assert done.exit_code == 0

    missing = run("verify", state, "--checkpoints", tmp_path)
    assert missing.exit_code == 2
    assert "expected checkpoints of account 'SIM'" in missing.stderr


def test_export_writes_every_change_of_a_position(state, run):
    done = run("export", state)
    rows = list(csv.DictReader(done.output.splitlines()))

    assert done.exit_code == 0
    assert [(row["before"], row["delta"], row["after"], row["cause"]) for row in rows] == [
        ("0", "2", "2", "entry"),
        ("2", "-2", "0", "TP"),
        ("0", "-2", "-2", "entry"),
        ("-2", "2", "0", "SL"),
    ]
    assert {row["account"] for row in rows} == {"SIM"}
    assert rows[1]["average_price"] == ""


def test_export_writes_json_lines_to_a_file(state, run, tmp_path):
    out = tmp_path / "positions.jsonl"

    done = run("export", state, "--format", "jsonl", "--out", out)
    lines = [json.loads(line) for line in out.read_text().splitlines()]

    assert done.output == f"4 changes of positions in {out}\n"
    assert [line["after"] for line in lines] == [2, 0, -2, 0]
    assert lines[1]["average_price"] is None
    as_json = json.loads(run("export", state, "--out", out, "--json").output)
    assert as_json == {"account": "SIM", "file": str(out), "lines": 4}


def test_export_ends_at_a_record_that_was_changed(state, run):
    change(state, "UPDATE record SET wall = 5 WHERE seq = 2")

    assert run("export", state).exit_code == 1


def test_the_account_is_named_where_there_are_several(state, run):
    open_journal(state, "OTHER", clock=VirtualClock(NOW)).close(clean=True)

    done = run("verify", state)
    assert (done.exit_code, done.stderr) == (
        2,
        f"Error: {state}: expected one account, was OTHER, SIM; name it\n",
    )
    assert run("verify", state, "--account", "OTHER").exit_code == 0
    assert "no journal of account 'NONE'" in run("verify", state, "--account", "NONE").stderr


@pytest.mark.parametrize("name", [".", "nowhere"])
def test_a_directory_without_a_journal_is_refused(tmp_path, run, name):
    done = run("show", tmp_path / name)

    assert done.exit_code == 2
    assert done.stderr == f"Error: {tmp_path / name}: expected a directory with a journal\n"


def test_the_folder_of_an_account_is_not_that_of_all_journals(state, run, monkeypatch):
    monkeypatch.chdir(state / "SIM")
    for folder in (state / "SIM", "."):
        done = run("verify", folder)

        said = f"expected the folder of all journals, {state}, was an account's"
        assert (done.exit_code, done.stderr) == (2, f"Error: {folder}: {said}\n")


@pytest.mark.parametrize("name", ["database", "key"])
@pytest.mark.parametrize("command", ["show", "verify", "export"])
def test_what_others_may_read_is_refused(state, run, name, command):
    getattr(places(state, "SIM"), name).chmod(0o644)

    done = run(command, state)

    assert done.exit_code == 2
    assert "was 0644: others may read or write it (chmod 600 it)" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_key_may_stand_elsewhere(state, run, tmp_path):
    key = tmp_path / "key"
    places(state, "SIM").key.rename(key)

    assert run("verify", state).exit_code == 2
    assert run("verify", state, "--key", key).exit_code == 0
    key.write_bytes(b"another key, just as long as that")
    assert run("verify", state, "--key", key).exit_code == 1


def test_a_file_that_is_no_database_is_said_in_a_sentence(state, run):
    places(state, "SIM").database.write_bytes(b"nothing" * 100)

    for command in ("show", "verify", "export"):
        done = run(command, state)
        assert done.exit_code == 1
        assert "Error: record 1: the file is damaged" in done.stderr


def test_a_handler_that_runs_is_not_disturbed(state, run):
    journal = open_journal(state, "SIM", clock=VirtualClock(NOW))
    journal.note("gate", {"state": "HALTED"}, NOW)
    journal.commit()

    assert "HALTED" in run("show", state).output
    assert run("verify", state).exit_code == 0
    journal.note("gate", {"state": "OPEN"}, NOW)
    journal.commit()
    journal.close(clean=True)
    assert run("verify", state).exit_code == 0


def test_a_reader_that_stops_reading_is_no_error(state, executable):
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [executable, "journal", "export", state],
        stdout=write,
        stderr=subprocess.PIPE,
        check=False,
        text=True,
    )
    os.close(write)

    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["show", "verify", "export"])
def test_help_has_an_example(run, command):
    assert f"fillbridge journal {command} state" in run(command, "--help").output
