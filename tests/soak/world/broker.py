"""A truthful broker: it takes orders, fills them by a price that wanders, and answers questions.

It is its own model and shares no code with the simulated broker that Fillbridge comes with.
"""

from collections.abc import Callable
from random import Random
from typing import Any

from world.book import ENDED, Executed, TradeTruth, Working, fills_at
from world.kept_legs import KeptLegs
from world.timeline import MILLISECOND, Timeline

from fillbridge_hooks import (
    Accepted,
    ApprovedOrder,
    Cancelled,
    CancelRejected,
    Expired,
    Fill,
    FillVoided,
    Instrument,
    Liquidity,
    Order,
    OrderRole,
    OrderStatus,
    OrderType,
    Rejected,
    Replaced,
    Replacement,
    ReplaceRejected,
)

_ENTRY, _STOP, _TARGET, _EXIT = OrderRole.ENTRY, OrderRole.STOP, OrderRole.TARGET, OrderRole.EXIT
_WORKING = (OrderStatus.SUBMITTED, OrderStatus.PARTIAL_FILLED)


class Broker:
    """One account.

    :param report: takes what the broker says to the session
    :param changed: told of each trade whose orders or position changed
    :param partial: how often a fill is only a part of what could fill, 0..1
    """

    def __init__(
        self,
        timeline: Timeline,
        random: Random,
        instruments: dict[str, Instrument],
        report: Callable[[Any, OrderRole | None], None],
        changed: Callable[[TradeTruth], None],
        partial: float,
    ) -> None:
        self.last = dict.fromkeys(instruments, 16000)
        """Last price by symbol, ticks."""
        self.orders: list[Working] = []
        self.fills: list[Executed] = []
        self.trades: dict[str, TradeTruth] = {}
        self.positions: dict[str, int] = {}
        self.has_filled_late = False
        """Whether an order filled after its end was told, which nobody could know."""
        self.by_id: dict[str, list[Working]] = {}
        self.working: dict[str, list[Working]] = {symbol: [] for symbol in instruments}
        self.accepts_low_quantity = random.random() < 0.5
        self.says_sums = True
        """Whether an order that ended is said to have filled by so much."""
        self.strike: Callable[[str], str] = lambda place: ""
        self._legs = KeptLegs(self)
        self.timeline = timeline
        self._random = random
        self._instruments = instruments
        self._report = report
        self._changed = changed
        self._partial = partial

    # Requests

    def submit(self, approved: ApprovedOrder, fault: str = "") -> None:
        """Take an order; ``fault`` may be ``reject`` or ``fill_first``."""
        order = approved.order
        working = self.placed(order, order.quantity, approved.legs)
        if fault == "reject":
            working.status, working.reason = OrderStatus.REJECTED, "not enough margin"
            self.say(working, Rejected(order.client_order_id, working.reason, self._now))
            self._changed(self.trades[order.trade_id])
            return
        self.open(working)
        if fault == "fill_first":
            self.match(working)
            self.accept(working)
        else:
            self.accept(working)
            self.match(working)
        self._changed(self.trades[order.trade_id])

    def placed(self, order: Order, quantity: int, legs: tuple[Order, ...] = ()) -> Working:
        """Take an order into the book; it does not work yet."""
        working = Working(
            order.client_order_id,
            f"B{len(self.orders) + 1}",
            order.trade_id,
            order.role,
            order.instrument,
            order.side.sign,
            quantity,
            order.order_type,
            order.limit_ticks,
            order.trigger_ticks,
            self._now,
            legs,
        )
        self.orders.append(working)
        self.by_id.setdefault(order.client_order_id, []).append(working)
        trade = self.trades.get(order.trade_id)
        if trade is None:
            trade = TradeTruth(order.trade_id, order.instrument.symbol)
            self.trades[order.trade_id] = trade
        if order.role is _ENTRY:
            trade.sign = order.side.sign
        trade.orders.append(working)
        return working

    def open(self, working: Working) -> None:
        """Let an order work."""
        self.working[working.instrument.symbol].append(working)

    def accept(self, working: Working) -> None:
        """Acknowledge an order."""
        accepted = Accepted(working.client_order_id, working.broker_order_id, self._now)
        self.say(working, accepted)

    def cancel(self, client_order_id: str, fault: str = "") -> None:
        """Withdraw what is left of an order; with ``cross`` it fills right before."""
        working = self._found(client_order_id)
        if fault == "cross" and working is not None and working.left:
            self._fill(working, working.left, self.last[working.instrument.symbol])
        if working is None or working.status in ENDED:
            self._report(CancelRejected(client_order_id, "too late to cancel", self._now), None)
            return
        if fault == "late_fill" and working.left:
            cancelled = Cancelled(
                client_order_id, "cancelled on request", self._now, self._said(working)
            )
            self.say(working, cancelled)
            self.has_filled_late = True
            self._fill(working, working.left, self.last[working.instrument.symbol])
            return
        self.end(working, OrderStatus.CANCELLED, "cancelled on request")
        self._changed(self.trades[working.trade_id])

    def replace(self, change: Replacement, fault: str = "") -> None:
        """Give an order new terms."""
        order_id = change.client_order_id
        working = self._found(order_id)
        if fault == "cross" and working is not None and working.left:
            self._fill(working, working.left, self.last[working.instrument.symbol])
        if working is None or working.status in ENDED or fault == "reject":
            self._report(ReplaceRejected(order_id, "no longer working", self._now, change), None)
            return
        if change.quantity <= working.filled and not self.accepts_low_quantity:
            self._report(ReplaceRejected(order_id, "less than has filled", self._now, change), None)
            return
        working.quantity, working.order_type = change.quantity, change.order_type
        working.limit, working.trigger = change.limit_ticks, change.trigger_ticks
        working.time_ns = self._now
        self.say_terms(working)
        if working.quantity <= working.filled:
            working.quantity = working.filled
            self._close(working, OrderStatus.FILLED)
        else:
            self.match(working)
        self._changed(self.trades[working.trade_id])

    def _found(self, client_order_id: str) -> Working | None:
        known = self.by_id.get(client_order_id)
        return known[-1] if known else None

    # The market

    def move(self, symbol: str, last: int) -> None:
        """The price moved: what can trade, trades."""
        self.last[symbol] = last
        for working in tuple(self.working[symbol]):
            self.match(working)

    def match(self, working: Working) -> None:
        """Trade what can trade of an order now."""
        if working.status in ENDED:
            return
        price = fills_at(working, self.last[working.instrument.symbol])
        if price is None:
            return
        quantity = working.quantity - working.filled
        if quantity > 1 and self._random.random() < self._partial:
            quantity = self._random.randint(1, quantity - 1)
            self.timeline.after(self._random.randint(1, 1500) * MILLISECOND, self.match, working)
        self._fill(working, quantity, price)

    def _fill(self, working: Working, quantity: int, ticks: int) -> None:
        working.filled += quantity
        working.time_ns = self._now
        symbol = working.instrument.symbol
        if working.filled >= working.quantity:
            self._close(working, OrderStatus.FILLED)
        else:
            working.status = OrderStatus.PARTIAL_FILLED
        fill = Fill(
            f"F{len(self.fills) + 1}",
            working.client_order_id,
            working.broker_order_id,
            quantity,
            working.filled,
            working.instrument.to_price(ticks),
            ticks,
            0.0,
            "",
            Liquidity.TAKER,
            self._now,
        )
        self.fills.append(Executed(fill, working))
        self._hold(working, symbol, working.sign * quantity)
        self.say(working, fill)
        if working.role is None:
            return
        trade = self.trades[working.trade_id]
        self._legs.follow(trade, working, quantity)
        self._changed(trade)
        if working.role is _TARGET and self.strike("target.filled") == "double":
            self._fill_stop_too(trade)

    def _fill_stop_too(self, trade: TradeTruth) -> None:
        for other in trade.orders:
            if other.role is _STOP and other.left and not other.is_leg:
                self._fill(other, other.left, self.last[trade.symbol])

    def _hold(self, working: Working, symbol: str, signed: int) -> None:
        self.positions[symbol] = self.positions.get(symbol, 0) + signed
        if working.role is None:
            return
        trade = self.trades[working.trade_id]
        trade.position += signed
        if working.sign == trade.sign:
            trade.entered += abs(signed) if signed * working.sign > 0 else -abs(signed)
        else:
            trade.exited += abs(signed) if signed * working.sign > 0 else -abs(signed)

    # What the venue does by itself

    def cancel_by_venue(self, working: Working, reason: str) -> None:
        """An order ends that nobody withdrew."""
        self.end(working, OrderStatus.CANCELLED, reason)
        self._changed(self.trades[working.trade_id])

    def expire_by_venue(self, working: Working, reason: str) -> None:
        """The time in force of an order is over."""
        working.reason, working.time_ns = reason, self._now
        self._close(working, OrderStatus.EXPIRED)
        expired = Expired(working.client_order_id, reason, self._now, self._said(working))
        self.say(working, expired)
        self._changed(self.trades[working.trade_id])

    def bust(self, executed: Executed) -> None:
        """Take a fill back."""
        executed.is_void = True
        fill, working = executed.fill, executed.order
        working.filled -= fill.quantity
        if working.status is OrderStatus.FILLED:
            # What was taken back does not trade again.
            working.quantity = max(working.filled, 1)
        self._hold(working, working.instrument.symbol, -working.sign * fill.quantity)
        voided = FillVoided(fill.client_order_id, fill.fill_id, "trade busted", self._now)
        self.say(working, voided)
        trade = self.trades[working.trade_id]
        if working.role is _ENTRY and working.legs:
            self._legs.follow(trade, working, -fill.quantity)
        elif working.is_leg:
            trade.q_bracket += fill.quantity
        self._changed(trade)

    def place_foreign(self, symbol: str) -> Working:
        """Somebody else places an order on this account, far from the market."""
        working = Working(
            "", f"B{len(self.orders) + 1}", "", None, self._instruments[symbol], 1, 1,
            OrderType.LIMIT, self.last[symbol] - 4000, None, self._now,
        )  # fmt: skip
        self.orders.append(working)
        self.working[symbol].append(working)
        return working

    def end_foreign(self, working: Working) -> None:
        """That order is withdrawn."""
        self._close(working, OrderStatus.CANCELLED)

    def end(self, working: Working, status: OrderStatus, reason: str) -> None:
        """An order ends with less than it was for."""
        working.reason, working.time_ns = reason, self._now
        self._close(working, status)
        cancelled = Cancelled(working.client_order_id, reason, self._now, self._said(working))
        self.say(working, cancelled)

    def _said(self, working: Working) -> int | None:
        return working.filled if self.says_sums else None

    def _close(self, working: Working, status: OrderStatus) -> None:
        working.status = status
        queue = self.working[working.instrument.symbol]
        if working in queue:
            queue.remove(working)

    # What it says

    def say(self, working: Working, message: Any) -> None:
        """Report something about an order of ours."""
        if working.role is not None:
            self._report(message, working.role)

    def say_terms(self, working: Working) -> None:
        """Report the terms that an order has now."""
        replaced = Replaced(
            working.client_order_id,
            working.quantity,
            working.order_type,
            working.limit,
            working.trigger,
            self._now,
        )
        self.say(working, replaced)

    @property
    def _now(self) -> int:
        return self.timeline.now_ns
