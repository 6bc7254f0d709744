"""``fillbridge chaos``: what the profiles set."""

import click
import msgspec

from fillbridge_chaos.faults import Faults, Latency
from fillbridge_chaos.profiles import PROFILES


@click.group()
def chaos() -> None:
    """Rehearse on a bad link: fillbridge run --chaos PROFILE --seed N."""


@chaos.command("profiles")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def profiles_command(as_json: bool) -> None:
    """Show what each profile sets: probabilities, and times in ms or s.

    A latency reads as its fixed part + the median of its random part (sigma), and its spikes.

    \b
    Example:
      fillbridge chaos profiles --json
    """  # noqa: D301 (click reads the character \b: do not wrap)
    if as_json:
        document = msgspec.json.encode({"profiles": PROFILES})
        click.echo(msgspec.json.format(document, indent=2))
        return
    rows = [
        (knob, *(_shown(getattr(faults, knob)) for faults in PROFILES.values()))
        for knob in Faults.__struct_fields__
    ]
    rows.insert(0, ("knob", *PROFILES))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip())


def _shown(value: object) -> str:
    if not isinstance(value, Latency):
        return f"{value:g}" if isinstance(value, float) else str(value)
    text = f"{value.fixed_ms:g}+{value.median_ms:g} ({value.sigma:g})"
    return f"{text}, {value.spike:.0%} +{value.spike_ms:g}" if value.spike else text
