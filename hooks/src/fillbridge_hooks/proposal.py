"""The trade proposal: what a strategy asks for, and what shows that it did."""

from typing import Annotated

import msgspec

from fillbridge_hooks.terms import OrderType, TimeInForce


class ArrivalPrice(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """The market when a trade was decided; prices in points, ``None`` where unknown."""

    bid: float | None = None
    ask: float | None = None
    last: float | None = None

    @property
    def price(self) -> float | None:
        """Mid of the quote, else the last price, else ``None``."""
        if self.bid is not None and self.ask is not None:
            return (self.bid + self.ask) / 2
        return self.last


class ProposalSignature(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What shows who made a proposal, and when; :mod:`fillbridge_hooks.signing` makes it.

    ``nonce`` is used once for each key; ``value`` is the HMAC-SHA256 over all the rest. In JSON
    both are base64.
    """

    key_id: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    signed_at_ns: Annotated[int, msgspec.Meta(ge=0, le=1 << 62)]
    """By the clock of whoever signed, ns UTC."""
    ttl_ns: Annotated[int, msgspec.Meta(ge=1, le=5_000_000_000)]
    """How long it may be taken after that."""
    nonce: Annotated[bytes, msgspec.Meta(min_length=16, max_length=16)]
    value: Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]


class RiskProposal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One trade to make: direction, size, protection, and the limits it must respect.

    Prices are points on the instrument's grid. The stop and the target are given either as
    prices or as distances in ticks from the entry fill (``stop_loss_ticks``,
    ``take_profit_ticks``), one form each. Nothing is checked here: the handler validates a
    proposal when it receives it and answers a bad one with ``EXECUTION_ERROR``.
    """

    position_size: int
    stop_loss_price: float | None = None
    take_profit_price: float | None = None
    direction: str
    urgency: str = "normal"
    max_slippage: float | None = 0.5
    """Points the entry may be worse than the arrival price; ``None`` for no limit.

    It binds at urgency ``normal`` without an ``entry_type``; ``high`` takes any price."""
    timeout_seconds: float | None = 300
    """Life of an entry that is not filled; ``None`` for no limit."""
    proposal_id: str | None = None
    symbol: str | None = None
    strategy: str | None = None
    decided_at_ns: int | None = None
    """When it was decided, ns UTC; the handler's clock where ``None``."""
    arrival: ArrivalPrice | None = None
    stop_loss_ticks: int | None = None
    take_profit_ticks: int | None = None
    trailing_stop: bool = False
    """The stop follows the market at its initial distance."""
    entry_type: OrderType | None = None
    """Overrides the order type that ``urgency`` implies."""
    entry_limit_price: float | None = None
    entry_trigger_price: float | None = None
    time_in_force: TimeInForce | None = None
    """Of the entry; GTC where ``None``. Stop and target are always GTC."""
    scale_in: bool = False
    """Whether it adds on purpose to what the strategy has just entered: it may then look like the
    proposal before it."""
    signature: ProposalSignature | None = None
    """Covers every other field."""
