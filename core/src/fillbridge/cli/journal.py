"""``fillbridge journal``: what an account's journal says, and whether it is as it was written."""

from __future__ import annotations

import sys
from collections import deque
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from fillbridge.cli.output import console, fail, failures, json_text, print_json
from fillbridge.times import to_datetime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fillbridge.journal.audit import Format
    from fillbridge.journal.errors import BrokenRecord
    from fillbridge.journal.reading import JournalReader
    from fillbridge.journal.records import Record

_PATH = click.Path(path_type=Path)
_Numbered = tuple[int, int, "Record"]


@click.group()
def journal() -> None:
    """Read and verify the journal of an account."""


def _of_an_account(command: Callable[..., None]) -> Callable[..., None]:
    options: tuple[Callable[[Callable[..., None]], Callable[..., None]], ...] = (
        click.argument("directory", type=_PATH),
        click.option("--account", metavar="NAME", help="Which one, if there are several."),
        click.option(
            "--key",
            "key_file",
            type=_PATH,
            metavar="FILE",
            help="Key of the chain, if it stands elsewhere.",
        ),
    )
    for argument_or_option in reversed(options):
        command = argument_or_option(command)
    return command


@journal.command()
@_of_an_account
@click.option(
    "--last",
    type=click.IntRange(1),
    metavar="N",
    default=50,
    show_default=True,
    help="How many records, up to the newest.",
)
@click.option("--kind", metavar="KIND", help="Only these, e.g. FillBooked or PositionChanged.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def show(
    directory: Path,
    account: str | None,
    key_file: Path | None,
    last: int,
    kind: str | None,
    as_json: bool,
) -> None:
    """Show the newest records of a journal.

    DIRECTORY is where the handler keeps its journals. Every record up to them is verified: what
    was changed ends the list, and the command then exits with 1. A running handler is not
    disturbed.

    \b
    Example:
      fillbridge journal show state --last 20 --kind PositionChanged
    """  # noqa: D301 (click reads the character \b: do not wrap)
    from fillbridge.journal.reading import one_account, reading

    broken: BrokenRecord | None = None
    found: list[_Numbered] = []
    with failures():
        where = one_account(directory, account)
        with reading(where, key_file) as reader:
            found, broken = _newest(reader, last, kind)
    if as_json:
        print_json({"account": where.account, "records": [_document(*one) for one in found]})
    else:
        _print_records(found)
    if broken is not None:
        fail(broken, 1)


@journal.command()
@_of_an_account
@click.option(
    "--checkpoints",
    type=_PATH,
    metavar="DIR",
    help="Checkpoints that were kept elsewhere: they tell whether the end was cut off.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def verify(
    directory: Path,
    account: str | None,
    key_file: Path | None,
    checkpoints: Path | None,
    as_json: bool,
) -> None:
    """Verify that a journal is as it was written.

    Reads every record, the archived ones too. Exits with 1 and names the first record that was
    changed, removed, moved or added.

    \b
    Example:
      fillbridge journal verify state --checkpoints /mnt/elsewhere/checkpoints
    """  # noqa: D301 (click reads the character \b: do not wrap)
    from fillbridge.journal.reading import one_account, reading

    with failures():
        where = one_account(directory, account)
        with reading(where, key_file) as reader:
            result = reader.verify(checkpoints)
    if as_json:
        print_json(result)
    elif result.is_sound:
        click.echo(
            f"account {result.account}: records {result.first:,} to {result.last:,} are as they "
            f"were written; {result.checkpoints:,} checkpoints agree"
        )
    if not result.is_sound:
        fail(f"account {result.account}, record {result.bad_seq}: {result.reason}", 1)


@journal.command()
@_of_an_account
@click.option(
    "--format",
    "form",
    type=click.Choice(("csv", "jsonl")),
    default="csv",
    show_default=True,
    help="Of the output.",
)
@click.option("--out", type=_PATH, metavar="FILE", help="Where to write it; standard output.")
@click.option("--json", "as_json", is_flag=True, help="With --out: print what was written as JSON.")
def export(
    directory: Path,
    account: str | None,
    key_file: Path | None,
    form: Format,
    out: Path | None,
    as_json: bool,
) -> None:
    """Write every change of a position, with its cause.

    One line each: what was held before and after, the fill, the order and the trade it belongs
    to. Exits with 1 at the first record that is not as it was written.

    \b
    Example:
      fillbridge journal export state --format csv --out positions.csv
    """  # noqa: D301 (click reads the character \b: do not wrap)
    from fillbridge.journal.audit import write_position_changes
    from fillbridge.journal.reading import one_account, reading

    with failures():
        where = one_account(directory, account)
        with reading(where, key_file) as reader:
            if out is None:
                write_position_changes(reader.records(), where.account, sys.stdout, form)
                return
            with out.open("w", encoding="utf-8", newline="") as file:
                lines = write_position_changes(reader.records(), where.account, file, form)
    if as_json:
        print_json({"account": where.account, "file": str(out), "lines": lines})
    else:
        click.echo(f"{lines:,} changes of positions in {out}")


def _newest(
    reader: JournalReader, last: int, kind: str | None
) -> tuple[list[_Numbered], BrokenRecord | None]:
    from fillbridge.journal.errors import BrokenRecord
    from fillbridge.journal.recovery import records_of

    found: deque[Any] = deque(maxlen=last)
    broken = None
    try:
        if kind is None:
            found.extend(row for _, row in reader.rows())
        else:
            found.extend(one for one in reader.records() if type(one[2]).__name__ == kind)
    except BrokenRecord as error:
        broken = error
    if kind is not None:
        return list(found), broken
    records = chain.from_iterable(
        ((seq, row.wall_ns, record) for seq, record in enumerate(records_of(row), row.seq))
        for row in found
    )
    return list(deque(records, maxlen=last)), broken


def _document(seq: int, recorded_ns: int, record: Record) -> dict[str, Any]:
    values = msgspec.to_builtins(record)
    kind = values.pop("type")
    return {"seq": seq, "recorded_ns": recorded_ns, "record": kind, **values}


def _print_records(found: Iterable[_Numbered]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table()
    for column in ("seq", "recorded, UTC", "record", "values"):
        table.add_column(column, overflow="fold")
    for seq, recorded_ns, record in found:
        values = _document(seq, recorded_ns, record)
        shown = {
            name: value
            for name, value in values.items()
            if name not in {"seq", "recorded_ns", "record"} and value not in (None, "")
        }
        table.add_row(
            str(seq),
            f"{to_datetime(recorded_ns):%Y-%m-%d %H:%M:%S.%f}",
            values["record"],
            Text(json_text(msgspec.json.encode(shown).decode())),
        )
    console().print(table)
