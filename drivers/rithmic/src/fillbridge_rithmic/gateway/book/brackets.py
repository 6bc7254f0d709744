"""The legs that follow an entry's fills."""

from collections.abc import Iterator

from fillbridge_rithmic.gateway.book.order import Fill, Order, Ticket
from fillbridge_rithmic.gateway.codes import Duration, PriceType, Side


def leg_tickets(entry: Order, fill: Fill, tick_size: float) -> Iterator[Ticket]:
    """The legs for one fill of an entry: the target first, then the stop.

    Each fill has legs of its own, for its quantity and measured from its price.
    """
    bracket = entry.ticket.bracket
    if bracket is None:
        return
    side = Side.SELL if fill.side == Side.BUY else Side.BUY
    ticket = entry.ticket
    for leg, ticks, price_type in (
        ("target", bracket.target_ticks, PriceType.LIMIT),
        ("stop", bracket.stop_ticks, PriceType.STOP_MARKET),
    ):
        if ticks is None:
            continue
        away = entry.sign * ticks * tick_size * (1 if leg == "target" else -1)
        level = on_tick(fill.price + away, tick_size)
        yield Ticket(
            account=ticket.account,
            user=ticket.user,
            symbol=ticket.symbol,
            exchange=ticket.exchange,
            side=side,
            quantity=fill.size,
            price_type=price_type,
            duration=Duration.GTC if ticket.duration == Duration.GTC else Duration.DAY,
            price=level if leg == "target" else None,
            trigger_price=level if leg == "stop" else None,
            window_name=ticket.window_name,
            trade_route=ticket.trade_route,
            manual_or_auto=ticket.manual_or_auto,
            trail_ticks=ticks if leg == "stop" and not bracket.is_static else None,
            parent=entry.basket_id,
            leg="target" if leg == "target" else "stop",
        )


def trailed(order: Order, traded: float, tick_size: float, after_ticks: int) -> float | None:
    """Where a trailing stop goes once the market has traded; ``None``: it stays."""
    trail = order.ticket.trail_ticks
    if trail is None or order.trigger_price is None:
        return None
    started_at = order.trigger_price - order.sign * trail * tick_size
    best = order.best_price if order.best_price is not None else started_at
    # A stop that sells follows a market that rises.
    better = -order.sign * (traded - best)
    if better <= 0 or -order.sign * (traded - started_at) < after_ticks * tick_size:
        return None
    order.best_price = traded
    return on_tick(traded + order.sign * trail * tick_size, tick_size)


def on_tick(price: float, tick_size: float) -> float:
    """The price without what floating point added to it."""
    return round(round(price / tick_size) * tick_size, 10)
