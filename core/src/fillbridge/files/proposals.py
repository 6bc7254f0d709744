"""Trade proposals from files."""

from collections.abc import Mapping
from enum import StrEnum
from operator import attrgetter
from pathlib import Path
from typing import Any

import msgspec

from fillbridge.files.columns import Cell, Columns, Rows
from fillbridge.files.errors import BadFile
from fillbridge.files.numbers import read_number, read_size, read_whole
from fillbridge.files.rows import open_rows
from fillbridge.files.times import read_time
from fillbridge_hooks import Direction, InvalidValue, RiskProposal, Urgency

_PRICES = ("stop_loss_price", "take_profit_price")
_TICKS = ("stop_loss_ticks", "take_profit_ticks")
_COLUMNS = Columns(
    ("proposal_id", "ts", "direction", "position_size"),
    (*_PRICES, *_TICKS, "symbol", "urgency", "max_slippage", "timeout_seconds", "strategy"),
)


class ProposalRow(msgspec.Struct, frozen=True, kw_only=True):
    """A proposal of a file that could be read; ``row`` is its line or row there."""

    time_ns: int
    row: int
    proposal: RiskProposal


class RejectedProposal(msgspec.Struct, frozen=True, kw_only=True):
    """A proposal that cannot be traded, and the sentence that says why.

    ``row`` is its line (CSV) or row (Parquet).
    """

    proposal_id: str
    row: int
    reason: str


class ProposalFile(msgspec.Struct, frozen=True, kw_only=True):
    """All rows of a file: the readable ones by time, else in their order, and the others."""

    rows: list[ProposalRow]
    rejected: list[RejectedProposal]


def read_proposals(path: str | Path) -> ProposalFile:
    """Read a file of proposals; one bad row never hides the others.

    Columns are ``proposal_id,ts,direction,position_size``, then ``stop_loss_price`` and
    ``take_profit_price`` or ``stop_loss_ticks`` and ``take_profit_ticks``, or all four where
    each row fills one pair; optionally ``symbol,urgency,max_slippage,timeout_seconds,strategy``.
    Of these an empty cell means no limit, the default symbol, ``normal`` urgency or no strategy.

    :raises BadFile: if the file cannot be read, lacks a column or has no row
    """
    accepted: list[ProposalRow] = []
    rejected: list[RejectedProposal] = []
    row_of_id: dict[str, int] = {}
    with open_rows(path, _COLUMNS) as rows:
        _check_protection(rows)
        for values in rows.cells:
            number = rows.number
            cells = dict(zip(_COLUMNS.names, map(_stripped, values), strict=True))
            proposal_id = str(cells["proposal_id"] or "")
            try:
                if not proposal_id:
                    raise InvalidValue("proposal_id", "an id", proposal_id)
                first = row_of_id.setdefault(proposal_id, number)
                if first != number:
                    rule = f"an id that {rows.unit} {first} does not have"
                    raise InvalidValue("proposal_id", rule, proposal_id)
                accepted.append(_row(number, proposal_id, cells))
            except InvalidValue as error:
                rejected.append(
                    RejectedProposal(proposal_id=proposal_id, row=number, reason=str(error))
                )
    accepted.sort(key=attrgetter("time_ns"))
    return ProposalFile(rows=accepted, rejected=rejected)


def _check_protection(rows: Rows) -> None:
    for pair in (_PRICES, _TICKS):
        found = rows.present.intersection(pair)
        if len(found) == 1:
            raise BadFile(rows.path, f"expected both {' and '.join(pair)}, was {min(found)} alone")
    if rows.present.isdisjoint(_PRICES + _TICKS):
        raise BadFile(
            rows.path,
            f"expected the columns {' and '.join(_PRICES)}, or {' and '.join(_TICKS)}, was neither",
        )


def _row(number: int, proposal_id: str, cells: Mapping[str, Cell]) -> ProposalRow:
    by_price = any(cells[name] is not None for name in _PRICES)
    by_ticks = [name for name in _TICKS if cells[name] is not None]
    if by_price and by_ticks:
        rule = "an empty cell where prices are given"
        raise InvalidValue(by_ticks[0], rule, cells[by_ticks[0]])
    if not by_price and not by_ticks:
        raise InvalidValue("stop_loss_price", "a price, or stop_loss_ticks", None)
    time_ns = read_time("ts", cells["ts"])
    proposal = RiskProposal(
        proposal_id=proposal_id,
        decided_at_ns=time_ns,
        direction=_choice("direction", cells["direction"], Direction),
        position_size=read_whole("position_size", cells["position_size"], 1),
        **_levels(_TICKS if by_ticks else _PRICES, cells),
        symbol=_text(cells["symbol"]),
        strategy=_text(cells["strategy"]),
        urgency=_choice("urgency", cells["urgency"] or Urgency.NORMAL, Urgency),
        max_slippage=_limit("max_slippage", cells),
        timeout_seconds=_limit("timeout_seconds", cells),
    )
    return ProposalRow(time_ns=time_ns, row=number, proposal=proposal)


def _levels(pair: tuple[str, str], cells: Mapping[str, Cell]) -> dict[str, Any]:
    if pair is _PRICES:
        return {name: read_number(name, cells[name]) for name in pair}
    return {name: read_whole(name, cells[name], 1) for name in pair}


def _choice(field: str, cell: Cell, kind: type[StrEnum]) -> str:
    try:
        return kind(cell).value
    except ValueError:
        raise InvalidValue(field, " or ".join(kind), cell) from None


def _limit(field: str, cells: Mapping[str, Cell]) -> float | None:
    return None if cells[field] is None else read_size(field, cells[field])


def _text(cell: Cell) -> str | None:
    return None if cell is None else str(cell)


def _stripped(cell: Cell) -> Cell:
    """``None`` for an empty cell."""
    return (cell.strip() or None) if isinstance(cell, str) else cell
