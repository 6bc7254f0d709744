"""What can be asked of a running gateway; ``do`` says which it is."""

from typing import Any, Literal

import msgspec

PlantName = Literal["order", "pnl", "ticker"]


class Asked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="do"):
    """A request."""


class LetTrade(Asked, frozen=True, kw_only=True, tag="trade"):
    """Let the market trade at a price, points."""

    symbol: str
    price: float
    quantity: int | None = None
    """Contracts that orders get in all; ``None``: all they ask for."""


class LetQuote(Asked, frozen=True, kw_only=True, tag="quote"):
    """Let the best bid and offer be these, points; ``None``: there is none."""

    symbol: str
    bid: float | None
    ask: float | None


class LetFill(Asked, frozen=True, kw_only=True, tag="fill"):
    """Fill an order whatever the market does."""

    basket_id: str
    size: int | None = None
    price: float | None = None


class PlaceOrder(Asked, frozen=True, kw_only=True, tag="place"):
    """Place an order as somebody else would, at a terminal of their own."""

    account: str
    symbol: str
    side: Literal["BUY", "SELL"]
    quantity: int
    price: float | None = None
    """Its limit, points; ``None``: at the market."""
    user: str = "somebody"
    user_tag: str | None = None


class ArmFault(Asked, frozen=True, kw_only=True, tag="arm"):
    """Let something go wrong; see the table of faults."""

    fault: str
    template: int | None = None
    account: str | None = None
    notify_type: int | None = None
    times: int = 1
    after: int = 0
    options: dict[str, Any] = {}


class SeedFaults(Asked, frozen=True, kw_only=True, tag="seed"):
    """Let notifications go wrong by chance."""

    seed: int
    rate: float = 0.05
    kinds: tuple[str, ...] = ()
    """Empty: all after which a client still can know everything."""


class Disarm(Asked, frozen=True, kw_only=True, tag="disarm"):
    """Let nothing more go wrong."""


class ShowFaults(Asked, frozen=True, kw_only=True, tag="faults"):
    """What can go wrong, what is armed and what has happened."""


class ShowOrders(Asked, frozen=True, kw_only=True, tag="orders"):
    """Its orders: those of a tag, those that work or do not."""

    user_tag: str | None = None
    working: bool | None = None


class ShowFills(Asked, frozen=True, kw_only=True, tag="fills"):
    """Its fills, of an account or of all."""

    account: str | None = None


class ShowPositions(Asked, frozen=True, kw_only=True, tag="positions"):
    """What accounts hold."""


class ShowSessions(Asked, frozen=True, kw_only=True, tag="sessions"):
    """Who is connected."""


class Kick(Asked, frozen=True, kw_only=True, tag="kick"):
    """End a user's sessions, or all, with a forced logout."""

    user: str | None = None


class Cut(Asked, frozen=True, kw_only=True, tag="cut"):
    """Break the connections to a plant, or all."""

    plant: PlantName | None = None


class HalfOpen(Asked, frozen=True, kw_only=True, tag="half_open"):
    """Leave the connections to a plant, or all, open and dead."""

    plant: PlantName | None = None


class TellRoute(Asked, frozen=True, kw_only=True, tag="route"):
    """Tell that a way to an exchange is up or down."""

    exchange: str
    status: str
    trade_route: str = "simulator"


class EndDay(Asked, frozen=True, kw_only=True, tag="end_day"):
    """Let the orders of the day expire."""


Request = (
    LetTrade
    | LetQuote
    | LetFill
    | PlaceOrder
    | ArmFault
    | SeedFaults
    | Disarm
    | ShowFaults
    | ShowOrders
    | ShowFills
    | ShowPositions
    | ShowSessions
    | Kick
    | Cut
    | HalfOpen
    | TellRoute
    | EndDay
)
