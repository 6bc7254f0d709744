"""The numbers and letters by which the protocol says what is meant."""

from enum import IntEnum


class Plant(IntEnum):
    """What a login is for."""

    TICKER = 1
    ORDER = 2
    HISTORY = 3
    PNL = 4
    REPOSITORY = 5


class Side(IntEnum):
    """Whether an order buys or sells."""

    BUY = 1
    SELL = 2


class PriceType(IntEnum):
    """What price an order asks for."""

    LIMIT = 1
    MARKET = 2
    STOP_LIMIT = 3
    STOP_MARKET = 4


STOPS = (PriceType.STOP_LIMIT, PriceType.STOP_MARKET)
"""These wait for their trigger."""

LIMITED = (PriceType.LIMIT, PriceType.STOP_LIMIT)
"""These have a limit."""


class Duration(IntEnum):
    """How long an order works."""

    DAY = 1
    GTC = 2
    IOC = 3
    FOK = 4


class BracketType(IntEnum):
    """Which legs follow an entry; those that are not static trail."""

    STOP_ONLY = 1
    TARGET_ONLY = 2
    TARGET_AND_STOP = 3
    STOP_ONLY_STATIC = 4
    TARGET_ONLY_STATIC = 5
    TARGET_AND_STOP_STATIC = 6


class Told(IntEnum):
    """What the order management says in a 351."""

    ORDER_RECEIVED = 1
    MODIFY_RECEIVED = 2
    CANCEL_RECEIVED = 3
    OPEN_PENDING = 4
    MODIFY_PENDING = 5
    CANCEL_PENDING = 6
    ORDER_AT_GATEWAY = 7
    MODIFY_AT_GATEWAY = 8
    CANCEL_AT_GATEWAY = 9
    ORDER_SENT = 10
    MODIFY_SENT = 11
    CANCEL_SENT = 12
    OPEN = 13
    MODIFIED = 14
    COMPLETE = 15
    MODIFICATION_FAILED = 16
    CANCELLATION_FAILED = 17
    TRIGGER_PENDING = 18
    GENERIC = 19


class Reported(IntEnum):
    """What the exchange says in a 352."""

    STATUS = 1
    MODIFY = 2
    CANCEL = 3
    TRIGGER = 4
    FILL = 5
    REJECT = 6
    NOT_MODIFIED = 7
    NOT_CANCELLED = 8


FILLED, CANCELLED, REJECTED, FAILED, PARTLY_FILLED = "F", "C", "R", "FA", "PFBC"
"""Why an order is complete."""

OK = ("0",)
NO_DATA = ("7", "no data")
BAD_INPUT = ("6", "bad input")
DENIED = ("13", "permission denied")
