"""The commands that speak to a running handler."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fillbridge.cli.handler import Where, ask, bounded, say, to_a_handler
from fillbridge.cli.keys import key_options, signed
from fillbridge.cli.output import cleaned, fail, print_json

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@to_a_handler
def status(where: Where, as_json: bool) -> None:
    """Show whether entries may leave, and why not.

    Exits with 3 if no handler answers, as every command to a running handler.

    \b
    Example:
      fillbridge status --config config.yaml
    """  # noqa: D301 (click reads the character \b: do not wrap)
    found = ask(where, "status")
    if as_json:
        print_json(found)
        return
    from fillbridge.cli.manage_tables import print_status

    print_status(found)


@click.command()
@to_a_handler
def positions(where: Where, as_json: bool) -> None:
    """List what is held, and entries that may still fill.

    \b
    Example:
      fillbridge positions --json
    """  # noqa: D301 (click reads the character \b: do not wrap)
    found = ask(where, "positions")
    if as_json:
        print_json(found)
        return
    from fillbridge.cli.manage_tables import print_positions

    print_positions(found)


@click.command()
@click.option("--all", "ended", is_flag=True, help="Those too that ended in the last minutes.")
@to_a_handler
def orders(where: Where, ended: bool, as_json: bool) -> None:
    """List orders that may still fill.

    \b
    Example:
      fillbridge orders --all
    """  # noqa: D301 (click reads the character \b: do not wrap)
    found = ask(where, "orders", ended=ended)
    if as_json:
        print_json(found)
        return
    from fillbridge.cli.manage_tables import print_orders

    print_orders(found)


@click.command()
@click.option(
    "--last",
    type=click.IntRange(1, 1000),
    metavar="N",
    default=50,
    show_default=True,
    help="How many at most.",
)
@to_a_handler
def trades(where: Where, last: int, as_json: bool) -> None:
    """List the trades that closed last.

    The handler keeps 1,000 since its start; the journal has all of them.

    \b
    Example:
      fillbridge trades --last 10
    """  # noqa: D301 (click reads the character \b: do not wrap)
    found = ask(where, "trades", last=last)
    if as_json:
        print_json(found)
        return
    from fillbridge.cli.manage_tables import print_closed

    print_closed(found)


@click.command()
@to_a_handler
def metrics(where: Where, as_json: bool) -> None:
    """Show counters and latencies since the start.

    \b
    Example:
      fillbridge metrics --json
    """  # noqa: D301 (click reads the character \b: do not wrap)
    found = ask(where, "metrics")
    if as_json:
        print_json(found)
        return
    from fillbridge.cli.manage_tables import print_metrics

    print_metrics(found)


@click.command("close-all")
@to_a_handler
def close_all(where: Where, as_json: bool) -> None:
    """Withdraw entries and close every position.

    Positions are closed at the market. New entries may follow.

    \b
    Example:
      fillbridge close-all
    """  # noqa: D301 (click reads the character \b: do not wrap)
    say(ask(where, "close_all"), as_json=as_json)


@click.command("cancel-all")
@to_a_handler
def cancel_all(where: Where, as_json: bool) -> None:
    """Withdraw every entry that may still fill.

    Positions stay, with their stops and targets.

    \b
    Example:
      fillbridge cancel-all
    """  # noqa: D301 (click reads the character \b: do not wrap)
    say(ask(where, "cancel_all"), as_json=as_json)


@click.command()
@click.option(
    "--reason",
    callback=bounded,
    metavar="TEXT",
    default="halted on request",
    show_default=True,
    help="For the journal and whoever asks.",
)
@to_a_handler
def halt(where: Where, reason: str, as_json: bool) -> None:
    """Let no entry out until fillbridge resume.

    After a restart neither. What is held stays, with its stop and target. It is fillbridge kill
    pause.

    \b
    Example:
      fillbridge halt --reason "news at 14:00"
    """  # noqa: D301 (click reads the character \b: do not wrap)
    say(ask(where, "halt", reason=reason), as_json=as_json)


@click.command()
@click.option(
    "--reason",
    callback=bounded,
    metavar="TEXT",
    default="emergency stop",
    show_default=True,
    help="For the journal and whoever asks.",
)
@to_a_handler
def flatten(where: Where, reason: str, as_json: bool) -> None:
    """Stop in an emergency.

    Halts, withdraws entries and closes every position. Entries stay off until fillbridge arm,
    after a restart too. A position's stop goes with its exit, never before it. It is fillbridge
    kill flatten. Exits with 1 where risk_controls.emergency_stop_enabled is off.

    \b
    Example:
      fillbridge flatten
    """  # noqa: D301 (click reads the character \b: do not wrap)
    say(ask(where, "flatten", reason=reason), as_json=as_json)


@click.command()
@click.option("--strategy", metavar="NAME", help="Let this suspended strategy go on instead.")
@key_options
@to_a_handler
def resume(
    where: Where,
    strategy: str | None,
    operator: str | None,
    key: Path | None,
    passphrase_file: Path | None,
    as_json: bool,
) -> None:
    """Lift a halt or a standby, or the suspension of one strategy.

    Where operators are configured, or everything was stopped, a stop takes fillbridge arm, and a
    suspended strategy one operator, with a key.

    After another login took the session, or the broker refused one, it connects again. What else
    shuts the gate opens by itself when it has passed. Suspended strategies stay so, each until it
    is named.

    \b
    Example:
      fillbridge resume --strategy breakout
    """  # noqa: D301 (click reads the character \b: do not wrap)
    is_signed = operator is not None or key is not None
    if strategy is None:
        if is_signed:
            fail("--operator and --key: expected with --strategy (see fillbridge arm)", 2)
        say(ask(where, "resume"), as_json=as_json)
        return
    approval = None
    if is_signed:
        found = {one["strategy"]: one for one in ask(where, "suspended")}
        if strategy not in found:
            fail(f"strategy {strategy!r} is not suspended", 2)
        if not as_json:
            # What is approved is said before a passphrase is asked for.
            click.echo(cleaned(f"strategy {strategy!r}: {found[strategy]['reason']}"))
        approval = signed("resume", found[strategy]["content_hash"], operator, key, passphrase_file)
    say(ask(where, "resume", strategy=strategy, approval=approval), as_json=as_json)


COMMANDS = (
    status,
    positions,
    orders,
    trades,
    metrics,
    close_all,
    cancel_all,
    halt,
    flatten,
    resume,
)
"""All of them."""
