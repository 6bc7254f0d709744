"""What happens to an order, one thing at a time."""

from enum import StrEnum

import msgspec

from fillbridge_rithmic.gateway.book.order import Fill, Order


class Happening(StrEnum):
    """What can happen to an order."""

    PLACED = "placed"
    OPENED = "opened"
    WAITS_FOR_TRIGGER = "waits for trigger"
    TRIGGERED = "triggered"
    FILLED = "filled"
    CANCEL_ASKED = "cancel asked"
    CANCELLED = "cancelled"
    CANCEL_FAILED = "cancel failed"
    MODIFY_ASKED = "modify asked"
    MODIFIED = "modified"
    MODIFY_FAILED = "modify failed"
    REJECTED_AT_EXCHANGE = "rejected at exchange"
    COMPLETED = "completed"


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to an order, which is as it is right after."""

    happening: Happening
    order: Order
    time_ns: int
    fill: Fill | None = None
    size: int | None = None
    """Contracts that were cancelled."""
    text: str | None = None
