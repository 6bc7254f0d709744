"""The default score of an execution, 0 (worst) to 1.

``score = fill ratio x (0.75 x price + 0.25 x speed)``

* ``fill ratio``: contracts filled of those requested.
* ``price = 1 - shortfall / scale``, within 0..1: the implementation shortfall is the points by
  which the entry price is worse than the arrival price (Perold 1988), and the scale is
  ``max_slippage`` where the proposal has one, else four ticks. An entry at or better than the
  arrival price scores 1. Where the arrival price is unknown, price and speed share the score as
  ``speed`` alone.
* ``speed = 1 / (1 + delay / 60 s)``, the delay counted from the decision to the first fill.
"""

from fillbridge_hooks import Direction, TradeExecution

_PRICE_WEIGHT = 0.75
_DEFAULT_SCALE_TICKS = 4
_DELAY_SCALE_NS = 60_000_000_000


def score_execution(
    filled_share: float, shortfall: float | None, scale: float, delay_ns: int
) -> float:
    """The default score.

    :param filled_share: contracts filled of those requested, 0..1
    :param shortfall: points worse than the arrival price, negative if better, ``None`` if unknown
    :param scale: the shortfall, in points > 0, at which nothing is left of the price part
    :param delay_ns: decision to first fill
    """
    if filled_share > 1:
        filled_share = 1.0
    speed = 1.0 if delay_ns <= 0 else 1 / (1 + delay_ns / _DELAY_SCALE_NS)
    if shortfall is None:
        return filled_share * speed
    price = 1.0
    if shortfall > 0:
        price = max(0.0, 1 - shortfall / scale)
    return filled_share * (_PRICE_WEIGHT * price + (1 - _PRICE_WEIGHT) * speed)


def shortfall_scale(max_slippage: float | None, tick_size: float) -> float:
    """The shortfall in points that costs the whole price part of the score."""
    return max_slippage or _DEFAULT_SCALE_TICKS * tick_size


def score_trade(trade: TradeExecution) -> float:
    """The default score of a closed trade, from the same record that scoring plugins receive."""
    shortfall = None
    if trade.arrival_price is not None:
        shortfall = trade.entry_price - trade.arrival_price
        if trade.direction == Direction.SHORT:
            shortfall = -shortfall
    return score_execution(
        trade.filled_quantity / trade.requested_quantity,
        shortfall,
        shortfall_scale(trade.max_slippage, trade.tick_size),
        trade.first_fill_ns - trade.decided_at_ns,
    )
