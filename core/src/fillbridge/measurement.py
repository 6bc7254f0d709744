"""A trade that has ended, measured and scored."""

import logging
from collections.abc import Sequence

from fillbridge.engine.messages import TradeMeasured
from fillbridge.engine.state import Trade
from fillbridge.excursions import Excursion
from fillbridge.plugins import Implementation
from fillbridge.results import trade_execution
from fillbridge.scoring import score_execution, shortfall_scale
from fillbridge_hooks import Direction, InvalidValue

_logger = logging.getLogger(__name__)

_SHORT = Direction.SHORT


def measure_trade(
    trade: Trade, excursion: Excursion, plugins: Sequence[Implementation], now_ns: int
) -> TradeMeasured:
    """Excursions and score of a trade that is flat.

    :param plugins: asked for the score in turn; the default score where none answers
    :param now_ns: when that is, ns UTC: the broker's times of fills are not to be counted by
    """
    plan = trade.plan
    last_exit = trade.last_exit
    if last_exit is None:
        raise AssertionError(f"trade {plan.trade_id} is flat but has no exit")
    entry_price = trade.entry_value / trade.entry_quantity
    favourable, adverse = excursion.measure(plan.instrument, entry_price, last_exit.price)
    score = _score_of_plugins(trade, plugins) if plugins else None
    if score is None:
        score = _default_score(trade, entry_price)
    return TradeMeasured(plan.trade_id, favourable, adverse, score, now_ns)


def _score_of_plugins(trade: Trade, plugins: Sequence[Implementation]) -> float | None:
    for plugin in plugins:
        try:
            score = plugin.function(trade_execution(trade))
            if score is None:
                continue
            if 0 <= score <= 1:
                return float(score)
            raise InvalidValue("score", "a number from 0 to 1", score)
        except Exception:
            _logger.exception("plugin %s failed to score %s", plugin.plugin, trade.plan.trade_id)
    return None


def _default_score(trade: Trade, entry_price: float) -> float:
    plan = trade.plan
    arrival = plan.entry.arrival
    price = None if arrival is None else arrival.price
    shortfall = None
    if price is not None:
        shortfall = price - entry_price if plan.direction is _SHORT else entry_price - price
    entry = trade.entry
    return score_execution(
        entry.filled / plan.proposal.position_size,
        shortfall,
        shortfall_scale(plan.proposal.max_slippage, plan.instrument.tick_size),
        (entry.first_fill_ns or 0) - plan.decided_at_ns,
    )
