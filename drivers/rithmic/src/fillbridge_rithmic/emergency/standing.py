"""How an account stands, read from what Rithmic says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from fillbridge_hooks import RetryableError
from fillbridge_rithmic.wire.codes import ExchangeNotice, Notice, PriceType, TransactionType
from fillbridge_rithmic.wire.messages import sent

if TYPE_CHECKING:
    from collections.abc import Callable

_BY_RITHMIC: Final = 351
_BY_EXCHANGE: Final = 352
_POSITION: Final = 450
_TOTALS: Final = 451
_NO_PRICE: Final = -1.0
_BEGINS: Final = frozenset(
    {
        Notice.ORDER_RECEIVED_FROM_CLIENT,
        Notice.OPEN_PENDING,
        Notice.ORDER_RECEIVED_BY_EXCHANGE_GATEWAY,
        Notice.ORDER_SENT_TO_EXCHANGE,
        Notice.OPEN,
        Notice.TRIGGER_PENDING,
    }
)
_STOPS: Final = ("stop limit", "stop market")


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """What an account holds of one symbol."""

    symbol: str
    exchange: str
    quantity: int
    """Contracts: above 0 long, below 0 short; never 0."""

    def __str__(self) -> str:
        return f"{self.symbol}.{self.exchange} {self.quantity:+d}"


class WorkingOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order that can still fill."""

    basket_id: str
    symbol: str = ""
    exchange: str = ""
    side: Literal["buy", "sell", ""] = ""
    """Empty where Rithmic did not say."""
    quantity: int = 0
    """Contracts that are not filled yet."""
    price_type: str = ""
    """``limit``, ``market``, ``stop limit`` or ``stop market``."""
    price: float | None = None
    trigger_price: float | None = None
    user_tag: str = ""
    """The client order id, where it has one; legs of a bracket have none."""

    def closes(self, position: Position) -> bool:
        """Whether its fill makes a position smaller."""
        return (self.symbol, self.exchange, self.side) == (
            position.symbol,
            position.exchange,
            "sell" if position.quantity > 0 else "buy",
        )

    @property
    def is_stop(self) -> bool:
        """Whether it waits for the market to come to its trigger price."""
        return self.price_type in _STOPS

    def __str__(self) -> str:
        at = "" if self.price is None else f" at {self.price:g}"
        trigger = "" if self.trigger_price is None else f" from {self.trigger_price:g}"
        return (
            f"{self.symbol}.{self.exchange} {self.side} {self.quantity}"
            f" {self.price_type}{trigger}{at} (basket {self.basket_id})"
        )


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How an account stands."""

    positions: tuple[Position, ...] | None
    """``None``: they were not read."""
    orders: tuple[WorkingOrder, ...]

    def unprotected(self) -> tuple[Position, ...]:
        """Positions for which fewer contracts of stops work than they have."""
        return tuple(
            position
            for position in self.positions or ()
            if sum(each.quantity for each in self.orders if each.is_stop and each.closes(position))
            < abs(position.quantity)
        )


class OrderList:
    """The orders of an account that work: the rows of a list, and what is heard since it began."""

    def __init__(self, account_id: str, clock: Callable[[], float]) -> None:
        self.heard_at = clock()
        """When the account's orders were last heard of."""
        self._account_id = account_id
        self._clock = clock
        self._orders: dict[str, WorkingOrder] = {}
        self._ended: set[str] = set()

    def begin(self) -> None:
        """A new list was asked for: what was known counts no more, but for what has ended."""
        self._orders = {}
        self.heard_at = self._clock()

    def hear(self, message: Any) -> None:
        """Take in a message of the order plant; those of other accounts are passed over."""
        if message.template_id not in (_BY_RITHMIC, _BY_EXCHANGE):
            return
        basket_id = message.basket_id
        if message.account_id not in ("", self._account_id) or not basket_id:
            return
        self.heard_at = self._clock()
        is_by_rithmic = message.template_id == _BY_RITHMIC
        if is_by_rithmic and message.notify_type == Notice.COMPLETE:
            self._ended.add(basket_id)
            self._orders.pop(basket_id, None)
        elif basket_id not in self._ended and (
            message.is_snapshot
            or basket_id in self._orders
            or (is_by_rithmic and message.notify_type in _BEGINS)
        ):
            known = self._orders.get(basket_id, WorkingOrder(basket_id=basket_id))
            self._orders[basket_id] = _told(known, message)

    def orders(self) -> tuple[WorkingOrder, ...]:
        """Those that work, by their baskets."""
        return tuple(order for _, order in sorted(self._orders.items()))


def _told(known: WorkingOrder, message: Any) -> WorkingOrder:
    """An order with whatever a notification says of it."""
    if message.template_id == _BY_EXCHANGE and message.notify_type == ExchangeNotice.REJECT:
        return known
    left = sent(message, "total_unfilled_size")
    says: dict[str, Any] = {
        "symbol": message.symbol,
        "exchange": message.exchange,
        "side": _SIDES.get(message.transaction_type),
        "quantity": message.quantity if left is None else left,
        "price_type": _PRICE_TYPES.get(message.price_type),
        "price": _price(message, "price"),
        "trigger_price": _price(message, "trigger_price"),
        "user_tag": message.user_tag,
    }
    return msgspec.structs.replace(known, **{name: value for name, value in says.items() if value})


_SIDES: Final = {
    TransactionType.BUY: "buy",
    TransactionType.SELL: "sell",
    TransactionType.SELL_SHORT: "sell",
}
_PRICE_TYPES: Final = {each: each.name.lower().replace("_", " ") for each in PriceType}


def _price(message: Any, field: str) -> float | None:
    price: float | None = sent(message, field)
    return None if price == _NO_PRICE else price


class PositionList:
    """The positions of an account, as one snapshot shows them."""

    def __init__(self, account_id: str) -> None:
        self._account_id = account_id
        self._rows: dict[tuple[str, str], Any] = {}
        self.has_totals = False
        """Whether the account's own row was heard, which comes last."""

    def begin(self) -> None:
        """A new snapshot was asked for."""
        self._rows, self.has_totals = {}, False

    def hear(self, message: Any) -> None:
        """Take in a message of the PnL plant; those of other accounts are passed over."""
        if message.template_id not in (_POSITION, _TOTALS):
            return
        if message.account_id != self._account_id or not message.is_snapshot:
            return
        if message.template_id == _TOTALS:
            self.has_totals = True
        else:
            self._rows[message.symbol, message.exchange] = message

    def positions(self) -> tuple[Position, ...]:
        """Those that are open.

        :raises RetryableError: if it is not said which way one is
        """
        return tuple(
            Position(symbol=symbol, exchange=exchange, quantity=net)
            for (symbol, exchange), row in sorted(self._rows.items())
            if (net := _net(row))
        )


def _net(row: Any) -> int:
    net = sent(row, "net_quantity")
    if net is None and row.open_position_quantity:
        raise RetryableError(f"positions: {row.symbol} is open, but not which way")
    return int(net or 0)
