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
    whose RECORD says nothing of its sources, the sources themselves. So is every distribution that
    they and Fillbridge depend on. From then on no other plugin is imported by a command with this
    configuration. Look at what is locked before you trust it. Exits with 1 if a plugin or a
    dependency cannot be verified, and nothing is written.

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
        document = {"lock": str(path), "plugins": lock.plugins, "dependencies": lock.dependencies}
        print_json(document)
        return
    _print(
        "Locked", [(one.plugin, one.distribution, one.version, one.install) for one in lock.plugins]
    )
    more = f"and {len(lock.dependencies)} distributions that they depend on"
    click.echo(printable(f"{len(lock.plugins)} plugins locked in {path}, {more}"))


@click.command("verify")
@_CONFIG
@_JSON
def verify_command(config: Path | None, as_json: bool) -> None:
    """Verify the installed plugins against the lock.

    None of them is imported. A plugin that the lock does not name is passed over when plugins are
    loaded; one that was changed or is gone keeps a run from starting. Every file of what they
    depend on is read too, which a start does not. Exits with 1 if something is not as it was
    locked, with 2 if there is no lock.

    \b
    Example:
      fillbridge plugins verify --config config.yaml
    """  # noqa: D301 (click reads the character \b: do not wrap)
    from fillbridge.plugins.dependencies import judge_dependencies
    from fillbridge.plugins.trust import judge

    with failures():
        path = lock_path(config)
        lock = read_lock(path)
        judged, depended = judge(lock), judge_dependencies(lock)
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
    bad = sum(not one.is_trusted for one in judged)
    bad_dependencies = [one for one in depended if one.status != "trusted"]
    is_sound = not bad and not bad_dependencies
    if as_json:
        document = {"lock": str(path), "is_sound": is_sound, "plugins": rows}
        print_json({**document, "dependencies": depended})
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
        for one in bad_dependencies:
            click.echo(printable(f"{one.distribution} {one.version}: {one.status}: {one.reason}"))
        good = len(depended) - len(bad_dependencies)
        click.echo(f"{good} of {len(depended)} dependencies are as they were locked")
    if not is_sound:
        said = f"{path}: {bad} of {len(judged)} plugins"
        if bad_dependencies:
            said += f" and {len(bad_dependencies)} of {len(depended)} dependencies"
        fail(f"{said} are not as they were locked", 1)


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
