"""Prices that several controls need, exact: half ticks are whole numbers, a mid is one of them."""

from fillbridge_hooks import ArrivalPrice, Instrument, InvalidValue, MarketView, Order, RiskProposal


def half_ticks(price: float | None, instrument: Instrument) -> int | None:
    """A price on the grid in half ticks; ``None`` for none, and for one that is not on it."""
    if price is None:
        return None
    try:
        return 2 * instrument.to_ticks(price)
    except InvalidValue:
        return None


def mid_half_ticks(
    bid: float | None, ask: float | None, last: float | None, instrument: Instrument
) -> int | None:
    """The mid of bid and ask in half ticks, else the last price; ``None`` where neither is known.

    A quote that is not on the grid is no quote.
    """
    low, high = half_ticks(bid, instrument), half_ticks(ask, instrument)
    if low is not None and high is not None:
        return (low + high) // 2
    return half_ticks(last, instrument)


def market_half_ticks(market: MarketView, instrument: Instrument) -> int | None:
    """Where the market is, in half ticks; ``None`` where that is unknown."""
    return mid_half_ticks(market.bid, market.ask, market.last, instrument)


def arrival_half_ticks(arrival: ArrivalPrice | None, instrument: Instrument) -> int | None:
    """What the proposal was decided at, in half ticks; ``None`` where it does not say so."""
    if arrival is None:
        return None
    return mid_half_ticks(arrival.bid, arrival.ask, arrival.last, instrument)


def entry_half_ticks(order: Order, market: MarketView) -> tuple[int, ...]:
    """Where an entry may fill, in half ticks: each of its prices, else where the market is.

    Empty where it has no price and the market is unknown.
    """
    levels = tuple(
        2 * ticks for ticks in (order.limit_ticks, order.trigger_ticks) if ticks is not None
    )
    if levels:
        return levels
    instrument = order.instrument
    here = arrival_half_ticks(order.arrival, instrument)
    there = market_half_ticks(market, instrument)
    return tuple(price for price in (here, there) if price is not None)


def leg_half_ticks(
    price: float | None, ticks: int | None, sign: int, entry: int, instrument: Instrument
) -> int | None:
    """How far a leg is from ``entry`` on the side of ``sign``, in half ticks; negative beyond it.

    ``None`` where the proposal has no such leg, or one that is not on the grid.

    :param ticks: the distance, where the proposal gives that and no price
    """
    if ticks is not None:
        return 2 * ticks
    level = half_ticks(price, instrument)
    return None if level is None else sign * (level - entry)


def stop_half_ticks(order: Order, proposal: RiskProposal, entry: int) -> int | None:
    """How far the stop is from ``entry`` on the losing side, in half ticks."""
    return leg_half_ticks(
        proposal.stop_loss_price,
        proposal.stop_loss_ticks,
        -order.side.sign,
        entry,
        order.instrument,
    )


def target_half_ticks(order: Order, proposal: RiskProposal, entry: int) -> int | None:
    """How far the target is from ``entry`` on the winning side, in half ticks."""
    return leg_half_ticks(
        proposal.take_profit_price,
        proposal.take_profit_ticks,
        order.side.sign,
        entry,
        order.instrument,
    )


def points(half: int, instrument: Instrument) -> str:
    """A price in half ticks, as a refusal names it."""
    return str(instrument.to_price(half / 2))


def in_ticks(half: int) -> str:
    """A distance in half ticks, as a refusal names it: whole where it is."""
    return f"{half / 2:g} ticks"
