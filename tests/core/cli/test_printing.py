"""What a live run tells, shown by a thread of its own."""

import json
import queue
import threading
from types import SimpleNamespace

import pytest

from fillbridge.cli.live_lines import TextLines, event_line, status_table
from fillbridge.cli.output import console
from fillbridge.cli.printing import JsonLines, Printer

BOUND_S = 30
"""What has not happened by then does not happen any more."""


class Shown:
    """A display that keeps what it was told, and may stall or break."""

    def __init__(self):
        self.shown = queue.Queue()
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.stalled = threading.Event()
        self.error = None
        self.is_closed = False

    def show(self, event):
        self.stalled.set()
        self.may_go_on.wait(BOUND_S)
        if self.error is not None:
            raise self.error
        self.shown.put(event)

    @property
    def events(self):
        return list(self.shown.queue)

    def close(self):
        self.is_closed = True


def warning(message="w", **fields):
    return {"event": "warning", "time_ns": 1, "message": message, **fields}


def test_events_are_shown_in_their_order():
    display = Shown()
    printer = Printer(display)
    told = [warning(str(number)) for number in range(100)]
    for event in told:
        printer.tell(event)
    printer.close()
    assert display.events == told
    assert display.is_closed


def test_a_display_that_stalls_holds_nobody_up_and_what_was_dropped_is_counted(monkeypatch):
    monkeypatch.setattr("fillbridge.cli.printing._MOST_WAITING", 3)
    display = Shown()
    display.may_go_on.clear()
    printer = Printer(display)
    printer.tell(warning("first"))
    assert display.stalled.wait(BOUND_S)
    for number in range(10):
        printer.tell(warning(str(number)))
        printer.tell({"event": "status", "time_ns": 1})
    display.may_go_on.set()
    events = [display.shown.get(timeout=BOUND_S) for _ in range(4)]
    printer.tell(warning("last"))
    printer.close()
    told = [event for event in events + display.events if event["event"] != "status"]
    assert [event.get("message") for event in told][-1] == "last"
    (dropped,) = [event for event in told if event["event"] == "dropped"]
    assert dropped["lines"] + sum(event["event"] == "warning" for event in told) == 12


@pytest.mark.parametrize("error", [BrokenPipeError(), ValueError("closed file")])
def test_a_reader_that_is_gone_is_no_reason_to_stop(error):
    display = Shown()
    display.error = error
    printer = Printer(display)
    for _ in range(3):
        printer.tell(warning())
    printer.close()
    assert display.events == []
    assert not display.is_closed


def test_closing_does_not_wait_for_a_display_that_stalls():
    display = Shown()
    display.may_go_on.clear()
    printer = Printer(display)
    printer.tell(warning())
    printer.close(seconds=0.01)
    assert not display.is_closed
    display.may_go_on.set()


def test_lines_of_json_leave_out_the_status(capsys):
    lines = JsonLines()
    lines.show({"event": "status", "time_ns": 1})
    lines.show(warning())
    lines.close()
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [warning()]


def order(**fields):
    values = {
        "internal_id": "T1_SL",
        "direction": "SELL",
        "size": 2,
        "symbol": "ES",
        "order_type": "stop",
        "price": 123456.75,
        "status": "filled",
        "filled_size": 2,
        "filled_price": 123456.5,
        "broker_response": {"reason": "gap"},
        **fields,
    }
    return SimpleNamespace(**values)


STARTED = {
    "account": "a",
    "driver": "sim",
    "symbol": "ES",
    "epoch": 3,
    "socket": "s",
    "open_positions": 2,
    "recovery": SimpleNamespace(status="recovered", records=7, reason="it was killed"),
}
ENDED = {"trades": 2, "pnl_net": -1234.5, "open_positions": ["T1"], "is_recorded": False}


@pytest.mark.parametrize(
    ("kind", "values", "said"),
    [
        (
            "started",
            STARTED,
            (
                "account a at sim, ES; journal recovered (7 records, epoch 3); commands at s;"
                " it was killed; open trades: 2"
            ),
        ),
        (
            "gate",
            {"gate": "halted", "connection": "connected", "reasons": ["halted: x"]},
            "halted, connected; halted: x",
        ),
        (
            "order",
            {"order": order()},
            "T1_SL SELL 2 ES stop 123456.75: filled, 2 at 123456.5 (gap)",
        ),
        (
            "order",
            {"order": order(price=None, filled_size=0, status="pending", broker_response=None)},
            "T1_SL SELL 2 ES stop: pending",
        ),
        ("refused", {"message": "no", "proposal_id": "p"}, "p: no"),
        ("refused", {"message": "no", "proposal_id": None}, "no"),
        ("alarm", {"message": "fire"}, "fire"),
        ("dropped", {"lines": 9}, "9"),
        ("stopping", {"reason": "SIGTERM"}, "SIGTERM"),
        (
            "ended",
            ENDED,
            "2 trades, net -1,234.50; still open: T1; the journal failed: not all is recorded",
        ),
        ("later", {}, ""),
    ],
)
def test_every_event_is_a_line(kind, values, said):
    line = event_line({"event": kind, "time_ns": 1_700_000_000_000_000_000, **values})
    assert line.plain == f"22:13:20.000 {kind:<8} {said}"


def test_the_table_says_how_things_stand():
    held = {
        "trade_id": "T1",
        "symbol": "ES",
        "direction": "LONG",
        "size": 2,
        "entry_price": 5000.0,
        "stop_loss_price": 4990.0,
        "take_profit_price": 5010.0,
    }
    status = {
        "event": "status",
        "account": "a",
        "driver": "sim",
        "connection": "connected",
        "gate": "halted",
        "reasons": ["halted: [news]"],
        "positions": [held],
        "pending": 1,
        "trades": 3,
        "pnl_net": 12.5,
    }
    out = console()
    with out.capture() as captured:
        out.print(status_table(status))
        out.print(status_table(status | {"positions": []}))
    shown = captured.get()
    for said in (
        "a at sim, connected",
        "HALTED",
        "halted: [news]",
        "T1 ES LONG 2 at 5000, stop 4990, target 5010",
        "1 waiting",
        "3 closed, net 12.50",
        "flat",
    ):
        assert said in shown


def test_a_terminal_gets_the_table_and_everything_else_lines(capsys, monkeypatch):
    lines = TextLines()
    lines.show({"event": "status", "time_ns": 1})
    lines.show(warning("[bold]w"))
    lines.close()
    assert capsys.readouterr().out.rstrip().endswith("warning  [bold]w")
    monkeypatch.setenv("FORCE_COLOR", "1")
    lines = TextLines()
    lines.show(warning())
    lines.close()
    assert "\x1b[" in capsys.readouterr().out
