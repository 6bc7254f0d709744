"""What a request is answered with."""

from typing import Any

import msgspec

from fillbridge_rithmic.gateway.codec import build, has_field
from fillbridge_rithmic.gateway.codes import NO_DATA, OK


class Answer(msgspec.Struct, kw_only=True):
    """Messages for who asked: rows, then the end of the answer."""

    before: list[Any] = []
    """What is said first and is no part of the answer."""
    rows: list[Any] = []
    end: Any = None
    """``None``: nothing more is said."""
    behind: list[Any] = []
    """What should have come before the end, and comes after it."""
    tells_first: bool = False
    """Whether what happened meanwhile is told before it."""
    breaks: bool = False
    """Whether the connection is reset after it."""
    closes: bool = False
    """Whether the connection ends with it."""


def response_to(request: Any, template: int | None = None, **fields: Any) -> Any:
    """A message of the template that answers a request, with the request's ``user_msg``."""
    fields.setdefault("user_msg", list(request.user_msg))
    return build(request.template_id + 1 if template is None else template, **fields)


def ended(request: Any, code: tuple[str, ...] = OK, **fields: Any) -> Any:
    """The message that ends an answer, with its code."""
    return response_to(request, rp_code=list(code), **fields)


def row(request: Any, **fields: Any) -> Any:
    """A row of an answer: more follow."""
    return response_to(request, rq_handler_rp_code=list(OK), **fields)


def rejected(request: Any | None, code: tuple[str, ...]) -> Any:
    """The message for what was not understood, or is not for this connection."""
    asked = None
    if request is not None and has_field(request, "user_msg"):
        asked = list(request.user_msg)
    return build(75, user_msg=asked, rp_code=list(code))


def answered(request: Any, code: tuple[str, ...] = OK, **fields: Any) -> Answer:
    """An answer that is over with its first message."""
    return Answer(end=ended(request, code, **fields))


def answered_rows(request: Any, rows: list[Any]) -> Answer:
    """Rows and their end, which says so where there are none."""
    return Answer(rows=rows, end=ended(request, OK if rows else NO_DATA))
