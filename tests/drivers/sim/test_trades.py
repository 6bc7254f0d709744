"""Whole trades on random bars: against an oracle, and against a market that never sleeps."""

from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from fillbridge_hooks import ExitReason, OrderType, UnknownOrder
from fillbridge_sim import SampledLatency

MINUTE = 60_000_000_000
TICK = 0.25
PATHS = ("body", "nearest", "open-high-low-close", "stop-first", "target-first")
STOP, TARGET = ExitReason.STOP_LOSS, ExitReason.TAKE_PROFIT


class Bar(NamedTuple):
    """Prices in ticks."""

    opened: int
    high: int
    low: int
    closed: int


class Plan(NamedTuple):
    """A trade that is proposed once so many bars are over; prices in ticks."""

    after: int
    sign: int
    kind: str
    level: int
    stop: int
    target: int


@st.composite
def bars(draw, least=2, most=14):
    made, price = [], 400
    small = st.integers(0, 5)
    for _ in range(draw(st.integers(least, most))):
        opened = price + draw(st.one_of(st.just(0), st.integers(-7, 7)))
        price = opened + draw(st.integers(-5, 5))
        high = max(opened, price) + draw(small)
        low = min(opened, price) - draw(small)
        made.append(Bar(opened, high, low, price))
    return made


@st.composite
def markets(draw):
    made = draw(bars())
    plans = []
    for _ in range(draw(st.integers(1, 5))):
        after = draw(st.integers(1, len(made) - 1))
        sign = draw(st.sampled_from([1, -1]))
        kind = draw(st.sampled_from(["market", "limit", "stop"]))
        level = last = made[after - 1].closed
        if kind != "market":
            level = last + draw(st.integers(-6, 6))
        distance = st.integers(1, 9)
        plans.append(
            Plan(
                after,
                sign,
                kind,
                level,
                level - sign * draw(distance),
                level + sign * draw(distance),
            )
        )
    return made, plans


# The oracle: one trade, one bar after the other, one tick after the other


@dataclass
class Rules:
    path: str
    beyond: int
    on_close: bool
    slip: int


@dataclass
class Passage:
    """What happened to one trade on the way through one bar."""

    entry: int | None = None
    is_inside: bool = False
    reason: ExitReason | None = None
    exit: int | None = None
    at_open: bool = False
    at_once: bool = False
    seen: tuple[int, ...] = ()


def path_through(bar, rules, sign):
    down_first = {
        "body": bar.closed >= bar.opened,
        "nearest": bar.opened - bar.low <= bar.high - bar.opened,
        "open-high-low-close": False,
        "stop-first": sign > 0,
        "target-first": sign < 0,
    }[rules.path]
    extremes = (bar.low, bar.high) if down_first else (bar.high, bar.low)
    return [bar.opened, *extremes, bar.closed]


def taken(price, sign, rules, limit=None):
    """The fill of an order that takes what it finds, in the direction of ``sign``."""
    worse = rules.slip if limit is None else min(rules.slip, sign * (limit - price))
    return price + sign * worse


def enter_at_open(plan, price, rules, is_marketable):
    room = plan.sign * (plan.level - price)
    if plan.kind == "market":
        return taken(price, plan.sign, rules)
    if plan.kind == "stop":
        return taken(price, plan.sign, rules) if room <= 0 else None
    if is_marketable and room >= 0:
        return taken(price, plan.sign, rules, plan.level)
    return price if not is_marketable and room >= rules.beyond else None


def enter_at(plan, price, rules):
    past = plan.sign * (price - plan.level)
    if plan.kind == "stop" and past >= 0:
        return taken(plan.level, plan.sign, rules)
    if plan.kind == "limit" and -past >= rules.beyond:
        return plan.level
    return None


def leave_at_once(plan, price, rules):
    """The exit of a trade whose protection finds the price past its level."""
    if plan.sign * (price - plan.stop) <= 0:
        return STOP, taken(price, -plan.sign, rules)
    if plan.sign * (price - plan.target) >= 0:
        return TARGET, taken(price, -plan.sign, rules, plan.target)
    return None


def leave_at(plan, price, rules, jumped):
    if plan.sign * (price - plan.stop) <= 0:
        return STOP, taken(price if jumped else plan.stop, -plan.sign, rules)
    if plan.sign * (price - plan.target) >= rules.beyond:
        return TARGET, price if jumped else plan.target
    return None


def pass_through(points, plan, rules, is_held, is_marketable):
    """Follow the path tick by tick until the trade is over or the bar is."""
    passage, price = Passage(), points[0]
    left = leave_at(plan, price, rules, jumped=True) if is_held else None
    if not is_held:
        passage.entry = enter_at_open(plan, price, rules, is_marketable)
        if passage.entry is not None:
            is_held, left = True, leave_at_once(plan, price, rules)
    if left:
        passage.reason, passage.exit = left
        passage.at_open = True
        return passage
    passage.seen = (price,) if is_held else ()
    for goal in points[1:]:
        while price != goal:
            price += 1 if goal > price else -1
            if is_held:
                left = leave_at(plan, price, rules, jumped=False)
            else:
                passage.entry = enter_at(plan, price, rules)
                if passage.entry is not None:
                    is_held = passage.is_inside = True
                    left = leave_at_once(plan, price, rules)
                    passage.at_once = left is not None  # so it would be on any path
            if left:
                passage.reason, passage.exit = left
                return passage
        if is_held:
            passage.seen += (goal,)
    return passage


def reaches_both(bar, plan, rules):
    worst, best = (bar.low, bar.high) if plan.sign > 0 else (bar.high, bar.low)
    stopped = plan.sign * (worst - plan.stop) <= 0
    return stopped and plan.sign * (best - plan.target) >= rules.beyond


def foretell(made, plan, rules):
    """Entry and exit (ticks, ns), excursions and other outcome of a trade; None if not entered."""
    last = made[plan.after - 1].closed
    is_marketable = plan.kind == "limit" and plan.sign * (plan.level - last) >= 0
    entry, entry_ns, seen, remembered = None, 0, (), None
    if rules.on_close and (plan.kind == "market" or is_marketable):
        limit = plan.level if is_marketable else None
        entry, entry_ns = taken(last, plan.sign, rules, limit), plan.after * MINUTE
    reason, left, left_ns, other = None, None, len(made) * MINUTE, None
    for number, bar in list(enumerate(made))[plan.after :]:
        points = path_through(bar, rules, plan.sign)
        passage = pass_through(points, plan, rules, entry is not None, is_marketable)
        if passage.entry is not None:
            entry, entry_ns = passage.entry, number * MINUTE
        seen += passage.seen
        if passage.reason:
            reason, left = passage.reason, passage.exit
            left_ns = (number + 1) * MINUTE
            is_decided = passage.at_open or passage.at_once
            if not is_decided and reaches_both(bar, plan, rules):
                other = STOP if reason is TARGET else TARGET
            break
        if passage.is_inside:
            swapped = [points[0], points[2], points[1], points[3]]
            remembered = pass_through(swapped, plan, rules, False, is_marketable).reason
        is_marketable = False
    if entry is None:
        return None
    if left is None:
        reason, left = ExitReason.SYSTEM_SHUTDOWN, taken(made[-1].closed, -plan.sign, rules)
    if other is None and remembered is not reason:
        other = remembered
    moved = [plan.sign * (price - entry) for price in (*seen, left)]
    other_price = {
        None: None,
        STOP: taken(plan.stop, -plan.sign, rules),
        TARGET: plan.target,
    }[other]
    return {
        "entry": (entry * TICK, entry_ns),
        "exit": (left * TICK, left_ns),
        "reason": reason,
        "excursions": (max(0, *moved) * TICK, min(0, *moved) * TICK),
        "other": (other, None if other_price is None else other_price * TICK),
        "net": {round(plan.sign * (at - entry) * 12.5, 6) for at in (left, other_price or left)},
    }


class Asked(NamedTuple):
    """What a proposal asks for beyond its levels, and when it is closed on request."""

    size: int
    trailing: bool
    urgency: str
    time_in_force: str
    timeout_seconds: float | None
    closed_after: int | None


asked_terms = st.builds(
    Asked,
    size=st.integers(1, 6),
    trailing=st.booleans(),
    urgency=st.sampled_from(["low", "normal", "high"]),
    time_in_force=st.sampled_from(["GTC", "IOC", "FOK", "DAY"]),
    timeout_seconds=st.one_of(st.none(), st.integers(1, 400)),
    closed_after=st.one_of(st.none(), st.integers(1, 14)),
)
AT_ONCE = Asked(1, False, "high", "GTC", None, None)


def propose(run, plan, name, asked, symbol=None):
    kind = OrderType(plan.kind)
    is_implied = kind is OrderType.MARKET  # by the urgency
    level = plan.level * TICK
    return run.enter(
        "LONG" if plan.sign > 0 else "SHORT",
        plan.stop * TICK,
        plan.target * TICK,
        proposal_id=name,
        symbol=symbol,
        entry_type=None if is_implied else kind,
        entry_limit_price=level if kind is OrderType.LIMIT else None,
        entry_trigger_price=level if kind is OrderType.STOP else None,
        size=asked.size,
        trailing_stop=asked.trailing,
        urgency=asked.urgency,
        max_slippage=0.5,
        time_in_force=asked.time_in_force,
        timeout_seconds=asked.timeout_seconds,
    )


@settings(max_examples=200)
@given(
    case=markets(),
    path=st.sampled_from(PATHS),
    limit_fill=st.sampled_from(["through", "touch"]),
    market_entry=st.sampled_from(["next", "on_close"]),
    slip=st.integers(0, 2),
)
def test_every_trade_is_what_the_oracle_foretells(
    backtest, case, path, limit_fill, market_entry, slip
):
    made, plans = case
    rules = Rules(path, int(limit_fill == "through"), market_entry == "on_close", slip)
    run = backtest(
        slippage=slip * TICK, bar_path=path, limit_fill=limit_fill, market_entry=market_entry
    )

    for number, bar in enumerate(made, start=1):
        run.bar(*(price * TICK for price in bar))
        for index, plan in enumerate(plans):
            if plan.after == number:
                propose(run, plan, str(index), AT_ONCE)
    run.handler.finish()

    told = {str(index): foretell(made, plan, rules) for index, plan in enumerate(plans)}
    assert {
        trade.proposal_id: {
            "entry": (trade.entry_price, trade.entry_time_ns),
            "exit": (trade.exit_price, trade.exit_time_ns),
            "reason": trade.exit_reason,
            "excursions": (trade.max_favorable_excursion, trade.max_adverse_excursion),
            "other": (trade.other_exit_reason, trade.other_exit_price),
            "net": {trade.pnl_net_low, trade.pnl_net_high},
        }
        for trade in run.trades
    } == {name: trade for name, trade in told.items() if trade is not None}
    for trade in run.trades:
        assert trade.path_dependent == (trade.other_exit_reason is not None)
        assert trade.pnl_net_low <= trade.pnl_net <= trade.pnl_net_high


# The watch: what it lets pass must change nothing


latencies = st.sampled_from(
    [0, 1, 30_000, 60_000, 150_000, SampledLatency(low=10, high=100_000, seed=3)]
)


def trade_on(run, made, plans, chosen):
    """Feed bars, propose, and close on request; what became of everything."""
    working = {}
    for number, bar in enumerate(made, start=1):
        run.bar(*(price * TICK for price in bar), volume=10)
        for index, (plan, asked) in enumerate(zip(plans, chosen, strict=True)):
            if plan.after == number:
                working[index] = propose(run, plan, str(index), asked)
            is_due = asked.closed_after and plan.after + asked.closed_after == number
            if is_due:
                with suppress(UnknownOrder):  # it is over
                    run.handler.request_close(working[index], ExitReason.MANUAL_OVERRIDE)
    orders = {name: order.status for name, order in run.handler.order_history.items()}
    run.handler.finish()
    return run.outcome, orders


@given(
    case=markets(),
    chosen=st.lists(asked_terms, min_size=5, max_size=5),
    path=st.sampled_from(PATHS),
    limit_fill=st.sampled_from(["through", "touch"]),
    market_entry=st.sampled_from(["next", "on_close"]),
    volume_share=st.sampled_from([None, 0.2, 0.5]),
    latency_ms=latencies,
    slippage=st.sampled_from([None, 0, 0.25, 0.3]),
)
def test_bars_that_pass_quietly_change_nothing(
    backtest, sleepless, case, chosen, slippage, path, **simulation
):
    made, plans = case
    simulation |= {"slippage": slippage, "bar_path": path}
    chosen = chosen[: len(plans)]

    quiet = trade_on(backtest(**simulation), made, plans, chosen)

    with sleepless():
        assert trade_on(backtest(**simulation), made, plans, chosen) == quiet


# Several symbols


def trade_symbols(run, markets_by_symbol):
    """Feed the bars of all symbols in the order of time; the trades of each symbol."""
    bars_made = min(len(made) for made, _ in markets_by_symbol.values())
    for number in range(1, bars_made + 1):
        for symbol, (made, _) in markets_by_symbol.items():
            bar = (price * TICK for price in made[number - 1])
            run.bar(*bar, symbol=symbol, at=(number - 1) * MINUTE)
        for symbol, (_, plans) in markets_by_symbol.items():
            for index, plan in enumerate(plans):
                if plan.after == number:
                    propose(run, plan, f"{symbol} {index}", AT_ONCE, symbol)
    run.handler.finish()
    trades = {symbol: [] for symbol in markets_by_symbol}
    for trade in run.outcome:
        del trade["trade_id"]
        trades[trade["symbol"]].append(trade)
    return trades


@given(
    es=markets(),
    nq=markets(),
    bar_path=st.sampled_from(PATHS),
    limit_fill=st.sampled_from(["through", "touch"]),
    market_entry=st.sampled_from(["next", "on_close"]),
)
def test_symbols_do_not_disturb_each_other(backtest, es, nq, **simulation):
    bars_made = min(len(es[0]), len(nq[0]))
    es, nq = (es[0][:bars_made], es[1]), (nq[0][:bars_made], nq[1])

    together = trade_symbols(backtest(**simulation), {"ES": es, "NQ": nq})

    assert together["ES"] == trade_symbols(backtest(**simulation), {"ES": es})["ES"]
    assert together["NQ"] == trade_symbols(backtest(**simulation), {"NQ": nq})["NQ"]
