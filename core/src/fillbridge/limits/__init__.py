"""The limits in force: what they are, whether a change loosens them, and who approved it."""

from fillbridge.limits.changes import Change, changes, shown
from fillbridge.limits.content import limits_in_force
from fillbridge.limits.record import (
    LimitsRefused,
    Proposed,
    enforce,
    last_limits,
    proposed_change,
    read_approvals,
    write_approval,
)
from fillbridge.limits.running import RunningLimits

__all__ = (
    "Change",
    "LimitsRefused",
    "Proposed",
    "RunningLimits",
    "changes",
    "enforce",
    "last_limits",
    "limits_in_force",
    "proposed_change",
    "read_approvals",
    "shown",
    "write_approval",
)
