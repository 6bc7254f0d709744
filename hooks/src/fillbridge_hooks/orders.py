"""Orders, their approval, and their fills.

``Order``, ``Fill`` and ``ApprovedOrder`` are made for every order of a simulation of millions, so
they can be built by position; name the fields everywhere else.
"""

import msgspec

from fillbridge_hooks.errors import PermitSpent
from fillbridge_hooks.instrument import Instrument
from fillbridge_hooks.proposal import ArrivalPrice
from fillbridge_hooks.terms import Liquidity, OrderRole, OrderType, Side, TimeInForce, Urgency


class Order(msgspec.Struct, frozen=True, gc=False):
    """What is asked of a broker. Final: to change an order, make another or replace it."""

    client_order_id: str
    trade_id: str
    role: OrderRole
    instrument: Instrument
    side: Side
    quantity: int
    order_type: OrderType
    limit_ticks: int | None = None
    trigger_ticks: int | None = None
    trail_ticks: int | None = None
    """Distance that a trailing stop keeps from the best price."""
    time_in_force: TimeInForce = TimeInForce.GTC
    broker: str = ""
    arrival: ArrivalPrice | None = None
    urgency: Urgency = Urgency.NORMAL
    distance_ticks: int | None = None
    """Of a leg in :class:`ApprovedOrder` whose price counts from the fill: so far away from it."""


class Permit:
    """The right to submit one order once."""

    __slots__ = ("_spent",)

    def __init__(self) -> None:
        self._spent = False

    @property
    def is_spent(self) -> bool:
        """Whether the submission has happened."""
        return self._spent

    def spend(self) -> None:
        """Use the permit.

        :raises PermitSpent: if it was used before
        """
        if self._spent:
            raise PermitSpent("expected an unspent permit, was already used for a submission")
        self._spent = True


class ApprovedOrder(msgspec.Struct, frozen=True, gc=False):
    """An order that passed every check; the only thing a session can submit.

    Only the risk step of the core makes one. The type guards against mistakes, not against
    hostile code in the same process.
    """

    order: Order
    permit: Permit
    legs: tuple[Order, ...] = ()
    """Stop and target of this entry, for a driver that declares ``bracket``; empty for others.

    They rest at the broker as soon as the entry fills, always for exactly what it has filled and
    not yet exited, one reducing or cancelling the other. Their own quantities do not count. An
    entry that ends unfilled leaves no leg. A leg has its price, or ``distance_ticks`` from the
    price of the fill for a driver that declares ``bracket_distances``.
    """


class OtherOutcome(msgspec.Struct, frozen=True, gc=False):
    """The exit on the other path through this bar, or through the bar that the entry filled in."""

    role: OrderRole
    price: float
    reference_ticks: float
    slippage: float


class Fill(msgspec.Struct, frozen=True, gc=False):
    """A quantity that traded. Final; it may arrive more than once, with one ``fill_id``.

    ``price = reference price + adverse slippage``; ``reference_ticks`` is whole, or half where the
    reference is a mid. ``slippage`` is points, adverse >= 0 in a simulation and of either sign
    live, and is exactly ``price`` minus the reference price in the order's adverse direction.
    """

    fill_id: str
    client_order_id: str
    broker_order_id: str
    quantity: int
    cumulative_quantity: int
    """Filled of this order so far, this fill included."""
    price: float
    reference_ticks: float
    slippage: float
    slippage_model: str
    liquidity: Liquidity
    time_ns: int
    step: str = ""
    """Simulation: ``open``, ``high``, ``low``, ``close``, ``trade`` or ``quote``."""
    sequence: int = -1
    """Simulation on ticks: the trade that filled it, by its sequence number."""
    other: OtherOutcome | None = None
    """Simulation on bars: set where the bar's path decided between stop and target."""
