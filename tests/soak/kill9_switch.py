"""Kills a live handler with SIGKILL at each step of its own kill switch: it stays stopped.

The simulated broker runs as a process of its own and outlives the handler, which holds a position,
has an entry resting, and is stopped at the level FLATTEN or CANCEL. It kills itself at one named
step: before, in and after the latch, the record, the withdrawals and the exits. The next process on
the same journal must be stopped at that level from its first moment, send no entry, and get the
broker's book to what the level asks for. Before the latch stands nothing was stopped, and nothing
answered: there it may be armed. The last line is one JSON object; the exit code is 1 if anything
went on that should not.

    uv run python tests/soak/kill9_switch.py [--point TEXT] [--rounds N] [--json]
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio
from kill9_brokers import SimulatedBroker

_PATIENCE_S = 60.0
_STEPS = (
    "latch",
    "fsync",
    "rename",
    "append",
    "note",
    "commit",
    "carry on",
    "cancellation",
    "change",
)
_COUNTS = {"fsync": (1, 2), "commit": (1, 2, 3), "append": (1, 2, 3), "cancellation": (1, 2)}
_UNLATCHED = {("before", "latch", 1), ("before", "fsync", 1), ("after", "fsync", 1),
              ("before", "rename", 1)}  # fmt: skip
"""Steps before the latch stands."""
LEVELS = ("flatten", "cancel")
_ONLY_FLATTEN = {("change", 1), ("cancellation", 2)}

Point = tuple[str, str, int]


def points() -> list[tuple[str, Point]]:
    """Every step, at each level that has it."""
    return [
        (level, (when, step, count))
        for level in LEVELS
        for step in _STEPS
        for count in _COUNTS.get(step, (1,))
        if level == "flatten" or (step, count) not in _ONLY_FLATTEN
        for when in ("before", "after")
    ]


# The handler


class Trap:
    """Kills this process at its point, once it is armed."""

    def __init__(self, point: Point | None) -> None:
        self._point = point
        self._passed: dict[tuple[str, str], int] = {}
        self.is_armed = False

    def passes(self, when: str, step: str) -> None:
        if not self.is_armed:
            return
        count = self._passed[when, step] = self._passed.get((when, step), 0) + 1
        if self._point == (when, step, count):
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(self, owner: Any, name: str, step: str) -> None:
        original = getattr(owner, name)

        def watched(*arguments: Any, **named: Any) -> Any:
            self.passes("before", step)
            result = original(*arguments, **named)
            self.passes("after", step)
            return result

        setattr(owner, name, watched)


def laid_trap(point: Point | None) -> Trap:
    """A trap at the steps of the switch, not armed yet."""
    from fillbridge.journal import Journal
    from fillbridge.journal.latch import LatchFile
    from fillbridge.live.killing import KillSwitch
    from fillbridge.live.pump import OrderPump

    trap = Trap(point)
    trap.watch(LatchFile, "write", "latch")
    trap.watch(os, "fsync", "fsync")
    trap.watch(Path, "replace", "rename")
    for step in ("append", "note", "commit"):
        trap.watch(Journal, step, step)
    trap.watch(KillSwitch, "carry_on", "carry on")
    send: Callable[..., Any] = OrderPump._send

    async def watched(pump: Any, command: Any) -> Any:
        step = type(command).__name__.lower()
        trap.passes("before", step)
        result = await send(pump, command)
        trap.passes("after", step)
        return result

    OrderPump._send = watched  # type: ignore[assignment, method-assign]
    return trap


def say(**facts: Any) -> None:
    print(json.dumps(facts), flush=True)


async def run_handler(given: dict[str, Any]) -> None:
    """One life: hold and rest something and stop, or look whether it is stopped."""
    from fillbridge import LiveExecutionHandler, Plugins, RiskProposal
    from fillbridge_hooks import FillbridgeError, KillLevel, OrderStatus, OrderType

    point = given["point"]
    trap = laid_trap(tuple(point) if point else None)
    plugins = Plugins()
    plugins.load()
    number = given["first"]

    def proposal(**fields: Any) -> RiskProposal:
        nonlocal number
        number += 1
        usual = {
            "position_size": 1,
            "direction": "LONG",
            "urgency": "high",
            "stop_loss_ticks": 400,
            "take_profit_ticks": 400,
            "timeout_seconds": None,
            "proposal_id": f"P{number}",
        }
        return RiskProposal(**{**usual, **fields})

    async with LiveExecutionHandler(given["configuration"], plugins=plugins) as handler:
        say(level=handler.get_connection_status()["kill"]["level"])
        if not point:
            await look_after(handler, proposal)
            return
        while handler.get_connection_status()["gate"] != "open":  # noqa: ASYNC110  # it may poll
            await anyio.sleep(0.01)
        while handler._trading.market.view("ES").last is None:  # noqa: ASYNC110  # it may poll
            await anyio.sleep(0.01)
        held = await handler.execute_trade(proposal())
        await handler.wait_open(held)
        far = {"entry_type": OrderType.LIMIT, "entry_limit_price": 1000.0}
        await handler.execute_trade(proposal(**far))
        pending = OrderStatus.PENDING
        while any(one.status is pending for one in handler.order_history.values()):  # noqa: ASYNC110
            await anyio.sleep(0.01)
        say(ready=True)
        sys.stdin.readline()
        trap.is_armed = True
        handler.kill(KillLevel(given["level"]), "the test", "kill9")
        with anyio.move_on_after(5):
            while True:
                with suppress(FillbridgeError):
                    await handler.execute_trade(proposal())
                    say(traded=True)
                await anyio.sleep(0.02)
        say(missed=True)
        os.kill(os.getpid(), signal.SIGKILL)


async def look_after(handler: Any, proposal: Callable[..., Any]) -> None:
    """Propose all the time, until the parent has seen enough."""
    from fillbridge_hooks import FillbridgeError

    async with anyio.create_task_group() as group:

        async def propose() -> None:
            while True:
                with suppress(FillbridgeError):
                    await handler.execute_trade(proposal())
                await anyio.sleep(0.02)

        group.start_soon(propose)
        await anyio.to_thread.run_sync(sys.stdin.readline)
        group.cancel_scope.cancel()
    say(end=handler.get_connection_status()["kill"])


# The harness


class Life:
    """A process of the handler."""

    def __init__(self, given: dict[str, Any]) -> None:
        command = [sys.executable, __file__, "--handler", json.dumps(given)]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def hear(self, what: str) -> Any:
        """The next time it says this."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            facts = json.loads(line)
            if what in facts:
                return facts[what]
        _, errors = self.process.communicate()
        raise RuntimeError(f"it never said {what}: {errors[-2000:]}")

    def go(self) -> None:
        """Let it go on."""
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def rest(self) -> list[dict[str, Any]]:
        """What it says until it is gone."""
        try:
            out, _ = self.process.communicate(timeout=_PATIENCE_S)
        finally:
            self.process.kill()
        return [json.loads(line) for line in out.splitlines()]


def entries(broker: SimulatedBroker) -> set[str]:
    """Every entry that the broker ever had."""
    names = (one["client_order_id"] for one in broker.book()["orders"])
    return {name for name in names if name.endswith("_ENTRY")}


def open_after(broker: SimulatedBroker, level: str) -> str:
    """What the book still has that ``level`` does not let it have."""
    book = broker.book()
    working = [
        one["client_order_id"]
        for one in book["orders"]
        if one["status"] in ("submitted", "partial_filled", "pending")
    ]
    wrong = [name for name in working if level == "flatten" or name.endswith("_ENTRY")]
    if level == "flatten" and book["held"]:
        wrong.append(f"holds {book['held']}")
    return ", ".join(wrong)


def judge(level: str, point: Point, folder: Path, seed: int) -> str:
    """Kill at one point; what went wrong."""
    broker = SimulatedBroker(folder, seed)
    try:
        return _judge(broker, level, point, folder)
    finally:
        broker.end()


def _judge(broker: SimulatedBroker, level: str, point: Point, folder: Path) -> str:
    live = {**broker.live_settings, "journal": str(folder / "j"), "quarantine": 3.0}
    configuration = {"execution_handler": {"mode": "live", "live_settings": live}}
    given = {"configuration": configuration, "level": level, "point": point, "first": 0}
    first = Life(given)
    first.hear("ready")
    before = entries(broker)
    first.go()
    said = first.rest()
    if any("traded" in facts for facts in said):
        return "an entry was traded after the switch was pulled"
    if any("missed" in facts for facts in said):
        return "the step was never reached"
    second = Life({**given, "point": None, "first": 1000})
    found = second.hear("level")
    if found is None and point in _UNLATCHED:
        second.go()
        second.rest()
        return ""
    if found != level:
        second.process.kill()
        return f"it started as {found}"
    wrong = _wait_until_open_is_over(broker, level)
    second.go()
    (end,) = [facts["end"] for facts in second.rest() if "end" in facts]
    if end["level"] != level:
        return f"it ended as {end['level']}"
    if entries(broker) != before:
        return f"entries left: {sorted(entries(broker) - before)}"
    return wrong and f"still open: {wrong}"


def _wait_until_open_is_over(broker: SimulatedBroker, level: str) -> str:
    import time

    ends = time.monotonic() + _PATIENCE_S
    wrong = open_after(broker, level)
    while wrong and time.monotonic() < ends:
        time.sleep(0.1)
        wrong = open_after(broker, level)
    # What would leave late has time to.
    time.sleep(0.5)
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--point", default="", help="only those with this text: 'after latch'")
    parser.add_argument("--rounds", type=int, default=1, metavar="N")
    parser.add_argument("--json", action="store_true", help="print the JSON object alone")
    parser.add_argument("--handler", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.handler:
        anyio.run(run_handler, json.loads(options.handler))
        return 0
    bad = []
    count = 0
    for number in range(options.rounds):
        for level, point in points():
            name = f"{level}: {point[0]} {point[1]} {point[2]}"
            if options.point not in name:
                continue
            count += 1
            with tempfile.TemporaryDirectory(prefix="kill9-") as folder:
                wrong = judge(level, point, Path(folder), 1000 * number + count)
            if wrong:
                bad.append(name)
            if not options.json:
                print(f"{name:32} {wrong or 'stays stopped'}", flush=True)
    print(json.dumps({"kills": count, "bad": bad}))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
