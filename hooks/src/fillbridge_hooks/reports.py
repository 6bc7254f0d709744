"""What a broker reports about an order, and the outcome of handing one over.

A report may be repeated, late or out of order; a ``Fill`` is a report too. Made per order of a
simulation, so by position.
"""

import msgspec

from fillbridge_hooks.orders import Fill
from fillbridge_hooks.terms import OrderType


class Accepted(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The broker has the order and works it."""

    client_order_id: str
    broker_order_id: str
    time_ns: int


class Rejected(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The broker refused the order; nothing of it can fill."""

    client_order_id: str
    reason: str
    time_ns: int


class Cancelled(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The rest of the order is withdrawn; what was filled stays filled."""

    client_order_id: str
    reason: str
    time_ns: int
    cumulative_quantity: int | None = None
    """What was filled of it by then; ``None`` where the broker does not say.

    More than was heard of, or an entry of which it is not said, shuts the gate for entries until
    the broker was asked.
    """


class Expired(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The order's time in force ran out."""

    client_order_id: str
    reason: str
    time_ns: int
    cumulative_quantity: int | None = None
    """As in :class:`Cancelled`."""


class Replaced(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The order now works with these terms; ``quantity`` is its total, fills included."""

    client_order_id: str
    quantity: int
    order_type: OrderType
    limit_ticks: int | None
    trigger_ticks: int | None
    time_ns: int


class OutcomeUnknown(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Whether the broker has the order cannot be told; it counts as filled until proved."""

    client_order_id: str
    reason: str
    time_ns: int


class CancelRejected(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The cancel came too late or named no working order; the order's own reports decide."""

    client_order_id: str
    reason: str
    time_ns: int


class Replacement(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A request to change a working order; ``quantity`` is the new total, fills included."""

    client_order_id: str
    quantity: int
    order_type: OrderType
    limit_ticks: int | None
    trigger_ticks: int | None


class ReplaceRejected(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The replacement was refused; the order works on with its old terms, if it works."""

    client_order_id: str
    reason: str
    time_ns: int
    change: Replacement | None = None
    """What was refused; ``None`` where the broker does not say: then what was asked for last."""


class FillVoided(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The exchange took a fill back; it counts as if it had never been."""

    client_order_id: str
    fill_id: str
    reason: str
    time_ns: int


class Sent(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The request left; what the broker says to it comes as a report."""

    client_order_id: str


class NotSent(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Proved that nothing left: the request was not and will not be carried out."""

    client_order_id: str
    reason: str
    time_ns: int


Report = (
    Accepted
    | Rejected
    | Cancelled
    | Expired
    | OutcomeUnknown
    | Replaced
    | CancelRejected
    | ReplaceRejected
    | Fill
    | FillVoided
)
