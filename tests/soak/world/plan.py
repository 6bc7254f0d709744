"""What shall happen in a run: its proposals and its faults, chosen by the seed."""

from typing import TYPE_CHECKING

from world.cells import PHASES, cell_at, cell_in, phases
from world.timeline import SECOND, START_NS

from fillbridge.engine.messages import CancelRequested, CloseRequested, ReplaceRequested
from fillbridge_hooks import ArrivalPrice, ExitReason, OrderRole, OrderType, RiskProposal

if TYPE_CHECKING:
    from world.world import World

_SENDS = ("kill_before", "kill_after", "link_before", "link_during", "link_after", "lost", "stall",
          "limbo")  # fmt: skip
_REPORTS = ("lose", "twice", "late", "cut")


def _places() -> list[tuple[str, str, int]]:
    """Every place with every fault that can strike there, and its weight."""
    found: list[tuple[str, str, int]] = []
    for role in ("entry", "stop", "target", "exit"):
        weight = 3 if role in ("entry", "stop") else 2
        found += [(f"submit.{role}", fault, weight) for fault in (*_SENDS, "reject", "fill_first")]
        found.append((f"submit.{role}", "long_limbo", 2))
        found += [(f"cancel.{role}", fault, 1) for fault in (*_SENDS, "cross")]
        found.append((f"cancel.{role}", "late_fill", 3))
        for report in ("Accepted", "Fill", "Cancelled"):
            found += [(f"{report}.{role}", fault, weight) for fault in _REPORTS]
        found += [(f"Rejected.{role}", fault, 1) for fault in _REPORTS]
    for role in ("stop", "target"):
        found += [(f"replace.{role}", fault, 1) for fault in (*_SENDS, "cross", "reject")]
        found += [(f"Replaced.{role}", fault, 1) for fault in _REPORTS]
        found.append((f"leg.{role}", "reject", 4))
    found += [("CancelRejected.none", fault, 1) for fault in _REPORTS]
    found += [("ReplaceRejected.none", fault, 1) for fault in _REPORTS]
    found += [("target.filled", "double", 12), ("append", "kill", 6)]
    found += [("commit", fault, 6) for fault in ("kill", "kill_after", "torn")]
    found += [("commit", "full", 3)]
    found += [("answers", fault, 6) for fault in ("empty", "stale", "hang", "error")]
    found += [(place, "kill", 3) for place in ("outcome", "receive", "received", "snapshot",
              "publish", "propose", "proposed")]  # fmt: skip
    return found


_TIMED = (
    ("kill", 8), ("cut", 8), ("outage", 6), ("hang", 6), ("suspend", 6), ("logout", 4),
    ("halt", 4), ("halt_for_good", 2), ("emergency", 4), ("bust", 8), ("lost_stop", 8),
    ("redeliver", 8), ("close", 6), ("cancel_entry", 6), ("foreign", 3), ("expired_stop", 4),
    ("refused", 3), ("stop_in_order", 5), ("gap", 6), ("move_stop", 6),
)  # fmt: skip
_PLACES = _places()
_KINDS = [*((place, fault) for place, fault, _ in _PLACES), *(("time", kind) for kind, _ in _TIMED)]
_WEIGHTS = [*(weight for _, _, weight in _PLACES), *(weight for _, weight in _TIMED)]
_FAULTS = {"calm": (0, 0), "default": (1, 5), "hell": (4, 12), "journal": (1, 5)}
"""How many faults strike at least and at most, by profile, where the run passes the places."""
_ARMED_FOR_ONE = 4
"""Most places are passed by few runs: so many are armed for each fault that shall strike."""
PROFILES = tuple(_FAULTS)


class Plan:
    """Proposals and faults of one run."""

    def __init__(self, world: "World", profile: str) -> None:
        self._world = world
        random = self._random = world.random
        least, most = _FAULTS[profile]
        self.faults_end_ns = START_NS + random.choice((8, 12, 20)) * SECOND
        self.calm_ns = random.choice((2, 6)) * SECOND
        self.most_faults = random.randint(least, most)
        self._chosen = random.choices(_KINDS, _WEIGHTS, k=_ARMED_FOR_ONE * self.most_faults)
        self._proposals = [self._proposal(number) for number in range(random.choice((1, 2, 3, 4)))]

    def schedule(self) -> None:
        """Put everything on the timeline."""
        world, random = self._world, self._random
        for place, fault in self._chosen:
            if place == "time":
                self._schedule_timed(fault)
            else:
                often = place in ("append", "commit", "outcome", "receive", "received", "answers")
                world.points.arm(place, random.randint(1, 14 if often else 2), fault)
        for number, proposal in enumerate(self._proposals):
            due = START_NS + SECOND + int(random.random() * (1 + number * 6) * SECOND)
            world.timeline.at(due, world.propose, proposal)
            if random.random() < 0.1:
                world.timeline.at(due + int(random.random() * SECOND), world.propose, proposal)

    def _proposal(self, number: int) -> RiskProposal:
        random = self._random
        last = 4000.0
        is_long = random.random() < 0.5
        kind = random.choice((None, None, OrderType.LIMIT, OrderType.STOP))
        limit: float | None = None
        trigger: float | None = None
        sign = 1 if is_long else -1
        if kind is OrderType.LIMIT:
            limit = last - sign * random.randint(-2, 6) * 0.25
        elif kind is OrderType.STOP:
            trigger = last + sign * random.randint(-2, 6) * 0.25
        has_levels = random.random() < 0.5
        stop, target = random.randint(8, 30), random.randint(8, 30)
        base = limit or trigger or last
        return RiskProposal(
            proposal_id=f"P{number + 1}",
            symbol=random.choice(("ES", "ES", "NQ")),
            direction="LONG" if is_long else "SHORT",
            position_size=random.randint(1, 3),
            urgency="high",
            entry_type=kind,
            entry_limit_price=limit,
            entry_trigger_price=trigger,
            stop_loss_price=base - sign * stop * 0.25 if has_levels else None,
            take_profit_price=base + sign * target * 0.25 if has_levels else None,
            stop_loss_ticks=None if has_levels else stop,
            take_profit_ticks=None if has_levels else target,
            timeout_seconds=random.choice((None, 4.0, 30.0)),
            arrival=ArrivalPrice(last=base),
        )

    def _schedule_timed(self, kind: str) -> None:
        world = self._world
        span = self.faults_end_ns - START_NS
        due = START_NS + SECOND + int(self._random.random() * (span - SECOND))
        world.timeline.at(due, self._strike, kind)

    def _strike(self, kind: str) -> None:
        world = self._world
        if world.has_had_enough:
            return
        world.points.strike(f"time:{kind}", world.timeline.now_ns)
        world.cells.update(cell_in(phase, kind) for phase in phases(world))
        world.oracle.touch("")
        world.tell(f"!! {kind}")
        getattr(self, f"_{kind}")()

    def _kill(self) -> None:
        self._world.kill()

    def _cut(self) -> None:
        self._world.cut("reset by peer")

    def _outage(self) -> None:
        world = self._world
        world.is_network_down = True
        world.cut("the network is down")
        wait = self._random.choice((1, 3, 8, 40)) * SECOND
        world.timeline.after(wait, self._end_outage)

    def _end_outage(self) -> None:
        self._world.is_network_down = False

    def _hang(self) -> None:
        world = self._world
        if not world.link.is_up:
            return
        world.link.is_hung = True
        world.oracle.pause()
        wait = int((0.5 + self._random.random() * 6) * SECOND)
        world.timeline.after(wait, self._end_hang, world.link.number)

    def _end_hang(self, number: int) -> None:
        if self._world.link.number == number:
            self._world.cut("no heartbeat")

    def _suspend(self) -> None:
        world, process = self._world, self._world.process
        if process is None or process.resumes_ns > world.timeline.now_ns:
            return
        wait = int((0.2 + self._random.random() * 6) * SECOND)
        process.resumes_ns = world.timeline.now_ns + wait
        world.oracle.pause()
        world.timeline.at(process.resumes_ns, self._resumed, process, wait)

    def _resumed(self, process: object, lag_ns: int) -> None:
        world = self._world
        if process is not world.process or world.process is None:
            return
        world.process.run(world.process.health.sample, lag_ns)
        for wait in range(1, 14):
            world.timeline.after(wait * SECOND, self._sample, process)
        if world.link.is_up:
            world.oracle.begin_again()

    def _sample(self, process: object) -> None:
        world = self._world
        if process is world.process and world.process is not None:
            world.process.run(world.process.health.sample, 0)

    def _logout(self) -> None:
        world = self._world
        if not world.link.is_up:
            return
        world.is_locked_out = True
        world.cut("another login", is_logged_out=True)
        world.timeline.after(self._random.randint(1, 12) * SECOND, self._let_in)

    def _let_in(self) -> None:
        world = self._world
        world.is_locked_out = False
        if world.process is not None:
            world.process.run(world.process.resume)

    def _halt(self) -> None:
        world = self._world
        if world.process is None:
            return
        world.may_stay_shut = True
        world.process.run(world.process.trading.halt, "a person said so", "operator")
        world.timeline.after(self._random.randint(1, 10) * SECOND, self._resume)

    def _resume(self) -> None:
        world = self._world
        if world.process is not None:
            world.process.run(world.process.resume)

    def _halt_for_good(self) -> None:
        world = self._world
        if world.process is not None:
            world.may_stay_shut = True
            world.process.run(world.process.trading.halt, "a person said so", "operator")

    def _emergency(self) -> None:
        process = self._world.process
        self._halt_for_good()
        if process is not None:
            process.run(self._cancel_and_close)

    def _cancel_and_close(self) -> None:
        world = self._world
        assert world.process is not None
        trading, now = world.process.trading, world.timeline.now_ns
        for trade in tuple(trading.state.trades.values()):
            entry_id = trade.entry.order.client_order_id
            trading.request(CancelRequested(entry_id, "emergency stop", now))
            reason = ExitReason.MANUAL_OVERRIDE
            trading.request(CloseRequested(trade.plan.trade_id, reason, now))

    def _bust(self) -> None:
        world = self._world
        if world.process is None:
            return
        # A bust comes long after its fill: the handler has heard of that.
        orders = world.process.trading.state.orders
        candidates = [
            one
            for one in world.broker.fills
            if not one.is_void
            and one.fill.client_order_id in orders
            and one.fill.fill_id in orders[one.fill.client_order_id][0].fills
        ]
        if candidates:
            executed = self._random.choice(candidates)
            world.oracle.had_bust = True
            world.tell(f"   bust of {executed.fill.fill_id} of {executed.fill.client_order_id}")
            world.broker.bust(executed)

    def _lost_stop(self) -> None:
        world = self._world
        stops = [one for one in world.broker.orders if one.role is OrderRole.STOP and one.left]
        if stops:
            world.broker.cancel_by_venue(self._random.choice(stops), "end of the session")

    def _redeliver(self) -> None:
        self._world.propose(self._random.choice(self._proposals))

    def _close(self) -> None:
        process = self._world.process
        if process is None:
            return
        now, random = self._world.timeline.now_ns, self._random
        trades = list(process.trading.state.trades)
        if trades:
            request = CloseRequested(random.choice(trades), ExitReason.MANUAL_OVERRIDE, now)
            process.run(process.trading.request, request)

    def _cancel_entry(self) -> None:
        process = self._world.process
        if process is None:
            return
        trades = list(process.trading.state.trades.values())
        if trades:
            entry_id = self._random.choice(trades).entry.order.client_order_id
            now = self._world.timeline.now_ns
            process.run(process.trading.request, CancelRequested(entry_id, "on request", now))

    def _foreign(self) -> None:
        world = self._world
        working = world.broker.place_foreign("ES")
        wait = self._random.randint(1, 15) * SECOND
        world.timeline.after(wait, world.broker.end_foreign, working)

    def _expired_stop(self) -> None:
        world = self._world
        stops = [one for one in world.broker.orders if one.role is OrderRole.STOP and one.left]
        if stops:
            world.broker.expire_by_venue(self._random.choice(stops), "the trade date is over")

    def _refused(self) -> None:
        """The broker ends the session and refuses the login until a person sees to it."""
        world = self._world
        if not world.link.is_up:
            return
        world.is_locked_out = True
        world.cut("cannot connect: the password is wrong", is_logged_out=True)
        world.timeline.after(self._random.randint(1, 12) * SECOND, self._let_in)

    def _stop_in_order(self) -> None:
        """The handler drains and ends; it is started again."""
        world, process = self._world, self._world.process
        if process is not None and not world.disk.is_full:
            process.run(process.trading.drain)
            world.timeline.after(SECOND // 10, self._stopped, process)

    def _stopped(self, process: object) -> None:
        world = self._world
        if process is world.process and world.process is not None:
            world.process_died(world.process)

    def _gap(self) -> None:
        world = self._world
        for symbol, last in tuple(world.broker.last.items()):
            world.broker.move(symbol, last + self._random.choice((-60, -25, 25, 60)))

    def _move_stop(self) -> None:
        process, now = self._world.process, self._world.timeline.now_ns
        if process is None:
            return
        trades = [trade for trade in process.trading.state.trades.values() if trade.stop]
        if not trades:
            return
        stop = self._random.choice(trades).stop
        if stop is not None and stop.order.trigger_ticks is not None:
            trigger = stop.order.trigger_ticks - stop.order.side.sign * self._random.randint(-2, 6)
            order_id = stop.order.client_order_id
            request = ReplaceRequested(order_id, stop.order.limit_ticks, trigger, now)
            process.run(process.trading.request, request)


def all_cells() -> frozenset[str]:
    """Every cell that a run can touch."""
    at = {cell_at(place, fault) for place, fault, _ in _PLACES}
    return frozenset(at | {cell_in(phase, kind) for phase in PHASES for kind, _ in _TIMED})
