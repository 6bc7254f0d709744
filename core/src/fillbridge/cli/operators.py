"""``fillbridge operators``: keys of those who approve."""

from __future__ import annotations

from pathlib import Path

import click

from fillbridge.cli.keys import passphrase, passphrase_option
from fillbridge.cli.output import failures, print_json
from fillbridge.config import load_settings
from fillbridge.trusted import load_trusted

_FILE = click.Path(path_type=Path)


@click.group()
def operators() -> None:
    """Make and list the keys of operators.

    An operator approves with a private key of their own: arming again after a stop, looser
    limits, and what was held.

    \b
    Example:
      fillbridge operators new ann --key ann.pem
    """  # noqa: D301 (click reads the character \b: do not wrap)


@operators.command()
@click.argument("name")
@click.option("--key", type=_FILE, required=True, metavar="FILE", help="Where it shall stand.")
@passphrase_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def new(name: str, key: Path, passphrase_file: Path | None, as_json: bool) -> None:
    """Make a key for NAME, and print the line for the configuration.

    The private key stands in FILE with mode 0600, encrypted with a passphrase of at least 8
    characters. Exits with 2 if the file is there already.

    \b
    Example:
      fillbridge operators new ann --key ann.pem
    """  # noqa: D301 (click reads the character \b: do not wrap)
    from fillbridge.operators import make_key_file
    from fillbridge.operators.keys import check_name

    with failures():
        check_name(name)
        line = make_key_file(key, passphrase(passphrase_file, is_new=True))
    if as_json:
        print_json({"operator": name, "public_key": line, "key": str(key)})
        return
    click.echo(f"live_settings:\n  operators:\n    {name}: {line}")


@operators.command("list")
@click.option("--config", type=_FILE, metavar="FILE", help="Configuration, .yaml or .toml.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def list_operators(config: Path | None, as_json: bool) -> None:
    """List the operators of a configuration.

    \b
    Example:
      fillbridge operators list --config config.yaml
    """  # noqa: D301 (click reads the character \b: do not wrap)
    from fillbridge.operators import Authority

    with failures():
        plugins = load_trusted(config, is_trading=False)
        found = load_settings(config, plugins.settings_sections()).settings.live_settings.operators
        Authority(found, is_sim=True)
    if as_json:
        print_json(found)
        return
    for name, line in sorted(found.items()):
        click.echo(f"{name}  {line}")
    if not found:
        click.echo("no operators are configured")
