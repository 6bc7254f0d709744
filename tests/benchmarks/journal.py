"""Times the journal: commits, each beside an fdatasync append of the same size, and recovery.

The last line is one JSON object: ``power`` and ``process`` with the times of append and commit of
one batch, ``yardstick`` with those of the append, all interleaved; ``ratio_p50`` and ``ratio_p95``
of ``power`` to the yardstick; ``recovery`` of a journal with so many orders after a kill.

    uv run python tests/benchmarks/journal.py [--commits N] [--orders N] [--directory DIR]
"""

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from fillbridge.engine import EngineState, decide, fold
from fillbridge.engine.messages import Event, FillBooked, Input, TradeApproved, TradeMeasured
from fillbridge.journal import Journal, open_journal
from fillbridge.journal.contents import copy_state, state_bytes
from fillbridge.journal.places import places
from fillbridge.journal.reading import reading
from fillbridge.journal.records import encode, pack
from fillbridge.planning import plan_trade
from fillbridge_hooks import (
    Accepted,
    ArrivalPrice,
    Cancelled,
    Fill,
    Instrument,
    Liquidity,
    RiskProposal,
    VirtualClock,
)

START = 1_700_000_000_000_000_000
BETWEEN_TRADES = 60_000_000
ES = Instrument(symbol="ES", tick_size=0.25, point_value=50.0)
ORDERS_OF_A_BRACKET = 3


class Session:
    """Brackets one after another, as the shell records them: a batch of events for each input."""

    def __init__(self) -> None:
        self.state = EngineState()
        self.now = START
        self.brackets = 0

    def batches(self) -> Iterator[tuple[Event, ...]]:
        """The events of one bracket; folded into ``state`` when the next are asked for."""
        self.brackets += 1
        self.now += BETWEEN_TRADES
        for message in self._inputs(f"T{self.brackets}", self.now):
            events, _ = decide(self.state, message, self.now)
            yield events
            for event in events:
                fold(self.state, event)

    def _inputs(self, trade_id: str, now: int) -> list[Input]:
        proposal = RiskProposal(
            position_size=2,
            direction="LONG",
            symbol="ES",
            urgency="high",
            stop_loss_ticks=40,
            take_profit_ticks=40,
            timeout_seconds=None,
            proposal_id=f"proposal-{trade_id}",
        )
        plan = plan_trade(proposal, trade_id, ES, ArrivalPrice(last=4000.0), now, None)
        entry, stop, target = (f"{trade_id}_{leg}" for leg in ("ENTRY", "SL", "TP"))
        return [
            TradeApproved(plan, now),
            Accepted(entry, "B1", now),
            FillBooked(_fill(entry, 4000.0, now), 450),
            Accepted(stop, "B2", now),
            Accepted(target, "B3", now),
            FillBooked(_fill(target, 4010.0, now), 450),
            Cancelled(stop, "the position is closed", now),
            TradeMeasured(trade_id, 10.0, -1.0, 0.5, now),
        ]


def _fill(order_id: str, price: float, now: int) -> Fill:
    taker = Liquidity.TAKER
    return Fill(f"F-{order_id}", order_id, "B", 2, 2, price, price * 4, 0.0, "", taker, now)


def timed(call: Callable[..., object], *arguments: object) -> float:
    """Microseconds that a call takes."""
    started = time.perf_counter_ns()
    call(*arguments)
    return (time.perf_counter_ns() - started) / 1000


def time_commits(directory: Path, commits: int) -> dict[str, list[float]]:
    """Microseconds of each commit in both durabilities, and of an append of the same size."""
    clock = VirtualClock(START)
    power = open_journal(directory, "POWER", clock=clock, durability="power")
    process = open_journal(directory, "PROCESS", clock=clock, durability="process")
    file = os.open(directory / "yardstick", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    times: dict[str, list[float]] = {"power": [], "process": [], "yardstick": []}
    session = Session()

    def commit(journal: Journal, events: tuple[Event, ...]) -> None:
        journal.append(events, session.now)
        journal.commit()

    def append(content: bytes) -> None:
        os.write(file, content)
        os.fdatasync(file)

    while len(times["power"]) < commits:
        for events in session.batches():
            content = pack(map(encode, events))
            times["power"].append(timed(commit, power, events))
            times["process"].append(timed(commit, process, events))
            times["yardstick"].append(timed(append, content))
    os.close(file)
    power.close(clean=True)
    process.close(clean=True)
    return times


def time_recovery(directory: Path, orders: int) -> dict[str, Any]:
    """How long a journal with so many orders takes to open after a kill, and to verify."""
    clock = VirtualClock(START)
    session = Session()
    journal = open_journal(directory, "RECOVERY", clock=clock, durability="process")
    started = time.perf_counter()
    while session.brackets * ORDERS_OF_A_BRACKET < orders:
        for events in session.batches():
            journal.append(events, session.now)
            journal.commit()
    written_s = time.perf_counter() - started
    records = journal.last_seq
    journal.close(clean=False)

    started = time.perf_counter()
    journal = open_journal(directory, "RECOVERY", clock=clock)
    seconds = time.perf_counter() - started
    is_same = state_bytes(journal.state) == state_bytes(copy_state(session.state))
    replayed = journal.recovery.records
    journal.close(clean=False)

    where = places(directory, "RECOVERY")
    started = time.perf_counter()
    with reading(where) as reader:
        verified = reader.verify()
    return {
        "orders": session.brackets * ORDERS_OF_A_BRACKET,
        "records": records,
        "replayed": replayed,
        "seconds": round(seconds, 3),
        "is_same": is_same,
        "verify_s": round(time.perf_counter() - started, 3),
        "is_sound": verified.is_sound,
        "written_s": round(written_s, 1),
        "database_mb": round(where.database.stat().st_size / 1e6, 1),
        "archive_mb": round(sum(p.stat().st_size for p in where.archive.glob("*")) / 1e6, 1),
    }


def summary(times: list[float]) -> dict[str, float]:
    """Median and 95th percentile."""
    return {"p50_us": round(median(times), 1), "p95_us": round(quantiles(times, n=20)[-1], 1)}


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--commits", type=int, default=4000, metavar="N", help="of each kind")
    parser.add_argument("--orders", type=int, default=100_000, metavar="N", help="to recover")
    parser.add_argument("--directory", type=Path, metavar="DIR", help="on the disk to measure")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.directory) as folder:
        times = time_commits(Path(folder), options.commits)
        recovery = time_recovery(Path(folder), options.orders)
    found: dict[str, Any] = {name: summary(taken) for name, taken in times.items()}
    for name in ("p50", "p95"):
        ratio = found["power"][f"{name}_us"] / found["yardstick"][f"{name}_us"]
        found[f"ratio_{name}"] = round(ratio, 2)
    found |= {
        "recovery": recovery,
        "commits": len(times["power"]),
        "python": platform.python_version(),
    }
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
