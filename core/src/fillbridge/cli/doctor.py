"""``fillbridge doctor``: whether this machine and this account are fit to trade."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fillbridge.cli.output import cleaned, console, failures, print_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fillbridge.doctor import Finding

_STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}


@click.command()
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Configuration, .yaml or .toml; without it, defaults and environment.",
)
@click.option("--account", metavar="A", help="The account, if the file names another.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def doctor(config: Path | None, account: str | None, as_json: bool) -> None:
    """Examine whether this machine and this account are fit to trade.

    Python, SQLite, clock, disk, permissions, what the last run left, plugins, driver and secrets:
    each with what to do about it. Changes nothing and sends nothing. Exits with 0 if nothing
    failed, warnings included, and with 1 if something did.

    \b
    Example:
      fillbridge doctor --config config.yaml
    """  # noqa: D301 (click reads the character \b: do not wrap)
    # Imported here because it is slow to import, and no other command needs it.
    from fillbridge.doctor import examine

    with failures():
        findings = examine(config, account)
    failed = sum(one.status == "fail" for one in findings)
    warned = sum(one.status == "warn" for one in findings)
    if as_json:
        print_json({"is_fit": not failed, "findings": findings})
    else:
        _print(findings)
        click.echo(f"{len(findings)} checks: {failed} failed, {warned} with warnings")
    if failed:
        raise SystemExit(1)


def _print(findings: Sequence[Finding]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table()
    for column in ("check", "status", "found", "what to do"):
        table.add_column(column, overflow="fold")
    for one in findings:
        table.add_row(
            one.check,
            Text(one.status, style=_STYLES[one.status]),
            Text(cleaned(one.found)),
            Text(cleaned(one.advice)),
        )
    console().print(table)
