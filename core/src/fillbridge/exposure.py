"""Contracts at stake, counted from the engine's state for risk checks."""

from collections.abc import Callable, Iterator, Sequence

from fillbridge.engine.activity import within
from fillbridge.engine.proposed import habit_key
from fillbridge.engine.state import EngineState, Trade
from fillbridge.newest_times import NewestTimes
from fillbridge_hooks import (
    SHOWN_MESSAGES,
    TERMINAL_STATUSES,
    AccountMargin,
    Direction,
    Exposure,
    RiskContext,
    RiskProposal,
    Side,
)

_LONG = Direction.LONG
_BUY = Side.BUY
_NO_EXPOSURE = (0, 0, 0, 0)
_MINUTE_NS = 60_000_000_000
_TEN_SECONDS_NS = 10_000_000_000


def exposure(
    state: EngineState, symbol: str, without: Trade | None = None, strategy: str | None = None
) -> Exposure:
    """Exposure of a symbol and of the account, leaving out the trade ``without``.

    Entries that may still fill count as filled in the worst cases.

    :param strategy: whose trades of the symbol are counted beside all of them
    """
    if not state.trades:
        return Exposure(symbol, 0, 0, 0, 0, 0, 0, 0, 0)
    held: dict[str, list[int]] = {}
    brackets: dict[str, int] = {}
    of_strategy = 0
    buy: int | None = None
    sell: int | None = None
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
        if name == symbol:
            of_strategy += trade.plan.proposal.strategy == strategy
            for bought, limit in _working_limits(trade):
                if bought:
                    buy = limit if buy is None or limit > buy else buy
                else:
                    sell = limit if sell is None or limit < sell else sell
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
        of_strategy,
        buy,
        sell,
    )


def _working_limits(trade: Trade) -> Iterator[tuple[bool, int]]:
    """Whether it buys, and at which limit, of each order that works; what was asked for too."""
    for order_state in trade.orders:
        if order_state.status in TERMINAL_STATUSES:
            continue
        buys = order_state.order.side is _BUY
        for terms in (order_state.order, order_state.requested):
            if terms is not None and terms.limit_ticks is not None:
                yield buys, terms.limit_ticks


def risk_context(
    state: EngineState,
    proposal: RiskProposal,
    now_ns: int,
    last_price: Callable[[str], float | None],
    without: Trade | None = None,
    symbol: str = "",
    margin: AccountMargin | None = None,
) -> RiskContext:
    """The counters of the trade date, and what open positions are worth at last prices.

    :param without: the trade under judgement, if its approval was counted already
    :param symbol: of the contract, where the proposal does not name it
    :param margin: what the broker still lets the account do
    """
    counters = state.counters
    orders = trades = rejects = realised = of_strategy = 0
    if now_ns < counters.trade_date_ends_ns:
        orders, trades = counters.orders, counters.trades
        rejects, realised = counters.rejects, counters.realised_cents
        known = state.activity.strategies.get(proposal.strategy or "")
        of_strategy = 0 if known is None else known.entries_today
    times = counters.message_times
    messages = within(times, now_ns - _MINUTE_NS)
    recent: Sequence[int] = NewestTimes(times, now_ns - _TEN_SECONDS_NS, SHOWN_MESSAGES)
    last_orders, entries = tuple(counters.recent_orders), tuple(state.recent_entries)
    if without is not None:
        orders, trades, messages = max(0, orders - 1), max(0, trades - 1), max(0, messages - 1)
        entry = without.plan.entry
        last_orders = tuple(order for order in last_orders if order is not entry)
        of_strategy = max(0, of_strategy - 1)
        recent = _without_one(recent, without.entry.submitted_ns)
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
        recent_messages=recent,
        strategy_trades_today=of_strategy,
        margin=margin,
    )


def _without_one(times: Sequence[int], time_ns: int) -> tuple[int, ...]:
    left = list(times)
    if time_ns in left:
        left.remove(time_ns)
    return tuple(left)


def pnl_of_the_day(
    state: EngineState, last_price: Callable[[str], float | None], now_ns: int
) -> tuple[float, float | None]:
    """What was realised on the trade date, net, and what is open as :func:`open_pnl` has it."""
    is_today = now_ns < state.counters.trade_date_ends_ns
    realised = state.counters.realised_cents / 100 if is_today else 0.0
    return realised, open_pnl(state, last_price) if state.trades else 0.0


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
