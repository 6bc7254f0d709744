"""Faults of answers that have rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fillbridge_rithmic.gateway.answers import Answer, response_to
from fillbridge_rithmic.gateway.codec import given, has_field
from fillbridge_rithmic.gateway.codes import NO_DATA
from fillbridge_rithmic.gateway.faults.stream import OTHER_ACCOUNT, with_minus_one
from fillbridge_rithmic.gateway.faults.table import ROW_FAULTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fillbridge_rithmic.gateway.gateway import Gateway


def spoil_rows(gateway: Gateway, request: Any, answer: Answer) -> Answer:
    """The answer after whatever goes wrong with its rows."""
    account = given(request, "account_id") if has_field(request, "account_id") else None
    for name in ROW_FAULTS:
        if gateway.faults.take(name, template=request.template_id, account=account):
            answer = _SPOILED[name](gateway, request, answer)
    return answer


def _drop_mid_rows(gateway: Gateway, request: Any, answer: Answer) -> Answer:
    return Answer(rows=answer.rows[: len(answer.rows) // 2], breaks=True)


def _handler_no_data(gateway: Gateway, request: Any, answer: Answer) -> Answer:
    return Answer(rows=[response_to(request, rq_handler_rp_code=list(NO_DATA))], end=answer.end)


def _no_rows(gateway: Gateway, request: Any, answer: Answer) -> Answer:
    return Answer(end=answer.end)


def _rows_after_end(gateway: Gateway, request: Any, answer: Answer) -> Answer:
    return Answer(end=answer.end, behind=answer.rows)


def _rows_of_other_account(gateway: Gateway, request: Any, answer: Answer) -> Answer:
    for row in _having("account_id", answer):
        row.account_id = OTHER_ACCOUNT
    return answer


def _rows_with_blank_account(gateway: Gateway, request: Any, answer: Answer) -> Answer:
    for row in _having("account_id", answer):
        row.account_id = ""
    return answer


def _rows_truncated(gateway: Gateway, request: Any, answer: Answer) -> Answer:
    return Answer(rows=answer.rows[: len(answer.rows) // 2], end=answer.end)


def _rows_with_minus_one(gateway: Gateway, request: Any, answer: Answer) -> Answer:
    return Answer(rows=[with_minus_one(row) for row in answer.rows], end=answer.end)


def _rows_without_quantity(gateway: Gateway, request: Any, answer: Answer) -> Answer:
    for row in _having("quantity", answer):
        row.ClearField("quantity")
    return answer


def _having(field: str, answer: Answer) -> Iterator[Any]:
    """The rows that have a field: not every list names accounts or quantities."""
    return (row for row in answer.rows if has_field(row, field))


def _stale_rows(gateway: Gateway, request: Any, answer: Answer) -> Answer:
    for order in gateway.book.working(request.account_id)[:1]:
        gateway.fill(order.basket_id)
    return Answer(rows=answer.rows, end=answer.end, tells_first=True)


_SPOILED: Final[dict[str, Callable[[Gateway, Any, Answer], Answer]]] = {
    "drop_mid_rows": _drop_mid_rows,
    "handler_no_data": _handler_no_data,
    "no_rows": _no_rows,
    "rows_after_end": _rows_after_end,
    "rows_of_other_account": _rows_of_other_account,
    "rows_truncated": _rows_truncated,
    "rows_with_blank_account": _rows_with_blank_account,
    "rows_with_minus_one": _rows_with_minus_one,
    "rows_without_quantity": _rows_without_quantity,
    "stale_rows": _stale_rows,
}
