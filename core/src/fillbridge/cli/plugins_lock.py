"""``fillbridge plugins lock`` and ``verify``: which plugins may be imported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from fillbridge.cli.output import console, fail, failures, print_json
from fillbridge.escaping import printable
from fillbridge.plugins.lock import read_lock, write_lock
from fillbridge.trusted import lock_path

_CONFIG = click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Whose lock: it stands beside it, or where it says.",
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


@click.command("lock")
@_CONFIG
@_JSON
def lock_command(config: Path | None, as_json: bool) -> None:
    """Lock the installed plugins as they are now.

    None of them is imported: every file that RECORD names is hashed, and of an editable install,
    whose RECORD says nothing of its sources, the sources themselves. From then on nothing else is
    imported by a command with this configuration. Look at what is locked before you trust it.
    Exits with 1 if a plugin cannot be verified, and nothing is written.

    \b
    Example:
      fillbridge plugins lock --config config.yaml
    """  # noqa: D301 (click reads the character \b: do not wrap)
    from fillbridge.plugins.trust import lock_installed

    with failures():
        path = lock_path(config)
        lock = lock_installed()
        write_lock(path, lock)
    if as_json:
        print_json({"lock": str(path), "plugins": lock.plugins})
        return
    _print(
        "Locked", [(one.plugin, one.distribution, one.version, one.install) for one in lock.plugins]
    )
    click.echo(printable(f"{len(lock.plugins)} plugins locked in {path}"))


@click.command("verify")
@_CONFIG
@_JSON
def verify_command(config: Path | None, as_json: bool) -> None:
    """Verify the installed plugins against the lock.

    None of them is imported. A plugin that the lock does not name is passed over when plugins are
    loaded; one that was changed or is gone keeps a run from starting. Exits with 1 if there is
    one of either kind, with 2 if there is no lock.

    \b
    Example:
      fillbridge plugins verify --config config.yaml
    """  # noqa: D301 (click reads the character \b: do not wrap)
    from fillbridge.plugins.trust import judge

    with failures():
        path = lock_path(config)
        judged = judge(read_lock(path))
    rows: list[dict[str, Any]] = [
        {
            "plugin": one.source.plugin,
            "distribution": one.source.distribution,
            "version": one.source.version,
            "status": one.status,
            "install": one.install or None,
            "reason": one.reason or None,
        }
        for one in judged
    ]
    is_sound = all(one.is_trusted for one in judged)
    if as_json:
        print_json({"lock": str(path), "is_sound": is_sound, "plugins": rows})
    else:
        _print(
            "Verified",
            [
                (
                    row["plugin"],
                    row["distribution"],
                    row["version"],
                    row["install"] or "-",
                    row["status"] + (f": {row['reason']}" if row["reason"] else ""),
                )
                for row in rows
            ],
        )
    if not is_sound:
        bad = [one for one in judged if not one.is_trusted]
        fail(f"{path}: {len(bad)} of {len(judged)} plugins are not as they were locked", 1)


def _print(title: str, rows: list[tuple[str, ...]]) -> None:
    # Imported here because it is slow to import, and --json does not need it.
    from rich.table import Table
    from rich.text import Text

    columns = ("plugin", "distribution", "version", "install", "status")
    table = Table(title=title, title_justify="left")
    for column in columns[: len(rows[0]) if rows else len(columns)]:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(printable(value)) for value in row))
    console().print(table)
