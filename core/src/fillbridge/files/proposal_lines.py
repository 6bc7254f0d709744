"""Trade proposals from lines of JSON."""

from pathlib import Path

import msgspec

from fillbridge.files.errors import BadFile
from fillbridge.files.proposals import ProposalFile, ProposalRow, RejectedProposal
from fillbridge.rules import rule_of
from fillbridge_hooks import InvalidValue, RiskProposal

_decoder = msgspec.json.Decoder(RiskProposal)


class _Named(msgspec.Struct):
    proposal_id: str = ""


def read_proposal_lines(path: str | Path) -> ProposalFile:
    """Read a file with a proposal in each line; one bad line never hides the others.

    The keys are the fields of ``RiskProposal``, with its defaults, and each line has a
    ``proposal_id`` of its own. Where ``decided_at_ns`` is absent it is decided when it is made.

    :raises BadFile: if the file cannot be read or has no line
    """
    path = Path(path)
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise BadFile(path, f"cannot be read: {error.strerror or error}") from None
    accepted: list[ProposalRow] = []
    rejected: list[RejectedProposal] = []
    line_of_id: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            accepted.append(_row(number, line, line_of_id))
        except (InvalidValue, msgspec.MsgspecError, UnicodeDecodeError) as error:
            reason = _reason(error, line)
            rejected.append(RejectedProposal(proposal_id=_id_of(line), row=number, reason=reason))
    if not accepted and not rejected:
        raise BadFile(path, "expected at least one line, was none")
    return ProposalFile(rows=accepted, rejected=rejected)


def _row(number: int, line: bytes, line_of_id: dict[str, int]) -> ProposalRow:
    proposal = _decoder.decode(line)
    proposal_id = proposal.proposal_id
    if not proposal_id:
        raise InvalidValue("proposal_id", "an id", proposal_id)
    first = line_of_id.setdefault(proposal_id, number)
    if first != number:
        raise InvalidValue("proposal_id", f"an id that line {first} does not have", proposal_id)
    return ProposalRow(time_ns=proposal.decided_at_ns or 0, row=number, proposal=proposal)


def _reason(error: Exception, line: bytes) -> str:
    """What is wrong with a line, by the field where it can be told."""
    if not isinstance(error, msgspec.ValidationError):
        return str(error)
    try:
        row = msgspec.json.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return str(error)  # it was given up before the rest, which is no JSON either
    if not isinstance(row, dict):
        return str(InvalidValue("line", "an object of JSON", row))
    fields = {field.name: field for field in msgspec.structs.fields(RiskProposal)}
    for name, value in row.items():
        if name not in fields:
            return f"{name}: unknown field; known are {', '.join(fields)}"
        try:
            msgspec.convert(value, fields[name].type)
        except msgspec.ValidationError as wrong:
            if isinstance(value, dict):
                return f"{name}: {wrong}"
            return str(InvalidValue(name, rule_of(fields[name].type), value))
    absent = next(
        (name for name, field in fields.items() if field.required and name not in row), ""
    )
    return f"{absent}: expected a value, was absent" if absent else str(error)


def _id_of(line: bytes) -> str:
    try:
        return msgspec.json.decode(line, type=_Named).proposal_id
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ""
