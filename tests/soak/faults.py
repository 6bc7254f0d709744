"""Lives through one world of faults after the other, by seeds, and judges each.

A world is live trading as it ships, with a broker, a link, a disk and a bus of its own in virtual
time; ``docs/faults.md`` says what is simulated and what is judged.

The last line is one JSON object: ``seeds``, ``violations`` (runs that broke an invariant),
``cells_covered`` of ``cells_total`` (which fault struck in which situation), ``seeds_per_s``, and
how the entries ended: ``filled``, ``rejected``, ``expired``, ``cancelled``, ``working``; further
``processes``, ``faults`` (that struck), and ``longest_s``: how long a trade was ``bare`` (it holds
more than its stops and exits close) or had a ``surplus`` of them, apart for trades that a fault had
struck. With ``--profile kills`` also ``kills`` (how often the kill switch was pulled) and ``flat``
(runs in which that closed everything, by the broker's book).

A run that breaks an invariant is told as a story, and kept in tests/soak/regressions.txt, which the
normal tests live through again.

    uv run python tests/soak/faults.py --seeds 10000
    uv run python tests/soak/faults.py --profile kills --seeds 10000
    uv run python tests/soak/faults.py --first-seed 4711 --seeds 1 --profile hell --tell
"""

import argparse
import json
import logging
import multiprocessing
import sys
import time
from collections import Counter
from pathlib import Path

from world.mutations import MUTATIONS, OF_THE_SWITCH, mutated
from world.plan import PROFILES, all_cells
from world.runs import Run, run

REGRESSIONS = Path(__file__).with_name("regressions.txt")
_BATCH = 25
_SHOWN = 5
"""So many stories are told at most."""


class Totals:
    """What all runs came to."""

    def __init__(self) -> None:
        self.seeds = 0
        self.bad: list[Run] = []
        self.cells: set[str] = set()
        self.ended_as: Counter[str] = Counter()
        self.struck: Counter[str] = Counter()
        self.longest_ns: dict[str, int] = {}
        self.kills = 0
        self.flat_ns: list[int] = []

    def add(self, one: Run) -> None:
        self.seeds += 1
        self.kills += one.kills
        if one.flat_ns is not None:
            self.flat_ns.append(one.flat_ns)
        if one.violation:
            self.bad.append(one)
        self.cells |= one.cells
        self.ended_as.update(one.ended_as)
        self.struck.update(one.struck)
        for kind, waited in one.longest_ns.items():
            self.longest_ns[kind] = max(waited, self.longest_ns.get(kind, 0))

    def report(self, seconds: float, processes: int) -> dict[str, object]:
        ended = self.ended_as
        killed = {"kills": self.kills, "flat": len(self.flat_ns)} if self.kills else {}
        return {
            **killed,
            "seeds": self.seeds,
            "violations": len(self.bad),
            "cells_covered": len(self.cells),
            "cells_total": len(all_cells()),
            "seeds_per_s": round(self.seeds / seconds, 1),
            "filled": ended["filled"],
            "rejected": ended["rejected"],
            "expired": ended["expired"],
            "cancelled": ended["cancelled"],
            "working": ended["submitted"] + ended["partial_filled"],
            "processes": processes,
            "faults": sum(self.struck.values()),
            "longest_s": {kind: round(ns / 1e9, 3) for kind, ns in self.longest_ns.items()},
        }


def live(batch: tuple[int, int, str, str]) -> list[Run]:
    """Live through a few seeds."""
    logging.disable(logging.CRITICAL)
    first, count, profile, mutation = batch
    with mutated(mutation):
        return [run(seed, profile) for seed in range(first, first + count)]


def live_all(options: argparse.Namespace) -> Totals:
    totals = Totals()
    last = options.first_seed + options.seeds
    batches = [
        (first, min(_BATCH, last - first), options.profile, options.mutation)
        for first in range(options.first_seed, last, _BATCH)
    ]
    if options.processes == 1 or len(batches) == 1:
        for batch in batches:
            _take(totals, live(batch), options)
        return totals
    with multiprocessing.get_context("spawn").Pool(options.processes) as pool:
        for runs in pool.imap_unordered(live, batches):
            _take(totals, runs, options)
    return totals


def _take(totals: Totals, runs: list[Run], options: argparse.Namespace) -> None:
    for one in runs:
        totals.add(one)
    if sys.stderr.isatty():
        done = totals.seeds / options.seeds
        bar = "#" * round(30 * done)
        end = "\n" if totals.seeds == options.seeds else ""
        words = f"\r[{bar:30}] {totals.seeds}/{options.seeds} seeds, {len(totals.bad)} bad{end}"
        print(words, end="", file=sys.stderr, flush=True)


def tell(one: Run, profile: str, mutation: str) -> None:
    """Print the story of a run."""
    with mutated(mutation):
        again = run(one.seed, profile, is_told=True)
    print(f"\nseed {one.seed} ({profile}): {again.violation or 'all is as it should be'}")
    print(f"struck: {', '.join(again.struck) or 'nothing'}; trace {again.trace}")
    print("\n".join(again.story))


def keep(bad: list[Run], profile: str, path: Path) -> None:
    """Remember what failed."""
    known = path.read_text().splitlines() if path.exists() else []
    news = [f"{one.seed} {profile}" for one in bad]
    lines = [*known, *(line for line in news if line not in known)]
    path.write_text("".join(f"{line}\n" for line in lines))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=1000, help="how many (default 1000)")
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--profile", choices=PROFILES, default="default")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--tell", action="store_true", help="print the story of every run")
    parser.add_argument("--mutation", default="", help="break live trading in this way first")
    parser.add_argument("--keep", type=Path, default=REGRESSIONS, help="where bad seeds are kept")
    parser.add_argument("--no-keep", action="store_true", help="keep them nowhere")
    parser.add_argument("--json", action="store_true", help="print nothing but the JSON object")
    options = parser.parse_args()
    if options.seeds < 1 or options.processes < 1:
        parser.error("--seeds and --processes: expected a whole number of at least 1")
    mutations = {**MUTATIONS, **OF_THE_SWITCH}
    if options.mutation and options.mutation not in mutations:
        parser.error(f"--mutation: expected one of {', '.join(mutations)}")
    logging.disable(logging.CRITICAL)
    started = time.perf_counter()
    totals = live_all(options)
    seconds = time.perf_counter() - started
    totals.bad.sort(key=lambda one: one.seed)
    if totals.bad and not options.no_keep:
        keep(totals.bad, options.profile, options.keep)
    if not options.json:
        for one in totals.bad:
            print(f"seed {one.seed}: {one.violation}")
        told = totals.bad[:_SHOWN]
        if options.tell:
            seeds = range(options.first_seed, options.first_seed + options.seeds)
            told = [Run(seed) for seed in seeds]
        for one in told:
            tell(one, options.profile, options.mutation)
        missing = sorted(all_cells() - totals.cells)
        if missing and options.seeds >= 1000:
            print(f"cells that no run touched: {', '.join(missing)}")
    print(json.dumps(totals.report(seconds, options.processes)))
    return 1 if totals.bad else 0


if __name__ == "__main__":
    sys.exit(main())
