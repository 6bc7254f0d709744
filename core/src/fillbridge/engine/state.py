"""What the engine knows: the trades, their orders, and the counters of the trade date.

Only :func:`fillbridge.engine.fold.fold` changes any of it.
"""

from collections import deque

import msgspec

from fillbridge.engine.activity import Activity
from fillbridge.engine.messages import EntriesHalted, FillBooked, TradePlan
from fillbridge.engine.proposal_events import TradeHeld
from fillbridge_hooks import (
    EntryDay,
    ExitReason,
    Fill,
    Order,
    OrderStatus,
    RecentEntry,
    Replacement,
    ReplaceRejected,
)

RECENT_ORDERS = 10
REMEMBERED_TRADES = 1024
REMEMBERED_PROPOSALS = 100_000
"""Of one trade date, the newest."""
REMEMBERED_NONCES = 100_000
REMEMBERED_NONCES_NS = 86_400_000_000_000
"""Nonces are known for a day, the newest of them; what was signed before one that is forgotten is
refused."""
REMEMBERED_DAYS = 30
REMEMBERED_HABITS = 256
"""Strategies in a symbol of which it is known what they entered in the last days."""
REMEMBERED_NS = 600_000_000_000
"""Trades that ended are known for ten minutes, the newest of them: a late report finds its own."""


class OrderState(msgspec.Struct):
    """An order as far as it is known; times ns UTC, ``None`` until they happen."""

    order: Order
    submitted_ns: int
    status: OrderStatus = OrderStatus.PENDING
    filled: int = 0
    filled_value: float = 0.0
    """Sum of price x quantity of its fills, points."""
    broker_order_id: str = ""
    acknowledged_ns: int | None = None
    first_fill_ns: int | None = None
    last_fill_ns: int | None = None
    cancel_sent: bool = False
    cancel_reason: str = ""
    """Why it should go; that stands when a request to withdraw it was refused."""
    requested: Replacement | None = None
    """The terms that were last asked for, until the broker answers."""
    reason: str = ""

    def is_answered_by(self, refusal: ReplaceRejected) -> bool:
        """Whether a refusal is about what was asked for last, and not about an earlier change."""
        asked, refused = self.requested, refusal.change
        return asked is None or refused is None or refused == asked


class Trade(msgspec.Struct):
    """One bracket from approval to its last order.

    ``held`` counts contracts in the trade's direction: negative after an excess of exits. Sums
    of references are ticks x quantity, of values points x quantity; money is cents.
    """

    plan: TradePlan
    entry: OrderState
    orders: list[OrderState]
    """Every order of the trade, the entry first."""
    working: int = 1
    """How many of them may still fill."""
    stop: OrderState | None = None
    target: OrderState | None = None
    fills: dict[str, FillBooked] = {}
    """By fill id, in the order in which they were booked."""
    held: int = 0
    entry_quantity: int = 0
    entry_reference: float = 0.0
    entry_value: float = 0.0
    exit_quantity: int = 0
    exit_reference: float = 0.0
    exit_value: float = 0.0
    slippage_cents: int = 0
    commission_cents: int = 0
    cost_complete: bool = True
    close_reason: ExitReason | None = None
    """Why it must end, if that was asked; no further entry fill is wanted then."""
    exit_reason: ExitReason | None = None
    """What the last exit fill was."""
    last_exit: Fill | None = None
    closed: bool = False
    ended_ns: int = 0
    """When it closed, or came to nothing."""
    realised_cents: int | None = None
    """Its net PnL as it was counted last; ``None`` before it closed for the first time."""

    @property
    def opening_price(self) -> float:
        """Average price of what opened the position, points.

        Where every fill of the entry was taken back, the exits have opened what there is.
        """
        if self.entry_quantity:
            return self.entry_value / self.entry_quantity
        return self.exit_value / self.exit_quantity


class Counters(msgspec.Struct):
    """What risk checks count; everything of the current trade date but ``recent_orders``."""

    trade_date_ends_ns: int = 0
    orders: int = 0
    trades: int = 0
    rejects: int = 0
    realised_cents: int = 0
    resumed_cents: int | None = None
    """PnL of the trade date, realised and open, when a person lifted a stop last."""
    armed_cents: int | None = None
    """The same of a stop that closed everything."""
    message_times: deque[int] = msgspec.field(default_factory=deque)
    """Times of the messages of the last minute, oldest first."""
    recent_orders: deque[Order] = msgspec.field(default_factory=deque)
    """The newest first."""


class EngineState(msgspec.Struct):
    """All trades that are not done, by trade id, and known orders by client order id."""

    trades: dict[str, Trade] = {}
    orders: dict[str, tuple[Trade, OrderState]] = {}
    ended: dict[str, Trade] = {}
    """The trades that ended last, oldest first: a late fill brings one back, so their orders stay
    in ``orders`` a while longer."""
    proposed: dict[str, str | tuple[str, ...]] = {}
    """What became of the proposals of this trade date that had an id: a trade id, or refusals."""
    proposed_before: dict[str, str | tuple[str, ...]] = {}
    """The same of the trade date before."""
    nonces: dict[str, int] = {}
    """Of signed proposals: key id and nonce, and when it was signed, ns UTC."""
    nonces_from_ns: int = 0
    """What was signed at this time or before may have come already."""
    held: dict[str, TradeHeld] = {}
    """Proposals that wait for a person, by hold id."""
    recent_entries: deque[RecentEntry] = msgspec.field(default_factory=deque)
    """The newest first."""
    entry_days: dict[str, tuple[EntryDay, ...]] = {}
    """By strategy and symbol, the one that entered last at the end; see ``habit_key``."""
    halted: EntriesHalted | None = None
    """Why no entry may leave."""
    halts: int = 0
    """How often they were halted or resumed; it tells an old kill latch from the last one."""
    counters: Counters = msgspec.field(default_factory=Counters)
    activity: Activity = msgspec.field(default_factory=Activity)
    """What the account and its strategies did lately."""
