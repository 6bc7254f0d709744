"""How a stop, and its end, change the state; part of the fold."""

from fillbridge.engine import activity
from fillbridge.engine.messages import (
    EntriesHalted,
    EntriesResumed,
    StrategyResumed,
    StrategySuspended,
)
from fillbridge.engine.state import EngineState
from fillbridge_hooks import KillLevel


def halt(state: EngineState, event: EntriesHalted) -> None:
    """No entry may leave."""
    state.halts += 1
    # Only a person makes it less.
    if state.halted is None or event.level.rank >= state.halted.level.rank:
        state.halted = event


def resume(state: EngineState, event: EntriesResumed) -> None:
    """Entries may leave again; whoever said so knew of the loss and the rejects until then."""
    state.halts += 1
    halted, counters = state.halted, state.counters
    state.halted = None
    if halted is None:
        return
    state.activity.rejects.clear()
    if event.pnl_cents is not None:
        counters.resumed_cents = event.pnl_cents
        if halted.level is KillLevel.FLATTEN:
            counters.armed_cents = event.pnl_cents


def suspend_strategy(state: EngineState, event: StrategySuspended) -> None:
    """No entry of a strategy may leave."""
    activity.suspend(state.activity, event.strategy, event.reason, event.time_ns)


def resume_strategy(state: EngineState, event: StrategyResumed) -> None:
    """Entries of a strategy may leave again."""
    activity.resume(state.activity, event.strategy)
