"""Whole trades on random trades and quotes: against an oracle, and against quiet ones."""

from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from fillbridge_hooks import ExitReason, QuoteTick, TradeTick
from fillbridge_sim import SampledLatency

TICK = 0.25
STOP, TARGET = ExitReason.STOP_LOSS, ExitReason.TAKE_PROFIT


class Bracket(NamedTuple):
    """A trade proposed once so many ticks have come; distances in ticks."""

    after: int
    sign: int
    size: int
    stop: int
    target: int


@st.composite
def tapes(draw):
    """Trades and quotes around a wandering price."""
    made, price, time = [], 400, 0
    for _ in range(draw(st.integers(5, 40))):
        price += draw(st.integers(-3, 3))
        time += draw(st.integers(0, 3)) * 20_000_000
        if draw(st.booleans()):
            made.append(TradeTick(time, price * TICK, draw(st.integers(0, 9)), "", len(made)))
        else:
            bid, ask = price * TICK, (price + draw(st.integers(1, 3))) * TICK
            made.append(QuoteTick(time, bid, draw(st.integers(1, 9)), ask, draw(st.integers(1, 9))))
    return made


brackets = st.lists(
    st.builds(
        Bracket,
        after=st.integers(1, 30),
        sign=st.sampled_from([1, -1]),
        size=st.integers(1, 5),
        stop=st.integers(1, 6),
        target=st.integers(1, 6),
    ),
    max_size=4,
)


def outcome(run, made, proposed):
    for number, tick in enumerate(made, start=1):
        feed = run.handler.update_trade if isinstance(tick, TradeTick) else run.handler.update_quote
        feed(tick)
        for index, bracket in enumerate(proposed):
            if bracket.after == number:
                run.enter(
                    "LONG" if bracket.sign > 0 else "SHORT",
                    proposal_id=str(index),
                    stop_loss_ticks=bracket.stop,
                    take_profit_ticks=bracket.target,
                    size=bracket.size,
                )
    run.handler.finish()
    return run.outcome


def far_side(quote, sign):
    return quote.ask if sign > 0 else quote.bid


def foretell(made, bracket, beyond):
    """Entry, exit (price, ns), reason and excursions; None where nothing is entered."""
    sign, entry, seen, known, last = bracket.sign, None, [], None, None
    for number, tick in enumerate(made, start=1):
        if isinstance(tick, QuoteTick):
            known = tick
        else:
            last = tick.price
        if number < bracket.after or (number == bracket.after and known is None):
            continue
        if entry is None:
            price = far_side(known, sign) if known else tick.price
            entry = (price, tick.timestamp)
            stop = price - sign * bracket.stop * TICK
            target = price + sign * bracket.target * TICK
            continue
        if isinstance(tick, QuoteTick):
            continue
        if sign * (tick.price - stop) <= 0:
            left, reason = tick.price, STOP
        elif sign * (tick.price - target) >= beyond:
            left, reason = target, TARGET
        else:
            seen.append(tick.price)
            continue
        return entry, (left, tick.timestamp), reason, measured(entry, seen, left, sign)
    if entry is None:
        return None
    left = far_side(known, -sign) if last is None else last
    reason = ExitReason.SYSTEM_SHUTDOWN
    return entry, (left, made[-1].timestamp), reason, measured(entry, seen, left, sign)


def measured(entry, seen, left, sign):
    moved = [sign * (price - entry[0]) for price in (*seen, left)]
    return max(0, *moved), min(0, *moved)


@given(made=tapes(), proposed=brackets, limit_fill=st.sampled_from(["through", "touch"]))
def test_every_trade_on_ticks_is_what_the_oracle_foretells(backtest, made, proposed, limit_fill):
    beyond = TICK if limit_fill == "through" else 0

    trades = outcome(backtest(limit_fill=limit_fill), made, proposed)

    told = {str(index): foretell(made, bracket, beyond) for index, bracket in enumerate(proposed)}
    assert {
        trade["proposal_id"]: (
            (trade["entry_price"], trade["entry_time_ns"]),
            (trade["exit_price"], trade["exit_time_ns"]),
            trade["exit_reason"],
            (trade["max_favorable_excursion"], trade["max_adverse_excursion"]),
        )
        for trade in trades
    } == {name: trade for name, trade in told.items() if trade is not None}


@given(
    made=tapes(),
    proposed=brackets,
    limit_fill=st.sampled_from(["through", "touch"]),
    volume_share=st.sampled_from([None, 0.5, 1]),
    latency_ms=st.sampled_from([0, 10, 20, SampledLatency(low=1, high=50, seed=3)]),
)
def test_ticks_that_pass_quietly_change_nothing(backtest, sleepless, made, proposed, **simulation):
    quiet = outcome(backtest(**simulation), made, proposed)

    with sleepless():
        assert outcome(backtest(**simulation), made, proposed) == quiet
