"""Codes that R|Protocol gives meanings, by their published names."""

from enum import IntEnum


class Plant(IntEnum):
    """What a connection serves (``infra_type``); each needs a login of its own."""

    TICKER = 1
    ORDER = 2
    HISTORY = 3
    PNL = 4


class TransactionType(IntEnum):
    """The side of an order."""

    BUY = 1
    SELL = 2
    SELL_SHORT = 3
    """Only in notifications."""


class Duration(IntEnum):
    """Time in force."""

    DAY = 1
    GTC = 2
    IOC = 3
    FOK = 4


class PriceType(IntEnum):
    """The type of an order."""

    LIMIT = 1
    MARKET = 2
    STOP_LIMIT = 3
    STOP_MARKET = 4


class OrderPlacement(IntEnum):
    """Who decided on an order (``manual_or_auto``)."""

    MANUAL = 1
    AUTO = 2


class BracketType(IntEnum):
    """Which legs a bracket has; a static leg does not trail."""

    STOP_ONLY = 1
    TARGET_ONLY = 2
    TARGET_AND_STOP = 3
    STOP_ONLY_STATIC = 4
    TARGET_ONLY_STATIC = 5
    TARGET_AND_STOP_STATIC = 6


class UserType(IntEnum):
    """The rights of a login."""

    ADMIN = 0
    FCM = 1
    IB = 2
    TRADER = 3


class Subscription(IntEnum):
    """``request`` of a subscription."""

    SUBSCRIBE = 1
    UNSUBSCRIBE = 2


class UpdateBits(IntEnum):
    """Which market data is wanted, or is in a message (``presence_bits``)."""

    LAST_TRADE = 1
    BEST_BID_OFFER = 2


class Notice(IntEnum):
    """``notify_type`` of a notification by Rithmic (351)."""

    ORDER_RECEIVED_FROM_CLIENT = 1
    MODIFY_RECEIVED_FROM_CLIENT = 2
    CANCEL_RECEIVED_FROM_CLIENT = 3
    OPEN_PENDING = 4
    MODIFY_PENDING = 5
    CANCEL_PENDING = 6
    ORDER_RECEIVED_BY_EXCHANGE_GATEWAY = 7
    MODIFY_RECEIVED_BY_EXCHANGE_GATEWAY = 8
    CANCEL_RECEIVED_BY_EXCHANGE_GATEWAY = 9
    ORDER_SENT_TO_EXCHANGE = 10
    MODIFY_SENT_TO_EXCHANGE = 11
    CANCEL_SENT_TO_EXCHANGE = 12
    OPEN = 13
    MODIFIED = 14
    COMPLETE = 15
    MODIFICATION_FAILED = 16
    CANCELLATION_FAILED = 17
    TRIGGER_PENDING = 18
    GENERIC = 19
    LINK_ORDERS_FAILED = 20
    RELEASE_PENDING = 21


class ExchangeNotice(IntEnum):
    """``notify_type`` of a notification by the exchange (352)."""

    STATUS = 1
    MODIFY = 2
    CANCEL = 3
    TRIGGER = 4
    FILL = 5
    REJECT = 6
    NOT_MODIFIED = 7
    NOT_CANCELLED = 8
    GENERIC = 9


class Completion:
    """``completion_reason`` of an order that is complete."""

    FILL = "F"
    CANCEL = "C"
    REJECT = "R"
    FAILURE = "FA"
    PARTIALLY_FILLED_BALANCE_CANCELLED = "PFBC"


class ResponseCode:
    """The first element of ``rp_code``."""

    OK = "0"
    BAD_INPUT = "6"
    NO_DATA = "7"
    PERMISSION_DENIED = "13"
