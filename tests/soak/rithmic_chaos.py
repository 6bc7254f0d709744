"""Trades at the Rithmic gateway over a network that breaks in every way, and compares the books.

Three parts, each over real TLS connections through a TCP proxy that delays, splits, stalls, loses,
resets and closes halfway:

* ``--fills N --cuts N``: live handlers trade until the gateway has filled so often and the link was
  lost so often; each fill must be booked exactly once, and positions be those of the gateway;
* ``--reconnects N``: a session is opened, used and lost so often; no task, descriptor or object may
  be left over;
* ``--half-open N``: so many links fall silent, each in one of six ways; it is measured how long
  the driver takes to notice, with heartbeats every 30 s and every second.

The last line is one JSON object; the exit code is 1 if anything was lost, doubled or left over, or
noticed later than after 5 s (``--within``).

    uv run python tests/soak/rithmic_chaos.py --fills 10000 --cuts 200
    uv run python tests/soak/rithmic_chaos.py --reconnects 1000
    uv run python tests/soak/rithmic_chaos.py --half-open 60
"""

import argparse
import json
import logging
import os
import random
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio
import msgspec

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.drivers.rithmic.floor import CREDENTIALS, Floor, open_floor
from tests.drivers.rithmic.ground import ACCOUNT, PASSWORD, Ground, footprint, ground, until
from tests.drivers.rithmic.proxy import Proxy, proxying

from fillbridge_hooks import (
    DriverError,
    FillbridgeError,
    Secret,
    Side,
)
from fillbridge_hooks.testing import Unmet
from fillbridge_rithmic import RithmicDriver

FILLS_OF_A_BROKER = 500
"""A fresh gateway and journal after so many, for all orders of a day are listed at each start."""
SIZE = 8
"""Contracts of a trade; each fills on its own."""
AGREES_WITHIN_S = 30.0
STUCK_AFTER_S = 60.0
NOTICED_WITHIN_S = 5.0
PRICE, ENTRY, STOP, TARGET = 5000.0, 4998.0, 4990.0, 5010.0
HASTY = {
    "heartbeat_interval": 0.5,
    "reconnect_first": 0.02,
    "reconnect_max": 0.2,
    "reconnect_lasting": 0.01,
    "reconnect_limit": 1_000_000,
    # Nothing is held up in the network for longer: what is, is reset before.
    "quarantine": 2.0,
}


class Tally:
    """What happened, and what is wrong."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.struck: Counter[str] = Counter()
        self.problems: list[str] = []
        self.noticed: dict[str, float] = {}

    def problem(self, kind: str, text: str) -> None:
        self.counts[kind] += 1
        self.problems.append(f"{kind}: {text}")


# Fills and cuts


class Trading:
    """One handler at one gateway: a market that moves, a link that breaks, and the books."""

    def __init__(self, here: Floor, dice: random.Random, tally: Tally) -> None:
        self.here = here
        self.dice = dice
        self.tally = tally
        self.booked: dict[str, tuple[str, int]] = {}
        """Of each fill that the handler has: the trade, and its contracts, sold ones below 0."""
        self.is_over = anyio.Event()

    @property
    def filled(self) -> int:
        return len(self.here.gateway.book.ledger(ACCOUNT).fills)

    async def run(self, fills: int, cuts: int) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._propose)
            tasks.start_soon(self._keep_books)
            tasks.start_soon(self._move)
            await self._break(fills, cuts)
            self.is_over.set()
            await self._compare()
            tasks.cancel_scope.cancel()

    async def _propose(self) -> None:
        """One trade after the other."""
        here = self.here
        while not self.is_over.is_set():
            state = here.handler._trading.state
            if here.gate.state in ("standby", "halted"):
                self.tally.counts["resumed"] += 1
                print("resumed from", *here.gate.reasons(), flush=True)
                here.handler.resume("the soak")
            if not here.gate.reasons() and not any(not one.closed for one in state.trades.values()):
                long = self.dice.random() < 0.5
                away = {"stop_loss_price": STOP, "take_profit_price": TARGET}
                entry = ENTRY
                if not long:
                    entry = 2 * PRICE - ENTRY
                    away = {
                        "stop_loss_price": 2 * PRICE - STOP,
                        "take_profit_price": 2 * PRICE - TARGET,
                    }
                with suppress(FillbridgeError):
                    await here.propose(
                        position_size=SIZE,
                        direction="LONG" if long else "SHORT",
                        entry_limit_price=entry,
                        **away,
                    )
                    self.tally.counts["trades"] += 1
            await anyio.sleep(0.01)

    async def _move(self) -> None:
        """The market goes to where something fills, and lets it fill a contract at a time."""
        here = self.here
        while True:
            held, working = here.held, here.gateway.book.working()
            entries = [one for one in working if one.ticket.leg is None]
            if entries and self.dice.random() < 0.7:
                sign = 1 if entries[0].ticket.side == 1 else -1
                price = PRICE - sign * 3
            elif held:
                sign = 1 if held > 0 else -1
                price = PRICE + sign * self.dice.choice((11, -11, 0, 0))
            else:
                price = PRICE
            here.trade(price, quantity=self.dice.choice((1, 1, 1, 2)))
            await anyio.sleep(self.dice.choice((0.001, 0.003, 0.01)))

    async def _keep_books(self) -> None:
        """Copy what the handler has booked before it forgets."""
        while True:
            self.copy()
            await anyio.sleep(0.2)

    def copy(self) -> None:
        state = self.here.handler._trading.state
        for trade in (*state.trades.values(), *state.ended.values()):
            for fill_id, booked in trade.fills.items():
                fill, name = booked.fill, trade.plan.trade_id
                _, order = state.orders.get(fill.client_order_id, (None, None))
                if order is None:
                    continue
                signed = fill.quantity * order.order.side.sign
                known = self.booked.setdefault(fill_id, (name, signed))
                if known != (name, signed):
                    self.tally.problem("doubled", f"fill {fill_id}: {known} and {(name, signed)}")

    async def _break(self, fills: int, cuts: int) -> None:
        """Break the link at random moments until there were enough fills and cuts."""
        here, done = self.here, 0
        last, last_at = 0, anyio.current_time()
        metrics = here.handler._trading.metrics
        every = fills / (cuts + 1)
        due = self.dice.uniform(0.5, 1.5) * every
        while self.filled < fills or done < cuts:
            if self.filled > last:
                last, last_at = self.filled, anyio.current_time()
            elif anyio.current_time() - last_at > STUCK_AFTER_S:
                self.tally.problem("stuck", f"no fill any more: {here.gate.reasons()}")
                return
            if done < cuts and self.filled >= min(due, fills):
                before = metrics.reconnects
                name = await here.proxy.strike(self.dice)
                self.tally.struck[name] += 1
                if name.startswith(("delay", "split")):
                    await anyio.sleep(self.dice.uniform(0.05, 0.3))
                    here.proxy.heal()
                    continue
                shut = anyio.current_time()
                pump = here.handler._pump
                with anyio.move_on_after(10):
                    while pump.session and metrics.reconnects == before:  # noqa: ASYNC110  # nor it
                        await anyio.sleep(0.005)
                took = anyio.current_time() - shut
                self.tally.noticed["cut_max_s"] = max(self.tally.noticed.get("cut_max_s", 0), took)
                await anyio.sleep(self.dice.choice((0.0, 0.05, 0.3)))
                await here.proxy.reset()
                here.proxy.heal()
                with anyio.move_on_after(AGREES_WITHIN_S):
                    while metrics.reconnects == before:  # noqa: ASYNC110  # nor a connection
                        await anyio.sleep(0.01)
                if metrics.reconnects == before:
                    self.tally.problem("stuck", f"no session after {name}")
                done += 1
                self.tally.counts["cuts"] += 1
                due = self.filled + self.dice.uniform(0.5, 1.5) * every
                # Now and then the next one comes while it is still reconciling.
                if self.dice.random() < 0.7:
                    with anyio.move_on_after(AGREES_WITHIN_S):
                        while here.gate.reasons():  # noqa: ASYNC110  # a gate has no event for it
                            await anyio.sleep(0.01)
            await anyio.sleep(0.005)

    def differences(self) -> list[str]:
        """What the handler has otherwise than the gateway."""
        self.copy()
        here = self.here
        there = {fill.fill_id: fill.size for fill in here.gateway.fills(ACCOUNT)}
        held = sum(
            trade.held * trade.plan.direction.sign
            for trade in here.handler._trading.state.trades.values()
        )
        found = []
        if lost := there.keys() - self.booked.keys():
            found.append(f"lost: {len(lost)} fills, such as {sorted(lost)[:3]}")
        if odd := self.booked.keys() - there.keys():
            found.append(f"foreign: {len(odd)} fills, such as {sorted(odd)[:3]}")
        wrong = [
            name
            for name in there.keys() & self.booked.keys()
            if abs(self.booked[name][1]) != there[name]
        ]
        if wrong:
            found.append(f"doubled: {len(wrong)} fills have another quantity: {wrong[:3]}")
        if held != here.held:
            found.append(f"position: {held}, at the gateway {here.held}")
        if (net := sum(signed for _, signed in self.booked.values())) != here.held:
            found.append(f"sum: {net}, at the gateway {here.held}")
        return found

    async def _compare(self) -> None:
        """With the link whole, handler and gateway must come to agree, and to be flat."""
        here = self.here
        here.proxy.heal()
        deadline = anyio.current_time() + AGREES_WITHIN_S
        while anyio.current_time() < deadline:
            state = here.handler._trading.state
            if not here.held and not here.gateway.book.working() and not self.differences():
                break
            for trade_id in [name for name, one in state.trades.items() if not one.closed]:
                with suppress(FillbridgeError):
                    await here.handler.close_position(trade_id)
            await anyio.sleep(0.1)
        for difference in self.differences():
            kind, _, text = difference.partition(": ")
            self.tally.problem(kind, text)
        working = len(here.gateway.book.working())
        if here.held or working:
            last = here.told()["orders"][-6:]
            self.tally.problem("left", f"{here.held} held, {working} working: {last}")
        self.tally.counts["fills"] += self.filled
        self.tally.counts["booked"] += len(self.booked)


async def trade(fills: int, cuts: int, seed: int, tally: Tally) -> None:
    """Handlers one after the other, each with its share."""
    os.environ.update(CREDENTIALS)
    rounds = max(1, round(fills / FILLS_OF_A_BROKER))
    for number in range(rounds):
        share = [one * (number + 1) // rounds - one * number // rounds for one in (fills, cuts)]
        dice = random.Random(seed * 10_000 + number)
        with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
            before = footprint()
            async with open_floor(Path(folder), live=HASTY) as here:
                await Trading(here, dice, tally).run(*share)
            del here
            after = footprint()
        for name in ("tasks", "descriptors"):
            if number and getattr(after, name) != getattr(before, name):
                tally.problem(
                    "leaked", f"{name}: {getattr(before, name)}, then {getattr(after, name)}"
                )
        print(f"round {number + 1} of {rounds}: {dict(tally.counts)}", flush=True)


# Reconnects


async def lose(here: Ground, dice: random.Random, tally: Tally) -> None:
    """A session that is lost in one of many ways, or is not there at all."""
    gateway, proxy = here.gateway, here.proxy
    way = dice.choice(
        ("cut", "reset", "half_close up", "half_close down", "kick", "leave", "in between",
         "while asking", "refused", "lose up", "stall down")
    )  # fmt: skip
    tally.struck[way] += 1
    if way == "in between":
        gateway.faults.arm(
            "drop_before_ack", template=dice.choice((10, 300, 302, 310, 308, 320, 400))
        )
    proxy.refuses = way == "refused"
    try:
        async with here.session() as talk:
            tally.counts["sessions"] += 1
            order = here.limit(Side.BUY, -8)
            await here.send(talk, order)
            await here.withdraw(talk, order)
            if way == "cut":
                await gateway.cut(dice.choice((None, 1, 2, 4)))
            elif way == "reset":
                await proxy.reset()
            elif way.startswith("half_close"):
                await proxy.half_close("up" if way.endswith("up") else "down")
            elif way == "kick":
                gateway.kick()
            elif way == "while asking":
                gateway.faults.arm("drop_before_ack", template=320)
                with suppress(DriverError):
                    await talk.session.working_orders()
            elif way == "lose up":
                proxy.up.lose = True
            elif way == "stall down":
                proxy.down.stall()
            if way not in ("leave", "in between", "refused"):
                await talk.lost()
    except (DriverError, Unmet):
        # On a busy machine the driver may have given the link up before it was broken here.
        tally.counts["early"] += way not in ("in between", "refused", "kick")
    finally:
        proxy.heal()
        gateway.faults.disarm()
        await proxy.reset()
        gateway.received.clear()
        gateway.faults.happened.clear()


async def reconnect(times: int, seed: int, tally: Tally) -> None:
    """Lose sessions, and see what is left of them."""
    dice = random.Random(seed)
    async with ground(heartbeat_s=0.5) as here:

        async def settle() -> Any:
            await until("no connection", lambda: not here.proxy.pairs and not here.gateway.sessions)
            # A task of the proxy ends a moment after its pair is gone.
            await anyio.wait_all_tasks_blocked()
            here.gateway.book.orders.clear()
            return footprint()

        for _ in range(min(50, times)):
            await lose(here, dice, tally)
        before = await settle()
        for number in range(times):
            await lose(here, dice, tally)
            tally.counts["reconnects"] += 1
            if number % 100 == 99:
                print(f"{number + 1} reconnects: {await settle()}", flush=True)
        after = await settle()
    tally.noticed["objects_per_reconnect"] = round(
        (after.objects - before.objects) / max(times, 1), 2
    )
    for name in ("tasks", "descriptors"):
        if getattr(after, name) > getattr(before, name):
            tally.problem("leaked", f"{name}: {getattr(before, name)}, then {getattr(after, name)}")
    if tally.counts["early"] > times / 10:
        tally.problem(
            "unstable", f"{tally.counts['early']} sessions of {times} ended by themselves"
        )
    if after.objects - before.objects > times + 1000:
        tally.problem("leaked", f"objects: {before.objects}, then {after.objects}")


# Half-open links


async def notice(
    here: Ground,
    number: int,
    heartbeat_s: float,
    within_s: float,
    dice: random.Random,
    tally: Tally,
) -> None:
    """One link that falls silent."""
    way = ("lose up", "lose down", "lose both", "stall up", "stall down", "deaf server")[number % 6]
    assert here.terms.settings is not None
    async with proxying(here.proxy.server_port) as proxy:
        settings = msgspec.structs.replace(here.terms.settings, uri=f"wss://127.0.0.1:{proxy.port}")
        terms = msgspec.structs.replace(
            here.terms,
            settings=settings,
            heartbeat_interval_s=heartbeat_s,
            credentials={"username": Secret(f"u{number}"), "password": Secret(PASSWORD)},
        )
        async with RithmicDriver().connect(terms) as session:
            await anyio.sleep(dice.uniform(0, 3))
            _fall_silent(here, proxy, way, number)
            began = anyio.current_time()
            with suppress(DriverError):
                while True:
                    await session.receive()
            took = anyio.current_time() - began
    tally.struck[way] += 1
    tally.counts["half_open"] += 1
    name = f"half_open_max_s_at_{heartbeat_s:g}_s"
    tally.noticed[name] = max(tally.noticed.get(name, 0.0), took)
    if took > within_s:
        tally.problem("late", f"{way}: noticed after {took:.2f} s")


def _fall_silent(here: Ground, proxy: Proxy, way: str, number: int) -> None:
    if way == "deaf server":
        for session in here.gateway.sessions:
            if session.user is not None and session.user.name == f"u{number}":
                session.fall_silent()
        return
    what, _, where = way.partition(" ")
    ways = {"up": (proxy.up,), "down": (proxy.down,), "both": (proxy.up, proxy.down)}[where]
    for one in ways:
        if what == "lose":
            one.lose = True
        else:
            one.stall()


async def fall_silent(times: int, within_s: float, seed: int, tally: Tally) -> None:
    """Some links at a time."""
    dice = random.Random(seed)
    users = [f"u{number}" for number in range(times)]
    async with ground(users=users, connect_timeout_s=60.0, request_timeout_s=30.0) as here:
        for first in range(0, times, 6):
            async with anyio.create_task_group() as tasks:
                for number in range(first, min(first + 6, times)):
                    heartbeat_s = 30.0 if (number // 6) % 2 == 0 else 1.0
                    tasks.start_soon(notice, here, number, heartbeat_s, within_s, dice, tally)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--fills", type=int, default=0)
    parser.add_argument("--cuts", type=int, default=0)
    parser.add_argument("--reconnects", type=int, default=0)
    parser.add_argument("--half-open", type=int, default=0)
    parser.add_argument("--within", type=float, default=NOTICED_WITHIN_S, metavar="S")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--backend", choices=("asyncio", "trio"), default="asyncio")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    tally, began = Tally(), time.monotonic()

    async def run() -> None:
        if options.fills:
            await trade(options.fills, options.cuts, options.seed, tally)
        if options.reconnects:
            await reconnect(options.reconnects, options.seed, tally)
        if options.half_open:
            await fall_silent(options.half_open, options.within, options.seed, tally)

    anyio.run(run, backend=options.backend)
    print(*tally.problems, sep="\n")
    result: dict[str, Any] = {"seed": options.seed, "backend": options.backend}
    result |= {
        name: tally.counts[name]
        for name in ("fills", "booked", "trades", "cuts", "resumed", "lost", "doubled", "foreign",
                     "position", "sum", "left", "stuck", "reconnects", "sessions", "early",
                     "leaked", "half_open", "late")
    }  # fmt: skip
    result |= {name: round(value, 2) for name, value in sorted(tally.noticed.items())}
    result |= {
        "struck": dict(sorted(tally.struck.items())),
        "seconds": round(time.monotonic() - began, 1),
    }
    print(json.dumps(result))
    return 1 if tally.problems else 0


if __name__ == "__main__":
    sys.exit(main())
