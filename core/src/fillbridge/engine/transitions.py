"""The life of one order as a table: every status against everything that can be heard of it."""

from enum import StrEnum

import msgspec

from fillbridge_hooks import OrderStatus

_S = OrderStatus


class OrderSignal(StrEnum):
    """What a report says of an order, reduced to what its status depends on."""

    ACCEPT = "accept"
    PARTIAL_FILL = "partial_fill"
    FILL = "fill"
    CANCEL = "cancel"
    REJECT = "reject"
    EXPIRE = "expire"
    REPLACE = "replace"
    LOSE = "lose"  # the outcome of the send is unknown


class Ignored(msgspec.Struct, frozen=True):
    """The signal changes nothing, for this reason."""

    reason: str


_REPEATED = Ignored("repeated")
_LATE_ACCEPT = Ignored("acknowledged after the order ended")
_ENDED = Ignored("the order has ended")
_FILLED_ORDER = Ignored("the order is filled")
_PARTLY_FILLED = Ignored("a filled quantity contradicts a reject")
_KNOWN = Ignored("the order is known to have arrived")

TRANSITIONS: dict[OrderStatus, dict[OrderSignal, OrderStatus | Ignored]] = {
    _S.PENDING: {
        OrderSignal.ACCEPT: _S.SUBMITTED,
        OrderSignal.PARTIAL_FILL: _S.PARTIAL_FILLED,
        OrderSignal.FILL: _S.FILLED,
        OrderSignal.CANCEL: _S.CANCELLED,
        OrderSignal.REJECT: _S.REJECTED,
        OrderSignal.EXPIRE: _S.EXPIRED,
        OrderSignal.REPLACE: _S.SUBMITTED,
        OrderSignal.LOSE: _S.UNKNOWN,
    },
    _S.SUBMITTED: {
        OrderSignal.ACCEPT: _REPEATED,
        OrderSignal.PARTIAL_FILL: _S.PARTIAL_FILLED,
        OrderSignal.FILL: _S.FILLED,
        OrderSignal.CANCEL: _S.CANCELLED,
        OrderSignal.REJECT: _S.REJECTED,
        OrderSignal.EXPIRE: _S.EXPIRED,
        OrderSignal.REPLACE: _S.SUBMITTED,
        OrderSignal.LOSE: _KNOWN,
    },
    _S.PARTIAL_FILLED: {
        OrderSignal.ACCEPT: _S.PARTIAL_FILLED,
        OrderSignal.PARTIAL_FILL: _S.PARTIAL_FILLED,
        OrderSignal.FILL: _S.FILLED,
        OrderSignal.CANCEL: _S.CANCELLED,
        OrderSignal.REJECT: _PARTLY_FILLED,
        OrderSignal.EXPIRE: _S.EXPIRED,
        OrderSignal.REPLACE: _S.PARTIAL_FILLED,
        OrderSignal.LOSE: _KNOWN,
    },
    # A fill is money: it is booked whatever was said of its order before.
    _S.FILLED: {
        OrderSignal.ACCEPT: _S.FILLED,
        OrderSignal.PARTIAL_FILL: _S.FILLED,
        OrderSignal.FILL: _S.FILLED,
        OrderSignal.CANCEL: _FILLED_ORDER,
        OrderSignal.REJECT: _FILLED_ORDER,
        OrderSignal.EXPIRE: _FILLED_ORDER,
        OrderSignal.REPLACE: _FILLED_ORDER,
        OrderSignal.LOSE: _KNOWN,
    },
    _S.CANCELLED: {
        OrderSignal.ACCEPT: _LATE_ACCEPT,
        OrderSignal.PARTIAL_FILL: _S.CANCELLED,
        OrderSignal.FILL: _S.FILLED,
        OrderSignal.CANCEL: _REPEATED,
        OrderSignal.REJECT: _ENDED,
        OrderSignal.EXPIRE: _ENDED,
        OrderSignal.REPLACE: _ENDED,
        OrderSignal.LOSE: _KNOWN,
    },
    _S.REJECTED: {
        OrderSignal.ACCEPT: _LATE_ACCEPT,
        OrderSignal.PARTIAL_FILL: _S.PARTIAL_FILLED,
        OrderSignal.FILL: _S.FILLED,
        OrderSignal.CANCEL: _ENDED,
        OrderSignal.REJECT: _REPEATED,
        OrderSignal.EXPIRE: _ENDED,
        OrderSignal.REPLACE: _ENDED,
        OrderSignal.LOSE: _KNOWN,
    },
    _S.EXPIRED: {
        OrderSignal.ACCEPT: _LATE_ACCEPT,
        OrderSignal.PARTIAL_FILL: _S.EXPIRED,
        OrderSignal.FILL: _S.FILLED,
        OrderSignal.CANCEL: _ENDED,
        OrderSignal.REJECT: _ENDED,
        OrderSignal.EXPIRE: _REPEATED,
        OrderSignal.REPLACE: _ENDED,
        OrderSignal.LOSE: _KNOWN,
    },
    _S.UNKNOWN: {
        OrderSignal.ACCEPT: _S.SUBMITTED,
        OrderSignal.PARTIAL_FILL: _S.PARTIAL_FILLED,
        OrderSignal.FILL: _S.FILLED,
        OrderSignal.CANCEL: _S.CANCELLED,
        OrderSignal.REJECT: _S.REJECTED,
        OrderSignal.EXPIRE: _S.EXPIRED,
        OrderSignal.REPLACE: _S.SUBMITTED,
        OrderSignal.LOSE: _REPEATED,
    },
}
"""Next status, or why nothing changes, for each status and signal; complete by test."""
