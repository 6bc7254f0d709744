"""The commands for proposals that wait for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from fillbridge.cli.handler import Where, ask, bounded, say, to_a_handler
from fillbridge.cli.keys import key_options, signed
from fillbridge.cli.output import fail, print_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from fillbridge.operators import Approval


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
    _print(found)


@click.command()
@click.argument("hold_id", metavar="ID")
@key_options
@to_a_handler
def approve(
    where: Where,
    hold_id: str,
    operator: str | None,
    key: Path | None,
    passphrase_file: Path | None,
    as_json: bool,
) -> None:
    """Send a proposal that waits.

    It is judged again by everything but what held it, at the prices of now. Where operators are
    configured it takes one of them, with a key. Exits with 1 if something else objects, or
    nothing waits under that id.

    \b
    Example:
      fillbridge approve H1-1
    """  # noqa: D301 (click reads the character \b: do not wrap)
    approval: Approval | None = None
    if operator is not None or key is not None:
        waiting = {one["hold_id"]: one for one in ask(where, "holds")}
        if hold_id not in waiting:
            fail(f"no proposal waits as {hold_id}", 1)
        if not as_json:
            # What is approved is said before a passphrase is asked for.
            _print([waiting[hold_id]])
        hashed = waiting[hold_id]["content_hash"]
        approval = signed("release", hashed, operator, key, passphrase_file)
    say(ask(where, "approve", hold_id=hold_id, approval=approval), as_json=as_json)


@click.command()
@click.argument("hold_id", metavar="ID")
@click.option(
    "--reason",
    callback=bounded,
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
    say(ask(where, "reject", hold_id=hold_id, reason=reason), as_json=as_json)


def _print(found: Sequence[dict[str, Any]]) -> None:
    from fillbridge.cli.manage_tables import print_holds

    print_holds(found)


COMMANDS = (holds, approve, reject)
"""All of them."""
