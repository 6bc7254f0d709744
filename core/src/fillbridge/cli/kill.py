"""The commands of the kill switch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from fillbridge.cli.handler import Where, ask, say, to_a_handler
from fillbridge.cli.keys import key_options, signed
from fillbridge.cli.output import print_json

if TYPE_CHECKING:
    from pathlib import Path

    from fillbridge.operators import Approval

_REASON_LENGTH = 500


@click.command()
@click.argument("level", type=click.Choice(["pause", "cancel", "flatten"]))
@click.option(
    "--reason",
    metavar="TEXT",
    default="stopped on request",
    show_default=True,
    help="For the journal and whoever asks.",
)
@to_a_handler
def kill(where: Where, level: str, reason: str, as_json: bool) -> None:
    """Stop until fillbridge arm, after a restart too.

    pause lets no entry out; cancel withdraws those that work besides; flatten closes positions
    too, and tries until the broker says that it holds nothing. A stop is never made less by
    another one. Without a handler that answers, put a file beside the journal: see the page of
    the kill switch.

    \b
    Example:
      fillbridge kill cancel --reason "the feed is wrong"
    """  # noqa: D301 (click reads the character \b: do not wrap)
    say(ask(where, "kill", level=level, reason=reason[:_REASON_LENGTH]), as_json=as_json)


@click.command()
@to_a_handler
def alive(where: Where, as_json: bool) -> None:
    """Say that somebody attends to the handler.

    Without this for live_settings.dead_man_s it stops by itself.

    \b
    Example:
      fillbridge alive
    """  # noqa: D301 (click reads the character \b: do not wrap)
    say(ask(where, "alive"), as_json=as_json)


@click.command()
@key_options
@to_a_handler
def arm(
    where: Where,
    operator: str | None,
    key: Path | None,
    passphrase_file: Path | None,
    as_json: bool,
) -> None:
    """Let entries out again after a stop.

    After flatten it takes two operators, each of whom runs this with a key of their own within 15
    minutes; after pause and cancel one. Where no operators are configured, whoever reaches the
    handler's socket is one; two are needed all the same after flatten, but in the environment sim.
    What else shuts the gate opens by itself when it has passed. Exits with 1 if it is refused.

    \b
    Example:
      fillbridge arm --operator ann --key ann.pem
    """  # noqa: D301 (click reads the character \b: do not wrap)
    approval: Approval | None = None
    if operator is not None or key is not None:
        found: dict[str, Any] = ask(where, "arming")
        if not as_json:
            _show(found)
        approval = signed("arm", found["content_hash"], operator, key, passphrase_file)
    result = ask(where, "arm", approval=approval)
    if as_json:
        print_json(result)
    else:
        click.echo(result["said"])


def _show(found: dict[str, Any]) -> None:
    """Say what is approved, before a passphrase is asked for."""
    if found["level"] is None:
        click.echo(f"account {found['account']}: armed already")
        return
    click.echo(
        f"account {found['account']}: {found['level']} by {found['by']}: {found['reason']}"
        f" ({found['needed']} needed, approved by {', '.join(found['approved_by']) or 'nobody'})"
    )
