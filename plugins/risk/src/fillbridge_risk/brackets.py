"""Stop, target and what is lost at the stop: C15 and C16."""

from collections.abc import Callable

from fillbridge_hooks import (
    Exposure,
    MarketView,
    Order,
    OrderRole,
    Refuse,
    RiskCheck,
    RiskContext,
    RiskProposal,
)
from fillbridge_risk.pricing import entry_half_ticks, in_ticks, stop_half_ticks, target_half_ticks

_ENTRY = OrderRole.ENTRY
_Distance = Callable[[Order, RiskProposal, int], int | None]


def stop_distance_ticks(least: int | None, most: int | None) -> RiskCheck:
    """Refuse an entry without a stop on the losing side, or with one too near or too far away.

    Distances are ticks, from everywhere that the entry may fill; ``None``: no such bound.
    """
    return _distance("C15 stop_distance_ticks", "a stop", stop_half_ticks, least, most)


def target_distance_ticks(least: int | None, most: int | None) -> RiskCheck:
    """Refuse an entry without a target on the winning side, or with one too near or too far away.

    Distances are ticks, from everywhere that the entry may fill; ``None``: no such bound.
    """
    return _distance("C15 target_distance_ticks", "a target", target_half_ticks, least, most)


def _distance(
    name: str, leg: str, distance: _Distance, least: int | None, most: int | None
) -> RiskCheck:
    low = 2 * (1 if least is None else least)
    high = None if most is None else 2 * most
    bound = f">= {low // 2}" if high is None else f"{low // 2}..{high // 2}"
    rule = f"{leg} {bound} ticks away"

    def check(
        order: Order, exposure: Exposure, market: MarketView, context: RiskContext
    ) -> Refuse | None:
        if order.role is not _ENTRY:
            return None
        entries = entry_half_ticks(order, market)
        if not entries:
            return Refuse(check=name, limit=f"{rule} from a known price", value="unknown")
        for entry in entries:
            away = distance(order, context.proposal, entry)
            if away is None:
                return Refuse(check=name, limit=rule, value="none on the grid")
            if away < low or (high is not None and away > high):
                return Refuse(check=name, limit=rule, value=in_ticks(away))
        return None

    return check


def max_trade_risk(limit: float) -> RiskCheck:
    """Refuse an entry that loses more than ``limit`` account currency at its stop, before costs.

    Counted from the worst price that the entry may fill at.
    """
    rule = f"<= {limit:.2f} lost at the stop"

    def check(
        order: Order, exposure: Exposure, market: MarketView, context: RiskContext
    ) -> Refuse | None:
        if order.role is not _ENTRY:
            return None
        worst = -1
        for entry in entry_half_ticks(order, market):
            away = stop_half_ticks(order, context.proposal, entry)
            if away is None:
                return Refuse(check="C16 max_trade_risk", limit=rule, value="no stop on the grid")
            worst = max(worst, away)
        if worst < 0:
            return Refuse(check="C16 max_trade_risk", limit=rule, value="no stop that loses")
        risk = order.quantity * worst * order.instrument.tick_value_cents / 200
        if risk <= limit:
            return None
        said = f"{risk:.2f} ({order.quantity} x {in_ticks(worst)})"
        return Refuse(check="C16 max_trade_risk", limit=rule, value=said)

    return check
