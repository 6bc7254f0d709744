"""Numbers as files hold them."""

import math

from fillbridge.files.columns import Cell
from fillbridge_hooks import InvalidValue


def read_number(field: str, cell: Cell) -> float:
    """A finite number.

    :raises InvalidValue: naming ``field``, if the cell is empty, no number, NaN or infinite
    """
    try:
        value = float(cell)
    except (TypeError, ValueError):
        raise InvalidValue(field, "a number", cell) from None
    if not math.isfinite(value):
        raise InvalidValue(field, "a finite number", cell)
    return value


def read_size(field: str, cell: Cell) -> float:
    """A finite number of at least 0.

    :raises InvalidValue: naming ``field``, if it is not
    """
    value = read_number(field, cell)
    if value < 0:
        raise InvalidValue(field, "a number >= 0", cell)
    return value


def read_whole(field: str, cell: Cell, minimum: int) -> int:
    """A whole number of at least ``minimum``; ``2.0`` is one.

    :raises InvalidValue: naming ``field``, if it is not
    """
    try:
        value = int(cell)
        is_whole = isinstance(cell, str) or value == cell
    except (OverflowError, TypeError, ValueError):
        number = read_number(field, cell)
        value, is_whole = int(number), number.is_integer()
    if not is_whole:
        raise InvalidValue(field, "a whole number", cell)
    if value < minimum:
        raise InvalidValue(field, f"a whole number >= {minimum}", cell)
    return value
