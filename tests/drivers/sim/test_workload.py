"""Twenty thousand bars of brackets, trade by trade and to the cent as a plain loop has them."""

import random

import pytest

MINUTE = 60_000_000_000
BARS, EVERY = 20_000, 20
STOP, TARGET, SLIPPAGE = 8.0, 12.0, 0.25
POINT_VALUE, COMMISSION_CENTS = 50, 380


@pytest.fixture(scope="module")
def bars():
    """Open, high, low and close on a grid of a quarter, with gaps and fat tails."""
    drawn, made, price = random.Random(11), [], 20_000
    for _ in range(BARS):
        if drawn.random() < 0.02:
            price += round(drawn.gauss(0, 25))
        opened = price
        price += round(drawn.gauss(0, 4.8) * drawn.choice([0.5, 1, 1, 2]))
        high = max(opened, price) + round(abs(drawn.gauss(0, 2.4)))
        low = min(opened, price) - round(abs(drawn.gauss(0, 2.4)))
        made.append((opened / 4, high / 4, low / 4, price / 4))
    return made


@pytest.fixture(scope="module")
def signals():
    drawn = random.Random(12)
    return [(drawn.choice([1, -1]), drawn.randint(1, 5)) for _ in range(BARS // EVERY)]


def exit_price(bar, sign, stop, target, is_new):
    """Where a trade leaves in this bar, if it does: the stop first, a touch is enough."""
    opened, high, low, _ = bar
    worst, best = (low, high) if sign > 0 else (high, low)
    if sign * (opened - stop) <= 0:
        return opened - sign * SLIPPAGE
    if sign * (opened - target) >= 0:
        # A new target takes what is there, within its limit; one that rested just fills.
        return max(sign * target, sign * opened - SLIPPAGE * is_new) * sign
    if sign * (worst - stop) <= 0:
        return stop - sign * SLIPPAGE
    if sign * (best - target) >= 0:
        return target
    return None


def plain_loop(bars, signals):
    """Entry bar, exit bar, direction, size, entry and exit of each trade."""
    trades, trade, signal = [], None, None
    for number, bar in enumerate(bars):
        is_new = signal is not None
        if is_new:
            sign, size, stop, target = signal
            trade, signal = (number, sign, size, bar[0] + sign * SLIPPAGE, stop, target), None
        if trade is not None:
            entered, sign, size, entry, stop, target = trade
            left = exit_price(bar, sign, stop, target, is_new)
            if left is not None:
                trades.append((entered, number, sign, size, entry, left))
                trade = None
        if number % EVERY == 0 and trade is None:
            sign, size = signals[number // EVERY]
            signal = (sign, size, bar[3] - sign * STOP, bar[3] + sign * TARGET)
    return trades


def test_trades_and_money_are_those_of_a_plain_loop(backtest, bars, signals):
    run = backtest(slippage=SLIPPAGE, commission=3.8, bar_path="stop-first", limit_fill="touch")
    for number, bar in enumerate(bars):
        run.bar(*bar)
        if number % EVERY == 0 and not run.handler.open_positions:
            sign, size = signals[number // EVERY]
            stop, target = bar[3] - sign * STOP, bar[3] + sign * TARGET
            run.enter("LONG" if sign > 0 else "SHORT", stop, target, size)

    expected = plain_loop(bars, signals)
    assert len(expected) > 250
    assert [
        (
            trade.entry_time_ns // MINUTE,
            trade.exit_time_ns // MINUTE - 1,
            1 if trade.direction == "LONG" else -1,
            trade.position_size,
            trade.entry_price,
            trade.exit_price,
        )
        for trade in run.trades
    ] == expected
    cents = [
        round((left - entry) * sign * size * POINT_VALUE * 100) - 2 * COMMISSION_CENTS * size
        for _, _, sign, size, entry, left in expected
    ]
    assert [round(trade.pnl_net * 100) for trade in run.trades] == cents
    assert sum(trade.pnl_net for trade in run.trades) == pytest.approx(sum(cents) / 100, abs=1e-6)
