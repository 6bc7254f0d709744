"""Whatever the market does and whoever interferes: trades end, money adds up, nothing is lost.

A bar that comes with a datetime is never passed over as quiet. So one handler is fed bars with
integers, which pass quietly where they can, and a second the same bars with datetimes: both must
come to the same trades.
"""

import logging
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fillbridge import (
    BacktestExecutionHandler,
    BarData,
    ExitReason,
    InvalidValue,
    OrderRefused,
    Risk_Proposal,
    UnknownOrder,
)

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
START = 1_700_000_100 * SECOND

MOVE = st.integers(-12, 12)
BAR = st.tuples(MOVE, st.integers(0, 16), st.integers(0, 16), MOVE, st.integers(0, 9))
"""Gap from the last close, reach above and below the body, body, volume; in ticks, contracts."""

PROPOSAL = st.fixed_dictionaries(
    {
        "position_size": st.integers(1, 5),
        "direction": st.sampled_from(["LONG", "SHORT"]),
        "urgency": st.sampled_from(["low", "normal", "high"]),
        "stop_loss_ticks": st.integers(1, 30),
        "take_profit_ticks": st.integers(1, 30),
        "max_slippage": st.sampled_from([None, 0.5, 2.0]),
        "timeout_seconds": st.sampled_from([None, 0, 90]),
        "trailing_stop": st.booleans(),
        "time_in_force": st.sampled_from([None, "IOC", "FOK", "DAY"]),
    }
)
REQUEST = st.sampled_from(["close", "cancel entry", "cancel target", "move stop", "stop", "ask"])
ACTION = st.none() | PROPOSAL | REQUEST
SIMULATION = st.fixed_dictionaries(
    {
        "bar_path": st.sampled_from(
            ["body", "nearest", "open-high-low-close", "stop-first", "target-first"]
        ),
        "market_entry": st.sampled_from(["next", "on_close"]),
        "limit_fill": st.sampled_from(["through", "touch"]),
        "volume_share": st.sampled_from([None, 0.5, 1.0]),
        "latency_ms": st.sampled_from([0, 250, 90_000]),
    }
)


def made_bars(shapes):
    close = 16_000
    for index, (gap, above, below, body, volume) in enumerate(shapes):
        opened = close + gap
        close = opened + body
        high, low = max(opened, close) + above, min(opened, close) - below
        prices = (opened / 4, high / 4, low / 4, close / 4)
        yield BarData(START + index * MINUTE, *prices, volume, "ES")


def run(handler, steps, as_time):
    """Feed the bars, interfere after each, and end."""
    answers = []
    for bar, action in steps:
        handler.update_market_data(as_time(bar.timestamp), bar)
        try:
            answers.append(act(handler, action))
        except (InvalidValue, OrderRefused, UnknownOrder) as error:
            answers.append(str(error))
    handler.finish()
    return answers


def act(handler, action):
    if isinstance(action, dict):
        return handler.propose(Risk_Proposal(**action))
    trade_id = next(iter(handler.open_positions), None)
    if action is None or trade_id is None:
        return None
    if action == "close":
        return handler.request_close(trade_id, ExitReason.MANUAL_OVERRIDE)
    if action == "ask":
        position = handler.open_positions[trade_id]
        return repr((position.size, position.entry_price, position.mfe, position.mae))
    if action == "stop":
        return handler.cancel_entries()
    requests = {
        "cancel entry": lambda: handler.cancel_order(f"{trade_id}_ENTRY"),
        "cancel target": lambda: handler.cancel_order(f"{trade_id}_TP"),
        "move stop": lambda: handler.modify_order(f"{trade_id}_SL", trigger_price=3990.0),
    }
    return wait_for(requests[action]())


def wait_for(request):
    """The answer of a request, which has nothing to wait for: nobody listens."""
    try:
        request.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("a backtest never waits")


@pytest.fixture(scope="module")
def build(installed):
    def build(simulation, account, failed):
        config = {
            "backtest_settings": {
                "bar_seconds": 60,
                "account": account,
                "simulation": simulation,
                "slippage": {"type": "linear"},
                "commission": {"minimum_per_order": 10},
            },
            "performance": {"position_timeout_hours": 0.1},
        }
        return BacktestExecutionHandler(
            config, plugins=installed, failed_entry_sink=lambda one, why: failed.append(why)
        )

    return build


@settings(max_examples=100)
@given(
    shapes=st.lists(BAR, min_size=1, max_size=25),
    actions=st.lists(ACTION, min_size=25, max_size=25),
    simulation=SIMULATION,
    account=st.sampled_from(["independent", "netting"]),
)
def test_trades_end_money_adds_up_and_quiet_bars_change_nothing(
    build, shapes, actions, simulation, account
):
    logging.disable(logging.CRITICAL)  # alarms are expected where requests take a latency
    try:
        steps = list(zip(made_bars(shapes), actions, strict=False))
        failed, failed_again = [], []
        quiet = build(simulation, account, failed)
        alarms = []
        quiet.event_bus.subscribe(
            "EXECUTION_ERROR",
            lambda kind, error: (
                alarms.append(error["error"]) if error["proposal"] is None else None
            ),
        )
        answers = run(quiet, steps, lambda time_ns: time_ns)
        awake = build(simulation, account, failed_again)
        answers_again = run(
            awake, steps, lambda time_ns: datetime.fromtimestamp(time_ns // SECOND, UTC)
        )
        wait_for(quiet.drain())
    finally:
        logging.disable(logging.NOTSET)
    if not simulation["latency_ms"]:
        # Nothing can cross; a stop that triggered without finding volume is not moved any more.
        assert [alarm for alarm in alarms if "it is a market order now" not in alarm] == []
    assert answers_again == answers
    assert awake.closed_trades == quiet.closed_trades
    assert failed_again == failed

    sent = [answer for answer in answers if isinstance(answer, str) and answer.startswith("T")]
    assert len(quiet.closed_trades) + len(failed) == len(sent)
    assert len(quiet.open_positions) == 0
    for result in quiet.closed_trades:
        check_result(result)
    metrics = quiet.metrics
    assert metrics.trades_closed == len(quiet.closed_trades)
    assert metrics.contracts_filled == sum(
        info.filled_size
        for info in quiet.order_history.values()
        if info.internal_id.endswith("_ENTRY")
    )


def check_result(result):
    cents = {
        name: round(getattr(result, name) * 100)
        for name in ("pnl_gross", "pnl_net", "commission", "slippage")
    }
    for name, value in cents.items():
        assert getattr(result, name) == value / 100
    assert cents["pnl_net"] == cents["pnl_gross"] - cents["commission"] - cents["slippage"]
    assert result.pnl_net_low <= result.pnl_net <= result.pnl_net_high
    assert result.max_favorable_excursion >= 0 >= result.max_adverse_excursion
    assert 0 <= result.execution_quality_score <= 1
    assert result.entry_time_ns <= result.exit_time_ns
    moved = result.exit_price - result.entry_price
    sign = 1 if result.direction == "LONG" else -1
    at_fill_prices = sign * moved * result.position_size * 50
    assert at_fill_prices - result.commission == pytest.approx(result.pnl_net, abs=0.05)
    assert cents["commission"] >= 2000
