"""At which price, and in what market: C11, C13, C14, C23 and C25."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from fillbridge_hooks import (
    Exposure,
    MarketView,
    Order,
    OrderRole,
    OrderType,
    Refuse,
    RiskCheck,
    RiskContext,
    Side,
)
from fillbridge_risk.pricing import (
    arrival_half_ticks,
    half_ticks,
    in_ticks,
    market_half_ticks,
    points,
)

_ENTRY = OrderRole.ENTRY
_BUY = Side.BUY
_MARKET = OrderType.MARKET
_SECOND = 1_000_000_000

_STOCK_EXCHANGE = ZoneInfo("America/New_York")
_DAY_BEGINS, _DAY_ENDS = time(9, 30), time(16)
_SATURDAY = 5

REACH_TICKS = 8
"""So far beyond the quote a market order is held to be able to trade."""


def max_entry_drift_ticks(limit: int) -> RiskCheck:
    """Refuse a market entry that was decided more than ``limit`` ticks from where the market is.

    Where either is unknown it is refused.
    """
    rule = f"decided <= {limit} ticks from the market"

    def check(
        order: Order, exposure: Exposure, market: MarketView, context: RiskContext
    ) -> Refuse | None:
        if order.order_type is not _MARKET or order.role is not _ENTRY:
            return None
        instrument = order.instrument
        decided = arrival_half_ticks(order.arrival, instrument)
        here = market_half_ticks(market, instrument)
        if decided is None or here is None:
            what = "arrival price" if decided is None else "market"
            return Refuse(
                check="C11 max_entry_drift_ticks", limit=f"a known {what}", value="unknown"
            )
        drift = abs(decided - here)
        if drift <= 2 * limit:
            return None
        said = f"{in_ticks(drift)} ({points(decided, instrument)} to {points(here, instrument)})"
        return Refuse(check="C11 max_entry_drift_ticks", limit=rule, value=said)

    return check


def max_price_distance_ticks(limit: int) -> RiskCheck:
    """Refuse an entry whose limit or trigger is more than ``limit`` ticks from the market.

    Where that is unknown it is refused.
    """
    rule = f"a price <= {limit} ticks from the market"

    def check(
        order: Order, exposure: Exposure, market: MarketView, context: RiskContext
    ) -> Refuse | None:
        if order.role is not _ENTRY:
            return None
        levels = [t for t in (order.limit_ticks, order.trigger_ticks) if t is not None]
        if not levels:
            return None
        instrument = order.instrument
        here = market_half_ticks(market, instrument)
        if here is None:
            return Refuse(
                check="C11 max_price_distance_ticks", limit="a known market", value="unknown"
            )
        farthest = max((2 * level for level in levels), key=lambda level: abs(level - here))
        distance = abs(farthest - here)
        if distance <= 2 * limit:
            return None
        said = f"{in_ticks(distance)} ({points(farthest, instrument)})"
        return Refuse(check="C11 max_price_distance_ticks", limit=rule, value=said)

    return check


def max_spread_ticks(limit: int) -> RiskCheck:
    """Refuse an entry unless both sides are quoted, bid below ask, at most ``limit`` apart."""
    rule = f"bid < ask, <= {limit} ticks apart"

    def check(
        order: Order, exposure: Exposure, market: MarketView, context: RiskContext
    ) -> Refuse | None:
        if order.role is not _ENTRY:
            return None
        instrument = order.instrument
        bid, ask = half_ticks(market.bid, instrument), half_ticks(market.ask, instrument)
        if bid is not None and ask is not None and 0 < ask - bid <= 2 * limit:
            return None
        said = f"bid {market.bid}, ask {market.ask}"
        return Refuse(check="C13 max_spread_ticks", limit=rule, value=said)

    return check


def max_quote_age_s(day: float | None, night: float | None) -> RiskCheck:
    """Refuse an entry on a quote that is older, or without one.

    :param day: s, while the stock exchanges of New York trade; ``None``: then it does not apply
    :param night: s, at any other time
    """
    by_day = _age_limit(day)
    by_night = _age_limit(night)

    def check(
        order: Order, exposure: Exposure, market: MarketView, context: RiskContext
    ) -> Refuse | None:
        if order.role is not _ENTRY:
            return None
        limit = by_day if _is_stock_exchange_open(context.now_ns) else by_night
        if limit is None:
            return None
        limit_ns, rule = limit
        if market.quote_ns is None:
            return Refuse(check="C14 max_quote_age_s", limit=rule, value="no quote")
        age_ns = context.now_ns - market.quote_ns
        # One from the future is no fresher: a clock is wrong.
        if -limit_ns <= age_ns <= limit_ns:
            return None
        return Refuse(check="C14 max_quote_age_s", limit=rule, value=f"{age_ns / _SECOND:.3f} s")

    return check


def _age_limit(seconds: float | None) -> tuple[int, str] | None:
    if seconds is None:
        return None
    return round(seconds * _SECOND), f"a quote <= {seconds:g} s old"


def _is_stock_exchange_open(now_ns: int) -> bool:
    try:
        local = datetime.fromtimestamp(now_ns // _SECOND, UTC).astimezone(_STOCK_EXCHANGE)
    except (ValueError, OverflowError):
        return True  # no time of this world: the stricter of both
    return local.weekday() < _SATURDAY and _DAY_BEGINS <= local.time() < _DAY_ENDS


def self_trade() -> RiskCheck:
    """Refuse an entry that could trade with an order of ours on the other side.

    A limit reaches its price, anything else as far as ``REACH_TICKS`` beyond the quote; where there
    is no quote, it reaches everything.
    """

    def check(
        order: Order, exposure: Exposure, market: MarketView, context: RiskContext
    ) -> Refuse | None:
        if order.role is not _ENTRY:
            return None
        is_buy = order.side is _BUY
        other = exposure.lowest_sell_ticks if is_buy else exposure.highest_buy_ticks
        if other is None:
            return None
        instrument = order.instrument
        reach = order.limit_ticks
        if reach is None:
            quote = half_ticks(market.ask if is_buy else market.bid, instrument)
            if quote is not None:
                reach = quote // 2 + order.side.sign * REACH_TICKS
                if order.trigger_ticks is not None:
                    beyond = order.trigger_ticks + order.side.sign * REACH_TICKS
                    reach = max(reach, beyond) if is_buy else min(reach, beyond)
        if reach is not None and (other - reach) * order.side.sign > 0:
            return None
        ours = instrument.to_price(other)
        far = "any price" if reach is None else instrument.to_price(reach)
        kind, than = ("sell", "below") if is_buy else ("buy", "above")
        return Refuse(
            check="C23 self_trade",
            limit=f"a price {than} our own {kind} at {ours}",
            value=f"reaches {far}",
        )

    return check


def exchange_status() -> RiskCheck:
    """Refuse an entry while the exchange says anything but ``open``, and at a price limit.

    What the exchange does not tell is no objection: so far no driver passes it on.
    """

    def check(
        order: Order, exposure: Exposure, market: MarketView, context: RiskContext
    ) -> Refuse | None:
        if order.role is not _ENTRY:
            return None
        status = market.status
        if status is not None and status != "open":
            return Refuse(check="C25 exchange_status", limit="open", value=repr(status))
        is_buy = order.side is _BUY
        price = market.ask if is_buy else market.bid
        if price is None:
            price = market.last
        limit = market.limit_high if is_buy else market.limit_low
        if price is None or limit is None:
            return None
        if (limit - price) * order.side.sign > 0:
            return None
        than = "below" if is_buy else "above"
        return Refuse(check="C25 exchange_status", limit=f"{than} {limit}", value=str(price))

    return check
