"""Whether enough operators have approved something."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from fillbridge.operators.approvals import MAX_AGE_NS, Approval, ApprovalRefused, verify
from fillbridge.operators.keys import check_name, check_public_line
from fillbridge_hooks import FillbridgeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_REMEMBERED = 1_000
_WORDS = {1: "one operator", 2: "two operators"}
_HOW = "; an operator signs with --operator NAME --key FILE"


class NotApproved(FillbridgeError):
    """Too few operators have approved; the message says how many are needed."""


class Authority:
    """The operators of an account.

    :param operators: public line of each, by name; where there are none, whoever reaches the
        account's socket or starts the process counts as one
    :param is_sim: whether nothing but a simulation is at stake: then, without configured
        operators, one is enough for everything
    :raises InvalidValue: if a name or a public line is none
    """

    def __init__(self, operators: Mapping[str, str], *, is_sim: bool) -> None:
        for name, line in operators.items():
            check_public_line(f"live_settings.operators.{check_name(name)}", line)
        self.operators = dict(operators)
        self._is_sim = is_sim

    @property
    def is_signed(self) -> bool:
        """Whether an approval takes a key."""
        return bool(self.operators)

    def approvers(
        self,
        approvals: Iterable[Approval],
        purpose: str,
        hashed: str,
        needed: int,
        by: str,
        now_ns: int,
    ) -> tuple[str, ...]:
        """Who has approved, if that is enough.

        :param needed: how many different operators must have: one or two
        :param by: who asks, which counts where no operators are configured
        :raises NotApproved: if they are too few; invalid ones are named
        """
        if not self.operators:
            if needed == 1 or self._is_sim:
                return (by,)
            raise NotApproved(
                f"{purpose}: expected approvals of two configured operators (live_settings."
                "operators; see fillbridge operators new), none are configured"
            )
        valid: dict[str, None] = {}
        refused = []
        for approval in approvals:
            try:
                verify(approval, self.operators, purpose, hashed, now_ns)
                valid[approval.operator] = None
            except ApprovalRefused as error:
                refused.append(str(error))
        if len(valid) >= needed:
            return tuple(sorted(valid))
        has = ", ".join(sorted(valid)) or "nobody"
        because = "".join(f"; {reason}" for reason in refused) or _HOW
        raise NotApproved(
            f"{purpose}: expected approvals of {_WORDS[needed]}, approved by {has}{because}"
        )


class ApprovalBook:
    """Keeps approvals until there are enough of them; none is taken twice."""

    def __init__(self) -> None:
        self._kept: deque[Approval] = deque(maxlen=_REMEMBERED)
        self._nonces: deque[str] = deque(maxlen=_REMEMBERED)

    def add(self, approval: Approval, now_ns: int) -> None:
        """Take one that was verified.

        :raises ApprovalRefused: if its nonce was there before
        """
        if approval.nonce in self._nonces:
            raise ApprovalRefused(f"approval of {approval.operator}: it was used before")
        self._nonces.append(approval.nonce)
        self._kept.append(approval)
        while self._kept and now_ns - self._kept[0].time_ns > MAX_AGE_NS:
            self._kept.popleft()

    def of(self, purpose: str, hashed: str) -> tuple[Approval, ...]:
        """Those for this purpose and content."""
        return tuple(
            one for one in self._kept if one.purpose == purpose and one.content_hash == hashed
        )
