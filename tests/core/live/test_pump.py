"""The order pump: what is ready leaves in order, whoever waits for it and whatever fails."""

import anyio
import pytest

from fillbridge.engine.messages import CancelRequested, ReplaceRequested
from fillbridge.live import OrderPump
from fillbridge_hooks import (
    FatalError,
    NotSent,
    OrderStatus,
    OutcomeUnknown,
    RetryableError,
    Sent,
)
from fillbridge_hooks.testing.clock import ManualClock

pytestmark = pytest.mark.anyio


class Line:
    """A session that notes what is handed over, and fails or waits as it is told."""

    def __init__(self):
        self.handed = []
        self.fails = None
        self.answers = Sent
        self.gate = None
        """An event that sending waits for."""

    async def submit(self, approved):
        approved.permit.spend()
        return await self._hand("submit", approved.order.client_order_id)

    async def cancel(self, client_order_id):
        return await self._hand("cancel", client_order_id)

    async def replace(self, change):
        return await self._hand("replace", change.client_order_id)

    async def _hand(self, what, client_order_id):
        self.handed.append((what, client_order_id))
        if self.gate is not None:
            await self.gate.wait()
        if self.fails is not None:
            raise self.fails
        self.handed.append(("done", client_order_id))
        return self.answers(client_order_id)


@pytest.fixture
def line():
    return Line()


@pytest.fixture
def clock(world):
    return ManualClock(world.clock.now_ns)


@pytest.fixture
def pump(world, clock, line):
    made = OrderPump(world.trading, clock, send_timeout_s=0.01)
    made.session = line
    return made


async def drain(pump):
    """Run the pump until everything that is ready has left."""
    pump.stop()
    await pump.run()


def ids(line, what="submit"):
    return [name for one, name in line.handed if one == what]


async def test_what_is_ready_leaves_in_its_order(world, pump, line):
    first, second = world.propose(), world.propose()
    await drain(pump)
    assert ids(line) == [f"{first}_ENTRY", f"{second}_ENTRY"]
    assert world.status(f"{first}_ENTRY") is OrderStatus.PENDING


async def test_one_at_a_time_leaves(world, pump, line):
    first, second = world.propose() + "_ENTRY", world.propose() + "_ENTRY"
    await drain(pump)
    assert line.handed == [
        ("submit", first),
        ("done", first),
        ("submit", second),
        ("done", second),
    ]


async def test_cancels_and_changes_leave_as_what_they_are(world, pump, line):
    stop = world.opened() + "_SL"
    entry = world.propose() + "_ENTRY"
    world.exchange()
    now = world.clock.now_ns
    world.trading.request(ReplaceRequested(stop, None, 15_980, now))
    world.trading.request(CancelRequested(entry, "asked", now))
    await drain(pump)
    assert line.handed[::2] == [("replace", stop), ("cancel", entry)]


async def test_it_waits_for_more_and_ends_when_it_is_told(world, pump, line):
    async with anyio.create_task_group() as group:
        group.start_soon(pump.run)
        await anyio.wait_all_tasks_blocked()
        entry = world.propose() + "_ENTRY"
        pump.wake()
        await anyio.wait_all_tasks_blocked()
        assert ids(line) == [entry]
        pump.stop()


async def test_nobody_can_cancel_it(world, pump, line):
    async with anyio.create_task_group() as group:
        group.start_soon(pump.run)
        await anyio.wait_all_tasks_blocked()
        group.cancel_scope.cancel()
        entry = world.propose() + "_ENTRY"
        pump.stop()
    assert ids(line) == [entry]


async def test_whoever_waits_hears_when_it_left(world, pump, clock):
    entry = world.propose() + "_ENTRY"
    async with anyio.create_task_group() as group:
        group.start_soon(pump.run)
        assert await pump.wait_left(entry) == clock.now_ns
        pump.stop()


async def test_whoever_waits_may_be_cancelled_and_the_order_leaves(world, clock, line):
    pump = OrderPump(world.trading, clock, send_timeout_s=9)
    pump.session = line
    line.gate = anyio.Event()
    entry = world.propose() + "_ENTRY"
    async with anyio.create_task_group() as group:
        group.start_soon(pump.run)
        async with anyio.create_task_group() as waiting:
            waiting.start_soon(pump.wait_left, entry)
            await anyio.wait_all_tasks_blocked()
            waiting.cancel_scope.cancel()
        assert line.handed == [("submit", entry)]
        line.gate.set()
        pump.stop()
    assert line.handed == [("submit", entry), ("done", entry)]


async def test_everybody_who_waits_for_one_order_hears_of_it(world, pump, clock):
    entry, left = world.propose() + "_ENTRY", []

    async def wait():
        left.append(await pump.wait_left(entry))

    with anyio.fail_after(30):
        async with anyio.create_task_group() as group:
            group.start_soon(wait)
            group.start_soon(wait)
            await anyio.wait_all_tasks_blocked()
            assert left == []
            group.start_soon(drain, pump)
    assert left == [clock.now_ns] * 2


async def test_whoever_waits_hears_that_an_order_will_not_leave(world, clock, line):
    """The line is lost while another order is on its way: the second one never leaves."""
    pump = OrderPump(world.trading, clock, send_timeout_s=9)
    pump.session = line
    line.gate = anyio.Event()
    first, second = world.propose() + "_ENTRY", world.propose() + "_ENTRY"
    async with anyio.create_task_group() as group:
        group.start_soon(pump.wait_left, first)
        group.start_soon(pump.wait_left, second)
        group.start_soon(pump.run)
        await anyio.wait_all_tasks_blocked()
        world.cut()
        line.gate.set()
        pump.stop()
    assert ids(line) == [first]
    assert world.status(second) is OrderStatus.EXPIRED


async def test_a_session_that_takes_too_long_leaves_the_outcome_unknown(world, pump, line):
    line.gate = anyio.Event()
    entry = world.propose() + "_ENTRY"
    await drain(pump)
    assert world.status(entry) is OrderStatus.UNKNOWN
    assert world.state.orders[entry][1].reason == "sending took longer than 0.01 s"


async def test_what_is_behind_an_order_that_takes_too_long_leaves_all_the_same(world, pump, line):
    hangs, gate = world.propose() + "_ENTRY", anyio.Event()
    behind = world.propose(symbol="NQ") + "_ENTRY"
    hand = line._hand

    async def hand_over(what, name):
        line.gate = gate if name == hangs else None
        return await hand(what, name)

    line._hand = hand_over
    with anyio.fail_after(30):
        await drain(pump)
    assert line.handed == [("submit", hangs), ("submit", behind), ("done", behind)]
    assert world.status(hangs) is OrderStatus.UNKNOWN
    assert world.status(behind) is OrderStatus.PENDING


async def test_the_pump_goes_on_after_one_that_took_too_long(world, pump, line):
    line.gate = anyio.Event()
    hangs = world.propose() + "_ENTRY"
    with anyio.fail_after(30):
        async with anyio.create_task_group() as group:
            group.start_soon(pump.run)
            await pump.wait_left(hangs)
            line.gate = None
            later = world.propose(symbol="NQ") + "_ENTRY"
            await pump.wait_left(later)
            pump.stop()
    assert world.status(hangs) is OrderStatus.UNKNOWN
    assert line.handed[-1] == ("done", later)


async def test_an_outcome_that_comes_too_late_counts_once(world, pump, line):
    """The session notices that its time is up, and says itself what became of the order."""
    late, behind = world.propose() + "_ENTRY", world.propose(symbol="NQ") + "_ENTRY"
    outcomes, conclude = [], world.trading.on_outcome

    async def submit(approved):
        approved.permit.spend()
        name = approved.order.client_order_id
        with anyio.CancelScope(shield=True):
            while name == late and not pump._limit.cancel_called:  # noqa: ASYNC110
                await anyio.sleep(0.001)
        return Sent(name)

    def on_outcome(command, outcome):
        outcomes.append((command.client_order_id, type(outcome)))
        conclude(command, outcome)

    line.submit, world.trading.on_outcome = submit, on_outcome
    with anyio.fail_after(30):
        await drain(pump)
    assert outcomes == [(late, Sent), (behind, Sent)]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RetryableError("the line broke"), "the line broke"),
        (RetryableError(), "RetryableError"),
        (FatalError("not allowed"), "not allowed"),
        (ValueError("no number"), "ValueError: no number"),
    ],
)
async def test_a_session_that_fails_leaves_the_outcome_unknown(world, pump, line, error, reason):
    line.fails = error
    entry = world.propose() + "_ENTRY"
    other = world.propose(symbol="NQ") + "_ENTRY"
    await drain(pump)
    assert world.status(entry) is OrderStatus.UNKNOWN
    assert world.state.orders[entry][1].reason == reason
    # The next one is tried all the same.
    assert ids(line) == [entry, other]


@pytest.mark.parametrize(
    ("kind", "status"), [(NotSent, OrderStatus.EXPIRED), (OutcomeUnknown, OrderStatus.UNKNOWN)]
)
async def test_what_the_session_says_of_the_outcome_counts(world, pump, line, kind, status):
    line.answers = lambda name: kind(name, "so it says", 1)
    entry = world.propose() + "_ENTRY"
    await drain(pump)
    assert world.status(entry) is status


async def test_a_permit_that_was_used_before_sends_nothing_and_leaves_the_order_in_doubt(
    world, pump, line
):
    entry = world.propose() + "_ENTRY"
    world.trading.outbox.ready[0].approved.permit.spend()
    await drain(pump)
    assert line.handed == []
    assert world.status(entry) is OrderStatus.UNKNOWN


async def test_without_a_session_nothing_leaves(world, pump, line):
    pump.session = None
    entry = world.propose() + "_ENTRY"
    await drain(pump)
    assert line.handed == []
    assert world.status(entry) is OrderStatus.EXPIRED
    assert world.told() == ["trade FBtest-1-1: not connected"]


async def test_what_must_not_leave_after_all_does_not(world, pump, line):
    entry = world.propose() + "_ENTRY"
    world.trading.halt("emergency stop", "me")
    await drain(pump)
    assert line.handed == []
    assert world.status(entry) is OrderStatus.EXPIRED
