"""No entry fills before it was decided, and none is withdrawn before it met the market."""

import pytest

from fillbridge import (
    BacktestExecutionHandler,
    BarData,
    InvalidValue,
    Plugins,
    RiskProposal,
    TradeTick,
)

MINUTE = 60_000_000_000


@pytest.fixture
def handler() -> BacktestExecutionHandler:
    plugins = Plugins()
    plugins.load()
    return BacktestExecutionHandler({"bar_seconds": 60}, plugins=plugins)


def feed(
    handler: BacktestExecutionHandler, minute: int, *prices: float, symbol: str = "ES"
) -> None:
    opened, high, low, closed = prices or (5000.0, 5001.0, 4999.0, 5000.0)
    start = minute * MINUTE
    handler.update_market_data(start, BarData(start, opened, high, low, closed, 100.0, symbol))


def long(**fields: object) -> RiskProposal:
    terms = {"position_size": 1, "stop_loss_ticks": 40, "take_profit_ticks": 40}
    return RiskProposal(direction="LONG", **{**terms, **fields})  # type: ignore[arg-type]


def entry_of(handler: BacktestExecutionHandler, trade_id: str) -> tuple[str, int | None]:
    order = handler.order_history[f"{trade_id}_ENTRY"]
    filled = order.timestamp_filled
    return order.status.value, None if filled is None else int(filled.timestamp() * 1e9)


def test_a_protected_entry_waits_for_the_market_through_a_gap(
    handler: BacktestExecutionHandler,
) -> None:
    feed(handler, 0)
    trade_id = handler.propose(long(timeout_seconds=None))
    feed(handler, 30)
    assert entry_of(handler, trade_id) == ("filled", 30 * MINUTE)


def test_a_protected_entry_is_withdrawn_once_the_market_it_met_was_beyond_its_limit(
    handler: BacktestExecutionHandler,
) -> None:
    feed(handler, 0)
    trade_id = handler.propose(long(timeout_seconds=None))
    feed(handler, 1, 5003.0, 5004.0, 4999.0, 5000.0)
    assert entry_of(handler, trade_id) == ("cancelled", None)


def test_the_defaults_trade_after_the_first_bar_of_all() -> None:
    plugins = Plugins()
    plugins.load()
    handler = BacktestExecutionHandler({}, plugins=plugins)
    feed(handler, 0)
    trade_id = handler.propose(long())
    feed(handler, 1)
    assert entry_of(handler, trade_id)[0] == "filled"


def test_an_entry_decided_later_fills_at_the_first_bar_from_then_on(
    handler: BacktestExecutionHandler,
) -> None:
    feed(handler, 0)
    trade_id = handler.propose(long(urgency="high", decided_at_ns=3 * MINUTE, timeout_seconds=None))
    feed(handler, 1)
    feed(handler, 2)
    assert entry_of(handler, trade_id)[0] == "submitted"
    feed(handler, 3)
    assert entry_of(handler, trade_id) == ("filled", 3 * MINUTE)


def test_a_bar_of_another_symbol_that_is_past_fills_nothing_decided_after_it(
    handler: BacktestExecutionHandler,
) -> None:
    nasdaq = (16000.0, 16001.0, 15999.0, 16000.0)
    feed(handler, 0)
    feed(handler, 0, *nasdaq, symbol="NQ")
    feed(handler, 1)
    trade_id = handler.propose(long(urgency="high", symbol="NQ", timeout_seconds=None))
    feed(handler, 1, *nasdaq, symbol="NQ")
    assert entry_of(handler, trade_id)[0] == "submitted"
    feed(handler, 2, *nasdaq, symbol="NQ")
    assert entry_of(handler, trade_id) == ("filled", 2 * MINUTE)


def test_a_bad_extreme_of_a_quiet_bar_is_said_without_losing_the_bar_that_follows(
    handler: BacktestExecutionHandler,
) -> None:
    feed(handler, 0)
    handler.propose(long(urgency="high"))
    feed(handler, 1)
    feed(handler, 2, 5000.0, 5001.1, 4999.0, 5000.0)
    with pytest.raises(InvalidValue, match="high"):
        feed(handler, 3, 5000.0, 5001.0, 4980.0, 4985.0)
    (trade,) = handler.closed_trades
    assert trade.exit_reason == "SL"
    assert trade.exit_price == 4990.0


def test_a_quiet_bar_is_a_whole_bar(handler: BacktestExecutionHandler) -> None:
    feed(handler, 0)
    with pytest.raises(InvalidValue, match="close"):
        feed(handler, 1, 5000.0, 5001.0, 4999.0, 5500.0)


@pytest.mark.anyio
@pytest.mark.parametrize("trigger", [5020.0, None])
async def test_a_stop_cannot_be_moved_through_the_market_or_nowhere(
    handler: BacktestExecutionHandler, trigger: float | None
) -> None:
    feed(handler, 0)
    trade_id = handler.propose(long(urgency="high"))
    feed(handler, 1)
    with pytest.raises(InvalidValue):
        await handler.modify_order(f"{trade_id}_SL", trigger_price=trigger)


def test_a_deadline_inside_a_bar_closes_at_its_close() -> None:
    plugins = Plugins()
    plugins.load()
    config = {
        "backtest_settings": {"bar_seconds": 60},
        "performance": {"position_timeout_hours": 0.025},
    }
    handler = BacktestExecutionHandler(config, plugins=plugins)
    feed(handler, 0)
    handler.propose(long(urgency="high", take_profit_ticks=80))
    feed(handler, 1)
    feed(handler, 2, 5003.0, 5004.0, 5001.0, 5002.0)
    (trade,) = handler.closed_trades
    assert trade.exit_reason == "TIMEOUT"
    assert (trade.exit_price, trade.exit_time_ns) == (5002.0, 3 * MINUTE)


def test_an_excursion_ends_with_the_exit_and_not_with_the_last_cancel() -> None:
    plugins = Plugins()
    plugins.load()
    config = {"symbol": "ES", "simulation": {"latency_ms": 100, "limit_fill": "touch"}}
    handler = BacktestExecutionHandler(config, plugins=plugins)
    second = 1_000_000_000
    handler.update_trade(TradeTick(0, 5000.0, 1))
    handler.propose(long(urgency="high"))
    for time_ns, price in (
        (second, 5000.0),
        (2 * second, 5010.0),
        (2 * second + 50_000_000, 5020.0),  # the stop is being cancelled
        (3 * second, 5000.0),
    ):
        handler.update_trade(TradeTick(time_ns, price, 1))
    (trade,) = handler.closed_trades
    assert (trade.exit_reason, trade.exit_price) == ("TP", 5010.0)
    assert trade.max_favorable_excursion == 10.0
