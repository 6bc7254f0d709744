"""What Rithmic's risk management still lets the account do."""

from __future__ import annotations

import logging
import re
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

from fillbridge_hooks import BrokerMargin, RetryableError
from fillbridge_rithmic.link.errors import RequestRefused
from fillbridge_rithmic.wire.messages import sent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from fillbridge_rithmic.link.plant import Plant
    from fillbridge_rithmic.orders.requests import Place

_logger = logging.getLogger(__name__)

_SHOW_ACCOUNT_LIMITS: Final = 304
_SHOW_PRODUCT_LIMITS: Final = 306
_TOTALS: Final = 451
_MONTH: Final = re.compile(r"[FGHJKMNQUVXZ][0-9]{1,2}")
_SIZES: Final = ("max_order_quantity", "buy_limit", "sell_limit")
_RATES: Final = ("buy_margin_rate", "sell_margin_rate")


class Margins:
    """The account's buying power as the PnL plant tells it, beside the limits told at the login.

    :param symbols: what is traded
    """

    def __init__(self, place: Place, symbols: Iterable[str]) -> None:
        self._place = place
        self._symbols = tuple(symbols)
        self._needed: dict[str, float] = {}
        self._largest: dict[str, int] = {}
        self._loss_limit: float | None = None

    async def ask(self, orders: Plant, user_type: int) -> None:
        """Ask the order plant for the limits of the account and of each product.

        Where it does not tell them, none are known; the broker keeps to them all the same.

        :raises RetryableError: if the connection is lost meanwhile
        """
        place = self._place
        of_account: dict[str, Any] = {
            "fcm_id": place.fcm_id,
            "ib_id": place.ib_id,
            "user_type": user_type,
        }
        try:
            await self._ask(orders, _SHOW_ACCOUNT_LIMITS, self.take_account, of_account)
            await self._ask(orders, _SHOW_PRODUCT_LIMITS, self.take_product, place.account())
        except RetryableError as error:
            if orders.end is not None:
                raise
            # Whoever logs in may have a position to protect, and is not kept from that by this.
            self._warn(error)

    async def _ask(
        self, orders: Plant, template: int, take: Callable[[Any], None], fields: Mapping[str, Any]
    ) -> None:
        try:
            answer = await orders.ask(template, **fields)
        except RequestRefused as refused:
            self._warn(refused)
            return
        for row in answer.rows:
            take(row)

    def _warn(self, reason: Exception) -> None:
        _logger.warning("limits of account %s: %s", self._place.account_id, reason)

    def take_account(self, row: Any) -> None:
        """Take a row of 305; of several limits the strictest counts, and 0 is none."""
        if row.account_id == self._place.account_id:
            self._loss_limit = next(_limits(row, "loss_limit"), self._loss_limit)
            for symbol in self._symbols:
                self._limit_size(symbol, row)

    def take_product(self, row: Any) -> None:
        """Take a row of 307, for the symbols of its product."""
        if row.account_id == self._place.account_id:
            for symbol in self._symbols:
                if _is_of(symbol, row.product_code):
                    self._limit_size(symbol, row)
                    for rate in _limits(row, *_RATES):
                        self._needed[symbol] = max(rate, self._needed.get(symbol, rate))

    def _limit_size(self, symbol: str, row: Any) -> None:
        for size in _limits(row, *_SIZES):
            self._largest[symbol] = min(int(size), self._largest.get(symbol, int(size)))

    def hear(self, message: Any, now_ns: int) -> BrokerMargin | None:
        """What a message of the PnL plant says of it; ``None`` where that is nothing."""
        if message.template_id != _TOTALS or message.account_id != self._place.account_id:
            return None
        available = _amount(sent(message, "available_buying_power"))
        if available is None:
            return None
        return BrokerMargin(
            available=available,
            needed=dict(self._needed),
            max_order_quantity=dict(self._largest),
            loss_limit=self._loss_limit,
            time_ns=now_ns,
        )


def _is_of(symbol: str, product_code: str) -> bool:
    """Whether a contract is one of a product: its code, or that and a delivery month."""
    if not product_code or not symbol.startswith(product_code):
        return False
    month = symbol.removeprefix(product_code)
    return not month or bool(_MONTH.fullmatch(month))


def _limits(row: Any, *names: str) -> Iterator[Any]:
    values = (sent(row, name) for name in names)
    return (value for value in values if value is not None and isfinite(value) and value > 0)


def _amount(text: str | None) -> float | None:
    try:
        amount = float(text or "")
    except ValueError:
        return None
    return amount if isfinite(amount) else None
