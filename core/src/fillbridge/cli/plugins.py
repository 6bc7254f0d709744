"""``fillbridge plugins``: what is installed, and what is called in which order."""

from collections.abc import Iterable, Sequence

import click

from fillbridge.cli.output import console, print_json
from fillbridge.cli.plugins_lock import lock_command, verify_command
from fillbridge.escaping import printable
from fillbridge.plugins import (
    HOOK_ARGUMENTS,
    HookReport,
    PluginReport,
    Plugins,
    Source,
    explain,
    report_plugins,
)


@click.group()
def plugins() -> None:
    """Show the installed plugins, lock them and verify them."""


plugins.add_command(lock_command)
plugins.add_command(verify_command)


@plugins.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def list_command(as_json: bool) -> None:
    """List the installed plugins and the hooks that each implements.

    Exits with 1 if a plugin is broken, and says why.

    \b
    Example:
      fillbridge plugins list --json
    """  # noqa: D301 (click reads the character \b: do not wrap)
    loaded = Plugins()
    reports = report_plugins(loaded, loaded.load(strict=False))
    if as_json:
        print_json({"plugins": reports})
    else:
        _print_plugins(reports)
    if any(report.status == "broken" for report in reports):
        raise SystemExit(1)


@plugins.command("explain")
@click.argument("hook", required=False, type=click.Choice(tuple(HOOK_ARGUMENTS)), metavar="[HOOK]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def explain_command(hook: str | None, as_json: bool) -> None:
    """Show who implements a hook, in the order of the calls; all hooks if none is named.

    Named models are those that plugins offer under their default settings. Exits with 1 if a
    plugin is broken, and says why.

    \b
    Example:
      fillbridge plugins explain fillbridge_slippage
    """  # noqa: D301 (click reads the character \b: do not wrap)
    loaded = Plugins()
    broken = loaded.load(strict=False)
    explanation = explain(loaded, broken, [hook] if hook else HOOK_ARGUMENTS)
    if as_json:
        print_json(explanation)
    else:
        for report in explanation.hooks:
            _print_hook(report)
        for problem in explanation.problems:
            click.echo(f"Error: {problem}", err=True)
    if explanation.problems:
        raise SystemExit(1)


def _print_plugins(reports: Iterable[PluginReport]) -> None:
    _print_table(
        "Plugins",
        ("plugin", "distribution", "version", "module", "hooks", "status"),
        [(*_origin(report), "\n".join(report.hooks), _status(report)) for report in reports],
    )


def _status(report: PluginReport) -> str:
    return report.status if report.reason is None else f"{report.status}: {report.reason}"


def _print_hook(report: HookReport) -> None:
    called = [(str(place), *_origin(one)) for place, one in enumerate(report.implementations, 1)]
    named = [(model.name, *_origin(model)) for model in report.models]
    columns = ("plugin", "distribution", "version", "module")
    click.echo(f"{report.hook}({', '.join(report.arguments)})")
    if called:
        _print_table("Implementations", ("order", *columns), called)
    if named:
        _print_table("Named models", ("name", *columns), named)
    if not called and not named:
        click.echo("  no plugin implements it")
    click.echo()


def _origin(source: Source) -> tuple[str, str, str, str]:
    return source.plugin, source.distribution, source.version, source.module


def _print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    # Imported here because it is slow to import, and --json does not need it.
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        # As it is: a reason may hold what looks like markup.
        table.add_row(*(Text("\n".join(map(printable, cell.split("\n")))) for cell in row))
    console().print(table)
