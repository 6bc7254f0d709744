"""The engine's state as canonical bytes, and back with everything shared again.

A trade stands in several places of the state and its orders in several of the trade. Each trade
is written once; everywhere else stands its index. What is written is derived from the types of
the state's fields, so that a field which is added there is kept here.
"""

from collections import deque
from typing import Any, get_args, get_origin, get_type_hints

import msgspec

from fillbridge.engine.state import EngineState, OrderState, Trade

_TRADES = dict[str, Trade]
_ORDERS = dict[str, tuple[Trade, OrderState]]
_INDEXES: dict[object, Any] = {
    OrderState: int,
    OrderState | None: int | None,
    _TRADES: dict[str, int],
    _ORDERS: dict[str, tuple[int, int]],
}
"""What an index stands for, and how it is written."""


def _mirror(struct: type[msgspec.Struct], **added: Any) -> type[msgspec.Struct]:
    """A struct with the fields of another, indexes in place of what is shared."""
    hints = get_type_hints(struct)
    fields = [
        _field(field, _INDEXES.get(hints[field.name], hints[field.name]))
        for field in msgspec.structs.fields(struct)
    ]
    return msgspec.defstruct(f"Stored{struct.__name__}", [*added.items(), *fields], kw_only=True)


def _field(field: msgspec.structs.FieldInfo, kind: Any) -> Any:
    if field.default_factory is not msgspec.NODEFAULT:
        return field.name, kind, msgspec.field(default_factory=field.default_factory)
    if field.default is not msgspec.NODEFAULT:
        return field.name, kind, msgspec.field(default=field.default)
    return field.name, kind


_StoredTrade = _mirror(Trade)
_StoredState = _mirror(EngineState, known=list[_StoredTrade])  # type: ignore[valid-type]


def _fields(struct: type[msgspec.Struct], *kinds: Any) -> tuple[str, ...]:
    return tuple(name for name, hint in get_type_hints(struct).items() if hint in kinds)


_LEGS = _fields(Trade, OrderState, OrderState | None)
_BY_TRADE = _fields(EngineState, _TRADES)
_BY_ORDER = _fields(EngineState, _ORDERS)
_TRADE_FIELDS = tuple(name for name in Trade.__struct_fields__ if name not in _LEGS)
_STATE_FIELDS = tuple(
    name for name in EngineState.__struct_fields__ if name not in _BY_TRADE + _BY_ORDER
)


def stored_state(state: EngineState) -> msgspec.Struct:
    """The state as a tree: what to encode. It shares what it holds with ``state``."""
    indexes: dict[int, int] = {}
    trades: list[Trade] = []

    def index(trade: Trade) -> int:
        found = indexes.get(id(trade))
        if found is None:
            found = indexes[id(trade)] = len(trades)
            trades.append(trade)
        return found

    values: dict[str, Any] = {name: getattr(state, name) for name in _STATE_FIELDS}
    for name in _BY_TRADE:
        by_trade: dict[str, Trade] = getattr(state, name)
        values[name] = {key: index(trade) for key, trade in by_trade.items()}
    for name in _BY_ORDER:
        by_order: dict[str, tuple[Trade, OrderState]] = getattr(state, name)
        values[name] = {
            key: (index(trade), _place(trade, order)) for key, (trade, order) in by_order.items()
        }
    return _StoredState(known=[_stored_trade(trade) for trade in trades], **values)


def _stored_trade(trade: Trade) -> msgspec.Struct:
    values = {name: getattr(trade, name) for name in _TRADE_FIELDS}
    for name in _LEGS:
        leg = getattr(trade, name)
        values[name] = None if leg is None else _place(trade, leg)
    return _StoredTrade(**values)


def _place(trade: Trade, order: OrderState) -> int:
    """Where an order stands in its trade: itself, not one that is equal to it."""
    for place, other in enumerate(trade.orders):
        if other is order:
            return place
    raise ValueError(f"{order.order.client_order_id} is no order of {trade.plan.trade_id}")


def restored_state(stored: msgspec.Struct) -> EngineState:
    """The state that :func:`stored_state` was given."""
    known: list[Any] = stored.known  # type: ignore[attr-defined]  # the struct is made above
    trades = [_restored_trade(trade) for trade in known]
    values: dict[str, Any] = {name: getattr(stored, name) for name in _STATE_FIELDS}
    for name in _BY_TRADE:
        values[name] = {key: trades[place] for key, place in getattr(stored, name).items()}
    for name in _BY_ORDER:
        values[name] = {
            key: (trades[place], trades[place].orders[order])
            for key, (place, order) in getattr(stored, name).items()
        }
    return EngineState(**values)


def _restored_trade(stored: Any) -> Trade:
    values = {name: getattr(stored, name) for name in _TRADE_FIELDS}
    for name in _LEGS:
        place = getattr(stored, name)
        values[name] = None if place is None else stored.orders[place]
    return Trade(**values)


def plain(value: Any) -> Any:
    """What msgspec asks of values that it does not know."""
    if isinstance(value, deque):
        return list(value)
    raise NotImplementedError(f"{type(value).__name__} has no place in a state")


def rebuilt(kind: Any, value: Any) -> Any:
    """The way back from :func:`plain`."""
    if get_origin(kind) is deque:
        (item,) = get_args(kind)
        return deque(msgspec.convert(one, item) for one in value)
    raise NotImplementedError(f"{kind} has no place in a state")


StoredState: type[msgspec.Struct] = _StoredState
"""What :func:`stored_state` makes."""
