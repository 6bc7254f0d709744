"""The vocabulary of orders and trades: one enumeration per FIX or exchange term."""

from enum import StrEnum


class OrderStatus(StrEnum):
    """Where an order stands. ``UNKNOWN`` stays until the truth is proved."""

    PENDING = "pending"  # recorded, on its way, not yet acknowledged
    SUBMITTED = "submitted"  # acknowledged and working
    PARTIAL_FILLED = "partial_filled"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    UNKNOWN = "unknown"  # the outcome of the send could not be told
    EXPIRED = "expired"

    @property
    def is_terminal(self) -> bool:
        """Whether no further fill is expected (a late one is still accepted)."""
        return self in TERMINAL_STATUSES


TERMINAL_STATUSES = frozenset(
    {OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.REJECTED, OrderStatus.EXPIRED}
)


class KillLevel(StrEnum):
    """How much is stopped; each level does what those before it do."""

    PAUSE = "pause"  # no entry leaves; positions and what protects them stay
    CANCEL = "cancel"  # entries that work are withdrawn
    FLATTEN = "flatten"  # positions are closed

    @property
    def rank(self) -> int:
        """Its place in the order of severity, from 1."""
        return _KILL_RANKS[self]


_KILL_RANKS = {level: rank for rank, level in enumerate(KillLevel, start=1)}


class OrderType(StrEnum):
    """How an order takes its price."""

    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"
    STOP_LIMIT = "stop_limit"
    TRAILING_STOP = "trailing_stop"


class TimeInForce(StrEnum):
    """How long an order lives (FIX tag 59)."""

    DAY = "DAY"
    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"


class Side(StrEnum):
    """Which way an order trades."""

    BUY = "BUY"
    SELL = "SELL"

    @property
    def sign(self) -> int:
        """``+1`` for a buy, ``-1`` for a sell."""
        return 1 if self is Side.BUY else -1

    @property
    def opposite(self) -> "Side":
        """The side that undoes this one."""
        return Side.SELL if self is Side.BUY else Side.BUY


class Direction(StrEnum):
    """Which way a trade is held."""

    LONG = "LONG"
    SHORT = "SHORT"

    @property
    def sign(self) -> int:
        """``+1`` when rising prices earn, ``-1`` when falling prices do."""
        return 1 if self is Direction.LONG else -1


class OrderRole(StrEnum):
    """What an order is for within its trade."""

    ENTRY = "entry"
    STOP = "stop"
    TARGET = "target"
    EXIT = "exit"


class Urgency(StrEnum):
    """How an entry trades speed against price."""

    LOW = "low"  # rests at the arrival price until the timeout
    NORMAL = "normal"  # marketable, protected by ``max_slippage``
    HIGH = "high"  # market order


class ExitReason(StrEnum):
    """Why a trade was closed."""

    TAKE_PROFIT = "TP"
    STOP_LOSS = "SL"
    MANUAL_OVERRIDE = "MANUAL"
    TIMEOUT = "TIMEOUT"
    SYSTEM_SHUTDOWN = "SHUTDOWN"


class Liquidity(StrEnum):
    """Whether a fill rested in the book or took from it."""

    MAKER = "maker"
    TAKER = "taker"
