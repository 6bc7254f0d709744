"""From a proposal to a plan: every value checked, every price on the grid, the entry chosen."""

import math
from typing import Any, TypeVar

from fillbridge.engine.messages import TradePlan
from fillbridge_hooks import (
    ArrivalPrice,
    Direction,
    Instrument,
    InvalidValue,
    Order,
    OrderRole,
    OrderType,
    RiskProposal,
    Side,
    TimeInForce,
    Urgency,
)

_SECOND = 1_000_000_000
REMAINDER_SECONDS = 2
"""Life of an entry at normal urgency that ``max_slippage`` protects, once it met the market."""

_ENTRY_SUFFIX = "_ENTRY"
_ENTRY = OrderRole.ENTRY
_MARKET = OrderType.MARKET
_LIMIT = OrderType.LIMIT
_GTC = TimeInForce.GTC
_BUY = Side.BUY
_SELL = Side.SELL
_LONG = Direction.LONG
_HIGH = Urgency.HIGH
_NORMAL = Urgency.NORMAL
_DIRECTIONS: dict[Any, Direction] = {direction.value: direction for direction in Direction}
_URGENCIES: dict[Any, Urgency] = {urgency.value: urgency for urgency in Urgency}
_Term = TypeVar("_Term")
_ENTRY_TYPES = (OrderType.MARKET, OrderType.LIMIT, OrderType.STOP, OrderType.STOP_LIMIT)


def plan_trade(
    proposal: RiskProposal,
    trade_id: str,
    instrument: Instrument,
    arrival: ArrivalPrice | None,
    decided_at_ns: int,
    position_life_ns: int | None,
    *,
    entry_life_s: float | None = None,
    day_ends_ns: int | None = None,
    has_broker_legs: bool = False,
    has_broker_distances: bool = False,
    trails_here: bool = False,
) -> TradePlan:
    """Check a proposal and lay out its trade.

    :param entry_life_s: of an entry whose proposal has no ``timeout_seconds``, s
    :param day_ends_ns: when a DAY entry is withdrawn from here, ns UTC; ``None``: by the broker
    :param has_broker_legs: whether the broker can keep stop and target for the entry; it is asked
        to where their levels are known before the entry fills
    :param has_broker_distances: whether it can where they count from the fill
    :param trails_here: whether a trailing stop rests at the broker as a plain one
    :param arrival: the market when it was decided, ``None`` where unknown
    :raises InvalidValue: naming field, value and rule
    """
    direction = _term(_DIRECTIONS, "direction", "LONG or SHORT", proposal.direction)
    size = proposal.position_size
    if type(size) is not int or size < 1:
        raise InvalidValue("position_size", "an integer >= 1", size)
    urgency = _term(_URGENCIES, "urgency", "low, normal or high", proposal.urgency)
    max_slippage, timeout = proposal.max_slippage, proposal.timeout_seconds
    if max_slippage is not None:
        _check_number("max_slippage", max_slippage, least=0)
    if timeout is not None:
        _check_number("timeout_seconds", timeout, least=0)

    sign = 1 if direction is _LONG else -1
    stop, stop_distance = _level(
        "stop_loss", proposal.stop_loss_price, proposal.stop_loss_ticks, instrument
    )
    target, target_distance = _level(
        "take_profit", proposal.take_profit_price, proposal.take_profit_ticks, instrument
    )

    half_ticks = _arrival_half_ticks(arrival, instrument)
    kind, limit, trigger = _entry_prices(proposal, urgency, instrument, sign, half_ticks)
    _check_sides(sign, stop, target, _reference(limit, trigger, half_ticks, proposal), instrument)

    deadline_ns, reason = None, ""
    if timeout is not None:
        deadline_ns = decided_at_ns + round(timeout * _SECOND)
        reason = f"not filled within timeout_seconds ({timeout})"
    elif entry_life_s is not None:
        deadline_ns = decided_at_ns + round(entry_life_s * _SECOND)
        reason = f"not filled within order_timeout ({entry_life_s})"
    time_in_force = _time_in_force(proposal)
    if (
        day_ends_ns is not None
        and time_in_force is TimeInForce.DAY
        and (deadline_ns is None or day_ends_ns < deadline_ns)
    ):
        deadline_ns, reason = day_ends_ns, "not filled by the end of its trade date"
    remainder_ns, remainder_reason = None, ""
    if kind is _LIMIT and urgency is _NORMAL and proposal.entry_type is None:
        remainder_ns = decided_at_ns + REMAINDER_SECONDS * _SECOND
        remainder_reason = (
            f"not filled within {REMAINDER_SECONDS} s of meeting the market: nothing more was "
            f"offered within max_slippage ({max_slippage}) of the arrival price"
        )
    entry = Order(
        trade_id + _ENTRY_SUFFIX,
        trade_id,
        _ENTRY,
        instrument,
        _BUY if sign > 0 else _SELL,
        size,
        kind,
        limit,
        trigger,
        None,
        time_in_force,
        "",
        arrival,
        urgency,
    )
    return TradePlan(
        trade_id,
        proposal,
        instrument,
        direction,
        entry,
        stop,
        stop_distance,
        target,
        target_distance,
        decided_at_ns,
        deadline_ns,
        reason,
        position_life_ns,
        remainder_ns,
        remainder_reason,
        has_broker_legs
        and (has_broker_distances or (stop is not None and target is not None))
        and not proposal.trailing_stop,
        trails_here and proposal.trailing_stop,
    )


def _term(terms: dict[Any, _Term], field: str, rule: str, value: Any) -> _Term:
    try:
        return terms[value]
    except (KeyError, TypeError):
        raise InvalidValue(field, rule, value) from None


def _check_number(field: str, value: Any, least: float) -> None:
    is_number = isinstance(value, int | float) and type(value) is not bool
    if not is_number or not math.isfinite(value) or value < least:
        raise InvalidValue(field, f"a finite number >= {least}", value)


def _level(
    name: str, price: float | None, ticks: int | None, instrument: Instrument
) -> tuple[int | None, int | None]:
    """The level in ticks, or the distance: whichever the proposal gives."""
    if price is not None:
        if ticks is not None:
            raise InvalidValue(f"{name}_ticks", f"absent where {name}_price is given", ticks)
        return instrument.to_ticks(price, f"{name}_price"), None
    if ticks is None:
        raise InvalidValue(f"{name}_price", f"a price, or {name}_ticks", None)
    if type(ticks) is not int or ticks < 1:
        raise InvalidValue(f"{name}_ticks", "an integer >= 1", ticks)
    return None, ticks


def _arrival_half_ticks(arrival: ArrivalPrice | None, instrument: Instrument) -> int | None:
    if arrival is None:
        return None
    if arrival.bid is not None and arrival.ask is not None:
        return instrument.to_ticks(arrival.bid, "arrival.bid") + instrument.to_ticks(
            arrival.ask, "arrival.ask"
        )
    if arrival.last is None:
        return None
    return 2 * instrument.to_ticks(arrival.last, "arrival.last")


def _entry_prices(
    proposal: RiskProposal,
    urgency: Urgency,
    instrument: Instrument,
    sign: int,
    half_ticks: int | None,
) -> tuple[OrderType, int | None, int | None]:
    """Order type, limit and trigger of the entry, in ticks."""
    if proposal.entry_type is not None:
        return _explicit_prices(proposal, proposal.entry_type, instrument)
    for field in ("entry_limit_price", "entry_trigger_price"):
        value = getattr(proposal, field)
        if value is not None:
            raise InvalidValue(field, "absent without entry_type", value)
    if urgency is _HIGH or (urgency is _NORMAL and proposal.max_slippage is None):
        return _MARKET, None, None
    if half_ticks is None:
        raise InvalidValue(
            "arrival",
            "a known price: max_slippage and urgency low count from it",
            None,
        )
    # Half ticks round towards the passive side, so the limit never gives more than was allowed.
    passive = half_ticks // 2 if sign > 0 else -(-half_ticks // 2)
    if urgency is not _NORMAL:
        return _LIMIT, passive, None
    numerator, denominator = instrument.tick_fraction
    allowed = math.floor(
        sign * half_ticks / 2 + (proposal.max_slippage or 0) * denominator / numerator + 1e-9
    )
    return _LIMIT, sign * allowed, None


def _explicit_prices(
    proposal: RiskProposal, kind: OrderType, instrument: Instrument
) -> tuple[OrderType, int | None, int | None]:
    if kind not in _ENTRY_TYPES:
        raise InvalidValue("entry_type", "market, limit, stop or stop_limit", kind)
    kind = OrderType(kind)
    levels: list[int | None] = []
    for field, wanted in (
        ("entry_limit_price", kind in (OrderType.LIMIT, OrderType.STOP_LIMIT)),
        ("entry_trigger_price", kind in (OrderType.STOP, OrderType.STOP_LIMIT)),
    ):
        price = getattr(proposal, field)
        if (price is not None) != wanted:
            rule = f"a price for a {kind.value} entry" if wanted else f"absent for {kind.value}"
            raise InvalidValue(field, rule, price)
        levels.append(None if price is None else instrument.to_ticks(price, field))
    return kind, levels[0], levels[1]


def _reference(
    limit: int | None, trigger: int | None, half_ticks: int | None, proposal: RiskProposal
) -> int | None:
    """Where the entry is expected, in half ticks: what stop and target must lie around."""
    if proposal.entry_type is not None:
        level = limit if trigger is None else trigger
        if level is not None:
            return 2 * level
    return half_ticks


def _check_sides(
    sign: int,
    stop: int | None,
    target: int | None,
    reference: int | None,
    instrument: Instrument,
) -> None:
    below, above = ("below", "above") if sign > 0 else ("above", "below")
    if reference is not None:
        price = instrument.to_price(reference / 2)
        if stop is not None and sign * (reference - 2 * stop) <= 0:
            raise InvalidValue(
                "stop_loss_price", f"a price {below} {price}", instrument.to_price(stop)
            )
        if target is not None and sign * (2 * target - reference) <= 0:
            raise InvalidValue(
                "take_profit_price", f"a price {above} {price}", instrument.to_price(target)
            )
    if stop is not None and target is not None and sign * (target - stop) <= 0:
        raise InvalidValue(
            "stop_loss_price",
            f"a price {below} the target {instrument.to_price(target)}",
            instrument.to_price(stop),
        )


def _time_in_force(proposal: RiskProposal) -> TimeInForce:
    if proposal.time_in_force is None:
        return _GTC
    try:
        return TimeInForce(proposal.time_in_force)
    except ValueError:
        raise InvalidValue(
            "time_in_force", "DAY, GTC, IOC or FOK", proposal.time_in_force
        ) from None
