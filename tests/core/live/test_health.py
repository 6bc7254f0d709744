"""Entries stay in while this process cannot be relied on."""

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillbridge.live import GateState, Health
from fillbridge.live.clock import SystemClock
from fillbridge_hooks.testing.clock import ManualClock

MILLISECOND = 1_000_000
OPEN, REDUCE_ONLY, RECOVERING = GateState.OPEN, GateState.REDUCE_ONLY, GateState.RECOVERING


class SteppingClock(SystemClock):
    """A real clock whose monotonic part a test moves, and whose wall a test steps."""

    def __init__(self):
        self.monotonic_ns = 0
        self.wall_ns = 0
        super().__init__()
        self._offset_ns = 0

    @property
    def now_ns(self):
        return self.monotonic_ns + getattr(self, "_offset_ns", 0)

    def _wall_ns(self):
        return getattr(self, "wall_ns", 0) + self.monotonic_ns


@pytest.fixture
def clock(world):
    return ManualClock(world.clock.now_ns)


@pytest.fixture
def health(world, clock):
    return Health(world.trading, clock, 250 * MILLISECOND)


def state(world):
    return world.trading.gate.state


def test_tasks_that_run_in_time_leave_the_gate_open(world, health):
    health.sample(250 * MILLISECOND)
    assert state(world) is OPEN


def test_tasks_that_run_late_shut_it_until_they_ran_in_time_for_ten_seconds(world, clock, health):
    health.sample(251 * MILLISECOND)
    assert state(world) is REDUCE_ONLY
    assert world.trading.gate.reasons() == ("reduce_only: tasks ran 251 ms late",)
    clock._move_to(clock.now_ns + 9_900 * MILLISECOND)
    health.sample(0)
    assert state(world) is REDUCE_ONLY
    clock._move_to(clock.now_ns + 100 * MILLISECOND)
    health.sample(0)
    assert state(world) is OPEN


def test_each_late_task_begins_the_ten_seconds_again(world, clock, health):
    health.sample(300 * MILLISECOND)
    clock._move_to(clock.now_ns + 9_000 * MILLISECOND)
    health.sample(300 * MILLISECOND)
    clock._move_to(clock.now_ns + 9_000 * MILLISECOND)
    health.sample(0)
    assert state(world) is REDUCE_ONLY


def test_tasks_that_go_on_running_late_are_noted_once_and_told_as_they_are(world, health):
    for lag_ms in (300, 310, 320):
        health.sample(lag_ms * MILLISECOND)
    assert world.trading.gate.reasons() == ("reduce_only: tasks ran 320 ms late",)
    lags = [note for kind, note in world.journal.notes if note.get("cause") == "lag"]
    assert len(lags) == 1


@pytest.mark.parametrize(("lag_ms", "is_doubtful"), [(1_000, False), (1_001, True)])
def test_after_a_stall_the_broker_is_asked_before_any_entry_leaves(
    world, health, lag_ms, is_doubtful
):
    health.sample(lag_ms * MILLISECOND)
    assert world.trading.gate.shuts("reconciled") is is_doubtful


def test_a_clock_that_cannot_step_is_not_looked_at(world, health):
    health.sample(0)
    assert world.trading.gate.reasons() == ()


@pytest.mark.parametrize("step_ms", [-251, 251])
def test_a_step_of_the_wall_clock_shuts_it_for_thirty_seconds(world, step_ms):
    clock = SteppingClock()
    health = Health(world.trading, clock, 250 * MILLISECOND)
    clock.wall_ns = step_ms * MILLISECOND
    health.sample(0)
    stepped = f"reduce_only: the wall clock stepped by {step_ms} ms"
    assert stepped in world.trading.gate.reasons()
    world.ask()
    world.ask()
    assert world.trading.gate.reasons() == (stepped,)
    for _ in range(29):
        clock.monotonic_ns += 1_000 * MILLISECOND
        health.sample(0)
    assert state(world) is REDUCE_ONLY
    clock.monotonic_ns += 1_000 * MILLISECOND
    health.sample(0)
    assert state(world) is OPEN


@pytest.mark.parametrize(("step_ms", "is_doubtful"), [(-3_600_000, False), (3_600_000, True)])
def test_after_a_suspension_the_time_is_right_and_the_broker_is_asked_again(
    world, step_ms, is_doubtful
):
    clock = SteppingClock()
    health = Health(world.trading, clock, 250 * MILLISECOND)
    clock.wall_ns = step_ms * MILLISECOND
    health.sample(0)
    assert clock.now_ns == max(0, step_ms) * MILLISECOND
    assert clock.skew_ns == 0
    assert world.trading.gate.shuts("reconciled") is is_doubtful
    assert world.trading.gate.shuts("clock")
    health.sample(0)
    assert world.trading.gate.shuts("clock")


def test_a_small_skew_of_the_wall_clock_is_none(world):
    clock = SteppingClock()
    clock.wall_ns = 250 * MILLISECOND
    Health(world.trading, clock, 250 * MILLISECOND).sample(0)
    assert state(world) is OPEN


@given(steps=st.lists(st.integers(-260, 260), max_size=30))
def test_it_is_shut_by_more_than_250_ms_at_once_or_500_together(new_world, steps):
    world = new_world()
    world.connect()
    clock = SteppingClock()
    health = Health(world.trading, clock, 250 * MILLISECOND)
    together_ms, is_astray = 0, False
    for step_ms in steps:
        clock.wall_ns += step_ms * MILLISECOND
        health.sample(0)
        together_ms += step_ms
        if abs(step_ms) > 250 or abs(together_ms) > 500:
            together_ms, is_astray = 0, True
    assert world.trading.gate.shuts("clock") is is_astray


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_wall_clock_that_goes_astray_little_by_little_shuts_it_too(world, sign):
    clock = SteppingClock()
    health = Health(world.trading, clock, 250 * MILLISECOND)
    for _ in range(500):
        clock.wall_ns += sign * MILLISECOND
        health.sample(0)
    assert state(world) is OPEN
    clock.wall_ns += sign * MILLISECOND
    health.sample(0)
    astray = f"reduce_only: the wall clock went astray by {sign * 501} ms"
    assert astray in world.trading.gate.reasons()
    assert clock.skew_ns == 0


class LateClock(ManualClock):
    """Wakes whoever sleeps later than asked."""

    late_ns = 0

    async def sleep_until(self, time_ns):
        await super().sleep_until(time_ns + self.late_ns)


@pytest.mark.anyio
async def test_it_watches_as_long_as_it_runs(world):
    clock = LateClock(world.clock.now_ns)
    health = Health(world.trading, clock, 250 * MILLISECOND)
    async with anyio.create_task_group() as group:
        group.start_soon(health.run)
        await clock.advance(1)
        assert state(world) is OPEN
        clock.late_ns = 300 * MILLISECOND
        await clock.advance(1)
        assert state(world) is REDUCE_ONLY
        clock.late_ns = 0
        await clock.advance(11)
        assert state(world) is OPEN
        group.cancel_scope.cancel()
