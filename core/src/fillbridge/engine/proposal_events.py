"""What happens to a proposal before it is a trade: events of the engine, like the others."""

import msgspec

from fillbridge_hooks import Instrument, RiskProposal


class NonceUsed(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A signed proposal was found genuine: nothing else may come under this nonce."""

    key_id: str
    nonce: bytes
    signed_at_ns: int
    time_ns: int


class TradeHeld(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A proposal waits for a person: nothing was sent."""

    hold_id: str
    proposal: RiskProposal
    """With the time of its decision and the arrival price that it is judged by."""
    instrument: Instrument
    checks: tuple[str, ...]
    """That held it."""
    reasons: tuple[str, ...]
    expires_ns: int
    time_ns: int


class HoldEnded(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A proposal waits no longer; what became of it is an event of its own."""

    hold_id: str
    outcome: str
    """``approved``, ``rejected`` or ``expired``."""
    by: str
    reason: str
    time_ns: int
