"""What is asked of a running handler, and how it answers: one line of JSON each.

``{"request": "halt", "by": "ann (command line)", "reason": "news"}`` is answered with
``{"kind": "done", "result": ...}``, or with another kind and an ``error`` in words. Fields that
are not known are passed over, so that versions can mix; those of a proposal are not.
"""

from enum import StrEnum
from typing import Annotated, Any, get_args

import msgspec

from fillbridge.operators import Approval
from fillbridge_hooks import KillLevel, RiskProposal

MAX_REQUEST_BYTES = 1 << 20
"""Of the line of a request."""

_Text = Annotated[str, msgspec.Meta(max_length=500)]
_Count = Annotated[int, msgspec.Meta(ge=1, le=1000)]


class Asked(msgspec.Struct, frozen=True, kw_only=True, tag_field="request"):
    """What every request says."""

    by: _Text = "somebody"
    """Who asks, and from where."""


class ShowStatus(Asked, frozen=True, kw_only=True, tag="status"):
    """The gate, the connection, and how the journal was found."""


class ListPositions(Asked, frozen=True, kw_only=True, tag="positions"):
    """Every trade that holds a position, or whose entry may still fill."""


class ListOrders(Asked, frozen=True, kw_only=True, tag="orders"):
    """The orders that may still fill."""

    ended: bool = False
    """Whether to list those too that ended in the last minutes."""


class ListTrades(Asked, frozen=True, kw_only=True, tag="trades"):
    """The trades that closed last, the oldest first."""

    last: _Count = 1000


class ShowMetrics(Asked, frozen=True, kw_only=True, tag="metrics"):
    """Counters and latencies since the start."""


class Propose(Asked, frozen=True, kw_only=True, tag="propose"):
    """Make a trade; answered once its entry was handed to the broker."""

    proposal: RiskProposal


class ListHolds(Asked, frozen=True, kw_only=True, tag="holds"):
    """The proposals that wait for a person."""


class ApproveHold(Asked, frozen=True, kw_only=True, tag="approve"):
    """Let a held proposal be judged again, but for what held it, and be sent."""

    hold_id: _Text
    approval: Approval | None = None
    """Of whoever asks; ``None`` where no operators are configured."""


class RejectHold(Asked, frozen=True, kw_only=True, tag="reject"):
    """Refuse a held proposal, for good."""

    hold_id: _Text
    reason: _Text = "rejected on request"


class CloseAll(Asked, frozen=True, kw_only=True, tag="close_all"):
    """Withdraw entries and close positions; new entries may follow."""


class CancelAll(Asked, frozen=True, kw_only=True, tag="cancel_all"):
    """Withdraw entries; positions and what protects them stay."""


class Halt(Asked, frozen=True, kw_only=True, tag="halt"):
    """Let no entry out until somebody resumes, after a restart neither."""

    reason: _Text = "halted on request"


class Flatten(Asked, frozen=True, kw_only=True, tag="flatten"):
    """The emergency stop: halt, withdraw entries, close positions."""

    reason: _Text = "emergency stop"


class Kill(Asked, frozen=True, kw_only=True, tag="kill"):
    """Stop as far as ``level`` says, until it is armed again."""

    level: KillLevel
    reason: _Text = "stopped on request"


class Alive(Asked, frozen=True, kw_only=True, tag="alive"):
    """Somebody attends to the handler: the dead man's timer begins anew."""


class ShowArming(Asked, frozen=True, kw_only=True, tag="arming"):
    """How the kill switch stands, and what it takes to let entries out again."""


class Arm(Asked, frozen=True, kw_only=True, tag="arm"):
    """Let entries out again after a stop, once enough operators have approved."""

    approval: Approval | None = None
    """Of whoever asks; ``None`` where no operators are configured."""


class ShowLimitChange(Asked, frozen=True, kw_only=True, tag="limits_change"):
    """What setting a limit would change, and the hash that operators sign for it."""

    limit: _Text
    value: Any
    """Plain; null switches it off."""


class SetLimit(Asked, frozen=True, kw_only=True, tag="limits_set"):
    """Tighten a limit, or loosen it once two operators have approved."""

    limit: _Text
    value: Any
    approval: Approval | None = None


class Resume(Asked, frozen=True, kw_only=True, tag="resume"):
    """Lift what only a person may lift, and connect again after a forced logout.

    With a strategy: let that one go on after it was suspended, and nothing else.
    """

    strategy: str | None = None
    approval: Approval | None = None
    """Of whoever lets the strategy go on; ``None`` where no operators are configured."""


class ShowSuspended(Asked, frozen=True, kw_only=True, tag="suspended"):
    """The strategies that a watch has suspended, and what it takes to let each go on."""


Request = (
    ShowStatus
    | ListPositions
    | ListOrders
    | ListTrades
    | ShowMetrics
    | Propose
    | ListHolds
    | ApproveHold
    | RejectHold
    | CloseAll
    | CancelAll
    | Halt
    | Flatten
    | Kill
    | ShowLimitChange
    | SetLimit
    | Alive
    | ShowArming
    | Arm
    | Resume
    | ShowSuspended
)


def make_request(name: str, **fields: Any) -> Asked:
    """The request of that name, with these fields."""
    return _by_name[name](**fields)


class AnswerKind(StrEnum):
    """What became of a request."""

    DONE = "done"
    REFUSED = "refused"  # it was understood, and is not done
    HELD = "held"  # it waits for a person
    INVALID = "invalid"  # it breaks a rule: correct it
    FAILED = "failed"  # it may not have been done, or only in part


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to a request."""

    kind: AnswerKind
    result: Any = None
    error: str = ""
    """One sentence, where it is not done."""


class RequestError(Exception):
    """A line that is no request; the message says what was expected."""


_by_name: dict[str, type[Asked]] = {
    str(kind.__struct_config__.tag): kind for kind in get_args(Request)
}
_requests: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Request)
_answers = msgspec.json.Decoder(Answer)
_encoder = msgspec.json.Encoder()


def encode_line(message: Asked | Answer) -> bytes:
    """The line that stands for a message."""
    return _encoder.encode(message) + b"\n"


def decode_request(line: bytes) -> Any:
    """The request that a line stands for.

    :raises RequestError: if it stands for none
    """
    try:
        return _requests.decode(line)
    except msgspec.ValidationError as error:
        raise RequestError(f"request: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise RequestError("request: expected one line of JSON, was something else") from None


def decode_answer(line: bytes) -> Answer:
    """The answer that a line stands for.

    :raises msgspec.MsgspecError: if it stands for none
    """
    return _answers.decode(line)
