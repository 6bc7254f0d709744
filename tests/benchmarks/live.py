"""Times a proposal on its way to a broker: received, judged, recorded, handed to the driver.

For each durability, brackets are traded one after the other through the whole live handler, with
the specification's risk limits, against a broker of this file that answers at once. Before each,
the yardsticks are taken: one append of a record's size to a file with fdatasync, and one round
trip of a message through msgspec. The last line is one JSON object.

    uv run python tests/benchmarks/live.py [--brackets N] [--minutes M] [--json]
"""

import argparse
import json
import os
import platform
import tempfile
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import anyio
import msgspec

from fillbridge import LiveExecutionHandler, Plugins, RiskProposal
from fillbridge_hooks import (
    Accepted,
    ApprovedOrder,
    BrokerOrder,
    BrokerPosition,
    Cancelled,
    Capabilities,
    ConnectionTerms,
    Fill,
    Liquidity,
    Message,
    Order,
    OrderRole,
    Replacement,
    Sent,
    TradeTick,
    hookimpl,
)

RECORD_BYTES = 1_024
"""About what the approval of one trade takes in the journal."""

RISK_PROFILE = {"max_position_size": 5, "max_open_positions": 10, "max_daily_trades": 10_000_000}
"""The specification's limits, but for the daily trades, which would end the benchmark."""

PRICE = 5000.0
NANOSECONDS_PER_MS = 1e6


class Broker:
    """Answers every request at once: fills entries, then targets."""

    capabilities = Capabilities(replace=True)

    def __init__(self) -> None:
        self.handed_ns: dict[str, int] = {}
        """When each entry arrived here, on the performance counter."""
        self.closed = anyio.Event()
        self._reports: deque[Message] = deque()
        self._woken = anyio.Event()
        self._held = 0
        self._orders: dict[str, Order] = {}
        self._made = 0
        self._terms: ConnectionTerms

    @asynccontextmanager
    async def connect(self, terms: ConnectionTerms) -> AsyncIterator["Broker"]:
        self._terms = terms
        self._tell(TradeTick(terms.clock.now_ns, PRICE, 1.0, "ES"))
        yield self

    async def submit(self, approved: ApprovedOrder) -> Sent:
        order = approved.order
        if order.role is OrderRole.ENTRY:
            self.handed_ns[order.client_order_id] = time.perf_counter_ns()
        approved.permit.spend()
        self._orders[order.client_order_id] = order
        now = self._terms.clock.now_ns
        self._tell(Accepted(order.client_order_id, f"B{order.client_order_id}", now))
        if order.role is not OrderRole.STOP:
            self._fill(order, now)
        return Sent(order.client_order_id)

    async def cancel(self, client_order_id: str) -> Sent:
        del self._orders[client_order_id]
        self._tell(Cancelled(client_order_id, "cancelled", self._terms.clock.now_ns))
        self.closed.set()
        return Sent(client_order_id)

    async def replace(self, change: Replacement) -> Sent:
        raise AssertionError(f"nothing here is replaced: {change}")

    async def receive(self) -> Message:
        while not self._reports:
            self._woken = anyio.Event()
            await self._woken.wait()
        return self._reports.popleft()

    async def working_orders(self) -> tuple[BrokerOrder, ...]:
        return ()

    orders_today = working_orders

    async def fills(self, since_ns: int) -> tuple[Fill, ...]:
        return ()

    async def positions(self) -> tuple[BrokerPosition, ...]:
        return (BrokerPosition(symbol="ES", quantity=self._held),) if self._held else ()

    def _fill(self, order: Order, now: int) -> None:
        del self._orders[order.client_order_id]
        self._made += 1
        self._held += order.side.sign * order.quantity
        ticks = (
            round(PRICE / order.instrument.tick_size)
            if not order.limit_ticks
            else (order.limit_ticks)
        )
        fill = Fill(
            f"F{self._made}",
            order.client_order_id,
            f"B{order.client_order_id}",
            order.quantity,
            order.quantity,
            order.instrument.to_price(ticks),
            ticks,
            0.0,
            "",
            Liquidity.TAKER,
            now,
        )
        self._tell(fill)

    def _tell(self, message: Message) -> None:
        self._reports.append(message)
        self._woken.set()


class Plugin:
    """Offers the broker as a driver."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker

    @hookimpl
    def fillbridge_register_drivers(self, register: Any) -> None:
        register("benchmark", self.broker)


def configuration(folder: str, durability: str) -> dict[str, Any]:
    """The settings of one run."""
    return {
        "execution_handler": {
            "mode": "live",
            "live_settings": {
                "provider": "benchmark",
                "journal": folder,
                "durability": durability,
                "max_loop_lag_ms": 10_000,
            },
            "performance": {"max_open_positions": RISK_PROFILE["max_open_positions"]},
            "risk_controls": {
                "max_position_size": RISK_PROFILE["max_position_size"],
                "max_daily_trades": RISK_PROFILE["max_daily_trades"],
            },
        }
    }


@contextmanager
def yardsticks(folder: str) -> Iterator[tuple[Any, Any]]:
    """Two functions that take one measurement each, in ms: a synced append, a round trip."""
    path = Path(folder) / "yardstick"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    record = os.urandom(RECORD_BYTES)
    fill = Fill("F1", "T1_ENTRY", "B1", 1, 1, PRICE, 20_000, 0.0, "", Liquidity.TAKER, 1)
    encoder, decoder = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(Fill)

    def append() -> float:
        started = time.perf_counter_ns()
        os.write(descriptor, record)
        os.fdatasync(descriptor)
        return (time.perf_counter_ns() - started) / NANOSECONDS_PER_MS

    def round_trip() -> float:
        started = time.perf_counter_ns()
        decoder.decode(encoder.encode(fill))
        return (time.perf_counter_ns() - started) / NANOSECONDS_PER_MS

    try:
        yield append, round_trip
    finally:
        os.close(descriptor)


def proposal(number: int) -> RiskProposal:
    """One bracket."""
    return RiskProposal(
        position_size=1,
        direction="LONG",
        stop_loss_price=PRICE - 8,
        take_profit_price=PRICE + 12,
        urgency="high",
        proposal_id=f"P{number}",
    )


async def trade(durability: str, brackets: int, pause_s: float) -> dict[str, Any]:
    """Trade brackets one after the other; what each took, and the yardsticks beside it, in ms."""
    broker = Broker()
    plugins = Plugins()
    plugins.load()
    plugins.register(Plugin(broker), "benchmark")
    latencies: list[float] = []
    appends: list[float] = []
    round_trips: list[float] = []
    busy_s = 0.0
    with tempfile.TemporaryDirectory(dir=".") as folder, yardsticks(folder) as (append, trip):
        handler = LiveExecutionHandler(configuration(folder, durability), plugins=plugins)
        async with handler:
            while handler.get_connection_status()["gate"] != "open":  # noqa: ASYNC110  # it may poll
                await anyio.sleep(0.01)
            for number in range(brackets):
                appends.append(append())
                round_trips.append(trip())
                broker.closed = anyio.Event()
                started = time.perf_counter_ns()
                trade_id = await handler.execute_trade(proposal(number))
                handed = broker.handed_ns.pop(f"{trade_id}_ENTRY")
                latencies.append((handed - started) / NANOSECONDS_PER_MS)
                await broker.closed.wait()
                while handler.open_positions:
                    await anyio.lowlevel.checkpoint()
                busy_s += (time.perf_counter_ns() - started) / 1e9
                if pause_s:
                    await anyio.sleep(pause_s)
    return {
        "latencies": latencies,
        "appends": appends,
        "round_trips": round_trips,
        "orders_per_s": round(3 * brackets / busy_s),
    }


def percentile(values: list[float], share: float) -> float:
    """The value that ``share`` of the others do not exceed."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def summarise(found: dict[str, Any]) -> dict[str, Any]:
    """Figures of one durability, in ms."""
    latencies = found["latencies"]
    tenth = max(1, len(latencies) // 10)
    append, p50 = median(found["appends"]), median(latencies)
    return {
        "p50_ms": round(p50, 4),
        "p95_ms": round(percentile(latencies, 0.95), 4),
        "p99_ms": round(percentile(latencies, 0.99), 4),
        "orders_per_s": found["orders_per_s"],
        "yardstick": {
            "fdatasync_append_ms": round(append, 4),
            "fdatasync_append_p95_ms": round(percentile(found["appends"], 0.95), 4),
            "msgspec_round_trip_ms": round(median(found["round_trips"]), 5),
        },
        "appends_per_order": round(p50 / append, 2),
        "last_tenth_of_first": round(median(latencies[-tenth:]) / median(latencies[:tenth]), 3),
    }


def main() -> int:
    """Measure both durabilities and print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--brackets", type=int, default=2_000, metavar="N")
    parser.add_argument(
        "--minutes", type=float, default=0.0, metavar="M", help="spread them over this time"
    )
    parser.add_argument("--json", action="store_true", help="print the JSON object alone")
    options = parser.parse_args()
    pause_s = options.minutes * 60 / options.brackets
    document: dict[str, Any] = {"brackets": options.brackets}
    for durability in ("power", "process"):
        document[durability] = summarise(anyio.run(trade, durability, options.brackets, pause_s))
        if not options.json:
            print(durability, json.dumps(document[durability]), flush=True)
    document |= {"risk_profile": RISK_PROFILE, "python": platform.python_version()}
    print(json.dumps(document))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
