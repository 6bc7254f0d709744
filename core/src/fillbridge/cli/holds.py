"""The commands for proposals that wait for a person."""

from __future__ import annotations

import click

from fillbridge.cli.handler import Where, ask, say, to_a_handler
from fillbridge.cli.output import print_json


@click.command()
@to_a_handler
def holds(where: Where, as_json: bool) -> None:
    """List proposals that wait for approval.

    A check held each of them; nothing was sent. One that nobody approves in time is refused.

    \b
    Example:
      fillbridge holds
    """  # noqa: D301 (click reads the character \b: do not wrap)
    found = ask(where, "holds")
    if as_json:
        print_json(found)
        return
    from fillbridge.cli.manage_tables import print_holds

    print_holds(found)


@click.command()
@click.argument("hold_id", metavar="ID")
@to_a_handler
def approve(where: Where, hold_id: str, as_json: bool) -> None:
    """Send a proposal that waits.

    It is judged again by everything but what held it, at the prices of now. Exits with 1 if
    something else objects, or nothing waits under that id.

    \b
    Example:
      fillbridge approve H1-1
    """  # noqa: D301 (click reads the character \b: do not wrap)
    say(ask(where, "approve", hold_id=hold_id), as_json=as_json)


@click.command()
@click.argument("hold_id", metavar="ID")
@click.option(
    "--reason",
    metavar="TEXT",
    default="rejected on request",
    show_default=True,
    help="For the journal and whoever asks.",
)
@to_a_handler
def reject(where: Where, hold_id: str, reason: str, as_json: bool) -> None:
    """Refuse a proposal that waits, for good.

    \b
    Example:
      fillbridge reject H1-1 --reason "too large"
    """  # noqa: D301 (click reads the character \b: do not wrap)
    say(ask(where, "reject", hold_id=hold_id, reason=reason[:500]), as_json=as_json)


COMMANDS = (holds, approve, reject)
"""All of them."""
