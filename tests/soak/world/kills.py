"""The kill switch, pulled at a moment that the seed chooses, and what must hold from then on."""

from typing import TYPE_CHECKING

from world.points import Killed
from world.timeline import MILLISECOND, SECOND, START_NS
from world.violations import Violated

from fillbridge.journal.latch import LatchState
from fillbridge_hooks import KillLevel

if TYPE_CHECKING:
    from world.world import World

_STEPS = ("latch", "append", "commit", "outcome", "receive", "received", "snapshot")
"""Where the process may be killed while it stops."""
_CRASHES = {"latch": ("kill", "kill_after"), "commit": ("kill", "kill_after", "torn")}
_AGAIN_NS = 50 * MILLISECOND
PROMPT_NS = 5 * SECOND
"""Where nothing struck: two ways over the link, fills in parts at prices that come every 0.4 s, and
a round of questions that shows that it is flat."""


class WorldLatch:
    """The latch as it stands on a disk that may be full, written by processes that may die."""

    def __init__(self, world: "World") -> None:
        self.state: LatchState | None = None
        self.proved: KillLevel | None = None
        """What every later start must keep to."""
        self._world = world

    def read(self) -> LatchState | None:
        """What was written last."""
        return self.state

    def write(self, state: LatchState) -> None:
        """Keep it, unless something strikes."""
        fault = self._world.passing("latch")
        if fault == "kill":
            raise Killed
        if self._world.disk.is_full:
            # Removed, which is a stop if anything else tells that there was one.
            self.state = None
            self.proved = KillLevel.PAUSE if self._world.disk.records else None
            raise OSError(28, "No space left on device")
        self.state = state
        kills = self._world.kills
        # Before the switch was pulled a person may let go on what a person had halted.
        if state.level is not None or kills is None or not kills.count:
            self.proved = state.level
        if fault == "kill_after":
            raise Killed


class Kills:
    """Pulls the switch in one world, and judges what follows."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.latch = WorldLatch(world)
        self.pulled: KillLevel | None = None
        """The highest level that was asked for."""
        self.count = 0
        self._since_ns = 0
        self.flat_ns: int | None = None
        """From the last pull until nothing was held nor worked any more."""

    def schedule(self, proposals_ns: list[int], ends_ns: int) -> None:
        """Put one or two pulls on the timeline, and sometimes a crash on the way."""
        random, timeline = self._world.random, self._world.timeline
        for _ in range(random.choice((1, 1, 2))):
            if proposals_ns and random.random() < 0.6:
                # Around an entry on its way: at once, or within what that takes.
                wait = random.choice((0, 1, int(random.random() * 300 * MILLISECOND)))
                due = random.choice(proposals_ns) + wait
            else:
                due = START_NS + SECOND + int(random.random() * (ends_ns - START_NS - SECOND))
            level = random.choice((*KillLevel, KillLevel.FLATTEN, KillLevel.FLATTEN))
            timeline.at(due, self._pull, level, random.random() < 0.4)

    def _pull(self, level: KillLevel, dies: bool) -> None:
        world = self._world
        process = world.process
        if process is None or process.is_dead or process.resumes_ns > world.timeline.now_ns:
            world.timeline.after(_AGAIN_NS, self._pull, level, dies)
            return
        world.may_stay_shut = True
        world.tell(f"!! kill {level.value}")
        world.oracle.touch("")
        self.count += 1
        self._since_ns, self.flat_ns = world.timeline.now_ns, None
        if self.pulled is None or self.pulled.rank < level.rank:
            self.pulled = level
        if dies and not world.disk.is_full:
            place = world.random.choice(_STEPS)
            crash = world.random.choice(_CRASHES.get(place, ("kill",)))
            world.points.arm(place, world.random.randint(1, 4), crash)
        if not dies and not world.points.struck and world.can_act:
            world.timeline.after(PROMPT_NS, self._look, process, world.link.number, self.count)
        process.run(process.trading.kill, level, "a person said so", "operator", "world")

    def _look(self, process: object, session: int, count: int) -> None:
        """Where nothing struck, what the level asks for has been done by now."""
        world = self._world
        is_the_same = process is world.process and session == world.link.number
        if world.points.struck or not is_the_same or not world.can_act or count != self.count:
            return
        objection = self.objection()
        if objection:
            raise Violated(f"kill: {PROMPT_NS / SECOND} s after it was pulled: {objection}")

    def started(self) -> None:
        """A process has started: what was kept is in force, and the rest is asked for again."""
        process = self._world.process
        if process is None or self.pulled is None:
            return
        level, proved = process.trading.kill_switch.level, self.latch.proved
        if proved is not None and (level is None or level.rank < proved.rank):
            raise Violated(f"kill: {proved.value} became {level} by a restart")
        if level is None or level.rank < self.pulled.rank:
            # Whoever got no answer does it again.
            self._world.timeline.after(_AGAIN_NS, self._pull, self.pulled, False)

    def stops(self) -> bool:
        """Whether the latch on the disk forbids entries."""
        return self.latch.state is not None and self.latch.state.level is not None

    def objection(self) -> str:
        """What keeps a stopped account from being as it should be for good."""
        world = self._world
        process = world.process
        if process is None or not self.count:
            return ""
        level = process.trading.kill_switch.level
        if level is None:
            return "stopped, and armed by nobody"
        if level is KillLevel.PAUSE:
            return ""
        for queue in world.broker.working.values():
            for order in queue:
                if order.client_order_id.endswith("_ENTRY"):
                    return f"{order.client_order_id} works after {level.value}"
        if level is not KillLevel.FLATTEN:
            return ""
        for trade in world.broker.trades.values():
            if trade.position:
                return f"{trade.trade_id} holds {trade.position} after flatten"
        if process.trading.state.trades:
            return f"open after flatten: {sorted(process.trading.state.trades)}"
        if self.flat_ns is None:
            self.flat_ns = world.timeline.now_ns - self._since_ns
        if not process.trading.kill_switch.document()["is_flat"] and world.can_act:
            return "the broker has not been asked whether it is flat"
        return ""

    def judge(self) -> None:
        """Judge the end."""
        objection = self.objection()
        if objection:
            raise Violated(f"kill: {objection}")
        process = self._world.process
        if process is None or self.pulled is None or self._world.disk.is_full:
            return
        level = process.trading.kill_switch.level
        if level is None or level.rank < self.pulled.rank:
            raise Violated(f"kill: {self.pulled.value} became {level}")
