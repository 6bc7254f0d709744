"""Which legs a bracket has, under which ids and at which prices, and how a basket says so.

Rithmic gives legs baskets of their own and none of our ids. What is needed to name them after a
restart travels in the ``window_name`` of the bracket: for each leg its id, as a suffix to that of
the trade where it is one, and its price in ticks.
"""

from __future__ import annotations

from typing import Final

import msgspec

from fillbridge_hooks import Order, OrderRole, OrderType, Side

_ENTRY_SUFFIX: Final = "_ENTRY"
_AT: Final = "@"
_SUFFIXES: Final = {OrderRole.STOP: "_SL", OrderRole.TARGET: "_TP"}
_TYPES: Final = {OrderRole.STOP: OrderType.STOP, OrderRole.TARGET: OrderType.LIMIT}


class Leg(msgspec.Struct, frozen=True, kw_only=True):
    """A stop or target of a bracket."""

    role: OrderRole
    client_order_id: str
    ticks: int | None
    """Trigger of a stop, limit of a target; ``None`` where it is not known."""
    distance: int | None = None
    """Ticks from the fill, where it counts from there."""

    @property
    def order_type(self) -> OrderType:
        """What it rests as."""
        return _TYPES[self.role]


def legs_of(orders: tuple[Order, ...]) -> dict[OrderRole, Leg]:
    """The legs that an entry is to have."""
    return {
        order.role: Leg(
            role=order.role,
            client_order_id=order.client_order_id,
            ticks=order.trigger_ticks if order.role is OrderRole.STOP else order.limit_ticks,
            distance=order.distance_ticks,
        )
        for order in orders
    }


def window_name(entry_id: str, legs: dict[OrderRole, Leg]) -> str:
    """What the bracket of an entry is sent with; its own id where it has no legs."""
    stem = _stem(entry_id)
    words = []
    for role in _SUFFIXES:
        leg = legs.get(role)
        if leg is not None:
            name = leg.client_order_id
            if name == stem + _SUFFIXES[role]:
                name = _SUFFIXES[role]
            words.append(f"{name}{_AT}{'' if leg.ticks is None else leg.ticks}")
        else:
            words.append(_AT)
    return " ".join(words) if legs else entry_id


def has_legs(window: str) -> bool:
    """Whether what was sent under this name has legs."""
    words = window.split(" ")
    return len(words) == len(_SUFFIXES) and all(_AT in word for word in words)


def roles_in(window: str) -> list[OrderRole]:
    """Which legs what was sent under this name has."""
    if not has_legs(window):
        return []
    return [role for role, word in zip(_SUFFIXES, window.split(" "), strict=True) if word != _AT]


def legs_from(entry_id: str, window: str) -> dict[OrderRole, Leg]:
    """The legs that a bracket was sent with; their usual ids where its name does not say."""
    words = window.split(" ")
    legs = {}
    stem = _stem(entry_id)
    for role, word in zip(_SUFFIXES, words if has_legs(window) else ("", ""), strict=True):
        name, _, ticks = word.rpartition(_AT)
        if name in ("", _SUFFIXES[role]):
            name = stem + _SUFFIXES[role]
        at = int(ticks) if ticks.removeprefix("-").isdecimal() else None
        legs[role] = Leg(role=role, client_order_id=name, ticks=at)
    return legs


def role_of(first_type: OrderType | None) -> OrderRole | None:
    """Which leg an order is that a bracket brought about; ``None`` while its type is unknown.

    A leg that was first heard of as a market order is a stop that triggered, or was turned into
    the exit: targets rest as limits.
    """
    if first_type is None:
        return None
    return OrderRole.TARGET if first_type is OrderType.LIMIT else OrderRole.STOP


def distance(leg: Leg, side: Side, reference_ticks: float | None) -> int:
    """Ticks from where the entry is expected to fill to the leg; below 1 if on the wrong side."""
    if leg.distance is not None:
        return leg.distance
    if leg.ticks is None or reference_ticks is None:
        return 0
    sign = side.sign if leg.role is OrderRole.TARGET else -side.sign
    return round(sign * (leg.ticks - reference_ticks))


def _stem(entry_id: str) -> str:
    return entry_id.removesuffix(_ENTRY_SUFFIX)
