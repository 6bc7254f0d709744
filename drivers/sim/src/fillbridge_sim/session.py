"""A simulated broker: takes orders, and is fed the market data that fills them."""

import random
from collections import deque
from collections.abc import Callable
from functools import partial

from fillbridge_hooks import (
    Accepted,
    ApprovedOrder,
    BarData,
    Cancelled,
    CancelRejected,
    Expired,
    Instrument,
    MarketListener,
    MarketView,
    Order,
    OrderType,
    PriceWatch,
    QuoteTick,
    Rejected,
    Replaced,
    Replacement,
    ReplaceRejected,
    SlippageFunction,
    TimeInForce,
    TradeTick,
    VirtualClock,
)
from fillbridge_hooks.sessions import trade_date_end_ns
from fillbridge_sim.market import Market
from fillbridge_sim.settings import SampledLatency, SimulationSettings
from fillbridge_sim.working import Terms, WorkingOrder, missing_price

_MILLISECOND = 1_000_000
_MARKET = OrderType.MARKET


class SimulatedBroker:
    """The session of one simulation, over any number of symbols."""

    def __init__(
        self,
        settings: SimulationSettings,
        clock: VirtualClock,
        slippage: tuple[str, SlippageFunction] | None,
        listener: MarketListener,
        id_prefix: str = "",
    ) -> None:
        """Start with no market.

        :param id_prefix: of the broker's order and fill ids
        """
        self._settings = settings
        self._id_prefix = id_prefix
        self._clock = clock
        self._slippage = slippage
        self._listener = listener
        self._markets: dict[str, Market] = {}
        self._orders: dict[str, tuple[Market, WorkingOrder]] = {}
        self._accepted = 0
        self._filled = 0
        self._latency = _latency(settings)
        self._on_the_way: deque[tuple[int, Callable[[], None]]] = deque()
        """What has yet to take effect, and when, ns UTC; the first is due first."""

    def open_market(self, instrument: Instrument) -> PriceWatch:
        """Trade ``instrument`` from now on; the watch is the same object at every call."""
        market = self._markets.get(instrument.symbol)
        if market is None:
            market = self._markets[instrument.symbol] = Market(
                instrument,
                self._settings,
                self._clock,
                self._slippage,
                self._listener,
                self._markets,
                self._orders,
                self._next_fill_id,
            )
        return market.watch

    def market(self, symbol: str) -> MarketView:
        """What is known of the symbol now."""
        return self._markets[symbol].view()

    # Orders

    def submit(self, approved: ApprovedOrder) -> None:
        """Spend the permit, take the order over and accept it."""
        approved.permit.spend()
        self.place(approved.order)

    def place(self, order: Order, at_once: bool = False) -> None:
        """Take an order over and accept it; ``at_once`` where it begins at the broker itself."""
        now = self._clock.now_ns
        self._accepted += 1
        market = self._markets[order.instrument.symbol]
        working = WorkingOrder(order, f"{self._id_prefix}B{self._accepted}", self._accepted)
        working.since_ns = now
        market.admit(working)
        lacking = missing_price(working.terms, order.trail_ticks)
        if lacking:
            market.drop(working)
            self._listener.on_report(Rejected(order.client_order_id, lacking, now))
            return
        self._listener.on_report(Accepted(order.client_order_id, working.broker_order_id, now))
        if order.time_in_force is TimeInForce.DAY:
            end_ns = trade_date_end_ns(order.instrument, now)
            self._clock.call_at(end_ns - 1, partial(self._expire, working))
        if self._latency is None or at_once:
            self._work(market, working)
        else:
            self._later(partial(self._work, market, working), self._latency)

    def cancel(self, client_order_id: str) -> None:
        """Withdraw what is left of a working order."""
        if self._latency is None:
            self.withdraw(client_order_id)
        else:
            self._later(partial(self.withdraw, client_order_id), self._latency)

    def replace(self, change: Replacement) -> None:
        """Change a working order."""
        if self._latency is None:
            self.change(change)
        else:
            self._later(partial(self.change, change), self._latency)

    def withdraw(self, client_order_id: str, reason: str = "cancelled") -> None:
        """Withdraw what is left of a working order, without latency."""
        now = self._clock.now_ns
        known = self._orders.get(client_order_id)
        if known is None:
            self._listener.on_report(CancelRejected(client_order_id, "no working order", now))
            return
        market, working = known
        market.drop(working)
        self._rearm(market, working)
        self._listener.on_report(Cancelled(client_order_id, reason, now, working.filled))

    def change(self, change: Replacement) -> None:
        """Change a working order, without latency."""
        now = self._clock.now_ns
        client_order_id = change.client_order_id
        known = self._orders.get(client_order_id)
        terms = (change.order_type, change.limit_ticks, change.trigger_ticks)
        reason = _objection(known[1] if known else None, change, terms)
        if known is None or reason:
            self._listener.on_report(ReplaceRejected(client_order_id, reason, now, change))
            return
        market, working = known
        working.quantity = change.quantity
        moves = terms != working.terms and working.order_type is not _MARKET
        if moves:
            working.book.take_out(working)
            working.change_terms(terms)
        self._listener.on_report(
            Replaced(
                client_order_id,
                change.quantity,
                change.order_type,
                change.limit_ticks,
                change.trigger_ticks,
                now,
            )
        )
        if moves and working.is_active:
            market.work(working)
        self._rearm(market, working)

    # Market data

    def on_bar(self, bar: BarData, end_ns: int) -> None:
        """Walk the path through one bar."""
        self._markets[bar.symbol].on_bar(bar, end_ns)

    def on_trade(self, trade: TradeTick) -> None:
        """Match one trade of the tape."""
        self._markets[trade.symbol].on_trade(trade)

    def on_quote(self, quote: QuoteTick) -> None:
        """Take a new best bid and offer."""
        self._markets[quote.symbol].on_quote(quote)

    def settle(self) -> None:
        """The data has ended: fill what must trade at the last known prices."""
        while True:
            if self._on_the_way:
                self._clock.advance_to(self._on_the_way[-1][0])
            for market in self._markets.values():
                market.settle()
            if not self._on_the_way:
                return

    # Effects, once the latency is over

    def _later(self, effect: Callable[[], None], latency: Callable[[], float]) -> None:
        due_ns = self._clock.now_ns + round(latency() * _MILLISECOND)
        if self._on_the_way:
            due_ns = max(due_ns, self._on_the_way[-1][0])
        self._on_the_way.append((due_ns, effect))
        # A callback falls due after its time, an order acts at it.
        self._clock.call_at(due_ns - 1, self._arrive)

    def _arrive(self) -> None:
        # Whatever else is due at that time arrives from within, so the first stays the first.
        self._clock.advance_to(self._on_the_way[0][0])
        _, effect = self._on_the_way.popleft()
        effect()

    def _work(self, market: Market, working: WorkingOrder) -> None:
        if working.is_active:
            if self._latency is not None:
                working.since_ns = self._clock.now_ns
            market.work(working)
            self._rearm(market, working)

    def _expire(self, working: WorkingOrder) -> None:
        client_order_id = working.order.client_order_id
        known = self._orders.get(client_order_id)
        if known is not None:
            market, _ = known
            market.drop(working)
            self._rearm(market, working)
            self._listener.on_report(
                Expired(client_order_id, "the trade date ended", self._clock.now_ns, working.filled)
            )

    def _rearm(self, market: Market, working: WorkingOrder) -> None:
        # While the price moves, the event itself rearms at its end.
        if working.book.price is None:
            market.rearm()

    def _next_fill_id(self) -> str:
        self._filled += 1
        return f"{self._id_prefix}F{self._filled}"


def _objection(working: WorkingOrder | None, change: Replacement, terms: Terms) -> str:
    """Why the order cannot be changed so, ``""`` if it can."""
    if working is None:
        return "no working order"
    if change.quantity <= working.filled:
        return "that quantity is filled"
    # A stop that triggered but found too little volume is a market order already.
    if working.order_type is _MARKET and terms[0] is not _MARKET and terms != working.terms:
        return "it is a market order now"
    return missing_price(terms, working.order.trail_ticks)


def _latency(settings: SimulationSettings) -> Callable[[], float] | None:
    latency = settings.latency_ms
    if isinstance(latency, SampledLatency):
        return partial(random.Random(latency.seed).uniform, latency.low, latency.high)  # noqa: S311  # not a secret
    return (lambda: latency) if latency else None
