"""Measures how long the controls of the profile ``live`` take for one order.

What every entry waits for: exposure and context counted from an account with open trades, and the
whole chain, judged by the core. Beside it a chain of as many plain functions of the same arguments
that answer nothing. The last line is one JSON object, in microseconds.

    uv run python tests/benchmarks/risk.py [--orders N] [--rounds N] [--json]
"""

import argparse
import gc
import json
import platform
import time
from collections.abc import Callable
from typing import Any

from fillbridge.approval import NamedCheck, judge
from fillbridge.engine import EngineState, fold
from fillbridge.engine.messages import TradeApproved
from fillbridge.exposure import exposure, risk_context
from fillbridge.planning import plan_trade
from fillbridge_hooks import (
    ArrivalPrice,
    EntryDay,
    Instrument,
    MarketView,
    RiskProposal,
)
from fillbridge_risk import RiskSettings, checks

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
NOW = 1_764_777_600 * SECOND
"""Wednesday 2025-12-03, 16:00 UTC."""
OPEN_TRADES = 4
ES = Instrument(symbol="ESZ5", tick_size=0.25, point_value=50.0, exchange="CME")
SETTINGS = RiskSettings(
    profile="live",
    symbols=("ESZ5",),
    strategy_symbols={name: ["ESZ5"] for name in ("calm", "other")},
    max_gross_position=20,
    max_position_size=10,
)


def proposal(strategy: str) -> RiskProposal:
    return RiskProposal(
        position_size=1,
        direction="LONG",
        urgency="high",
        symbol="ESZ5",
        strategy=strategy,
        stop_loss_price=4990.0,
        take_profit_price=5020.0,
        timeout_seconds=None,
    )


def market() -> MarketView:
    return MarketView("ESZ5", None, 5000.0, 5000.25, 5000.0, 1.0, NOW, NOW, NOW - DAY)


def account() -> EngineState:
    """Trades of another strategy whose entries work, each ten seconds after the one before."""
    state = EngineState()
    arrival = ArrivalPrice(5000.0, 5000.25, 5000.0)
    for number in range(OPEN_TRADES):
        plan = plan_trade(proposal("other"), f"T{number}", ES, arrival, NOW, None)
        time_ns = NOW - (OPEN_TRADES - number) * 10 * SECOND
        fold(state, TradeApproved(plan, time_ns))
    habits = (EntryDay(NOW // DAY - 1, 30, 30, 30, (1 << 24) - 1, NOW - DAY),)
    state.entry_days["ESZ5 calm"] = habits
    return state


def chain() -> tuple[NamedCheck, ...]:
    return tuple(checks(SETTINGS))


def plain_chain(length: int) -> tuple[NamedCheck, ...]:
    def passes(order: Any, exposure: Any, market: Any, context: Any) -> None:
        return None

    return tuple((f"plain {number}", passes) for number in range(length))


def judging(controls: tuple[NamedCheck, ...]) -> Callable[[], list[Any]]:
    """What is done for each entry, from the state of the account to the answer."""
    state, asked, seen = account(), proposal("calm"), market()
    arrival = ArrivalPrice(5000.0, 5000.25, 5000.0)
    order = plan_trade(asked, "T9", ES, arrival, NOW, None).entry

    def judge_once() -> list[Any]:
        return judge(
            controls,
            order,
            exposure(state, "ESZ5", None, "calm"),
            seen,
            risk_context(state, asked, NOW, lambda symbol: 5000.0, None, "ESZ5"),
        )

    return judge_once


def measure(function: Callable[[], Any], orders: int) -> list[int]:
    clock = time.perf_counter_ns
    took = []
    for _ in range(orders):
        before = clock()
        function()
        took.append(clock() - before)
    return sorted(took)


def calling(controls: tuple[NamedCheck, ...]) -> Callable[[], None]:
    """The yardstick: each function called with four arguments, and nothing else."""
    functions = tuple(function for _, function in controls)
    order: Any = None

    def call() -> None:
        for function in functions:
            function(order, order, order, order)

    return call


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--orders", type=int, default=20_000, help="in one round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="the JSON line alone")
    options = parser.parse_args()
    controls = chain()
    judged, plain = judging(controls), calling(plain_chain(len(controls)))
    objections = judged()
    if objections:
        raise SystemExit(f"expected an order that passes, was {'; '.join(map(str, objections))}")
    measure(judged, 1_000)
    gc.collect()
    gc.disable()
    took: list[int] = []
    yardstick: list[int] = []
    for _ in range(options.rounds):
        took += measure(judged, options.orders)
        yardstick += measure(plain, options.orders)
    took.sort()
    yardstick.sort()
    done = {
        "python": platform.python_version(),
        "orders": len(took),
        "controls": len(controls),
        "open_trades": OPEN_TRADES,
        "p50_us": took[len(took) // 2] / 1_000,
        "p99_us": took[len(took) * 99 // 100] / 1_000,
        "yardstick_us": yardstick[len(yardstick) // 2] / 1_000,
    }
    if not options.json:
        print(f"{done['controls']} controls, {done['orders']} orders, {OPEN_TRADES} open trades")
        print(f"whole chain per order: p50 {done['p50_us']} us, p99 {done['p99_us']} us")
        print(f"as many plain functions: p50 {done['yardstick_us']} us")
    print(json.dumps(done))


if __name__ == "__main__":
    main()
