"""``fillbridge limits``: the limits of an account, and who approves looser ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from fillbridge.cli.handler import Where, ask, say, to_a_handler
from fillbridge.cli.keys import key_options, signed
from fillbridge.cli.output import cleaned, failures, print_json
from fillbridge.config import load_settings
from fillbridge.trusted import load_trusted
from fillbridge_hooks import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from fillbridge.journal import Note
    from fillbridge.journal.places import Places
    from fillbridge.limits import Proposed
    from fillbridge.operators import Approval

_FILE = click.Path(path_type=Path)


@click.group()
def limits() -> None:
    """Show the limits in force, change them, and approve looser ones.

    Tighter limits are in force with the next start, or with fillbridge limits set at once. In the
    profile live looser ones take two operators: propose them, let each approve within 15 minutes,
    then start the handler; or let each set them in the running one.

    \b
    Example:
      fillbridge limits diff --config config.yaml
    """  # noqa: D301 (click reads the character \b: do not wrap)


def _of_an_account(command: Callable[..., None]) -> Callable[..., None]:
    decorated = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")(
        command
    )
    decorated = click.option("--account", metavar="A", help="If the file names another.")(decorated)
    return click.option(
        "--config", type=_FILE, metavar="FILE", help="Configuration, .yaml or .toml."
    )(decorated)


@limits.command()
@_of_an_account
def show(config: Path | None, account: str | None, as_json: bool) -> None:
    """Show the limits that were recorded last for the account.

    \b
    Example:
      fillbridge limits show --config config.yaml --json
    """  # noqa: D301 (click reads the character \b: do not wrap)
    # Imported here because it is slow to import, and most commands do not need it.
    from fillbridge.limits import shown

    with failures():
        where, _ = _places(config, account)
        note = _recorded(where)
        if note is None:
            raise ConfigurationError(f"account {where.account!r}: no limits are recorded yet")
    if as_json:
        print_json(note.payload)
        return
    click.echo(f"account {where.account}: profile {note.payload['content']['profile']}")
    for path, value in note.payload["content"]["limits"].items():
        click.echo(cleaned(f"  {path}: {shown(value)}"))
    approved = ", ".join(note.payload["approved_by"]) or "nobody, which was not needed"
    click.echo(f"change {note.payload['sequence']}, approved by {approved}")


@limits.command()
@_of_an_account
def diff(config: Path | None, account: str | None, as_json: bool) -> None:
    """Compare the limits of the configuration with those in force.

    Exits with 1 if they are looser and take approvals.

    \b
    Example:
      fillbridge limits diff --config config.yaml
    """  # noqa: D301 (click reads the character \b: do not wrap)
    with failures():
        _, proposed = _proposed(config, account)
    _tell(proposed, as_json=as_json)
    if proposed.needs_approval:
        raise SystemExit(1)


@limits.command()
@_of_an_account
def propose(config: Path | None, account: str | None, as_json: bool) -> None:
    """Put the limits of the configuration beside the journal, for operators to approve.

    \b
    Example:
      fillbridge limits propose --config config.yaml
    """  # noqa: D301 (click reads the character \b: do not wrap)
    from fillbridge.journal.private_files import write_private

    with failures():
        where, proposed = _proposed(config, account)
        try:
            write_private(where.proposed_limits, msgspec.json.encode(proposed) + b"\n")
        except OSError as error:
            raise ConfigurationError(f"{where.proposed_limits}: {error.strerror}") from None
    _tell(proposed, as_json=as_json)


@limits.command()
@key_options
@_of_an_account
def approve(
    config: Path | None,
    account: str | None,
    operator: str | None,
    key: Path | None,
    passphrase_file: Path | None,
    as_json: bool,
) -> None:
    """Approve the limits that were proposed, with the key of an operator.

    It counts for 15 minutes, for these limits and no others, once.

    \b
    Example:
      fillbridge limits approve --config config.yaml --operator ann --key ann.pem
    """  # noqa: D301 (click reads the character \b: do not wrap)
    with failures():
        from fillbridge.limits import Proposed, write_approval
        from fillbridge.limits.record import PURPOSE
        from fillbridge.operators import verify

        where, _ = _places(config, account)
        path = where.proposed_limits
        try:
            proposed = msgspec.json.decode(path.read_bytes(), type=Proposed)
        except (OSError, msgspec.MsgspecError):
            raise ConfigurationError(f"{path}: expected limits that were proposed") from None
        if not as_json:
            _tell(proposed, as_json=False)
        approval = signed(PURPOSE, proposed.hash, operator, key, passphrase_file)
        verify(approval, proposed.operators, PURPOSE, proposed.hash, approval.time_ns)
        write_approval(where.approvals, approval)
    if as_json:
        print_json(approval)
    else:
        click.echo(f"approved by {approval.operator} for 15 minutes")


@limits.command("set")
@click.argument("limit", metavar="KEY")
@click.argument("value")
@key_options
@to_a_handler
def set_(
    where: Where,
    limit: str,
    value: str,
    operator: str | None,
    key: Path | None,
    passphrase_file: Path | None,
    as_json: bool,
) -> None:
    """Change one limit of a running handler.

    VALUE is JSON, such as 3, null or ["ESZ6"]; what is none is a text. A tighter limit is in force
    at once. In the profile live a looser one takes two operators, each of whom runs this with a
    key of their own within 15 minutes, and is in force as soon as no trade is open. The next
    start takes the configuration again, and is refused where that is looser than what was set.
    Exits with 1 if it is refused.

    \b
    Example:
      fillbridge limits set max_position_size 3
      fillbridge limits set max_position_size 6 --operator ann --key ann.pem
    """  # noqa: D301 (click reads the character \b: do not wrap)
    wanted = {"limit": limit, "value": _json_or_text(value)}
    approval: Approval | None = None
    if operator is not None or key is not None:
        found: dict[str, Any] = ask(where, "limits_change", **wanted)
        if not as_json:
            for line in found["said"]:
                click.echo(cleaned(line))
        # Imported here because it is slow to import, and most commands do not need it.
        from fillbridge.limits.record import PURPOSE

        approval = signed(PURPOSE, found["hash"], operator, key, passphrase_file)
    say(ask(where, "limits_set", approval=approval, **wanted), as_json=as_json)


def _json_or_text(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text


def _tell(proposed: Proposed, *, as_json: bool) -> None:
    found = proposed.changes()
    if as_json:
        document: dict[str, Any] = {
            "account": proposed.account,
            "sequence": proposed.sequence,
            "hash": proposed.hash,
            "needs_approval": proposed.needs_approval,
            "changes": [msgspec.to_builtins(one) for one in found],
        }
        print_json(document)
        return
    if proposed.old is None:
        click.echo(f"account {proposed.account}: no limits are recorded yet")
    for one in found:
        click.echo(str(one))
    if proposed.old == proposed.new:
        click.echo("nothing changes")
    elif proposed.needs_approval:
        click.echo(f"two operators must approve {proposed.hash[:12]}...")
    else:
        click.echo("this takes no approvals")


def _places(config: Path | None, account: str | None) -> tuple[Places, dict[str, Any]]:
    """The places of the account, and the limits of the configuration."""
    from fillbridge.journal.places import places
    from fillbridge.limits import limits_in_force

    plugins = load_trusted(config, is_trading=False)
    options = {} if account is None else {"live_settings.account": account}
    sections = plugins.settings_sections()
    settings = load_settings(config, sections, options=options).settings
    live = settings.live_settings
    return places(Path(live.journal), live.account), limits_in_force(settings, sections)


def _proposed(config: Path | None, account: str | None) -> tuple[Places, Proposed]:
    from fillbridge.limits import proposed_change

    where, content = _places(config, account)
    return where, proposed_change(where.account, _recorded(where), content)


def _recorded(where: Places) -> Note | None:
    from fillbridge.journal.reading import reading
    from fillbridge.limits.record import NOTE

    if not where.database.exists():
        return None
    with reading(where) as reader:
        return reader.last_note(NOTE)
