"""Times the event path of a backtest against a plain loop that does the same work.

Both sides trade the same made-up bars and signals, each in a process of its own, in turns. The
last line is one JSON object; the exit code is 1 unless both sides close the same trades with the
same PnL.

    uv run python tests/benchmarks/replay.py [--bars N] [--rounds N] [--json]
"""

import argparse
import json
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fillbridge_hooks import TradeResult

TICK, POINT_VALUE, START = 0.25, 50.0, 5000.0
SLIPPAGE, COMMISSION = 0.25, 3.80
"""Points per fill that takes liquidity; currency per contract and side."""

STOP, TARGET = 8.0, 12.0
"""Distances in points from the close on which a trade is decided."""

EVERY = 20
"""Bars between two signals."""

SEED = 7
BLOCK = 1 << 16
"""Bars made at a time: what is not yet traded takes no memory."""

MINUTE_NS = 60_000_000_000
FIRST_NS = 1_577_836_800_000_000_000
"""2020-01-01 00:00 UTC."""

RISK_PROFILE = {"max_position_size": 5, "max_open_positions": 10, "max_daily_trades": 100}
"""The limits in force; none of them binds on this workload."""

CONFIGURATION = {
    "execution_handler": {
        "backtest_settings": {
            "symbol": "ES",
            "bar_seconds": 60,
            "slippage": {"type": "fixed", "fixed_amount": SLIPPAGE},
            "commission": {
                "type": "per_contract",
                "per_contract": 2.5,
                "exchange_fees": 1.28,
                "nfa_fees": 0.02,
            },
            "simulation": {"bar_path": "stop-first", "limit_fill": "touch"},
        },
        "performance": {
            "position_timeout_hours": None,
            "max_open_positions": RISK_PROFILE["max_open_positions"],
        },
        "risk_controls": {
            "max_position_size": RISK_PROFILE["max_position_size"],
            "max_daily_trades": RISK_PROFILE["max_daily_trades"],
        },
    }
}


class Bars(NamedTuple):
    """Consecutive bars by column; ``first`` is the number of the first one."""

    first: int
    open: "NDArray[np.float64]"
    high: "NDArray[np.float64]"
    low: "NDArray[np.float64]"
    close: "NDArray[np.float64]"
    volume: "NDArray[np.float64]"


# The workload


def make_bars(count: int, seed: int = SEED, block: int = BLOCK) -> Iterator[Bars]:
    """One-minute bars of a random walk on the ES grid, the same whatever ``block`` is.

    Steps have fat tails, one bar in a hundred opens with a gap, every session (1,380 bars) with a
    larger one; the walk is reflected into 3,000 to 7,000 points.
    """
    import numpy as np

    # A stream of its own for each quantity, so that longer runs begin with the same bars.
    streams = [
        np.random.Generator(np.random.PCG64(child))
        for child in np.random.SeedSequence(seed).spawn(8)
    ]
    freedom = 5.0
    scale = 1.2 / TICK / np.sqrt(freedom / (freedom - 2))
    session_gaps = np.rint(streams[3].standard_normal(count // 1380 + 1) * 20).astype(np.int64)
    walked = int(START / TICK)
    for first in range(0, count, block):
        size = min(block, count - first)
        step = np.rint(streams[0].standard_t(freedom, size) * scale).astype(np.int64)
        jumps = streams[1].random(size) < 0.01
        gap = np.where(jumps, np.rint(streams[2].standard_normal(size) * 4), 0).astype(np.int64)
        number = np.arange(first, first + size)
        opens_session = (number % 1380 == 0) & (number > 0)
        gap[opens_session] += session_gaps[number[opens_session] // 1380]
        if first == 0:
            gap[0] = 0
        closed = np.cumsum(step + gap) + walked
        walked = int(closed[-1])
        opening, closing = _reflect(closed - step), _reflect(closed)
        above = np.rint(np.abs(streams[4].standard_normal(size)) * 2.4).astype(np.int64)
        below = np.rint(np.abs(streams[5].standard_normal(size)) * 2.4).astype(np.int64)
        volume = np.rint(np.exp(streams[6].standard_normal(size) * 0.8 + 6.5))
        yield Bars(
            first,
            _points(opening),
            _points(np.maximum(opening, closing) + above),
            _points(np.minimum(opening, closing) - below),
            _points(closing),
            np.maximum(1.0, volume),
        )


def _reflect(ticks: "NDArray[np.int64]") -> "NDArray[np.int64]":
    import numpy as np

    low, high = 12_000, 28_000
    width = high - low
    phase = np.mod(ticks - low, 2 * width)
    return low + np.where(phase > width, 2 * width - phase, phase)


def _points(ticks: "NDArray[np.int64]") -> "NDArray[np.float64]":
    import numpy as np

    return np.multiply(ticks, TICK, dtype=np.float64)


def make_signals(count: int, seed: int = SEED) -> "tuple[NDArray[np.int64], NDArray[np.int64]]":
    """Direction (1 or -1) and contracts of the signal in every slot of ``EVERY`` bars."""
    import numpy as np

    of_direction, of_size = np.random.SeedSequence([seed, 99]).spawn(2)
    slots = count // EVERY + 1
    rises = np.random.Generator(np.random.PCG64(of_direction)).random(slots) >= 0.5
    directions = np.where(rises, 1, -1).astype(np.int64)
    sizes = np.random.Generator(np.random.PCG64(of_size)).integers(1, 6, slots).astype(np.int64)
    return directions, sizes


# The two sides


class Stopwatch:
    """Wall time and processor time of the parts between ``start`` and ``stop``, in seconds."""

    def __init__(self) -> None:
        self.wall = self.cpu = 0.0

    def start(self) -> None:
        """Begin a part."""
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def stop(self) -> None:
        """End the part."""
        self.wall += time.perf_counter() - self._wall
        self.cpu += time.process_time() - self._cpu


class Run(NamedTuple):
    """What one side did and what it took."""

    trades: int
    pnl: float
    wall_s: float
    cpu_s: float
    rss_mb: float


def run_yardstick(count: int) -> Run:
    """The plain loop: floats in local variables, one position, nothing else."""
    directions, sizes = (column.tolist() for column in make_signals(count))
    watch = Stopwatch()
    position = pending = size = trades = slot = 0
    entry = stop = target = pnl = 0.0
    left = 1
    for bars in make_bars(count):
        columns = [column.tolist() for column in (bars.open, bars.high, bars.low, bars.close)]
        watch.start()
        for opened, high, low, closed in zip(*columns, strict=True):
            if pending:
                position, pending = pending, 0
                entry = opened + SLIPPAGE * position
            if position > 0:
                if low <= stop or high >= target:
                    if opened <= stop:
                        price = opened - SLIPPAGE
                    elif opened >= target:
                        price = opened
                    elif low <= stop:
                        price = stop - SLIPPAGE
                    else:
                        price = target
                    pnl += (price - entry) * size * POINT_VALUE - 2 * COMMISSION * size
                    trades += 1
                    position = 0
            elif position < 0 and (high >= stop or low <= target):
                if opened >= stop:
                    price = opened + SLIPPAGE
                elif opened <= target:
                    price = opened
                elif high >= stop:
                    price = stop + SLIPPAGE
                else:
                    price = target
                pnl += (entry - price) * size * POINT_VALUE - 2 * COMMISSION * size
                trades += 1
                position = 0
            left -= 1
            if left == 0:
                left = EVERY
                if position == 0:
                    pending, size = directions[slot], sizes[slot]
                    stop, target = closed - STOP * pending, closed + TARGET * pending
                slot += 1
        watch.stop()
    return Run(trades, round(pnl, 2), watch.wall, watch.cpu, _peak_rss_mb())


def run_event_path(count: int) -> Run:
    """The handler with its plugins: a bar made and handed over at a time, results to a sink."""
    import anyio

    from fillbridge import BacktestExecutionHandler, BarData, RiskProposal

    directions, sizes = (column.tolist() for column in make_signals(count))
    watch = Stopwatch()
    trades, pnl = 0, 0.0

    def add(result: "TradeResult") -> None:
        nonlocal trades, pnl
        trades += 1
        pnl += result.pnl_net

    async def replay() -> None:
        handler = BacktestExecutionHandler(CONFIGURATION, trade_sink=add)
        update, positions = handler.update_market_data, handler.open_positions
        left, slot = 1, 0
        for bars in make_bars(count):
            columns = [column.tolist() for column in bars[1:]]
            first_ns = FIRST_NS + bars.first * MINUTE_NS
            times = list(range(first_ns, first_ns + len(bars.open) * MINUTE_NS, MINUTE_NS))
            watch.start()
            for time_ns, opened, high, low, closed, volume in zip(times, *columns, strict=True):
                update(time_ns, BarData(time_ns, opened, high, low, closed, volume, "ES"))
                left -= 1
                if left == 0:
                    left = EVERY
                    if not positions:
                        sign = directions[slot]
                        await handler.execute_trade(
                            RiskProposal(
                                position_size=sizes[slot],
                                stop_loss_price=closed - STOP * sign,
                                take_profit_price=closed + TARGET * sign,
                                direction="LONG" if sign > 0 else "SHORT",
                                urgency="high",
                                timeout_seconds=None,
                            )
                        )
                    slot += 1
            watch.stop()

    anyio.run(replay)
    return Run(trades, round(pnl, 2), watch.wall, watch.cpu, _peak_rss_mb())


def _peak_rss_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


SIDES: dict[str, Callable[[int], Run]] = {
    "yardstick": run_yardstick,
    "event_path": run_event_path,
}


# The comparison


def run_side(side: str, count: int) -> Run:
    """One run in a fresh process."""
    # Imports nothing heavy itself: on Linux a child starts with the peak memory of its parent.
    command = [sys.executable, __file__, "--bars", str(count), "--side", side]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    if done.returncode:
        sys.exit(f"{side} ended with exit code {done.returncode}")
    return Run(*json.loads(done.stdout))


def summarise(count: int, runs: dict[str, list[Run]]) -> dict[str, Any]:
    """The JSON object: medians of the runs of both sides."""
    wall = {side: median(run.wall_s for run in found) for side, found in runs.items()}
    cpu = {side: median(run.cpu_s for run in found) for side, found in runs.items()}
    rss_mb = max(run.rss_mb for run in runs["event_path"])
    # The rest of the bars is not made yet: six columns of 8 bytes are the input in memory.
    input_mb = min(count, BLOCK) * 6 * 8 / (1 << 20)
    last = runs["event_path"][-1]
    return {
        "bars": count,
        "rounds": len(runs["event_path"]),
        "yardstick_s": round(wall["yardstick"], 6),
        "event_path_s": round(wall["event_path"], 6),
        "ratio": round(wall["event_path"] / wall["yardstick"], 3),
        "yardstick_cpu_s": round(cpu["yardstick"], 6),
        "event_path_cpu_s": round(cpu["event_path"], 6),
        "ratio_cpu": round(cpu["event_path"] / cpu["yardstick"], 3),
        "bars_per_s": round(count / wall["event_path"]),
        "trades": last.trades,
        "pnl": last.pnl,
        "rss_mb": round(rss_mb, 1),
        "input_mb": round(input_mb, 1),
        "rss_above_input_mb": round(rss_mb - input_mb, 1),
        "risk_profile": RISK_PROFILE,
        "python": platform.python_version(),
    }


def disagreement(runs: dict[str, list[Run]]) -> str | None:
    """What the sides closed, if it is not the same everywhere."""
    outcomes = {side: {(run.trades, run.pnl) for run in found} for side, found in runs.items()}
    if len(set().union(*outcomes.values())) == 1:
        return None
    return f"expected the same trades and PnL on both sides, was {outcomes}"


def main() -> int:
    """Compare the sides; 0 if they agree."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--bars", type=_count, default=1_000_000, metavar="N")
    parser.add_argument("--rounds", type=_count, default=5, metavar="N", help="runs of each side")
    parser.add_argument("--json", action="store_true", help="print the JSON object alone")
    parser.add_argument("--side", choices=list(SIDES), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        print(json.dumps(SIDES[options.side](options.bars)))
        return 0
    runs: dict[str, list[Run]] = {side: [] for side in SIDES}
    for number in range(1, options.rounds + 1):
        for side, found in runs.items():
            found.append(run_side(side, options.bars))
            if not options.json:
                run = found[-1]
                print(
                    f"round {number} {side:10}  {run.wall_s:9.3f} s  processor {run.cpu_s:9.3f} s"
                    f"  {run.trades:,} trades  PnL {run.pnl:,.2f}  {run.rss_mb:.0f} MB",
                    flush=True,
                )
    problem = disagreement(runs)
    if problem:
        print(problem, file=sys.stderr)
    print(json.dumps(summarise(options.bars, runs)))
    return 1 if problem else 0


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number >= 1, was {value}")
    return value


if __name__ == "__main__":
    sys.exit(main())
