"""What follows from each input: the rules of a bracket, as a pure function.

``decide`` never changes the state it reads and reads nothing else. It answers with the events to
record and the effects that follow once they are recorded.
"""

from collections.abc import Callable, Iterator
from typing import Any

from fillbridge.engine.fills import on_fill, on_fill_voided
from fillbridge.engine.legs import protective_legs
from fillbridge.engine.messages import (
    CancelRequested,
    CloseNoted,
    CloseRequested,
    Decision,
    EntriesHalted,
    EntriesResumed,
    FillBooked,
    FillFound,
    Input,
    OrdersFound,
    ProtectionDue,
    ReplaceRequested,
    SetTimer,
    StrategyResumed,
    StrategySuspended,
    Submit,
    TimerFired,
    TimerKind,
    TradeApproved,
    TradeMeasured,
    TradePlan,
    TradeRefused,
)
from fillbridge.engine.proposal_events import HoldEnded, NonceUsed, TradeHeld
from fillbridge.engine.protection import on_protection_due
from fillbridge.engine.reports import (
    on_accepted,
    on_cancel_rejected,
    on_cancelled,
    on_expired,
    on_not_sent,
    on_outcome_unknown,
    on_rejected,
    on_replace_rejected,
    on_replaced,
)
from fillbridge.engine.requests import (
    on_cancel_requested,
    on_close_noted,
    on_close_requested,
    on_replace_requested,
    on_timer_fired,
)
from fillbridge.engine.state import EngineState
from fillbridge.engine.takeover import on_fill_found, on_orders_found
from fillbridge_hooks import (
    Accepted,
    Cancelled,
    CancelRejected,
    Expired,
    FillVoided,
    NotSent,
    OutcomeUnknown,
    Rejected,
    Replaced,
    ReplaceRejected,
)


def decide(state: EngineState, message: Input, now: int) -> Decision:
    """Answer ``message`` at time ``now`` (ns UTC)."""
    return _DECISIONS[type(message)](state, message, now)


def _approved(state: EngineState, message: TradeApproved, now: int) -> Decision:
    plan = message.plan
    legs = protective_legs(plan, plan.entry.quantity) if plan.has_broker_legs else ()
    submit = Submit(plan.entry, legs)
    timers = (SetTimer(plan.trade_id, kind, time_ns) for kind, time_ns in entry_deadlines(plan))
    return (message,), (*timers, submit)


def entry_deadlines(plan: TradePlan) -> Iterator[tuple[TimerKind, int]]:
    """What the entry of this plan is withdrawn by, and when, ns UTC."""
    if plan.entry_deadline_ns is not None:
        yield TimerKind.ENTRY, plan.entry_deadline_ns
    if plan.remainder_deadline_ns is not None:
        yield TimerKind.REMAINDER, plan.remainder_deadline_ns


def _recorded(
    state: EngineState,
    message: (
        TradeRefused
        | NonceUsed
        | TradeHeld
        | HoldEnded
        | TradeMeasured
        | EntriesHalted
        | EntriesResumed
        | StrategySuspended
        | StrategyResumed
    ),
    now: int,
) -> Decision:
    return (message,), ()


_DECISIONS: dict[type, Callable[[EngineState, Any, int], Decision]] = {
    TradeApproved: _approved,
    TradeRefused: _recorded,
    NonceUsed: _recorded,
    TradeHeld: _recorded,
    HoldEnded: _recorded,
    TradeMeasured: _recorded,
    EntriesHalted: _recorded,
    EntriesResumed: _recorded,
    StrategySuspended: _recorded,
    StrategyResumed: _recorded,
    FillBooked: on_fill,
    FillVoided: on_fill_voided,
    NotSent: on_not_sent,
    ProtectionDue: on_protection_due,
    OrdersFound: on_orders_found,
    FillFound: on_fill_found,
    Accepted: on_accepted,
    Cancelled: on_cancelled,
    Expired: on_expired,
    Rejected: on_rejected,
    OutcomeUnknown: on_outcome_unknown,
    Replaced: on_replaced,
    CancelRejected: on_cancel_rejected,
    ReplaceRejected: on_replace_rejected,
    CloseRequested: on_close_requested,
    CloseNoted: on_close_noted,
    CancelRequested: on_cancel_requested,
    ReplaceRequested: on_replace_requested,
    TimerFired: on_timer_fired,
}
