"""What a gateway offers, and to whom."""

from typing import Literal

import msgspec


class Contract(msgspec.Struct, frozen=True, kw_only=True):
    """What can be traded."""

    symbol: str
    exchange: str = "CME"
    product_code: str = ""
    tick_size: float = 0.25
    """Points."""
    point_value: float = 50.0
    """Money of one point and contract."""
    price: float = 5000.0
    """Where the seeded market begins, points."""
    expiration_date: str = "20261218"
    margin: float = 0.0
    """Buying power that one contract takes; 0: the risk management does not look at it."""


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Whose money is traded."""

    account_id: str
    fcm_id: str = "FCM"
    ib_id: str = "IB"
    balance: float = 100_000.0
    """What it begins with, account currency."""
    max_order_quantity: int = 1000
    """Larger orders are rejected by the risk management."""
    loss_limit: float = 0.0
    """What is told as the largest loss of a day; 0: none."""


class User(msgspec.Struct, frozen=True, kw_only=True):
    """Who may log in."""

    name: str
    password: str
    accounts: tuple[str, ...] = ()
    """Account ids; empty: all."""

    def __repr__(self) -> str:
        return f"User(name={self.name!r}, accounts={self.accounts!r})"


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """A way to an exchange."""

    exchange: str
    trade_route: str = "simulator"
    status: str = "UP"
    is_default: bool = True


REHEARSAL_USER = User(name="rehearsal", password="rehearsal")  # noqa: S106 (known to everyone)
"""Who may log in where nobody else was named; its password is no secret."""

REHEARSAL_ACCOUNT = Account(account_id="REHEARSAL")

CONTRACTS = (
    Contract(symbol="ES", product_code="ES"),
    Contract(symbol="ESZ6", product_code="ES"),
    Contract(symbol="MESZ6", product_code="MES", point_value=5.0),
    Contract(symbol="NQZ6", product_code="NQ", point_value=20.0, price=20_000.0),
    Contract(symbol="CLF7", exchange="NYMEX", product_code="CL", tick_size=0.01,
             point_value=1000.0, price=70.0, expiration_date="20261221"),
)  # fmt: skip
"""What can be traded where nothing else was said."""


class MarketSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A market that moves by itself: recorded where there is a file, else by chance."""

    ticks: str | None = None
    """File of trades: CSV with ts_event,price,size and perhaps symbol."""
    quotes: str | None = None
    """File of quotes: CSV with ts_event,bid_px,ask_px and perhaps symbol."""
    symbol: str | None = None
    """Of rows that name none; ``None``: the first contract."""
    speed: float = 1.0
    """Times as fast as it was; 0: without any pause."""
    seed: int = 0
    trades_per_s: float = 2.0
    """Of each contract, by chance."""
    volatility: float = 2.0
    """Ticks that each contract goes in a second, by chance."""


class GatewaySettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a gateway offers; the defaults are those of a rehearsal."""

    host: str = "127.0.0.1"
    port: int = 0
    """0: any that is free."""
    tls_directory: str | None = None
    """Where the certificates are, or are put; ``None``: in a directory that goes with it."""
    systems: tuple[str, ...] = ("Fillbridge Rehearsal",)
    users: tuple[User, ...] = (REHEARSAL_USER,)
    accounts: tuple[Account, ...] = (REHEARSAL_ACCOUNT,)
    contracts: tuple[Contract, ...] = CONTRACTS
    market: MarketSettings | None = None
    """``None``: it does what it is told, and nothing by itself."""
    routes: tuple[Route, ...] = (Route(exchange="CME"), Route(exchange="NYMEX"))
    max_sessions: int = 1
    """Logins of one user at one plant; one more ends the oldest."""
    heartbeat_interval_s: float = 30.0
    idle_intervals: float = 1.5
    """Who sends nothing for so many heartbeat intervals is disconnected."""
    market_orders: Literal["at-once", "next-trade"] = "at-once"
    """Whether what can fill at the last price does so at once, or only when the market trades."""
    depth: int | None = None
    """Contracts that an order gets at once; ``None``: all it asks for."""
    max_futile_cancels: int | None = None
    """So many cancels of complete orders end the session; ``None``: any number is refused."""
    first_id: int | None = None
    """Of baskets and fills; ``None``: from the time, so that no later start repeats them."""
    received_kept: int = 200_000
    """Requests that :attr:`Gateway.received` remembers."""
