"""Who may approve what, by keys of their own."""

from fillbridge.operators.approvals import (
    MAX_AGE_NS,
    Approval,
    ApprovalRefused,
    content_hash,
    sign,
    verify,
)
from fillbridge.operators.authority import ApprovalBook, Authority, NotApproved
from fillbridge.operators.keys import make_key_file, public_line, read_key_file

__all__ = (
    "Approval",
    "ApprovalBook",
    "ApprovalRefused",
    "Authority",
    "MAX_AGE_NS",
    "NotApproved",
    "content_hash",
    "make_key_file",
    "public_line",
    "read_key_file",
    "sign",
    "verify",
)
