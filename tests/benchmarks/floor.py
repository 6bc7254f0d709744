"""Measures the least that an event path of messages and plugins can take in this interpreter.

What the contracts demand and nothing else: the bars are made and handed to a handler that has no
orders, and for each trade its messages are made and its plugins called, with an engine, a shell and
a simulated broker that cost nothing between them. All of it in multiples of the plain loop of
``replay.py``, in processes of their own, in turns. The last line is one JSON object: processor
times and ratios, medians.

    uv run python tests/benchmarks/floor.py [--bars N] [--rounds N] [--json]
"""

import argparse
import json
import platform
import subprocess
import sys
from collections.abc import Callable
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

import replay  # type: ignore[import-not-found]  # the script beside this one

if TYPE_CHECKING:
    from fillbridge.engine.messages import Event
    from fillbridge_hooks import TradeResult

TRADES = 20_000
"""Trades whose messages are made in one run."""


class Run(NamedTuple):
    """Processor time of one run, and the trades in it."""

    cpu_s: float
    trades: int


# The sides


def run_yardstick(count: int) -> Run:
    """The plain loop of the replay."""
    done = replay.run_yardstick(count)
    return Run(done.cpu_s, done.trades)


def run_bare_bars(count: int) -> Run:
    """Each bar made and handed to a function that does nothing."""
    return Run(_feed(count, lambda time_ns, bar: None), 0)


def run_quiet_bars(count: int) -> Run:
    """Each bar made and handed to a handler without orders: checked, and looked at no further."""
    from fillbridge import BacktestExecutionHandler

    handler = BacktestExecutionHandler(replay.CONFIGURATION)
    return Run(_feed(count, handler.update_market_data), 0)


def _feed(count: int, update: Callable[[int, Any], None]) -> float:
    from fillbridge import BarData

    watch = replay.Stopwatch()
    for bars in replay.make_bars(count):
        columns = [column.tolist() for column in bars[1:]]
        first_ns = replay.FIRST_NS + bars.first * replay.MINUTE_NS
        times = range(first_ns, first_ns + len(bars.open) * replay.MINUTE_NS, replay.MINUTE_NS)
        watch.start()
        for time_ns, opened, high, low, closed, volume in zip(list(times), *columns, strict=True):
            update(time_ns, BarData(time_ns, opened, high, low, closed, volume, "ES"))
        watch.stop()
    return float(watch.cpu)


def run_messages(count: int) -> Run:
    """The messages of ``TRADES`` trades, and the calls of their plugins, whatever ``count`` is."""
    make = message_maker()
    watch = replay.Stopwatch()
    watch.start()
    for number in range(TRADES):
        make(number)
    watch.stop()
    return Run(watch.cpu, TRADES)


def message_maker() -> "Callable[[int], tuple[tuple[Event, ...], TradeResult]]":
    """A function that makes what one trade of the workload cannot do without.

    It answers with the events in the order in which they are recorded, and with the result. Every
    other trade ends at its stop, which asks for slippage once more.
    """
    from fillbridge.config import find_instrument
    from fillbridge.engine.messages import (
        CancelSent,
        FillBooked,
        OrdersPlaced,
        TradeApproved,
        TradeMeasured,
        TradePlan,
    )
    from fillbridge.engine.state import OrderState, Trade
    from fillbridge.times import to_datetime
    from fillbridge_costs import CommissionSettings, SlippageSettings, fixed, per_contract
    from fillbridge_hooks import (
        Accepted,
        ApprovedOrder,
        ArrivalPrice,
        BarData,
        Cancelled,
        Direction,
        ExitReason,
        Exposure,
        Fill,
        Liquidity,
        MarketView,
        Order,
        OrderRole,
        OrderType,
        Permit,
        RiskContext,
        RiskProposal,
        Side,
        TimeInForce,
        TradeResult,
        Urgency,
    )
    from fillbridge_risk import max_daily_trades, max_open_positions, max_position_size

    instrument = find_instrument("ES", {})
    slippage = fixed(SlippageSettings(fixed_amount=replay.SLIPPAGE))
    commission = per_contract(CommissionSettings())
    limits = replay.RISK_PROFILE
    checks = (
        max_position_size(limits["max_position_size"]),
        max_open_positions(limits["max_open_positions"]),
        max_daily_trades(limits["max_daily_trades"]),
    )
    bar = BarData(replay.FIRST_NS, 5000.0, 5001.0, 4999.0, 5000.0, 900.0, "ES")
    now = bar.timestamp

    # The members of an enumeration are constants of a module in the event path, so here too.
    entry_role, stop_role, target_role = OrderRole.ENTRY, OrderRole.STOP, OrderRole.TARGET
    market, stop_type, limit_type = OrderType.MARKET, OrderType.STOP, OrderType.LIMIT
    buy, sell, gtc, high = Side.BUY, Side.SELL, TimeInForce.GTC, Urgency.HIGH
    taker, maker, long = Liquidity.TAKER, Liquidity.MAKER, Direction.LONG
    stopped, targeted = ExitReason.STOP_LOSS, ExitReason.TAKE_PROFIT

    def view() -> MarketView:
        return MarketView("ES", bar, None, None, 5000.0, 900.0, now)

    def approve(order: Order) -> None:
        ApprovedOrder(order, Permit()).permit.spend()

    def book(fill: Fill) -> FillBooked:
        return FillBooked(fill, round(commission(fill, instrument) * 100))

    def make(number: int) -> "tuple[tuple[Event, ...], TradeResult]":
        trade_id = f"T{number}"
        entry_id, stop_id, target_id = trade_id + "_ENTRY", trade_id + "_SL", trade_id + "_TP"
        proposal = RiskProposal(
            position_size=3,
            stop_loss_price=4992.0,
            take_profit_price=5012.0,
            direction="LONG",
            urgency="high",
            timeout_seconds=None,
        )
        arrival = ArrivalPrice(None, None, 5000.0)
        entry = Order(
            entry_id, trade_id, entry_role, instrument, buy, 3, market,
            None, None, None, gtc, "", arrival, high,
        )  # fmt: skip
        plan = TradePlan(
            trade_id, proposal, instrument, long, entry, 19_968, None, 20_048, None,
            now, None, "", None, None, "",
        )  # fmt: skip
        exposure = Exposure("ES", 0, 0, 0, 0, 0, 0, 0, 0)
        seen = view()
        context = RiskContext(now, proposal, 0, 0, 0, 0.0, 0.0, 0, ())
        for check in checks:
            check(entry, exposure, seen, context)
        approved = TradeApproved(plan, now)
        entry_state = OrderState(entry, now)
        Trade(plan, entry_state, [entry_state])
        approve(entry)
        entered = Accepted(entry_id, "B1", now)

        points = slippage(entry, view())
        filled = book(
            Fill("F1", entry_id, "B1", 3, 3, 5000.25, 20_000, points, "fixed", taker, now, "open")
        )
        stop = Order(
            stop_id, trade_id, stop_role, instrument, sell, 3, stop_type,
            None, 19_968, None, gtc, "", arrival, high,
        )  # fmt: skip
        target = Order(
            target_id, trade_id, target_role, instrument, sell, 3, limit_type,
            20_048, None, None, gtc, "", arrival, high,
        )  # fmt: skip
        placed = OrdersPlaced(trade_id, (stop, target), now)
        legs: list[Event] = []
        for order in placed.orders:
            OrderState(order, now)
            approve(order)
            legs.append(Accepted(order.client_order_id, "B2", now))

        if number % 2:
            done_id, other_id, why = stop_id, target_id, stopped
            price, tick, points, model, liquidity = (
                4991.75,
                19_968,
                slippage(stop, view()),
                "fixed",
                taker,
            )
        else:
            done_id, other_id, why = target_id, stop_id, targeted
            price, tick, points, model, liquidity = 5012.0, 20_048, 0.0, "", maker
        closed = book(
            Fill("F2", done_id, "B2", 3, 3, price, tick, points, model, liquidity, now, "low")
        )
        withdrawn = CancelSent(other_id, "the position is closed", now)
        cancelled = Cancelled(other_id, "cancelled", now)
        measured = TradeMeasured(trade_id, 1.0, -1.0, 0.9, now)
        result = TradeResult(
            trade_id, to_datetime(now), to_datetime(now), 5000.25, price, 3, "LONG",
            1.0, 1.0, 22.8, 1.0, why, 60.0, 1.0, -1.0, 0.9, "ES", None, None, now, now,
            False, None, None, 1.0, 1.0, True,
        )  # fmt: skip
        events = (
            approved, entered, filled, placed, *legs, closed, withdrawn, cancelled, measured,
        )  # fmt: skip
        return events, result

    return make


SIDES: dict[str, Callable[[int], Run]] = {
    "yardstick": run_yardstick,
    "bare_bars": run_bare_bars,
    "quiet_bars": run_quiet_bars,
    "messages": run_messages,
}


# The comparison


def run_side(side: str, count: int) -> Run:
    """One run in a fresh process."""
    command = [sys.executable, __file__, "--bars", str(count), "--side", side]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    if done.returncode:
        sys.exit(f"{side} ended with exit code {done.returncode}")
    return Run(*json.loads(done.stdout))


def summarise(count: int, runs: dict[str, list[Run]]) -> dict[str, Any]:
    """The JSON object: medians of processor time, in seconds and in yardsticks."""
    cpu = {side: median(run.cpu_s for run in found) for side, found in runs.items()}
    yardstick, trades = cpu["yardstick"], runs["yardstick"][-1].trades
    per_trade = cpu["messages"] / TRADES
    quiet, messages = cpu["quiet_bars"] / yardstick, per_trade * trades / yardstick
    return {
        "bars": count,
        "rounds": len(runs["yardstick"]),
        "trades": trades,
        "yardstick_s": round(yardstick, 6),
        "bare_bars_ratio": round(cpu["bare_bars"] / yardstick, 3),
        "quiet_bars_ratio": round(quiet, 3),
        "messages_us": round(per_trade * 1e6, 2),
        "messages_ratio": round(messages, 3),
        "floor_ratio": round(quiet + messages, 3),
        "python": platform.python_version(),
    }


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--bars", type=int, default=1_000_000, metavar="N")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="runs of each side")
    parser.add_argument("--json", action="store_true", help="print the JSON object alone")
    parser.add_argument("--side", choices=list(SIDES), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        print(json.dumps(SIDES[options.side](options.bars)))
        return 0
    runs: dict[str, list[Run]] = {side: [] for side in SIDES}
    for number in range(1, options.rounds + 1):
        for side, found in runs.items():
            found.append(run_side(side, options.bars))
            if not options.json:
                print(f"round {number} {side:10}  processor {found[-1].cpu_s:9.4f} s", flush=True)
    print(json.dumps(summarise(options.bars, runs)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
