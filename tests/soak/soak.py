"""Trades brackets for a long time and watches that nothing grows.

The whole live handler, its journal included, against a broker that answers at once. Every
hundredth of the way memory, tasks, descriptors and threads are counted. Right before each entry a
yardstick is taken that lasts about as long, so that what disturbs the one disturbs the other: of
each tenth of the way, the percentile of the latencies is told in the same percentile of the
yardsticks. An entry that was refused, or did not leave for its moment had passed while the machine
stood still, is counted as `not_sent`. Ctrl-C ends it with what there is by then. The last line is
one JSON object; the exit code is 1 if something grew.

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
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import anyio.lowlevel
from rich.progress import Progress

from fillbridge import LiveExecutionHandler, Plugins
from fillbridge_hooks import EntryNotSent, OrderRefused

if TYPE_CHECKING:
    from types import ModuleType

BENCHMARK = Path(__file__).parents[1] / "benchmarks" / "live.py"
SAMPLES = 100
SETTLED = 0.2
"""Of the way: what memory at the end is compared with."""
MOST_GROWTH = 0.05
TRIPS = 100
"""Round trips through msgspec to a yardstick."""
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


async def soak(
    brackets: int, per_minute: int | None, durability: str, advance: Any
) -> tuple[list[dict[str, float]], array[float], array[float], int]:
    """Trade; the samples, of each bracket that left the latency and yardstick, ms, and the rest."""
    benchmark = load_benchmark()
    broker = benchmark.Broker()
    plugins = Plugins()
    plugins.load()
    plugins.register(benchmark.Plugin(broker), "benchmark")
    samples: list[dict[str, float]] = []
    # All of it now, for what is measured is memory that grows.
    latencies, yardsticks = (array("d", bytes(8 * brackets)) for _ in range(2))
    sent = not_sent = 0
    is_over = threading.Event()
    signal.signal(signal.SIGINT, lambda *_: is_over.set())
    every = max(1, brackets // SAMPLES)
    with tempfile.TemporaryDirectory(dir=".") as folder, benchmark.yardsticks(folder) as (_, trip):
        configuration = benchmark.configuration(folder, durability)
        async with LiveExecutionHandler(configuration, plugins=plugins) as handler:
            while handler.get_connection_status()["gate"] != "open":  # noqa: ASYNC110
                await anyio.sleep(0.01)
            first = anyio.current_time()
            for number in range(brackets):
                if is_over.is_set():
                    break
                if per_minute is not None:
                    await anyio.sleep_until(first + number * 60 / per_minute)
                started = time.perf_counter_ns()
                for _ in range(TRIPS):
                    trip()
                yardsticks[sent] = (time.perf_counter_ns() - started) / 1e6
                broker.closed = anyio.Event()
                started = time.perf_counter_ns()
                try:
                    trade_id = await handler.execute_trade(benchmark.proposal(number))
                    handed_ns = broker.handed_ns.pop(f"{trade_id}_ENTRY")
                    await broker.closed.wait()
                    while handler.open_positions:
                        await anyio.lowlevel.checkpoint()
                    latencies[sent] = (handed_ns - started) / 1e6
                    sent += 1
                except (EntryNotSent, OrderRefused):
                    not_sent += 1
                if (number + 1) % every == 0:
                    samples.append(sample())
                    advance(every)
    return samples, latencies[:sent], yardsticks[:sent], not_sent


def percentiles(values: array[float], share: float) -> list[float]:
    """Of each tenth of the way, the value that ``share`` of the others do not exceed."""
    tenths = [values[len(values) * at // 10 : len(values) * (at + 1) // 10] for at in range(10)]
    return [sorted(tenth)[int(share * len(tenth))] for tenth in tenths if tenth]


def summarise(
    samples: list[dict[str, float]],
    latencies: array[float],
    yardsticks: array[float],
    not_sent: int,
    seconds: float,
) -> dict[str, Any]:
    """The figures, and whether anything grew."""
    brackets = len(latencies)
    settled = samples[int(SETTLED * len(samples)) - 1]
    last = samples[-1]
    growth = last["rss_mb"] / settled["rss_mb"] - 1
    in_yardsticks = {
        f"p{round(100 * share)}_in_yardsticks_by_tenth": [
            round(latency / yardstick, 2)
            for latency, yardstick in zip(
                percentiles(latencies, share), percentiles(yardsticks, share), strict=True
            )
        ]
        for share in (0.5, 0.99)
    }
    constant = {
        name: max(one[name] for one in samples[int(SETTLED * len(samples)) - 1 :]) <= settled[name]
        for name in ("tasks", "descriptors", "threads")
    }
    return {
        "brackets": brackets,
        "not_sent": not_sent,
        "brackets_per_s": round(brackets / seconds),
        "rss_mb_at_20_percent": round(settled["rss_mb"], 1),
        "rss_mb_at_the_end": round(last["rss_mb"], 1),
        "rss_mb_by_tenth": [
            round(samples[len(samples) * tenth // 10 - 1]["rss_mb"], 1) for tenth in range(1, 11)
        ],
        "rss_growth": round(growth, 4),
        **{f"{name}_constant": is_constant for name, is_constant in constant.items()},
        **in_yardsticks,
        "grew": growth > MOST_GROWTH or not all(constant.values()),
    }


def main() -> int:
    """Soak and say what grew."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--brackets", type=int, default=10_000, metavar="N")
    parser.add_argument("--per-minute", type=int, metavar="N", help="as fast as they go if not set")
    parser.add_argument("--durability", choices=("power", "process"), default="process")
    parser.add_argument("--json", action="store_true", help="print the JSON object alone")
    options = parser.parse_args()
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
    document = summarise(*found, time.monotonic() - started)
    print(json.dumps(document))
    return 1 if document["grew"] else 0


if __name__ == "__main__":
    sys.exit(main())
