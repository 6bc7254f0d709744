"""Faults that strike at a moment, wherever live trading is then."""

from typing import TYPE_CHECKING

from world.cells import cell_in, phases
from world.timeline import SECOND

from fillbridge.engine.messages import CancelRequested, CloseRequested, ReplaceRequested
from fillbridge_hooks import ExitReason, OrderRole

if TYPE_CHECKING:
    from world.plan import Plan
    from world.world import World

MOMENTS = (
    ("kill", 8), ("cut", 8), ("outage", 6), ("hang", 6), ("suspend", 6), ("logout", 4),
    ("halt", 4), ("halt_for_good", 2), ("emergency", 4), ("bust", 8), ("lost_stop", 8),
    ("redeliver", 8), ("close", 6), ("cancel_entry", 6), ("foreign", 3), ("expired_stop", 4),
    ("refused", 3), ("stop_in_order", 5), ("gap", 6), ("move_stop", 6),
)  # fmt: skip
"""By name, and how often each is chosen."""


class Moments:
    """Lets them happen in one world."""

    def __init__(self, world: "World", plan: "Plan") -> None:
        self._world = world
        self._random = world.random
        self._plan = plan

    def strike(self, kind: str) -> None:
        """One of them strikes, unless enough did."""
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
        self._world.bus.deliver(self._random.choice(self._plan.proposals))

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
        if process is world.process and world.process is not None and not world.disk.is_full:
            world.process.recording.end(is_clean=True)
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
