"""What there is to report of an order that was not reported yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fillbridge_hooks import (
    Accepted,
    Cancelled,
    Expired,
    Fill,
    Liquidity,
    OrderStatus,
    OrderType,
    Rejected,
    Replaced,
)

if TYPE_CHECKING:
    from fillbridge_hooks import Report
    from fillbridge_rithmic.orders.lines import Line, LineTerms
    from fillbridge_rithmic.orders.notices import Execution

_NO_REASON = "no reason given"


def due(line: Line, now_ns: int) -> list[Report]:
    """Reports that follow from what is known; they count as made.

    A leg is not spoken of before a fill of its entry was, and an end not before every fill.
    """
    told = line.told
    if not told.is_followed or not line.client_order_id or line.is_bare:
        return []
    entry = line.entry
    if entry is not None and not entry.told.fill_ids and not entry.told.before:
        return []
    reports: list[Report] = []
    time_ns = line.last_ns or now_ns
    if line.works and not told.is_accepted:
        told.is_accepted = True
        told.quantity, told.terms = _first(line)
        reports.append(Accepted(line.client_order_id, line.broker_order_id, time_ns))
    cumulative = line.unheard
    for _, execution in line.executions():
        cumulative = min(line.filled, cumulative + execution.quantity)
        if execution.fill_id not in told.fill_ids:
            told.fill_ids.add(execution.fill_id)
            is_alone = len(line.baskets) == 1 and execution.total
            total = execution.total if is_alone else cumulative
            told.untaken += execution.quantity
            reports.append(as_fill(line, execution, total))
    reports += _changed(line, time_ns)
    if line.has_ended and not told.has_ended:
        if line.is_told:
            told.has_ended = True
            reports += _ended(line, time_ns)
    elif not line.has_ended:
        # A further part of the entry brought further legs.
        told.has_ended = False
    return reports


def tell_nothing_of(line: Line) -> None:
    """All that is known by now was so before anybody listened."""
    told = line.told
    told.is_accepted, told.has_ended = line.works, line.has_ended
    told.fill_ids.update(execution.fill_id for _, execution in line.executions())
    told.before = {one.basket_id: (one.filled, one.last_ns) for one in line.baskets if one.filled}
    told.quantity, told.terms = line.quantity, line.terms


def as_fill(line: Line, execution: Execution, cumulative: int) -> Fill:
    """An execution as a fill; what it slipped is measured by the core."""
    instrument = line.instrument
    tick_size = 1.0 if instrument is None else instrument.tick_size
    rested = line.terms is not None and line.terms.order_type is OrderType.LIMIT
    return Fill(
        fill_id=execution.fill_id,
        client_order_id=line.client_order_id,
        broker_order_id=line.broker_order_id,
        quantity=execution.quantity,
        cumulative_quantity=cumulative,
        price=execution.price,
        reference_ticks=round(2 * execution.price / tick_size) / 2,
        slippage=0.0,
        slippage_model="",
        liquidity=Liquidity.MAKER if rested and line.leg is not None else Liquidity.TAKER,
        time_ns=execution.time_ns,
    )


def _first(line: Line) -> tuple[int, LineTerms | None]:
    """What whoever sent an order takes it to be when it is accepted."""
    if line.entry is None:
        return line.quantity, line.terms
    fills = line.entry.executions()
    return (fills[0][1].quantity if fills else line.quantity), line.level


def _changed(line: Line, time_ns: int) -> list[Report]:
    """New terms, asked for or not; not those that are still being corrected."""
    told = line.told
    if not told.is_accepted or line.has_ended or line.wish is not None:
        return []
    terms, quantity = line.terms, line.quantity
    if terms is None or told.terms is None:
        told.terms = terms
        return []
    if line.level is not None and any(
        line.terms_of(basket) not in (line.level, None)
        for basket in line.working()
        if basket.basket_id not in line.left_alone
    ):
        terms = told.terms
    # A stop that triggers, or a stop-limit whose trigger is no longer said, was not replaced.
    is_moved = terms.order_type is told.terms.order_type and terms != told.terms
    if not is_moved and quantity == told.quantity:
        return []
    if not is_moved:
        terms = told.terms
    return [replaced(line, quantity, terms, time_ns)]


def replaced(line: Line, quantity: int, terms: LineTerms, time_ns: int) -> Replaced:
    """The report of new terms; it counts as made."""
    line.told.quantity, line.told.terms = quantity, terms
    return Replaced(
        line.client_order_id,
        quantity,
        terms.order_type,
        terms.limit_ticks,
        terms.trigger_ticks,
        time_ns,
    )


def _ended(line: Line, time_ns: int) -> list[Report]:
    status, name = line.status, line.client_order_id
    if status is OrderStatus.FILLED:
        return []
    if status is OrderStatus.REJECTED:
        return [Rejected(name, line.reason or _NO_REASON, time_ns)]
    if status is OrderStatus.EXPIRED:
        return [Expired(name, line.reason or _NO_REASON, time_ns, line.filled)]
    return [Cancelled(name, line.reason or "cancelled", time_ns, line.filled)]
