"""One account at the simulated broker: its orders, its book, and who is logged in."""

import msgspec

from fillbridge_hooks import (
    NEVER,
    Direction,
    Fill,
    Instrument,
    Order,
    QuoteTick,
    Rejected,
    Replacement,
    Report,
    SlippageFunction,
    TradeTick,
    VirtualClock,
)
from fillbridge_sim.live.bracket import Bracket
from fillbridge_sim.live.inbox import Inbox
from fillbridge_sim.live.ledger import Entry, Ledger, named
from fillbridge_sim.session import SimulatedBroker
from fillbridge_sim.settings import SimulationSettings


class Account:
    """An account whose book stays while sessions come and go.

    Reports that happen while nobody is logged in are not told later: the book has them. A
    submission is a new order even if its client order id is known, as at a broker without
    idempotent submission: both stay, and both fill. A cancel or a replacement means the latest
    working order of its id.

    :param prefix: of broker order and fill ids, unique to this start of the broker
    """

    def __init__(
        self,
        settings: SimulationSettings,
        slippage: tuple[str, SlippageFunction] | None,
        now_ns: int,
        prefix: str,
    ) -> None:
        self.ledger = Ledger()
        self._clock = VirtualClock(now_ns)
        self._matching = SimulatedBroker(settings, self._clock, slippage, self, prefix)
        self._symbols: set[str] = set()
        self._brackets: dict[str, Bracket] = {}
        self._inbox: Inbox | None = None

    # Sessions

    @property
    def has_news(self) -> bool:
        """Whether the session that is open has yet to hear something."""
        return self._inbox is not None and bool(self._inbox.messages)

    def log_in(self, inbox: Inbox) -> None:
        """Tell ``inbox`` what happens from now on; a session that is open is ended."""
        if self._inbox is not None:
            self._inbox.end_by_login()
        self._inbox = inbox

    def log_out(self, inbox: Inbox) -> None:
        """Tell ``inbox`` nothing any more."""
        if self._inbox is inbox:
            self._inbox = None

    # Requests

    def submit(self, order: Order, legs: tuple[Order, ...] = ()) -> None:
        """Take an order over, accept or reject it, and release its legs as it fills."""
        entry = self.ledger.open(order, self._clock.now_ns)
        if legs:
            self._brackets[entry.key] = Bracket(entry, legs, self)
        self._work(entry, at_once=False)

    def cancel(self, client_order_id: str) -> None:
        """Withdraw what is left of a working order; answered by a report."""
        entry = self.ledger.find_working(client_order_id)
        self._matching.cancel(client_order_id if entry is None else entry.key)

    def replace(self, change: Replacement) -> None:
        """Change a working order; answered by a report.

        The quantity of a bracket's leg is the bracket's affair: what is asked is passed over.
        """
        entry = self.ledger.find_working(change.client_order_id)
        if entry is not None:
            bracket = self._brackets.get(entry.key)
            total = None if bracket is None else bracket.leg_quantity(entry)
            change = msgspec.structs.replace(
                change,
                client_order_id=entry.key,
                quantity=change.quantity if total is None else total,
            )
        self._matching.replace(change)

    # Market and time

    def open_market(self, instrument: Instrument) -> None:
        """Let the instrument be traded."""
        self._matching.open_market(instrument)
        self._symbols.add(instrument.symbol)

    def on_tick(self, tick: TradeTick | QuoteTick) -> None:
        """Tell the session of one event of the market, and meet it."""
        self._clock.advance_to(tick.timestamp)
        inbox = self._inbox
        if inbox is not None and tick.symbol in inbox.symbols:
            inbox.put(tick)
        if isinstance(tick, TradeTick):
            self._matching.on_trade(tick)
        else:
            self._matching.on_quote(tick)

    def advance_to(self, time_ns: int) -> None:
        """Do what was due before ``time_ns``."""
        self._clock.advance_to(time_ns)

    @property
    def next_due_ns(self) -> int:
        """When something happens here that no market data brings about; ``NEVER`` if nothing."""
        due_ns = self._clock.next_due_ns
        return due_ns + 1 if due_ns < NEVER else NEVER

    # What the matching reports

    def on_report(self, report: Report) -> None:
        """Book a report, tell the session, and let the bracket follow."""
        entry = self.ledger.apply(report)
        if self._inbox is not None:
            self._inbox.put(named(report, entry))
        if entry is None:
            return
        bracket = self._brackets.get(entry.key)
        if bracket is None:
            return
        if isinstance(report, Fill):
            bracket.on_fill(entry, report)
        if bracket.is_over:
            for key in bracket.keys:
                self._brackets.pop(key, None)

    def on_price(self, symbol: str, ticks: int, direction: Direction | None) -> None:
        """Nothing rests on where the price stands but what the matching knows of."""

    # What a bracket does

    def open(self, order: Order, bracket: Bracket) -> Entry:
        """Book a leg, without working it yet."""
        leg = self.ledger.open(order, self._clock.now_ns)
        self._brackets[leg.key] = bracket
        return leg

    def release(self, leg: Entry) -> None:
        """Accept and work a leg."""
        self._work(leg, at_once=True)

    def withdraw(self, key: str, reason: str) -> None:
        """Cancel what is left of an order, at once."""
        self._matching.withdraw(key, reason)

    def change(self, change: Replacement) -> None:
        """Change a working order, which is named by its key, at once."""
        self._matching.change(change)

    def _work(self, entry: Entry, at_once: bool) -> None:
        order = entry.order
        objection = ""
        if order.instrument.symbol not in self._symbols:
            objection = f"symbol: expected one of {', '.join(sorted(self._symbols))}, was "
            objection += repr(order.instrument.symbol)
        elif order.quantity < 1:
            objection = f"quantity: expected at least 1, was {order.quantity}"
        if objection:
            self.on_report(Rejected(entry.key, objection, self._clock.now_ns))
            return
        self._matching.place(msgspec.structs.replace(order, client_order_id=entry.key), at_once)
