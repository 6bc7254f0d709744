"""What a risk check is shown and what it may answer.

``Exposure`` and ``RiskContext`` are made for every order of a simulation, so by position.
"""

from collections.abc import Mapping, Sequence

import msgspec

from fillbridge_hooks.orders import Order
from fillbridge_hooks.proposal import RiskProposal
from fillbridge_hooks.terms import Side

SHOWN_ENTRIES = 64
"""Approved entries that a context shows at most."""
SHOWN_MESSAGES = 256
"""Messages that a context shows at most."""


class Refuse(msgspec.Struct, frozen=True, kw_only=True):
    """The order must not be sent. Name the limit and the value."""

    check: str
    limit: str
    value: str

    def __str__(self) -> str:
        return f"{self.check}: expected {self.limit}, was {self.value}"


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """The order must wait for a person; without one to ask it is refused."""

    check: str
    reason: str

    def __str__(self) -> str:
        return f"{self.check}: held for approval: {self.reason}"


class Exposure(msgspec.Struct, frozen=True, gc=False):
    """Contracts at stake, without the order under judgement.

    Working, in-flight and unknown entries count as filled in the worst cases. ``position`` is
    net; ``worst_long`` and ``worst_short`` are >= 0.
    """

    symbol: str
    position: int
    working_buys: int
    working_sells: int
    worst_long: int
    worst_short: int
    open_brackets: int
    """Trades of this symbol that are open or whose entry may still fill."""
    account_worst: int
    """Sum over all symbols of the larger worst case."""
    account_open_brackets: int
    strategy_brackets: int = 0
    """Trades of this symbol and of the proposal's strategy that are open or may open."""
    highest_buy_ticks: int | None = None
    """The highest limit of any working buy of this symbol, exits among them."""
    lowest_sell_ticks: int | None = None
    """The lowest limit of any working sell of this symbol."""


class RecentEntry(msgspec.Struct, frozen=True, gc=False):
    """An entry that was approved; what became of it does not matter here."""

    strategy: str | None
    symbol: str
    side: Side
    quantity: int
    time_ns: int
    proposal_id: str | None
    trade_id: str = ""


class EntryDay(msgspec.Struct, frozen=True, gc=False):
    """The entries of one strategy in one symbol on one day, UTC."""

    day: int
    """Days since 1970-01-01."""
    entries: int
    quantity: int
    """Contracts of all of them."""
    squares: int
    """Sum of the squares of their contracts."""
    hours: int
    """A bit for each hour of the day, UTC, in which there was one."""
    last_ns: int
    """Of the last one."""


class AccountMargin(msgspec.Struct, frozen=True, gc=False):
    """What the broker says an account may still trade; account currency."""

    available: float
    needed_per_contract: float
    """Of the symbol under judgement."""
    read_ns: int
    """When the broker said so."""
    max_order_quantity: int | None = None
    """The broker's own limit, where it tells it."""
    loss_limit: float | None = None
    """The loss of a trade date, >= 0, at which the broker stops the account."""


class RiskContext(msgspec.Struct, frozen=True, gc=False):
    """When, why and after what the order is judged; counters are of the current trade date."""

    now_ns: int
    proposal: RiskProposal
    orders_today: int
    trades_today: int
    """Entries approved on this trade date."""
    rejects_today: int
    realised_pnl: float
    """Net, account currency."""
    open_pnl: float | None
    """At last prices, account currency; ``None`` where a price is unknown."""
    messages_last_minute: int
    """Submits, cancels and replaces."""
    last_orders: tuple[Order, ...]
    """The newest first, at most 10."""
    recent_entries: tuple[RecentEntry, ...] = ()
    """Approved entries of all strategies but the one judged, the newest first, at most
    ``SHOWN_ENTRIES``."""
    entry_days: tuple[EntryDay, ...] = ()
    """What the strategy entered in this symbol in the last 30 days, oldest first; days without an
    entry are absent. The one under judgement may be among it when it is judged again."""
    recent_messages: Sequence[int] = ()
    """Times of the messages of the last ten seconds, ns UTC, the newest first, at most
    ``SHOWN_MESSAGES``. They are not copied: a tuple of them can be kept, or encoded."""
    strategy_trades_today: int = 0
    """Entries of the proposal's strategy approved on this trade date, since a person let it go on
    after it was suspended."""
    margin: AccountMargin | None = None
    """``None`` where the broker does not tell."""


class StrategyCounters(msgspec.Struct, frozen=True, gc=False):
    """What one strategy did; it is the same after a restart."""

    entries_10m: int
    """Entries approved within ten minutes, since a person let it go on."""
    entries_today: int
    """Entries approved on this trade date, since a person let it go on."""
    stop_outs_in_a_row: int
    """Trades that ended at their stop since the last that did not, or a person let it go on."""


class AccountView(msgspec.Struct, frozen=True, kw_only=True):
    """How an account stands, for a watch; money in account currency, times ns UTC."""

    now_ns: int
    realised_pnl: float
    """Net, of this trade date."""
    open_pnl: float | None
    """At last prices; ``None`` where a price is unknown."""
    rejects: tuple[tuple[int, str], ...]
    """Orders that the broker rejected within a minute: when, and its reason; at most 100."""
    messages_10m: int
    """Submits, cancels and replaces within ten minutes, to ten seconds."""
    fills_10m: int
    moves: Mapping[str, float | None]
    """By symbol: the range of last prices within ten seconds, ticks; ``None`` without any."""
    strategies: Mapping[str, StrategyCounters]
    """By name; proposals without one count under an empty name."""
    resumed_pnl: float | None = None
    """Realised and open, when a person last lifted a stop on this trade date; ``None`` where nobody
    did. A watch that stops an account again for what was known then undoes what a person did."""
    armed_pnl: float | None = None
    """The same of a stop that had closed everything, which takes two operators."""


class Pause(msgspec.Struct, frozen=True, kw_only=True):
    """No entry leaves for a while, of one symbol or of any; it lifts by itself."""

    watch: str
    reason: str
    symbol: str | None = None
    for_ns: int


class ReduceOnly(msgspec.Struct, frozen=True, kw_only=True):
    """No entry leaves until a person resumes, after a restart neither."""

    watch: str
    reason: str


class Suspend(msgspec.Struct, frozen=True, kw_only=True):
    """No entry of one strategy leaves until a person resumes, after a restart neither."""

    watch: str
    reason: str
    strategy: str


class FlattenAll(msgspec.Struct, frozen=True, kw_only=True):
    """Stop everything: entries are withdrawn, positions closed, until it is armed again."""

    watch: str
    reason: str


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """Tell a person, once for each reason."""

    watch: str
    reason: str


WatchVerdict = Pause | ReduceOnly | Suspend | FlattenAll | Alarm
"""What a watch may answer."""
