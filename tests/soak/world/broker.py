"""A truthful broker: it takes orders, fills them by a price that wanders, and answers questions.

It is its own model and shares no code with the simulated broker that Fillbridge comes with.
"""

from collections.abc import Callable
from random import Random
from typing import Any

from world.book import ENDED, Executed, TradeTruth, Working, fills_at
from world.timeline import MILLISECOND, Timeline

from fillbridge_hooks import (
    Accepted,
    ApprovedOrder,
    BrokerOrder,
    BrokerPosition,
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
    Side,
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
        self.by_id: dict[str, list[Working]] = {}
        self.working: dict[str, list[Working]] = {symbol: [] for symbol in instruments}
        self.accepts_low_quantity = random.random() < 0.5
        self.strike: Callable[[str], str] = lambda place: ""
        self._timeline = timeline
        self._random = random
        self._instruments = instruments
        self._report = report
        self._changed = changed
        self._partial = partial

    # Requests

    def submit(self, approved: ApprovedOrder, fault: str = "") -> None:
        """Take an order; ``fault`` may be ``reject`` or ``fill_first``."""
        order = approved.order
        working = self._placed(order, order.quantity, approved.legs)
        if fault == "reject":
            working.status, working.reason = OrderStatus.REJECTED, "not enough margin"
            self._say(working, Rejected(order.client_order_id, working.reason, self._now))
            self._changed(self.trades[order.trade_id])
            return
        self._open(working)
        if fault == "fill_first":
            self._match(working)
            self._accept(working)
        else:
            self._accept(working)
            self._match(working)
        self._changed(self.trades[order.trade_id])

    def _placed(self, order: Order, quantity: int, legs: tuple[Order, ...] = ()) -> Working:
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

    def _open(self, working: Working) -> None:
        self.working[working.instrument.symbol].append(working)

    def _accept(self, working: Working) -> None:
        accepted = Accepted(working.client_order_id, working.broker_order_id, self._now)
        self._say(working, accepted)

    def cancel(self, client_order_id: str, fault: str = "") -> None:
        """Withdraw what is left of an order; with ``cross`` it fills right before."""
        working = self._found(client_order_id)
        if fault == "cross" and working is not None and working.left:
            self._fill(working, working.left, self.last[working.instrument.symbol])
        if working is None or working.status in ENDED:
            self._report(CancelRejected(client_order_id, "too late to cancel", self._now), None)
            return
        if fault == "late_fill" and working.left:
            cancelled = Cancelled(client_order_id, "cancelled on request", self._now)
            self._say(working, cancelled)
            self._fill(working, working.left, self.last[working.instrument.symbol])
            return
        self._end(working, OrderStatus.CANCELLED, "cancelled on request")
        self._changed(self.trades[working.trade_id])

    def replace(self, change: Replacement, fault: str = "") -> None:
        """Give an order new terms."""
        order_id = change.client_order_id
        working = self._found(order_id)
        if fault == "cross" and working is not None and working.left:
            self._fill(working, working.left, self.last[working.instrument.symbol])
        if working is None or working.status in ENDED or fault == "reject":
            self._report(ReplaceRejected(order_id, "no longer working", self._now), None)
            return
        if change.quantity <= working.filled and not self.accepts_low_quantity:
            self._report(ReplaceRejected(order_id, "less than has filled", self._now), None)
            return
        working.quantity, working.order_type = change.quantity, change.order_type
        working.limit, working.trigger = change.limit_ticks, change.trigger_ticks
        working.time_ns = self._now
        self._say_terms(working)
        if working.quantity <= working.filled:
            working.quantity = working.filled
            self._close(working, OrderStatus.FILLED)
        else:
            self._match(working)
        self._changed(self.trades[working.trade_id])

    def _found(self, client_order_id: str) -> Working | None:
        known = self.by_id.get(client_order_id)
        return known[-1] if known else None

    # The market

    def move(self, symbol: str, last: int) -> None:
        """The price moved: what can trade, trades."""
        self.last[symbol] = last
        for working in tuple(self.working[symbol]):
            self._match(working)

    def _match(self, working: Working) -> None:
        if working.status in ENDED:
            return
        price = fills_at(working, self.last[working.instrument.symbol])
        if price is None:
            return
        quantity = working.quantity - working.filled
        if quantity > 1 and self._random.random() < self._partial:
            quantity = self._random.randint(1, quantity - 1)
            self._timeline.after(self._random.randint(1, 1500) * MILLISECOND, self._match, working)
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
        self._say(working, fill)
        if working.role is None:
            return
        trade = self.trades[working.trade_id]
        self._follow(trade, working, quantity)
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

    # Legs that the broker keeps

    def _follow(self, trade: TradeTruth, filled: Working, quantity: int) -> None:
        if filled.role is _ENTRY and filled.legs:
            trade.q_bracket += quantity
        elif filled.is_leg:
            trade.q_bracket -= quantity
        else:
            return
        legs = next(order.legs for order in trade.orders if order.role is _ENTRY)
        for leg in legs:
            self._follow_with(trade, leg, filled)

    def _follow_with(self, trade: TradeTruth, leg: Order, filled: Working) -> None:
        wanted = max(0, trade.q_bracket)
        known = self.by_id.get(leg.client_order_id)
        if known is None:
            if wanted:
                self._begin_leg(trade, leg, wanted)
            return
        working = known[0]
        if working is filled or working.status in ENDED:
            return
        if not wanted:
            self._end(working, OrderStatus.CANCELLED, "the position is closed")
        elif working.quantity - working.filled != wanted:
            working.quantity = working.filled + wanted
            working.time_ns = self._now
            self._say_terms(working)

    def _begin_leg(self, trade: TradeTruth, leg: Order, quantity: int) -> None:
        working = self._placed(leg, quantity)
        working.is_leg = True
        if leg.role is _STOP and self.strike("leg.stop") == "reject":
            self._refuse_leg(working)
            return
        if leg.role is _TARGET and self.strike("leg.target") == "reject":
            self._refuse_leg(working)
            return
        self._open(working)
        self._accept(working)
        self._timeline.after(0, self._match, working)

    def _refuse_leg(self, working: Working) -> None:
        working.status, working.reason = OrderStatus.REJECTED, "outside of the price band"
        self._say(working, Rejected(working.client_order_id, working.reason, self._now))

    # What the venue does by itself

    def cancel_by_venue(self, working: Working, reason: str) -> None:
        """An order ends that nobody withdrew."""
        self._end(working, OrderStatus.CANCELLED, reason)
        self._changed(self.trades[working.trade_id])

    def expire_by_venue(self, working: Working, reason: str) -> None:
        """The time in force of an order is over."""
        working.reason, working.time_ns = reason, self._now
        self._close(working, OrderStatus.EXPIRED)
        self._say(working, Expired(working.client_order_id, reason, self._now))
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
        self._say(working, voided)
        trade = self.trades[working.trade_id]
        if working.role is _ENTRY and working.legs:
            self._follow(trade, working, -fill.quantity)
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

    def _end(self, working: Working, status: OrderStatus, reason: str) -> None:
        working.reason, working.time_ns = reason, self._now
        self._close(working, status)
        self._say(working, Cancelled(working.client_order_id, reason, self._now))

    def _close(self, working: Working, status: OrderStatus) -> None:
        working.status = status
        queue = self.working[working.instrument.symbol]
        if working in queue:
            queue.remove(working)

    # What it says

    def _say(self, working: Working, message: Any) -> None:
        if working.role is not None:
            self._report(message, working.role)

    def _say_terms(self, working: Working) -> None:
        replaced = Replaced(
            working.client_order_id,
            working.quantity,
            working.order_type,
            working.limit,
            working.trigger,
            self._now,
        )
        self._say(working, replaced)

    def working_orders(self) -> tuple[BrokerOrder, ...]:
        """Answer the question for working orders."""
        return tuple(_told(order) for order in self.orders if order.status in _WORKING)

    def orders_today(self) -> tuple[BrokerOrder, ...]:
        """Answer the question for all orders."""
        return tuple(_told(order) for order in self.orders)

    def fills_since(self, since_ns: int) -> tuple[Fill, ...]:
        """Answer the question for fills."""
        return tuple(
            one.fill for one in self.fills if not one.is_void and one.fill.time_ns >= since_ns
        )

    def held(self) -> tuple[BrokerPosition, ...]:
        """Answer the question for positions."""
        return tuple(
            BrokerPosition(symbol=symbol, quantity=quantity)
            for symbol, quantity in self.positions.items()
            if quantity
        )

    @property
    def _now(self) -> int:
        return self._timeline.now_ns


def _told(order: Working) -> BrokerOrder:
    return BrokerOrder(
        client_order_id=order.client_order_id,
        broker_order_id=order.broker_order_id,
        symbol=order.instrument.symbol,
        side=Side.BUY if order.sign > 0 else Side.SELL,
        quantity=order.quantity,
        filled=order.filled,
        status=order.status,
        order_type=order.order_type,
        limit_ticks=order.limit,
        trigger_ticks=order.trigger,
        reason=order.reason,
        time_ns=order.time_ns,
    )
