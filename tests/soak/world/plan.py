"""What shall happen in a run: its proposals and its faults, chosen by the seed."""

from typing import TYPE_CHECKING

from world.cells import PHASES, cell_at, cell_in
from world.moments import MOMENTS, Moments
from world.timeline import SECOND, START_NS

from fillbridge_hooks import ArrivalPrice, OrderType, RiskProposal

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


_PLACES = _places()
_KINDS = [
    *((place, fault) for place, fault, _ in _PLACES),
    *(("time", kind) for kind, _ in MOMENTS),
]
_WEIGHTS = [*(weight for _, _, weight in _PLACES), *(weight for _, weight in MOMENTS)]
_FAULTS = {"calm": (0, 0), "default": (1, 5), "hell": (4, 12), "journal": (1, 5), "kills": (0, 4)}
"""How many faults strike at least and at most, by profile, where the run passes the places."""
_ARMED_FOR_ONE = 4
"""Most places are passed by few runs: so many are armed for each fault that shall strike."""
PROFILES = tuple(_FAULTS)


class Plan:
    """Proposals and faults of one run."""

    def __init__(self, world: "World", profile: str) -> None:
        self._world = world
        random = self._random = world.random
        self._moments = Moments(world, self)
        least, most = _FAULTS[profile]
        self.faults_end_ns = START_NS + random.choice((8, 12, 20)) * SECOND
        self.calm_ns = random.choice((2, 6)) * SECOND
        self.most_faults = random.randint(least, most)
        self._chosen = random.choices(_KINDS, _WEIGHTS, k=_ARMED_FOR_ONE * self.most_faults)
        self.proposals = [self._proposal(number) for number in range(random.choice((1, 2, 3, 4)))]

    def schedule(self) -> None:
        """Put everything on the timeline."""
        world, random = self._world, self._random
        for place, fault in self._chosen:
            if place == "time":
                self._schedule_timed(fault)
            else:
                often = place in ("append", "commit", "outcome", "receive", "received", "answers")
                world.points.arm(place, random.randint(1, 14 if often else 2), fault)
        dues = []
        for number, proposal in enumerate(self.proposals):
            due = START_NS + SECOND + int(random.random() * (1 + number * 6) * SECOND)
            dues.append(due)
            world.timeline.at(due, world.bus.deliver, proposal)
            if random.random() < 0.1:
                world.timeline.at(due + int(random.random() * SECOND), world.bus.deliver, proposal)

        if world.kills is not None:
            world.kills.schedule(dues, self.faults_end_ns)

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
        world.timeline.at(due, self._moments.strike, kind)


def all_cells() -> frozenset[str]:
    """Every cell that a run can touch."""
    at = {cell_at(place, fault) for place, fault, _ in _PLACES}
    return frozenset(at | {cell_in(phase, kind) for phase in PHASES for kind, _ in MOMENTS})
