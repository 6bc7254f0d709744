"""One operator's word for one content, signed."""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from fillbridge.operators.keys import public_key
from fillbridge_hooks import FillbridgeError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

MAX_AGE_NS = 900_000_000_000
"""An approval is worth nothing after a quarter of an hour."""
_MAX_AHEAD_NS = 60_000_000_000
"""Clocks of two machines differ; by more than this nobody's should."""
_NONCE_BYTES = 16

_canonical = msgspec.msgpack.Encoder(order="deterministic")
_Text = Annotated[str, msgspec.Meta(max_length=200)]


class ApprovalRefused(FillbridgeError):
    """An approval does not count; the message says why."""


class Approval(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an operator put their key to."""

    purpose: _Text
    """What it is for: ``arm``, ``limits``, ``release`` ..."""
    content_hash: _Text
    """Of what is approved; see :func:`content_hash`."""
    operator: _Text
    time_ns: int
    """When it was signed, ns UTC; it counts for :data:`MAX_AGE_NS`."""
    nonce: _Text
    signature: _Text = ""
    """Ed25519 over all the rest, base64."""


def content_hash(content: Any) -> str:
    """SHA-256 of plain values, hexadecimal; the order of keys plays no part."""
    return hashlib.sha256(_canonical.encode(content)).hexdigest()


def sign(purpose: str, hashed: str, operator: str, key: Ed25519PrivateKey, now_ns: int) -> Approval:
    """The approval of ``operator``, who has ``key``, for the content of that hash."""
    approval = Approval(
        purpose=purpose,
        content_hash=hashed,
        operator=operator,
        time_ns=now_ns,
        nonce=secrets.token_hex(_NONCE_BYTES),
    )
    signature = base64.b64encode(key.sign(_signed(approval))).decode()
    return msgspec.structs.replace(approval, signature=signature)


def verify(
    approval: Approval, operators: Mapping[str, str], purpose: str, hashed: str, now_ns: int
) -> None:
    """Check that an approval is for this purpose and content, of an operator, and fresh.

    :param operators: public line of each, by name
    :raises ApprovalRefused: if it is not
    :raises InvalidValue: if the public line of the operator is none
    """
    from cryptography.exceptions import InvalidSignature

    name = approval.operator
    line = operators.get(name)
    if line is None:
        known = ", ".join(sorted(operators)) or "nobody"
        raise ApprovalRefused(f"approval: expected one of the operators {known}, was {name!r}")
    try:
        signature = base64.b64decode(approval.signature, validate=True)
        key = public_key(f"live_settings.operators.{name}", line)
        key.verify(signature, _signed(approval))
    except (InvalidSignature, binascii.Error):
        raise ApprovalRefused(f"approval: expected the signature of {name}, was another") from None
    if approval.purpose != purpose:
        raise ApprovalRefused(f"approval: expected one to {purpose}, was to {approval.purpose!r}")
    if approval.content_hash != hashed:
        rule = f"expected the content {hashed[:12]}..., was {approval.content_hash[:12]}..."
        raise ApprovalRefused(f"approval of {name}: {rule}: what it was given for has changed")
    age_ns = now_ns - approval.time_ns
    if not -_MAX_AHEAD_NS <= age_ns <= MAX_AGE_NS:
        rule = f"expected at most {MAX_AGE_NS // 60_000_000_000} minutes old"
        raise ApprovalRefused(f"approval of {name}: {rule}, was {age_ns / 1e9:.0f} s")


def _signed(approval: Approval) -> bytes:
    fields = msgspec.structs.asdict(approval)
    del fields["signature"]
    return _canonical.encode(fields)
