"""Trades brackets for a long time and watches that nothing grows.

The whole live handler, its journal included, against a broker that answers at once. Every
hundredth of the way memory, tasks, descriptors and threads are counted. Right before each entry a
yardstick is taken that lasts about as long, so that what disturbs the one disturbs the other: an
append with fdatasync for `power`, a hundred round trips through msgspec for `process`. Of each
tenth of the way, the percentile of the latencies is told in the same percentile of the yardsticks.
What a machine does to a disk and to its caches meets no yardstick of that kind, so there is a
second one, a young handler: with each tenth of the way another begins, with a journal of its own,
and after each hundredth it trades a tenth as many brackets in the same way; what grows with age is
slower than it. An entry that was refused, or did not leave for its moment had passed while the
machine stood still, is counted as `not_sent`. Ctrl-C ends it with what there is by then. The last
line is one JSON object; the exit code is 1 if something grew.

    uv run python tests/soak/soak.py --brackets N [--per-minute N] [--durability power|process]
        [--json]
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import signal
import sys
import tempfile
import threading
import time
from array import array
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import anyio.lowlevel
from rich.progress import Progress

from fillbridge import LiveExecutionHandler, Plugins
from fillbridge_hooks import EntryNotSent, OrderRefused

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from types import ModuleType

BENCHMARK = Path(__file__).parents[1] / "benchmarks" / "live.py"
SAMPLES = 100
SETTLED = 0.2
"""Of the way: what memory at the end is compared with."""
MOST_GROWTH = 0.05
TRIPS = 100
"""Round trips to a yardstick."""
TENTHS = 10
YOUNG_SHARE = 10
"""Of so many brackets a young handler trades one."""
NANOSECONDS_PER_MS = 1e6
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def load_benchmark() -> ModuleType:
    """The module with the broker and the proposals."""
    specification = importlib.util.spec_from_file_location("fillbridge_benchmark_live", BENCHMARK)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def resident_mb() -> float:
    """Memory of this process now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * PAGE_BYTES / (1 << 20)


def sample() -> dict[str, float]:
    """What must not grow."""
    return {
        "rss_mb": resident_mb(),
        "tasks": len(anyio.get_running_tasks()),
        "descriptors": sum(1 for _ in Path("/proc/self/fd").iterdir()),
        "threads": threading.active_count(),
    }


class Times:
    """What entries took, ms; the room is taken at the start: what is looked for is memory."""

    def __init__(self, room: int) -> None:
        self._latencies, self._yardsticks = (array("d", bytes(8 * room)) for _ in range(2))
        self.count = 0

    def add(self, latency: float, yardstick: float) -> None:
        """Take one more, with the yardstick right before it."""
        self._latencies[self.count] = latency
        self._yardsticks[self.count] = yardstick
        self.count += 1

    def latencies(self, share: float) -> list[float]:
        """Of each tenth of the way, the latency that ``share`` of the others do not exceed."""
        return self._by_tenth(self._latencies, share)

    def yardsticks(self, share: float) -> list[float]:
        """Likewise, of the yardsticks."""
        return self._by_tenth(self._yardsticks, share)

    def _by_tenth(self, values: array[float], share: float) -> list[float]:
        ends = [self.count * tenth // TENTHS for tenth in range(TENTHS + 1)]
        if self.count < TENTHS:
            return []
        tenths = [sorted(values[begin:end]) for begin, end in pairwise(ends)]
        return [tenth[int(share * len(tenth))] for tenth in tenths]


class Found:
    """What was measured on the way."""

    def __init__(self, brackets: int) -> None:
        self.old, self.young = Times(brackets), Times(brackets)
        self.samples: list[dict[str, float]] = []
        self.not_sent = 0


class Trader:
    """Trades brackets through one handler, one after the other."""

    def __init__(self, benchmark: ModuleType, broker: Any, handler: LiveExecutionHandler) -> None:
        self._benchmark = benchmark
        self._broker = broker
        self._handler = handler
        self._made = 0

    async def trade(self) -> float:
        """From the proposal to the broker, ms; returns once the position is closed.

        :raises EntryNotSent: if its moment had passed
        :raises OrderRefused: if the handler refused it
        """
        self._made += 1
        proposal = self._benchmark.proposal(self._made)
        self._broker.closed = anyio.Event()
        started = time.perf_counter_ns()
        trade_id = await self._handler.execute_trade(proposal)
        handed_ns: int = self._broker.handed_ns.pop(f"{trade_id}_ENTRY")
        await self._broker.closed.wait()
        while self._handler.open_positions:
            await anyio.lowlevel.checkpoint()
        return (handed_ns - started) / NANOSECONDS_PER_MS


@asynccontextmanager
async def begin(benchmark: ModuleType, durability: str) -> AsyncIterator[Trader]:
    """One with a new handler, a new journal and a broker of its own."""
    broker = benchmark.Broker()
    plugins = Plugins()
    plugins.load()
    plugins.register(benchmark.Plugin(broker), "benchmark")
    with tempfile.TemporaryDirectory(dir=".") as folder:
        configuration = benchmark.configuration(folder, durability)
        async with LiveExecutionHandler(configuration, plugins=plugins) as handler:
            while handler.get_connection_status()["gate"] != "open":  # noqa: ASYNC110
                await anyio.sleep(0.01)
            yield Trader(benchmark, broker, handler)


async def soak(brackets: int, per_minute: int | None, durability: str, advance: Any) -> Found:
    """Trade until it is enough, or Ctrl-C; what was found."""
    benchmark = load_benchmark()
    every = brackets // SAMPLES
    found = Found(brackets)
    is_over = threading.Event()
    signal.signal(signal.SIGINT, lambda *_: is_over.set())
    due = anyio.current_time()

    async def trade(trader: Trader, count: int, times: Times) -> None:
        nonlocal due
        for _ in range(count):
            if is_over.is_set():
                return
            if per_minute is not None:
                due += 60 / per_minute
                await anyio.sleep_until(due)
            one = append() if durability == "power" else sum(trip() for _ in range(TRIPS))
            try:
                times.add(await trader.trade(), one)
            except (EntryNotSent, OrderRefused):
                found.not_sent += 1

    with (
        tempfile.TemporaryDirectory(dir=".") as folder,
        benchmark.yardsticks(folder) as (append, trip),
    ):
        async with begin(benchmark, durability) as old:
            for _ in range(TENTHS):
                async with begin(benchmark, durability) as young:
                    for _ in range(0 if is_over.is_set() else SAMPLES // TENTHS):
                        await trade(old, every, found.old)
                        await trade(young, max(1, every // YOUNG_SHARE), found.young)
                        found.samples.append(sample())
                        advance(every)
    return found


def ratios(values: list[float], to: list[float]) -> list[float]:
    """Each in its yardstick."""
    return [round(value / one, 2) for value, one in zip(values, to, strict=bool(to))]


def summarise(found: Found, seconds: float) -> dict[str, Any]:
    """The figures, and whether anything grew."""
    samples, old, young = found.samples, found.old, found.young
    settled = samples[int(SETTLED * len(samples)) - 1]
    last = samples[-1]
    growth = last["rss_mb"] / settled["rss_mb"] - 1
    constant = {
        name: max(one[name] for one in samples[int(SETTLED * len(samples)) - 1 :]) <= settled[name]
        for name in ("tasks", "descriptors", "threads")
    }
    document: dict[str, Any] = {
        "brackets": old.count,
        "not_sent": found.not_sent,
        "brackets_per_s": round((old.count + young.count) / seconds),
        "rss_mb_at_20_percent": round(settled["rss_mb"], 1),
        "rss_mb_at_the_end": round(last["rss_mb"], 1),
        "rss_mb_by_tenth": [
            round(samples[len(samples) * tenth // TENTHS - 1]["rss_mb"], 1)
            for tenth in range(1, TENTHS + 1)
        ],
        "rss_growth": round(growth, 4),
        **{f"{name}_constant": is_constant for name, is_constant in constant.items()},
    }
    for share in (0.5, 0.99):
        name, latencies = f"p{round(100 * share)}", old.latencies(share)
        document[f"{name}_ms_by_tenth"] = [round(each, 4) for each in latencies]
        document[f"{name}_in_yardsticks_by_tenth"] = ratios(latencies, old.yardsticks(share))
        document[f"{name}_in_young_handlers_by_tenth"] = ratios(latencies, young.latencies(share))
    return document | {"grew": growth > MOST_GROWTH or not all(constant.values())}


def main() -> int:
    """Soak and say what grew."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--brackets", type=int, default=10_000, metavar="N", help="in hundreds")
    parser.add_argument("--per-minute", type=int, metavar="N", help="as fast as they go if not set")
    parser.add_argument("--durability", choices=("power", "process"), default="process")
    parser.add_argument("--json", action="store_true", help="print the JSON object alone")
    options = parser.parse_args()
    if options.brackets < SAMPLES:
        parser.error(f"--brackets: expected at least {SAMPLES}, was {options.brackets}")
    started = time.monotonic()
    with Progress(disable=options.json or not sys.stderr.isatty()) as progress:
        bar = progress.add_task("Brackets", total=options.brackets)
        found = anyio.run(
            soak,
            options.brackets,
            options.per_minute,
            options.durability,
            lambda step: progress.advance(bar, step),
        )
    if not found.samples:
        parser.exit(2, "ended before a hundredth of the way: there is nothing to tell\n")
    document = summarise(found, time.monotonic() - started)
    print(json.dumps(document))
    return 1 if document["grew"] else 0


if __name__ == "__main__":
    sys.exit(main())
