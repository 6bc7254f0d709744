"""Times the kill switch: from the latch to the last entry that leaves, and until the book is flat.

A live handler trades at the simulated broker in this process, in real time, with everything that
it records synced. Proposals come without pause; at a random moment the switch is pulled at the
level FLATTEN, and each entry that the session is handed is timed. Then it is armed again. The last
line is one JSON object: of ``latch_to_last_entry_ms`` an entry that left before the latch counts as
0; ``pull_to_latch_ms`` is what the latch takes to stand; ``flat_ms`` is until the broker holds
nothing and nothing works, by its book.

    uv run python tests/benchmarks/kill.py [--kills N] [--json]
"""

import argparse
import json
import os
import platform
import random
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio

from fillbridge import LiveExecutionHandler, Plugins, RiskProposal
from fillbridge.journal.latch import LatchFile, LatchState
from fillbridge_hooks import (
    ApprovedOrder,
    FillbridgeError,
    KillLevel,
    OrderRole,
    OrderType,
    SendOutcome,
    Session,
    hookimpl,
)

_MS = 1e6
_PROPOSERS = 3
_LONGEST_S = 0.015
"""Within this the switch is pulled, from when entries leave."""
_PATIENCE_S = 30.0
_HEARD_S = 0.06
"""So long after the switch entries are still watched for."""


class Watched:
    """A session whose entries are timed as they are handed over."""

    def __init__(self, session: Session, frames: "Frames") -> None:
        self._session = session
        self._frames = frames

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    async def submit(self, approved: ApprovedOrder) -> SendOutcome:
        outcome = await self._session.submit(approved)
        if approved.order.role is OrderRole.ENTRY:
            self._frames.entries_ns.append(time.perf_counter_ns())
        return outcome


class Frames:
    """A plugin that stands at the session."""

    def __init__(self) -> None:
        self.entries_ns: list[int] = []

    @hookimpl
    def fillbridge_wrap_session(self, session: Session, broker: str) -> Session:
        return Watched(session, self)


class Yardstick:
    """One append of a record's size with fdatasync."""

    def __init__(self, folder: str) -> None:
        self._file = (Path(folder) / "yardstick").open("ab", buffering=0)

    def take(self) -> float:
        started = time.perf_counter_ns()
        self._file.write(os.urandom(1_024))
        os.fdatasync(self._file.fileno())
        return (time.perf_counter_ns() - started) / _MS

    def close(self) -> None:
        self._file.close()


def configuration(folder: str) -> dict[str, Any]:
    """The settings of the run."""
    return {
        "execution_handler": {
            "mode": "live",
            "live_settings": {
                "journal": folder,
                "max_loop_lag_ms": 10_000,
                "simulation": {"ticks_per_second": 200, "volatility": 0.0, "seed": 1},
            },
        }
    }


def proposal(number: int) -> RiskProposal:
    """One bracket; every second entry rests below the market."""
    resting: dict[str, Any] = {}
    if number % 2:
        resting = {"entry_type": OrderType.LIMIT, "entry_limit_price": 1000.0}
    return RiskProposal(
        position_size=1,
        direction="LONG",
        stop_loss_ticks=40,
        take_profit_ticks=40,
        urgency="high",
        proposal_id=f"P{number}",
        **resting,
    )


class Bench:
    """Pulls the switch again and again."""

    def __init__(self, handler: LiveExecutionHandler, plugins: Plugins, frames: Frames) -> None:
        self._handler = handler
        self._plugins = plugins
        self._frames = frames
        self._number = 0
        self._latched_ns = 0
        self.after_latch = 0
        """Entries that left after the latch."""
        self.last_ms: list[float] = []
        self.latch_ms: list[float] = []
        self.flat_ms: list[float] = []

    def watch_the_latch(self) -> None:
        """Take the time at which each latch stands."""
        write = LatchFile.write

        def timed(latch: LatchFile, state: LatchState) -> None:
            write(latch, state)
            self._latched_ns = time.perf_counter_ns()

        LatchFile.write = timed  # type: ignore[assignment, method-assign]

    async def _propose(self) -> None:
        while True:
            self._number += 1
            with suppress(FillbridgeError):
                await self._handler.execute_trade(proposal(self._number))
            await anyio.lowlevel.checkpoint()

    async def kill_once(self, by: random.Random) -> None:
        """One round: trade, pull, watch, get flat, arm."""
        handler, entries = self._handler, self._frames.entries_ns
        entries.clear()
        async with anyio.create_task_group() as group:
            for _ in range(_PROPOSERS):
                group.start_soon(self._propose)
            while not entries:
                await anyio.lowlevel.checkpoint()
            await anyio.sleep(by.random() * _LONGEST_S)
            pulled_ns = time.perf_counter_ns()
            handler.kill(KillLevel.FLATTEN, "benchmark", "benchmark")
            # The handler writes the latch first; what it did since is time in which none may leave.
            latched_ns = self._first_latch_ns(pulled_ns)
            await anyio.sleep(_HEARD_S)
            group.cancel_scope.cancel()
        with anyio.move_on_after(_PATIENCE_S):
            while not self._is_flat():  # noqa: ASYNC110  # the book tells nobody
                await anyio.sleep(0.001)
        flat_ns = time.perf_counter_ns()
        if not self._is_flat():
            raise SystemExit("the book did not get flat")
        self.after_latch += sum(one > latched_ns for one in entries)
        self.last_ms.append(max(0, entries[-1] - latched_ns) / _MS)
        self.latch_ms.append((latched_ns - pulled_ns) / _MS)
        self.flat_ms.append((flat_ns - pulled_ns) / _MS)
        while handler.open_positions:  # noqa: ASYNC110  # it may poll
            await anyio.sleep(0.001)
        handler.resume("benchmark")
        while handler.get_connection_status()["gate"] != "open":  # noqa: ASYNC110  # it may poll
            await anyio.sleep(0.001)

    def _first_latch_ns(self, pulled_ns: int) -> int:
        if self._latched_ns < pulled_ns:
            raise SystemExit("the switch was pulled without a latch")
        return self._latched_ns

    def _is_flat(self) -> bool:
        ledger = self._plugins.driver("sim").broker.accounts["default"].ledger  # type: ignore[union-attr]
        return not any(one.quantity for one in ledger.positions()) and not ledger.working_orders()


async def measure(kills: int) -> dict[str, Any]:
    """Pull the switch so often; the figures."""
    frames, by = Frames(), random.Random(1)
    plugins = Plugins()
    plugins.load()
    plugins.register(frames, "frames")
    with tempfile.TemporaryDirectory(dir=".") as folder:
        yardstick = Yardstick(folder)
        appends = []
        async with LiveExecutionHandler(configuration(folder), plugins=plugins) as handler:
            bench = Bench(handler, plugins, frames)
            bench.watch_the_latch()
            while handler.get_connection_status()["gate"] != "open":  # noqa: ASYNC110  # it may poll
                await anyio.sleep(0.01)
            for _ in range(kills):
                appends.append(yardstick.take())
                await bench.kill_once(by)
            defects = handler.metrics.defects
        yardstick.close()
    return {
        "kills": kills,
        "entries_after_latch": bench.after_latch,
        "latch_to_last_entry_ms": figures(bench.last_ms),
        "pull_to_latch_ms": figures(bench.latch_ms),
        "flat_ms": figures(bench.flat_ms),
        "yardstick": {"fdatasync_append_ms": round(percentile(appends, 0.5), 4)},
        "defects": defects,
        "python": platform.python_version(),
    }


def percentile(values: list[float], share: float) -> float:
    """The value that ``share`` of the others do not exceed."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def figures(values: list[float]) -> dict[str, float]:
    """What is told of a measurement, ms."""
    return {
        "p50": round(percentile(values, 0.5), 4),
        "p99": round(percentile(values, 0.99), 4),
        "max": round(max(values), 4),
    }


def main() -> int:
    """Measure and print; 1 if an entry left more than 50 ms after the latch."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=1_000, metavar="N")
    parser.add_argument("--json", action="store_true", help="print the JSON object alone")
    options = parser.parse_args()
    document = anyio.run(measure, options.kills)
    if not options.json:
        for name in ("latch_to_last_entry_ms", "pull_to_latch_ms", "flat_ms"):
            print(name, json.dumps(document[name]), flush=True)
    print(json.dumps(document))
    return 0 if document["latch_to_last_entry_ms"]["p99"] < 50 else 1


if __name__ == "__main__":
    raise SystemExit(main())
