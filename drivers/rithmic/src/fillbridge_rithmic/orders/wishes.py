"""What must be asked of Rithmic for an order to be as it was wished for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fillbridge_rithmic.orders.serial import Operation

if TYPE_CHECKING:
    from fillbridge_rithmic.orders.lattice import Basket
    from fillbridge_rithmic.orders.lines import Line, LineTerms


def wanted(line: Line) -> list[Operation]:
    """An operation for each basket that is not as it should be.

    A leg's quantity is Rithmic's to keep. Where a wish says otherwise, what is too much is taken
    from the youngest baskets first, and what is lacking is added to the oldest, once it is known
    that no further basket is on its way.
    """
    working = list(line.working())
    if line.is_cancelling:
        return [
            Operation(basket_id=basket.basket_id)
            for basket in working
            if basket.basket_id not in line.refusals
        ]
    if line.instrument is None:
        # Without its tick size no price can be named: what it is is left as it is.
        return []
    quantities = _quantities(line, working)
    operations = []
    for basket in working:
        quantity = quantities[basket.basket_id]
        has = line.terms_of(basket)
        is_left_alone = line.wish is None and basket.basket_id in line.left_alone
        terms = has if is_left_alone else line.level or has
        if terms is None or (has is None and line.wish is None):
            continue
        if basket.basket_id in line.refusals or _comes_too_late(basket, terms):
            continue
        if basket.quantity and quantity <= basket.filled:
            operations.append(Operation(basket_id=basket.basket_id))
        elif quantity and (quantity != basket.quantity or terms != has):
            operations.append(Operation(basket_id=basket.basket_id, quantity=quantity, terms=terms))
    return operations


def total(line: Line) -> int:
    """What the baskets of an order add up to: of those that have ended, only their fills."""
    return sum(basket.filled if basket.has_ended else basket.quantity for basket in line.baskets)


def shortage(line: Line) -> int:
    """What the baskets of a leg lack for its wish, and what its entry has filled allows."""
    wished, most = line.wished, line.most
    if wished is None or most is None or line.is_cancelling or line.is_bare:
        return 0
    return max(0, min(wished, most) - total(line))


def is_granted(line: Line) -> bool:
    """Whether the order is as it was wished for."""
    is_missed = wanted(line) or shortage(line) or line.refusals
    level = line.level
    is_late = level is not None and any(_comes_too_late(one, level) for one in line.working())
    return line.wish is not None and not is_missed and not is_late


def _comes_too_late(basket: Basket, terms: LineTerms) -> bool:
    """Whether a stop that is filling would be made to wait for its trigger once more."""
    return basket.is_leaving and terms.trigger_ticks is not None


def _quantities(line: Line, working: list[Basket]) -> dict[str, int]:
    quantities = {basket.basket_id: basket.quantity for basket in working}
    wished = line.wished
    if wished is None or not working:
        return quantities
    if line.entry is None:
        return dict.fromkeys(quantities, wished)
    if len(working) == 1 and not working[0].quantity:
        # Nobody said how much there is of it, but what it is to be is known.
        others = sum(basket.filled for basket in line.baskets if basket is not working[0])
        return {working[0].basket_id: max(0, wished - others)}
    if line.may_grow:
        quantities[working[0].basket_id] += shortage(line)
    excess = total(line) - wished
    for basket in reversed(working):
        if excess <= 0:
            break
        less = min(excess, basket.quantity - basket.filled)
        quantities[basket.basket_id] -= less
        excess -= less
    return quantities
