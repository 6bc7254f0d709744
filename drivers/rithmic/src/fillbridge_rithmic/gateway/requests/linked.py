"""The request for several orders of which each is reduced by what the others fill."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fillbridge_rithmic.gateway.answers import Answer, answered, ended, row
from fillbridge_rithmic.gateway.book.linking import place_linked
from fillbridge_rithmic.gateway.clock import stamps
from fillbridge_rithmic.gateway.codes import Plant
from fillbridge_rithmic.gateway.requests.orders import Refused, read_ticket
from fillbridge_rithmic.gateway.requests.registry import carries_out

if TYPE_CHECKING:
    from fillbridge_rithmic.gateway.gateway import Gateway
    from fillbridge_rithmic.gateway.sessions import Session

_LISTS = (
    "user_tag",
    "window_name",
    "symbol",
    "exchange",
    "quantity",
    "price",
    "trigger_price",
    "transaction_type",
    "duration",
    "price_type",
    "trade_route",
    "manual_or_auto",
)


@carries_out(328, Plant.ORDER)
def place_orders(gateway: Gateway, session: Session, request: Any) -> Answer:
    """Take orders of which each is reduced by what the others fill."""
    count = len(request.quantity)
    lists = {name: list(getattr(request, name)) for name in _LISTS}
    if count < 2 or any(len(values) not in (0, count) for values in lists.values()):
        return answered(request, ("6", "the orders differ in their number of fields"))
    try:
        tickets = [
            read_ticket(gateway, session, _Leg(request, lists, number)) for number in range(count)
        ]
    except Refused as refused:
        return answered(request, refused.code)
    orders = place_linked(gateway.book, tickets)
    ssboe, usecs = stamps(gateway.now_ns())
    taken = row(
        request,
        user_tag=[order.ticket.user_tag or "" for order in orders],
        basket_id=[order.basket_id for order in orders],
        ssboe=[ssboe] * count,
        usecs=[usecs] * count,
    )
    return Answer(rows=[taken], end=ended(request))


class _Leg:
    """One of the orders of a request for several, read like a request for one."""

    def __init__(self, request: Any, lists: dict[str, list[Any]], number: int) -> None:
        self._fields = {name: values[number] for name, values in lists.items() if values}
        self._fields["account_id"] = request.account_id
        if request.HasField("cancel_after_secs"):
            self._fields["cancel_after_secs"] = request.cancel_after_secs

    def HasField(self, name: str) -> bool:
        """Whether the client sent it."""
        return name in self._fields

    def __getattr__(self, name: str) -> Any:
        return self._fields.get(name, 0)
