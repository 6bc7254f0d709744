"""Who proposes: a proposal is looked at before anything is made of it, wherever it comes from."""

import secrets
from collections.abc import Mapping
from enum import StrEnum
from typing import NoReturn

import msgspec

from fillbridge.engine.proposal_events import NonceUsed
from fillbridge.engine.proposed import nonce_key
from fillbridge.live.account import Account
from fillbridge.live.security import SecurityEvents
from fillbridge_hooks import (
    InvalidValue,
    OrderRefused,
    ProposalSignature,
    Refuse,
    RiskProposal,
    Secret,
)
from fillbridge_hooks.signing import is_genuine, normalised

_SECOND = 1_000_000_000
LARGEST_SKEW_NS = 500_000_000
"""The clock of whoever signs may differ by so much."""
# Of nobody: a key that is not known must not be told by an answer that comes sooner.
_NO_SECRET = Secret(secrets.token_hex(32))


class Source(StrEnum):
    """Where a proposal comes from."""

    PROCESS = "this process"
    BUS = "the event bus"
    SOCKET = "the socket"


class KnownKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key of proposals, and who may sign with it."""

    secret: Secret
    strategies: frozenset[str]


class IntakeRules(msgspec.Struct, frozen=True, kw_only=True):
    """Which proposals are taken; by default any that has no signature."""

    account: str = ""
    keys: Mapping[str, KnownKey] = {}
    unsigned_from: frozenset[Source] = frozenset(Source)
    """From where a proposal may come without a signature."""


class Intake:
    """Refuses proposals that are not what they say.

    What is wrong is said only of a proposal that was signed with a known key: a forger learns no
    more than that it failed. Nothing of what is refused here is remembered for its
    ``proposal_id``, or a forger could have the genuine one refused.
    """

    def __init__(self, account: Account, rules: IntakeRules) -> None:
        self._account = account
        self._rules = rules
        self._events = SecurityEvents(account)

    def check(self, proposal: RiskProposal, source: Source, by: str = "") -> RiskProposal:
        """The proposal as it was signed: that one is to be traded, and no other.

        Whether it was used before is not looked at: see :meth:`use`.

        :raises OrderRefused: if it is not genuine, in time, and of a strategy of its key
        """
        signature = proposal.signature
        if signature is None:
            if source in self._rules.unsigned_from:
                return proposal
            limit = "one by a key that this account knows"
            self._refuse("an unsigned proposal", proposal, source, by, limit=limit, value="none")
        genuine = self._genuine(proposal)
        if genuine is None or genuine.signature is None:
            self._refuse("a proposal that is not genuine", proposal, source, by)
        signature, now_ns = genuine.signature, self._account.now_ns
        behind_ns = now_ns - signature.signed_at_ns
        if behind_ns > signature.ttl_ns + LARGEST_SKEW_NS:
            limit = f"signed at most {signature.ttl_ns / _SECOND} s ago"
            value = f"{behind_ns / _SECOND:.3f} s ago"
            self._refuse("a stale proposal", genuine, source, by, limit=limit, value=value)
        if -behind_ns > LARGEST_SKEW_NS:
            limit = f"signed at most {LARGEST_SKEW_NS / _SECOND} s ahead of the clock here"
            value = f"{-behind_ns / _SECOND:.3f} s"
            self._refuse("a proposal of the future", genuine, source, by, limit=limit, value=value)
        if genuine.strategy not in self._rules.keys[signature.key_id].strategies:
            limit = "one of a strategy that its key may sign for"
            value = repr(genuine.strategy)
            self._refuse("a strategy of another key", genuine, source, by, limit=limit, value=value)
        return genuine

    def use(self, proposal: RiskProposal, source: Source, by: str = "") -> None:
        """Record that a checked proposal came: it does not come again.

        :raises OrderRefused: if its nonce was used before
        """
        signature = proposal.signature
        if signature is None:
            return
        state = self._account.state
        used = nonce_key(signature.key_id, signature.nonce) in state.nonces
        if used or signature.signed_at_ns <= state.nonces_from_ns:
            limit, value = "one that was not used before", "used"
            self._refuse("a replayed proposal", proposal, source, by, limit=limit, value=value)
        self._account.shell.step(_nonce_used(signature, self._account.now_ns))

    def look(self) -> None:
        """Tell of what has not been told."""
        self._events.look()

    def _genuine(self, proposal: RiskProposal) -> RiskProposal | None:
        """The proposal that was signed; ``None`` where none was, by a key that is known."""
        try:
            found = normalised(proposal)
            signature = found.signature
            known = None if signature is None else self._rules.keys.get(signature.key_id)
            secret = _NO_SECRET if known is None else known.secret
            genuine = is_genuine(found, secret=secret, account=self._rules.account)
        except InvalidValue:
            return None
        return found if genuine and known is not None else None

    def _refuse(
        self,
        what: str,
        proposal: RiskProposal,
        source: Source,
        by: str,
        *,
        limit: str = "a genuine one",
        value: str = "not",
    ) -> NoReturn:
        signature = proposal.signature
        key_id = getattr(signature, "key_id", None)
        self._events.tell(
            what,
            source=source.value,
            by=by or None,
            key=key_id if isinstance(key_id, str) and key_id in self._rules.keys else None,
            strategy=_text(proposal.strategy),
            proposal_id=_text(proposal.proposal_id),
        )
        raise OrderRefused([Refuse(check="signature", limit=limit, value=value)])


def _nonce_used(signature: ProposalSignature, now_ns: int) -> NonceUsed:
    return NonceUsed(signature.key_id, signature.nonce, signature.signed_at_ns, now_ns)


def _text(value: object) -> str | None:
    """What came from outside, where it is text at all."""
    return value if isinstance(value, str) else None
