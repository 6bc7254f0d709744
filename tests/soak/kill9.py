"""Kills a live handler again and again and asks the broker what became of its orders.

A broker runs as a process of its own, the simulated one or the local Rithmic gateway, and outlives
the handler, which is a process that kills itself with SIGKILL at one of many named points, or is
killed at a random moment. After each restart the broker's book is compared with what the handler
believes, and it is watched for positions without a stop. The last line is one JSON object; the
exit code is 1 if anything was lost, doubled or left unprotected.

    uv run python tests/soak/kill9.py --kills N [--broker sim|rithmic] [--workers N] [--seed N]
        [--point TEXT] [--keep DIR] [--json]
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from kill9_brokers import BROKERS, Broker
from rich.progress import Progress

HANDLER = Path(__file__).with_name("kill9_handler.py")

KILLS_OF_A_BROKER = 25
"""A fresh broker and journal after so many, for the book is read whole."""

PROTECTED_WITHIN_S = 2.5
"""From the handler's gate being open: 1.5 s, and what asking takes on a busy machine."""

AGREES_WITHIN_S = 10.0
OPENS_WITHIN_S = 30.0
"""From the start of the process, beyond which it has come to a standstill."""

REACHED_WITHIN_S = 6.0
"""Where a point is not, the handler is killed wherever it is."""

ONLY_AT_START = {"take up", "link"}
AT_START = {
    *("answers", "working orders", "orders of today", "fills", "positions", "hear"),
}
"""What happens while the handler starts; kills there hit the recovery itself."""


@cache
def points(broker: str) -> list[str]:
    """Every point at which the handler can kill itself."""
    command = [sys.executable, str(HANDLER), "--points", broker]
    named: list[str] = json.loads(subprocess.check_output(command))
    return named


class Tally:
    """What was found, over all workers."""

    def __init__(self) -> None:
        self.kills = self.lost = self.duplicated = self.unprotected = 0
        self.filled = self.expired = 0
        self.recoveries: list[float] = []
        self.points: Counter[str] = Counter()
        self.problems: list[str] = []
        self.lock = threading.Lock()

    def problem(self, kind: str, text: str) -> None:
        with self.lock:
            setattr(self, kind, getattr(self, kind) + 1)
            self.problems.append(f"{kind}: {text}")


class Handler:
    """One run of the process that is killed."""

    def __init__(self, given: dict[str, Any], log: Path, environment: dict[str, str]) -> None:
        self.started = time.monotonic()
        with log.open("a") as errors:
            self.process = subprocess.Popen(
                [sys.executable, HANDLER, json.dumps(given)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env={**os.environ, **environment},
            )

    def read(self) -> dict[str, Any] | None:
        """The next thing it says; ``None`` once it is dead."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line.endswith("\n"):
            return None
        said: dict[str, Any] = json.loads(line)
        return said

    def tell(self, word: str) -> None:
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):
            self.process.stdin.write(f"{word}\n")
            self.process.stdin.flush()

    def belief(self) -> dict[str, Any] | None:
        self.tell("state")
        while (said := self.read()) is not None:
            if "state" in said:
                state: dict[str, Any] = said["state"]
                return state
        return None

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                with suppress(BrokenPipeError):
                    stream.close()


class Round:
    """One broker, one account, some kills."""

    def __init__(self, folder: Path, seed: int, tally: Tally, broker: Broker, text: str) -> None:
        self.random = random.Random(seed)
        self.tally = tally
        self.broker = broker
        self.points = [point for point in points(broker.name) if text in point]
        self.is_free = not text
        self.account = broker.live_settings["account"]
        self.folder = folder
        self.trades: dict[int, str] = {}
        """What each proposal became, by its number."""
        self.next = 1
        self.bare: set[str] = set()
        """Trades that were said to be without a stop."""

    def run(self, kills: int, advance: Any) -> None:
        try:
            for _ in range(kills):
                self.live_and_die()
                advance()
            self.last_look()
        finally:
            self.broker.end()

    def given(self, point: str = "", *, at_start: bool = False) -> dict[str, Any]:
        return {
            "point": point,
            "count": 1 if at_start else self.random.choice((1, 1, 1, 2, 3)),
            "at_start": at_start,
            "first": self.next,
            "kinds": self.broker.kinds,
            "seed": self.account,
            "configuration": {
                "execution_handler": {
                    "mode": "live",
                    "live_settings": {
                        **self.broker.live_settings,
                        "journal": str(self.folder / "journal"),
                        "durability": "process",
                        "quarantine": 5,
                    },
                }
            },
        }

    def handler(self, given: dict[str, Any]) -> Handler:
        return Handler(given, self.folder / "handler.log", self.broker.environment)

    def live_and_die(self) -> None:
        """Start, be compared with the broker, trade, and be killed."""
        is_random = self.is_free and self.random.random() < 0.3
        point = "" if is_random else self.random.choice(self.points)
        what = point.partition(" ")[2]
        at_start = what in ONLY_AT_START or (what in AT_START and self.random.random() < 0.7)
        self.see_covered(self.broker.book())
        handler = self.handler(self.given(point, at_start=at_start))
        try:
            if not self.wait_open(handler):
                self.count(point)
                return
            self.compare(handler)
            handler.tell("go")
            killer = threading.Timer(
                self.random.uniform(0.0, 1.2) if is_random else REACHED_WITHIN_S,
                handler.process.kill,
            )
            began = time.monotonic()
            killer.start()
            self.listen(handler)
            killer.cancel()
            self.see_killed(handler)
            is_late = not is_random and time.monotonic() - began >= REACHED_WITHIN_S
            self.count("random" if is_random else f"not reached: {point}" if is_late else point)
        finally:
            handler.end()

    def count(self, point: str) -> None:
        with self.tally.lock:
            self.tally.kills += 1
            self.tally.points[point] += 1

    def wait_open(self, handler: Handler) -> bool:
        patience = threading.Timer(OPENS_WITHIN_S, handler.process.kill)
        patience.start()
        try:
            while (said := handler.read()) is not None:
                if "open" in said:
                    with self.tally.lock:
                        self.tally.recoveries.append(time.monotonic() - handler.started)
                    return True
        finally:
            patience.cancel()
        if time.monotonic() - handler.started > OPENS_WITHIN_S:
            self.tally.problem("lost", f"{self.account}: the gate did not open")
        self.see_killed(handler)
        return False

    def see_killed(self, handler: Handler) -> None:
        """Whoever was not killed must not have died."""
        code = handler.process.wait()
        if code != -signal.SIGKILL:
            self.tally.problem("lost", f"{self.account}: the handler ended with {code}")

    def listen(self, handler: Handler) -> None:
        """Hear what it does until it is dead."""
        while (said := handler.read()) is not None:
            if "proposing" in said:
                # Proposed once more after the kill, as a bus would.
                self.next = said["proposing"]
            elif "proposed" in said:
                number, trade_id = said["proposed"], said["trade_id"]
                known = self.trades.setdefault(number, trade_id)
                if known != trade_id:
                    self.tally.problem("duplicated", f"P{number} became {known} and {trade_id}")
                self.next = number + 1
            elif "refused" in said:
                self.next = said["refused"] + 1

    def see_covered(self, book: dict[str, Any]) -> None:
        """A stop that the broker keeps is there while nobody is here."""
        for trade_id in set(book["bare"]) - self.bare:
            self.bare.add(trade_id)
            self.tally.problem("unprotected", f"{self.account}: {trade_id}")

    def compare(self, handler: Handler) -> None:
        """Broker and handler must come to agree, and what is held to be protected."""
        opened = bare_since = time.monotonic()
        said_bare = False
        while True:
            belief, book, again = handler.belief(), self.broker.book(), handler.belief()
            if belief is None or again is None:
                return
            now = time.monotonic()
            self.see_covered(book)
            if not is_bare(book):
                bare_since = now
            elif now - bare_since > PROTECTED_WITHIN_S and not said_bare:
                said_bare = True
                self.tally.problem("unprotected", f"{self.account}: holds {book['held']}")
            if belief == again:
                differences = self.differences(belief, book)
                if not differences and not is_bare(book):
                    return
            if now - opened > AGREES_WITHIN_S:
                for difference in differences if belief == again else ["it never came to rest"]:
                    self.tally.problem("lost", f"{self.account}: {difference}")
                return

    def differences(self, belief: dict[str, Any], book: dict[str, Any]) -> list[str]:
        found = []
        known = belief["orders"]
        counts = Counter(order["client_order_id"] for order in book["orders"])
        for order_id, count in counts.items():
            if count > 1:
                self.tally.problem("duplicated", f"{order_id} stands {count} times in the book")
        entries = [order_id for order_id in counts if order_id.endswith("_ENTRY")]
        if len(entries) > self.next:
            self.tally.problem("duplicated", f"{len(entries)} entries of {self.next} proposals")
        for order in book["orders"]:
            order_id = order["client_order_id"]
            if order_id not in known:
                found.append(f"{order_id} is not known")
                continue
            status, filled, _ = known[order_id]
            if (status, filled) != (order["status"], order["filled"]):
                there = f"{order['status']} {order['filled']}"
                found.append(f"{order_id}: {status} {filled}, at the broker {there}")
        for order_id, (status, filled, _) in known.items():
            if order_id not in counts and (filled or status not in ("expired", "rejected")):
                found.append(f"{order_id}: {status} {filled}, at the broker absent")
        if book["held"] != belief["held"]:
            found.append(f"holds {belief['held']}, at the broker {book['held']}")
        missing = set(book["fills"]) ^ set(belief["fills"])
        if missing:
            found.append(f"fills differ: {sorted(missing)[:3]}")
        return found

    def last_look(self) -> None:
        """Start once more, let everything end, and count how the entries did."""
        handler = self.handler(self.given())
        try:
            if not self.wait_open(handler):
                self.tally.problem("lost", f"{self.account}: the last start failed")
                return
            self.compare(handler)
            belief = handler.belief() or {"orders": {}}
            filled = expired = 0
            for order_id, (status, quantity, _) in belief["orders"].items():
                if order_id.endswith("_ENTRY"):
                    filled += quantity > 0
                    expired += status == "expired"
            with self.tally.lock:
                self.tally.filled += filled
                self.tally.expired += expired
        finally:
            handler.end()


def is_bare(book: dict[str, Any]) -> bool:
    """Whether the broker holds more for us than our working exits close."""
    held: int = book["held"]
    if not held:
        return False
    side = "SELL" if held > 0 else "BUY"
    covered: int = sum(
        order["quantity"] - order["filled"]
        for order in book["exits"]
        if order["status"] in ("submitted", "partial_filled")
        and order["side"] == side
        and order["order_type"] in ("stop", "market")
    )
    return covered < abs(held)


def is_no_file(folder: str, names: list[str]) -> set[str]:
    """Sockets, of which no copy can be made."""
    return {name for name in names if Path(folder, name).is_socket()}


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values) or [0.0]
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def main() -> int:
    """Kill, compare, and say what was found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=100, metavar="N")
    parser.add_argument("--broker", choices=sorted(BROKERS), default="sim")
    parser.add_argument("--workers", type=int, default=2, metavar="N")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--point", default="", help="kill at points with this text alone")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="where journals and logs stay")
    parser.add_argument("--json", action="store_true", help="print the JSON object alone")
    options = parser.parse_args()
    tally = Tally()
    shares = [
        min(KILLS_OF_A_BROKER, options.kills - first)
        for first in range(0, options.kills, KILLS_OF_A_BROKER)
    ]
    with Progress(disable=options.json or not sys.stderr.isatty()) as progress:
        bar = progress.add_task("Kills", total=options.kills)

        def run(number: int, kills: int) -> None:
            seed = options.seed * 10_000 + number
            with tempfile.TemporaryDirectory(prefix="kill9-") as passing:
                folder = Path(passing)
                broker = BROKERS[options.broker](folder, seed)
                round_ = Round(folder, seed, tally, broker, options.point)
                try:
                    round_.run(kills, lambda: progress.advance(bar))
                finally:
                    if options.keep is not None:
                        shutil.copytree(folder, options.keep / str(seed), ignore=is_no_file)

        with ThreadPoolExecutor(options.workers) as pool:
            for done in [pool.submit(run, number, kills) for number, kills in enumerate(shares)]:
                done.result()
    if not options.json:
        print("\n".join(tally.problems))
        print(f"{len(tally.points)} points: {dict(sorted(tally.points.items()))}")
    document = {
        "kills": tally.kills,
        "lost": tally.lost,
        "duplicated": tally.duplicated,
        "unprotected": tally.unprotected,
        "filled": tally.filled,
        "expired": tally.expired,
        "recovery_p50_s": round(percentile(tally.recoveries, 0.5), 3),
        "recovery_p95_s": round(percentile(tally.recoveries, 0.95), 3),
        "points": len(tally.points),
    }
    print(json.dumps(document))
    return 1 if tally.lost or tally.duplicated or tally.unprotected else 0


if __name__ == "__main__":
    sys.exit(main())
