"""The risk step: the only place where an order becomes an ``ApprovedOrder``."""

import logging
from collections.abc import Callable, Container, Sequence

from fillbridge_hooks import (
    ApprovedOrder,
    Exposure,
    FillbridgeError,
    Hold,
    MarketView,
    Order,
    Permit,
    Refuse,
    RiskCheck,
    RiskContext,
)

_logger = logging.getLogger(__name__)

NamedCheck = tuple[str, RiskCheck]
"""A risk check and the name it is reported under."""


def judge(
    checks: Sequence[NamedCheck],
    order: Order,
    exposure: Exposure,
    market: MarketView,
    context: RiskContext,
    approved_holds: Container[str] = (),
) -> list[Refuse | Hold]:
    """Run every check; a check that raises, or answers nonsense, refuses.

    :param approved_holds: checks whose hold a person has let pass; what they refuse is refused
    """
    objections: list[Refuse | Hold] = []
    for name, check in checks:
        try:
            verdict = check(order, exposure, market, context)
        except Exception as error:
            _logger.exception("risk check %s failed", name)
            verdict = Refuse(
                check=name, limit="an answer", value=f"{type(error).__name__}: {error}"
            )
        if verdict is None:
            continue
        if isinstance(verdict, Hold) and verdict.check in approved_holds:
            continue
        if not isinstance(verdict, Refuse | Hold):
            verdict = Refuse(check=name, limit="None, Refuse or Hold", value=repr(verdict))
        objections.append(verdict)
    return objections


def approve_entry(
    order: Order,
    objections: Callable[[], Sequence[Refuse | Hold]],
    legs: tuple[Order, ...] = (),
) -> ApprovedOrder:
    """Approve an order that may increase exposure, if nothing objects to it now.

    :param legs: stop and target that the broker shall keep for it
    :raises RefusedAtTheWire: if something does
    """
    refusals = objections()
    if refusals:
        raise RefusedAtTheWire("; ".join(str(refusal) for refusal in refusals))
    return ApprovedOrder(order, Permit(), legs)


class RefusedAtTheWire(FillbridgeError):
    """A check that passed when the order was recorded refused it just before it was sent."""


class IncreasesExposure(FillbridgeError):
    """A defect: an order that should reduce a position would not; it was not sent."""


def approve_reducing(order: Order, position: int) -> ApprovedOrder:
    """Approve an order that only reduces ``position`` (signed contracts of its trade).

    No plugin is asked: nothing may stand in the way of a stop, a target or an exit.

    :raises IncreasesExposure: if it would not reduce it, or turn it over
    """
    if order.side.sign * position >= 0 or order.quantity > abs(position):
        raise IncreasesExposure(
            f"{order.client_order_id}: expected an order against a position of {position}, "
            f"was {order.side.value} {order.quantity}"
        )
    return ApprovedOrder(order, Permit())
