"""What is demanded of a cost model."""

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, product

import msgspec

from fillbridge_hooks.instrument import Instrument
from fillbridge_hooks.market import MarketView
from fillbridge_hooks.orders import Fill, Order
from fillbridge_hooks.registration import CommissionFunction
from fillbridge_hooks.simulation import SlippageFunction
from fillbridge_hooks.terms import Liquidity, OrderRole, OrderType, Side
from fillbridge_hooks.testing.defaults import ES
from fillbridge_hooks.testing.model_calls import expect_pure, expect_untouched, taking
from fillbridge_hooks.testing.requirements import Requirements, demand

_QUANTITIES = (1, 2, 3, 10, 1_000, 1_000_000)
_PRICES = (5000.25, 0.25, -37.5)
_PARTS = ((1, 1, 1), (2, 5), (1, 9, 990), (4,))
_CENT_FRACTION = 1e-6
_TINY = Instrument(symbol="TINY", tick_size=0.0000005, point_value=125_000.0)


class CostPromises(msgspec.Struct, frozen=True, kw_only=True):
    """What a cost model promises beyond what all must keep to."""

    grows_with_quantity: bool = False
    """Slippage per contract never falls when an order gets larger."""
    pays_rebates: bool = False
    """Commission may be below zero."""


class CostModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model under examination; either half may be absent."""

    slippage: SlippageFunction | None
    commission: CommissionFunction | None
    promises: CostPromises

    @property
    def grows_with_quantity(self) -> bool:
        """Whether slippage is there and promises it."""
        return self.slippage is not None and self.promises.grows_with_quantity


_TABLE: Requirements[Callable[[CostModel], None]] = Requirements("CM")


@_TABLE.add(10, "slippage", "slippage")
def slippage_is_a_number_that_is_not_negative(model: CostModel) -> None:
    """Slippage is a finite number >= 0, whatever the order, its side and the price.

    If this fails, answer points that are worse for the order on either side: the core adds them
    for a buy and takes them off for a sell. Prices can be below zero.
    """
    slippage = _slippage(model)
    for order, market in _orders():
        answer = slippage(order, market)
        demand(
            _is_number(answer) and answer >= 0,
            f"slippage: expected a finite number >= 0, was {answer!r}, for {order.quantity}"
            f" {order.side} at {market.last}",
        )


@_TABLE.add(20, "slippage", "slippage")
def slippage_is_the_same_when_asked_again(model: CostModel) -> None:
    """The same order in the same market slips by the same, whatever was asked in between.

    If this fails, take clocks, random numbers and whatever is remembered out of the function.
    """
    expect_pure("slippage", _slippage(model), _orders())


@_TABLE.add(30, "slippage", "slippage")
def slippage_leaves_its_arguments_alone(model: CostModel) -> None:
    """Order and market are not changed.

    If this fails, work on a copy: ``msgspec.structs.replace``.
    """
    expect_untouched("slippage", _slippage(model), _orders())


@_TABLE.add(40, "slippage", "slippage")
def slippage_of_an_unknown_market_is_no_guess(model: CostModel) -> None:
    """Where nothing is known of the market, the model answers a number or says what it needs.

    If this fails, test for ``None`` and raise an error that names the missing value.
    """
    order, _ = next(_orders())
    unknown = MarketView(ES.symbol, None, None, None, None, None, None)
    try:
        answer = _slippage(model)(order, unknown)
    except Exception as error:  # noqa: BLE001  # any error will do that says something
        says = str(error) and not isinstance(error, TypeError | AttributeError)
        demand(says, f"slippage: expected an error that names what is missing, was {error!r}")
        return
    demand(_is_number(answer), f"slippage: expected a finite number, was {answer!r}")


@_TABLE.add(50, "slippage", "grows_with_quantity")
def slippage_does_not_fall_with_quantity(model: CostModel) -> None:
    """A larger order slips by at least as much per contract: the model promises it.

    If this fails, mend the model or take the promise back.
    """
    slippage = _slippage(model)
    for side, price in product(Side, _PRICES):
        points = [slippage(_order(quantity, side), _market(price)) for quantity in _QUANTITIES]
        demand(points == sorted(points), f"slippage: expected it not to fall, was {points}")


@_TABLE.add(110, "commission", "commission")
def commission_is_a_number(model: CostModel) -> None:
    """Commission is a finite number, and >= 0 unless the model promises rebates.

    If this fails, answer account currency; where the broker pays, promise ``pays_rebates``.
    """
    commission = _commission(model)
    for fill, instrument in _fills():
        answer = commission(fill, instrument)
        demand(
            _is_number(answer) and (answer >= 0 or model.promises.pays_rebates),
            f"commission: expected a finite number >= 0, was {answer!r}, for {fill.quantity} of"
            f" {fill.cumulative_quantity}",
        )


@_TABLE.add(120, "commission", "commission")
def commission_is_the_same_when_asked_again(model: CostModel) -> None:
    """The same fill costs the same, whatever was asked in between.

    If this fails, remember no orders: ``fill.cumulative_quantity`` says what came before.
    """
    expect_pure("commission", _commission(model), _fills())


@_TABLE.add(130, "commission", "commission")
def commission_leaves_its_arguments_alone(model: CostModel) -> None:
    """Fill and instrument are not changed.

    If this fails, work on a copy: ``msgspec.structs.replace``.
    """
    expect_untouched("commission", _commission(model), _fills())


@_TABLE.add(140, "commission", "commission")
def parts_cost_as_much_as_the_whole(model: CostModel) -> None:
    """The fills of an order together cost what one fill of their sum would, minimum and all.

    If this fails, charge a fill what it adds: the cost of ``cumulative_quantity`` less that of
    ``cumulative_quantity - quantity``; round that, not each fill.
    """
    commission = _commission(model)
    for parts in _PARTS:
        in_parts = sum(commission(fill, ES) for fill in _fills_of(parts))
        (whole,) = [commission(fill, ES) for fill in _fills_of((sum(parts),))]
        demand(
            abs(in_parts - whole) <= _CENT_FRACTION,
            f"commission of {parts}: expected {whole} as for the whole, was {in_parts}",
        )


COST_REQUIREMENTS = tuple(_TABLE)
"""Everything that is demanded of a cost model, in the order of the ids."""


def _slippage(model: CostModel) -> SlippageFunction:
    assert model.slippage is not None  # noqa: S101  # the table asked for it
    return taking(model.slippage, "order", "market")


def _commission(model: CostModel) -> CommissionFunction:
    assert model.commission is not None  # noqa: S101  # the table asked for it
    return taking(model.commission, "fill", "instrument")


def _is_number(answer: object) -> bool:
    return (
        isinstance(answer, int | float) and not isinstance(answer, bool) and math.isfinite(answer)
    )


def _order(quantity: int, side: Side, role: OrderRole = OrderRole.ENTRY) -> Order:
    return Order("T1_ENTRY", "T1", role, ES, side, quantity, OrderType.MARKET)


def _market(price: float) -> MarketView:
    return MarketView(ES.symbol, None, price - 0.25, price + 0.25, price, 100.0, 1)


def _orders() -> Iterator[tuple[Order, MarketView]]:
    for price, quantity, side, role in product(_PRICES, _QUANTITIES, Side, OrderRole):
        yield _order(quantity, side, role), _market(price)


def _fills() -> Iterator[tuple[Fill, Instrument]]:
    for instrument, quantity in product((ES, _TINY), _QUANTITIES):
        yield from ((fill, instrument) for fill in _fills_of((quantity, 1, quantity)))


def _fills_of(parts: Sequence[int]) -> Iterator[Fill]:
    for number, (part, total) in enumerate(zip(parts, accumulate(parts), strict=True)):
        yield Fill(
            fill_id=f"F{number}",
            client_order_id="T1_ENTRY",
            broker_order_id="B1",
            quantity=part,
            cumulative_quantity=total,
            price=5000.25,
            reference_ticks=20_001,
            slippage=0.0,
            slippage_model="",
            liquidity=Liquidity.TAKER,
            time_ns=number,
        )
