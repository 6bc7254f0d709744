"""``fillbridge config``: which settings are in force, and where each comes from."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from fillbridge.cli.output import console, fail, json_text, print_json
from fillbridge.config import LoadedSettings, load_settings
from fillbridge.trusted import load_trusted
from fillbridge_hooks import ConfigurationError, PluginError


@click.group()
def config() -> None:
    """Look at the configuration."""


@config.command()
@click.option(
    "--config",
    "path",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Configuration, .yaml or .toml; without it, defaults and environment.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def show(path: Path | None, as_json: bool) -> None:
    """Show every setting in force and where it comes from.

    Secrets are masked; references such as ${NAME} are shown as they are written. Exits with 2 if
    the configuration cannot be used, with 1 if a plugin cannot be loaded.

    \b
    Example:
      fillbridge config show --config config.yaml
    """  # noqa: D301 (click reads the character \b: do not wrap)
    try:
        plugins = load_trusted(path)
        loaded = load_settings(path, plugins.settings_sections())
    except ConfigurationError as error:
        fail(error, 2)
    except PluginError as error:
        fail(error, 1)
    if as_json:
        print_json(
            {
                setting: {"value": value, "origin": loaded.origins[setting]}
                for setting, value in loaded.values.items()
            }
        )
    else:
        _print_table(loaded)


def _print_table(loaded: LoadedSettings) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table()
    for column in ("setting", "value", "from"):
        table.add_column(column, overflow="fold")
    for setting, value in loaded.values.items():
        # JSON tells text from numbers and leaves no control character; Text is never markup.
        shown = json_text(msgspec.json.encode(value).decode())
        table.add_row(*map(Text, (setting, shown, loaded.origins[setting])))
    console().print(table)
