"""Signed proposals: how a strategy shows that a proposal is its own, and how that is checked.

The signature is the HMAC-SHA256, under a secret that both sides hold, over the canonical form of
the proposal: msgpack of a map with the keys ``account``, ``key_id``, ``nonce``, ``proposal``,
``signed_at_ns``, ``ttl_ns`` and ``v``, where ``proposal`` is a map of every field of
``RiskProposal`` but the signature. Keys are sorted, absent values are nil, whole numbers take the
shortest form, fractions 64 bits. Two proposals have the same form only if they are equal.
"""

import hashlib
import hmac
import math
import secrets
from typing import Any

import msgspec

from fillbridge_hooks.errors import InvalidValue
from fillbridge_hooks.proposal import ProposalSignature, RiskProposal
from fillbridge_hooks.secret import Secret

VERSION = 1
"""Of the canonical form."""
LONGEST_LIFE_NS = 5_000_000_000
"""A signed proposal is taken for at most so long."""
SHORTEST_SECRET = 32
"""Bytes that a secret has at least."""

_NONCE_BYTES = 16
_VALUE_BYTES = 32
_NO_VALUE = bytes(_VALUE_BYTES)

_encoder = msgspec.msgpack.Encoder(order="sorted")


def sign_proposal(
    proposal: RiskProposal,
    *,
    key_id: str,
    secret: Secret,
    account: str,
    now_ns: int,
    ttl_ns: int = LONGEST_LIFE_NS,
) -> RiskProposal:
    """The proposal with a signature; one that it had is replaced.

    Sign right before it is sent: it is taken for ``ttl_ns`` from ``now_ns`` on, and once.

    :param key_id: what the handler knows the secret by
    :param account: the account it is meant for; the handler of another one refuses it
    :param now_ns: the time now, ns UTC
    :param ttl_ns: at most five seconds
    :raises InvalidValue: if the secret is too short, or a field is not of its type
    """
    check_secret(secret)
    signature = ProposalSignature(
        key_id=key_id,
        signed_at_ns=now_ns,
        ttl_ns=ttl_ns,
        nonce=secrets.token_bytes(_NONCE_BYTES),
        value=_NO_VALUE,
    )
    unsigned = normalised(msgspec.structs.replace(proposal, signature=signature))
    signature = _of(unsigned)
    value = _hmac(secret, canonical_form(unsigned, account))
    return msgspec.structs.replace(
        unsigned, signature=msgspec.structs.replace(signature, value=value)
    )


def is_genuine(proposal: RiskProposal, *, secret: Secret, account: str) -> bool:
    """Whether the signature is that of the secret over this proposal, in constant time.

    It says nothing about time, or whether it was used before.

    :param proposal: as :func:`normalised` answers
    :raises InvalidValue: if it has no signature
    """
    expected = _hmac(secret, canonical_form(proposal, account))
    return hmac.compare_digest(expected, _of(proposal).value)


def canonical_form(proposal: RiskProposal, account: str) -> bytes:
    """What is signed: bytes that no other proposal has.

    :param proposal: as :func:`normalised` answers
    :raises InvalidValue: if it has no signature, or holds what msgpack cannot
    """
    signature = _of(proposal)
    fields = msgspec.to_builtins(proposal)
    del fields["signature"]
    try:
        return _encoder.encode(
            {
                "v": VERSION,
                "account": account,
                "key_id": signature.key_id,
                "signed_at_ns": signature.signed_at_ns,
                "ttl_ns": signature.ttl_ns,
                "nonce": signature.nonce,
                "proposal": fields,
            }
        )
    except (ValueError, OverflowError) as error:
        raise InvalidValue("proposal", f"text and numbers that can be sent ({error})", "") from None


def normalised(proposal: RiskProposal) -> RiskProposal:
    """The proposal as it is after it was sent: each value of the type that its field declares.

    What is signed, checked and traded is this one, so that 5000 and 5000.0 are no difference.

    :raises InvalidValue: if a value is not of its type, or no finite number
    """
    try:
        return msgspec.convert(_plain(msgspec.to_builtins(proposal)), RiskProposal)
    except InvalidValue:
        raise
    except msgspec.ValidationError as error:
        raise InvalidValue("proposal", f"fields of their types ({error})", "") from None
    except (TypeError, ValueError, RecursionError, OverflowError) as error:
        kind = type(error).__name__
        raise InvalidValue("proposal", f"plain values ({kind})", "") from None


def check_secret(secret: Secret) -> None:
    """Check that a secret is long enough to sign with.

    :raises InvalidValue: if it is not; it does not show it
    """
    size = len(secret.reveal().encode())
    if size < SHORTEST_SECRET:
        raise InvalidValue("secret", f"at least {SHORTEST_SECRET} bytes", f"{size} bytes")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, float):
        if not math.isfinite(value):
            raise InvalidValue("proposal", "finite numbers", value)
        return value + 0.0  # of the two zeros, which are equal, the positive one
    return value


def _of(proposal: RiskProposal) -> ProposalSignature:
    if proposal.signature is None:
        raise InvalidValue("signature", "one", None)
    return proposal.signature


def _hmac(secret: Secret, content: bytes) -> bytes:
    return hmac.digest(secret.reveal().encode(), content, hashlib.sha256)
