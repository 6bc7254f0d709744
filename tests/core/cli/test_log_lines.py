"""The log of a run as JSON: a document per line, without secrets."""

import json
import logging
import sys

import pytest

from fillbridge.cli.crash import crash_line, guard_crashes
from fillbridge.cli.log_lines import json_logs
from fillbridge.cli.output import REDACTOR, cleaned
from fillbridge_hooks import Secret

CANARY = "CANARY-hunter2"


@pytest.fixture
def canary(monkeypatch):
    monkeypatch.setattr(REDACTOR, "_secrets", [])
    monkeypatch.setattr(REDACTOR, "_forms", [])
    REDACTOR.learn(Secret(CANARY))
    return CANARY


def lines(captured):
    return [json.loads(line) for line in captured.err.splitlines()]


def test_every_record_is_one_line(capsys, canary):
    with json_logs(REDACTOR, "debug"):
        logging.getLogger("fillbridge.live").debug("three %d\nlines\x9b", 3)
        logging.getLogger("websockets.client").debug("> %s", canary)
        try:
            raise ValueError(canary)
        except ValueError:
            logging.getLogger("theirs").exception("it failed with %s", canary)
    captured = capsys.readouterr()
    assert canary not in captured.err
    assert "\x9b" not in captured.err
    first, second = lines(captured)
    assert (first["event"], first["level"], first["logger"]) == (
        "three 3\\nlines\\x9b",
        "debug",
        "fillbridge.live",
    )
    assert first["timestamp"].endswith("Z")
    assert "exception" not in first
    assert second["event"] == "it failed with ***"
    assert second["exception"].endswith("ValueError: ***")


def test_what_is_below_the_level_is_not_written_and_afterwards_nothing_is(capsys):
    root = logging.getLogger()
    before = root.level, root.handlers[:]
    with json_logs(REDACTOR, "warning"):
        logging.getLogger("fillbridge").info("not worth it")
    assert (root.level, root.handlers) == before
    assert capsys.readouterr().err == ""


def test_lines_that_were_dropped_are_counted(capsys, monkeypatch):
    monkeypatch.setattr("fillbridge.cli.log_lines.Printer", Dropping)
    with json_logs(REDACTOR, "info"):
        pass
    assert lines(capsys.readouterr())[0]["event"] == "7 lines of the log were dropped"


class Dropping:
    def __init__(self, display):
        self.display = display
        self.tell = display.show

    def close(self):
        self.display.show({"event": "dropped", "time_ns": 1, "lines": 7})
        self.display.close()


def test_a_record_that_cannot_be_shown_ends_nothing(capsys, monkeypatch):
    monkeypatch.setattr("fillbridge.cli.log_lines.printable_json", lambda text: 1 / 0)
    with json_logs(REDACTOR, "info"):
        logging.getLogger("theirs").info("hello")
    assert lines(capsys.readouterr())[0]["event"] == "a record of 'theirs' cannot be shown"


def test_a_crash_report_says_where_and_no_secret(canary):
    try:
        raise KeyError(f"no such password={canary}\nError: forged")
    except KeyError as error:
        said = cleaned(crash_line(error))
    assert said.startswith(f"unexpected KeyError at {__file__}:")
    assert canary not in said
    assert "\n" not in said


def test_errors_that_end_threads_and_the_process_are_told_alike(capsys, canary, monkeypatch):
    import threading

    for owner, name in ((sys, "excepthook"), (threading, "excepthook"), (sys, "unraisablehook")):
        monkeypatch.setattr(owner, name, getattr(owner, name))
    monkeypatch.setattr(logging, "lastResort", None)
    guard_crashes()

    def fail():
        raise OSError(canary)

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    try:
        fail()
    except OSError as error:
        sys.excepthook(OSError, error, None)
        sys.unraisablehook(type("Failed", (), {"exc_value": error})())
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 3
    assert all(line.startswith("Error: unexpected OSError at ") for line in said)
    assert all(line.endswith(": ***") for line in said)
