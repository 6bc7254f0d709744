"""Changes of positions as rows of a file."""

import csv
from collections.abc import Iterable
from typing import Literal, TextIO

import msgspec

from fillbridge.journal.records import PositionChanged, Record

Format = Literal["csv", "jsonl"]

AUDIT_COLUMNS = ("seq", "account", *PositionChanged.__struct_fields__)
"""Number of the record, account, then the fields of ``PositionChanged``; ``None`` is empty."""


def write_position_changes(
    records: Iterable[tuple[int, int, Record]], account: str, out: TextIO, form: Format
) -> int:
    """Write every change of a position among ``records``; how many there were."""
    found = 0
    table = csv.writer(out, lineterminator="\n")
    if form == "csv":
        table.writerow(AUDIT_COLUMNS)
    for seq, _, record in records:
        if type(record) is not PositionChanged:
            continue
        values = (seq, account, *msgspec.structs.astuple(record))
        if form == "csv":
            table.writerow(values)
        else:
            line = dict(zip(AUDIT_COLUMNS, values, strict=True))
            out.write(msgspec.json.encode(line).decode() + "\n")
        found += 1
    return found
