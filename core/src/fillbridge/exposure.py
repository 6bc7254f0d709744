"""Contracts at stake, counted from the engine's state for risk checks."""

from collections.abc import Callable

from fillbridge.engine.proposed import habit_key
from fillbridge.engine.state import EngineState, Trade
from fillbridge_hooks import (
    TERMINAL_STATUSES,
    Direction,
    Exposure,
    RiskContext,
    RiskProposal,
)

_LONG = Direction.LONG
_NO_EXPOSURE = (0, 0, 0, 0)
_MINUTE_NS = 60_000_000_000


def exposure(state: EngineState, symbol: str, without: Trade | None = None) -> Exposure:
    """Exposure of a symbol and of the account, leaving out the trade ``without``.

    Entries that may still fill count as filled in the worst cases.
    """
    if not state.trades:
        return Exposure(symbol, 0, 0, 0, 0, 0, 0, 0, 0)
    held: dict[str, list[int]] = {}
    brackets: dict[str, int] = {}
    for trade in state.trades.values():
        if trade is without:
            continue
        name = trade.plan.instrument.symbol
        longs, shorts, buys, sells = held.setdefault(name, [0, 0, 0, 0])
        entry = trade.entry
        pending = 0
        if entry.status not in TERMINAL_STATUSES:
            pending = entry.order.quantity - entry.filled
        if trade.plan.direction is _LONG:
            held[name][0] = longs + trade.held
            held[name][2] = buys + pending
        else:
            held[name][1] = shorts + trade.held
            held[name][3] = sells + pending
        brackets[name] = brackets.get(name, 0) + 1
    longs, shorts, buys, sells = held.get(symbol, _NO_EXPOSURE)
    return Exposure(
        symbol,
        longs - shorts,
        buys,
        sells,
        longs + buys,
        shorts + sells,
        brackets.get(symbol, 0),
        sum(max(counts[0] + counts[2], counts[1] + counts[3]) for counts in held.values()),
        sum(brackets.values()),
    )


def risk_context(
    state: EngineState,
    proposal: RiskProposal,
    now_ns: int,
    last_price: Callable[[str], float | None],
    without: Trade | None = None,
    symbol: str = "",
) -> RiskContext:
    """The counters of the trade date, and what open positions are worth at last prices.

    :param without: the trade under judgement, if its approval was counted already
    :param symbol: of the contract, where the proposal does not name it
    """
    counters = state.counters
    orders = trades = rejects = realised = 0
    if now_ns < counters.trade_date_ends_ns:
        orders, trades = counters.orders, counters.trades
        rejects, realised = counters.rejects, counters.realised_cents
    since = now_ns - _MINUTE_NS
    expired = 0
    for time_ns in counters.message_times:
        if time_ns > since:
            break
        expired += 1
    messages = len(counters.message_times) - expired
    last_orders, entries = counters.recent_orders, state.recent_entries
    if without is not None:
        orders, trades, messages = max(0, orders - 1), max(0, trades - 1), max(0, messages - 1)
        entry = without.plan.entry
        last_orders = tuple(order for order in last_orders if order is not entry)
        mine = without.plan.trade_id
        entries = tuple(one for one in entries if one.trade_id != mine)
    return RiskContext(
        now_ns,
        proposal,
        orders,
        trades,
        rejects,
        realised / 100,
        open_pnl(state, last_price) if state.trades else 0.0,
        messages,
        last_orders,
        recent_entries=entries,
        entry_days=state.entry_days.get(habit_key(proposal.strategy, symbol), ()),
    )


def open_pnl(state: EngineState, last_price: Callable[[str], float | None]) -> float | None:
    """PnL of what is held, at last prices, before costs; ``None`` where a price is unknown."""
    total = 0.0
    for trade in state.trades.values():
        if not trade.held:
            continue
        instrument = trade.plan.instrument
        last = last_price(instrument.symbol)
        if last is None:
            return None
        moved = (last - trade.opening_price) * trade.plan.direction.sign
        total += moved * trade.held * instrument.point_value
    return round(total, 2)
