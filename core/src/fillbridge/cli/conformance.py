"""``fillbridge conformance``: the certificate of a driver."""

from __future__ import annotations

from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fillbridge.cli.output import console, failures, print_json
from fillbridge.config import load_settings
from fillbridge.trusted import load_trusted
from fillbridge.wrapping import wrap_driver
from fillbridge_hooks import ConfigurationError, Rehearsable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from fillbridge.config import Settings
    from fillbridge.plugins import Plugins
    from fillbridge_hooks import Rehearsal
    from fillbridge_hooks.testing import Certificate


@click.command()
@click.option("--driver", "name", required=True, metavar="NAME", help="Driver to examine.")
@click.option(
    "--config",
    "path",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Configuration, .yaml or .toml, of the driver and of what wraps it.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def conformance(name: str, path: Path | None, as_json: bool) -> None:
    """Examine a driver and print its certificate.

    Every requirement is tested with a broker of its own, which the driver brings: nothing is sent
    to a real one. Exits with 0 if nothing failed, with 1 if something did, with 2 if there is no
    such driver or the configuration cannot be used.

    \b
    Example:
      fillbridge conformance --driver sim --json
    """  # noqa: D301 (click reads the character \b: do not wrap)
    import anyio

    from fillbridge_hooks.testing import certify

    with failures():
        plugins = load_trusted(path, is_trading=False)
        settings = load_settings(path, plugins.settings_sections()).settings
        rehearse = _rehearsals(name, plugins, settings)
        certificate = anyio.run(certify, name, rehearse)
    if as_json:
        print_json(certificate)
    else:
        _print_certificate(certificate)
    if certificate.failed:
        raise SystemExit(1)


def _rehearsals(
    name: str, plugins: Plugins, settings: Settings
) -> Callable[[], AbstractAsyncContextManager[Rehearsal]]:
    """Rehearse with the driver as it is configured, each time anew."""
    import msgspec

    installed = plugins.drivers()
    if name not in installed:
        names = ", ".join(map(repr, sorted(installed)))
        raise ConfigurationError(f"--driver: expected one of {names} (installed), was {name!r}")
    driver = installed[name]
    if not isinstance(driver, Rehearsable):
        raise ConfigurationError(
            f"--driver: expected one that brings a broker to rehearse with (conformance()), was"
            f" {name!r}; without it, its author runs the kit with pytest"
        )
    section = settings.plugin_sections.get(plugins.driver_plugin(name))

    @asynccontextmanager
    async def rehearse() -> AsyncIterator[Rehearsal]:
        async with driver.conformance(section) as rehearsal:
            wrapped = wrap_driver(rehearsal.driver, name, plugins, settings)
            yield msgspec.structs.replace(rehearsal, driver=wrapped)

    return rehearse


def _print_certificate(certificate: Certificate) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(title=f"Conformance of {certificate.driver}", title_justify="left")
    for column in ("id", "group", "demand", "outcome", "reason"):
        table.add_column(column, overflow="fold")
    styles = {"passed": "green", "failed": "red", "skipped": "yellow"}
    for test in certificate.tests:
        outcome = Text(test.outcome, style=styles[test.outcome])
        table.add_row(test.id, test.group, Text(test.demand), outcome, Text(test.reason))
    out = console()
    out.print(table)
    out.print(
        f"{certificate.passed} passed, {certificate.failed} failed, {certificate.skipped} skipped"
    )
