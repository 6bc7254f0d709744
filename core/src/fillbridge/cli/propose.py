"""``fillbridge propose``: trades for a running handler, from a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from fillbridge.cli.handler import (
    EXIT_CODES,
    Where,
    find_socket,
    found_settings,
    hinted,
    to_a_handler,
    who,
)
from fillbridge.cli.output import REDACTOR, cleaned, fail, failures, print_json
from fillbridge.config.schema import LiveSettings
from fillbridge.files import ROW_ENDINGS, BadFile, read_proposal_lines, read_proposals
from fillbridge_hooks import NotConnected

if TYPE_CHECKING:
    from collections.abc import Callable

    from fillbridge.files import ProposalRow, RejectedProposal
    from fillbridge_hooks import RiskProposal

_LINES = (".jsonl", ".ndjson")
_DONE = "done"
_MOST_LISTED = 10
_SECOND = 1_000_000_000


@click.command()
@click.option(
    "--file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    required=True,
    help="Proposals as fillbridge backtest reads them, or .jsonl: one JSON document per line.",
)
@click.option(
    "--sign",
    "key_id",
    metavar="KEY_ID",
    help="Sign each with this key of live_settings.proposal_keys.",
)
@click.option("--now", is_flag=True, help="Take each as decided now, whatever its time says.")
@to_a_handler
def propose(where: Where, file: Path, key_id: str | None, now: bool, as_json: bool) -> None:
    """Propose trades to a running handler.

    A proposal_id is traded once, however often it is proposed: a second time answers with the
    same answer. A row that was decided longer ago than its entry may live cannot be used; see
    --now. With --sign each is signed right before it is sent; the configuration says where the
    secret is. Prints what became of each. Exits with 1 if any was refused or held, with 2 and
    nothing sent if any row cannot be used, with 3 if no handler answers.

    \b
    Example:
      fillbridge propose --file ideas.csv --sign desk
    """  # noqa: D301 (click reads the character \b: do not wrap)
    # Imported here because it is slow to import, and most commands do not need it.
    import anyio

    with failures():
        rows = _read(file)
        path, settings = find_socket(where)
        live = LiveSettings() if settings is None else settings.live_settings
        sign = None if key_id is None else _signer(where, key_id)
        if now:
            proposals = [_decided_now(row.proposal) for row in rows]
        else:
            _refuse_late(file, rows, live.order_timeout)
            proposals = [row.proposal for row in rows]
        told: list[dict[str, Any]] = []

        def tell(answer: dict[str, Any]) -> None:
            told.append(answer)
            if not as_json:
                click.echo(cleaned(_line(answer)))

        try:
            anyio.run(_propose, path, proposals, sign, tell)
        except NotConnected as error:
            if as_json and told:
                print_json({"proposals": told})
            raise hinted(error, settings) from None
    if as_json:
        print_json({"proposals": told})
    _fail_for(told)


def _read(file: Path) -> list[ProposalRow]:
    """The rows of the file, all of which can be used.

    :raises BadFile: if one cannot
    """
    name = file.name.lower()
    if not name.endswith((*_LINES, *ROW_ENDINGS)):
        endings = ", ".join((*_LINES, *ROW_ENDINGS))
        raise BadFile(file, f"expected a name that ends in {endings}, was {file.name}")
    rows = read_proposal_lines(file) if name.endswith(_LINES) else read_proposals(file)
    if rows.rejected:
        count = len(rows.rejected) + len(rows.rows)
        listed = "; ".join(_rejected(one) for one in rows.rejected[:_MOST_LISTED])
        more = len(rows.rejected) - _MOST_LISTED
        said = f"{len(rows.rejected)} of {count} rows cannot be used, nothing was sent: {listed}"
        raise BadFile(file, f"{said}; and {more} more" if more > 0 else said)
    return rows.rows


def _refuse_late(file: Path, rows: list[ProposalRow], order_timeout_s: float) -> None:
    """Send nothing of a file with rows whose entries would be dead on arrival.

    The handler would refuse them, and for good, since each id is answered once.
    """
    from fillbridge.live.clock import SystemClock

    now_ns = SystemClock().now_ns
    late = []
    for row in rows:
        decided_ns, life_s = row.proposal.decided_at_ns, row.proposal.timeout_seconds
        if decided_ns is not None:
            age_s = (now_ns - decided_ns) / _SECOND
            if age_s > (order_timeout_s if life_s is None else life_s):
                late.append((row, age_s))
    if late:
        row, age_s = late[0]
        name = row.proposal.proposal_id
        said = (
            f"{len(late)} of {len(rows)} rows were decided longer ago than their entries live,"
            f" nothing was sent: row {row.row} ({name}) {age_s:,.0f} s ago; --now takes all as"
            " decided now"
        )
        raise BadFile(file, said)


def _rejected(one: RejectedProposal) -> str:
    name = f" ({one.proposal_id})" if one.proposal_id else ""
    return f"row {one.row}{name}: {one.reason}"


def _decided_now(proposal: RiskProposal) -> RiskProposal:
    """The proposal without a time; as it is where it has none, for it may be signed."""
    if proposal.decided_at_ns is None:
        return proposal
    return msgspec.structs.replace(proposal, decided_at_ns=None)


def _signer(where: Where, key_id: str) -> Callable[[RiskProposal], RiskProposal]:
    """What signs a proposal as being made now.

    :raises ConfigurationError: if the key is not configured, or its secret cannot be used
    """
    from fillbridge.handlers.intake_wiring import proposal_secret
    from fillbridge.handlers.live_wiring import live_secrets
    from fillbridge.live.clock import SystemClock
    from fillbridge_hooks.signing import sign_proposal

    settings, plugins = found_settings(where)
    secrets = live_secrets(settings, plugins, REDACTOR)
    secret = proposal_secret(settings, secrets, key_id, REDACTOR)
    clock = SystemClock()
    account = settings.live_settings.account

    def sign(proposal: RiskProposal) -> RiskProposal:
        return sign_proposal(
            proposal, key_id=key_id, secret=secret, account=account, now_ns=clock.now_ns
        )

    return sign


async def _propose(
    path: Path,
    proposals: list[RiskProposal],
    sign: Callable[[RiskProposal], RiskProposal] | None,
    tell: Callable[[dict[str, Any]], None],
) -> None:
    from fillbridge.management import Propose, connect

    by = who()
    async with connect(path) as client:
        for proposal in proposals:
            sent = proposal if sign is None else sign(proposal)
            answer = await client.ask(Propose(by=by, proposal=sent))
            done = answer.result or {}
            tell(
                {
                    "proposal_id": proposal.proposal_id,
                    "answer": answer.kind,
                    "trade_id": done.get("trade_id"),
                    "error": answer.error,
                }
            )


def _line(answer: dict[str, Any]) -> str:
    if answer["answer"] == _DONE:
        return f"{answer['proposal_id']}: trade {answer['trade_id']}"
    return f"{answer['proposal_id']}: {answer['answer']}: {answer['error']}"


def _fail_for(told: list[dict[str, Any]]) -> None:
    not_done = [one for one in told if one["answer"] != _DONE]
    if not_done:
        said = f"{len(not_done)} of {len(told)} proposals were not executed"
        fail(said, max(EXIT_CODES[one["answer"]] for one in not_done))
