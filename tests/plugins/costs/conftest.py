"""Orders, fills and markets for cost models, and a host that takes what a plugin registers."""

from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any

import pytest

from fillbridge_hooks import (
    CommissionFunction,
    Fill,
    Instrument,
    Liquidity,
    MarketView,
    Order,
    OrderRole,
    OrderType,
    RiskCheck,
    Side,
    SlippageFunction,
)

ES = Instrument(symbol="ES", tick_size=0.25, point_value=50)


class Host:
    """What a plugin sees of the core while it registers itself."""

    def __init__(self) -> None:
        self.sections: dict[str, type] = {}
        self.slippage_models: dict[str, SlippageFunction] = {}
        self.commission_models: dict[str, CommissionFunction] = {}

    def settings(self, section: str, struct: type, *, aliases: Any = None) -> None:
        self.sections[section] = struct

    def slippage(self, name: str, function: SlippageFunction) -> None:
        self.slippage_models[name] = function

    def commission(self, name: str, function: CommissionFunction) -> None:
        self.commission_models[name] = function

    def risk_check(self, name: str, function: RiskCheck) -> None:
        raise AssertionError(f"a cost plugin registered the risk check {name}")


@pytest.fixture
def host() -> Host:
    return Host()


@pytest.fixture(scope="session")
def make_order() -> Callable[..., Order]:
    def make(quantity: int, side: Side = Side.BUY) -> Order:
        return Order(
            client_order_id="T1-entry",
            trade_id="T1",
            role=OrderRole.ENTRY,
            instrument=ES,
            side=side,
            quantity=quantity,
            order_type=OrderType.MARKET,
        )

    return make


@pytest.fixture(scope="session")
def make_market() -> Callable[[float | None], MarketView]:
    def make(last: float | None) -> MarketView:
        return MarketView("ES", None, None, None, last, None, None)

    return make


@pytest.fixture(scope="session")
def make_fills() -> Callable[[Sequence[int]], list[Fill]]:
    """The fills of one order that trades these quantities one after the other."""

    def make(quantities: Sequence[int]) -> list[Fill]:
        return [
            Fill(
                fill_id=f"F{number}",
                client_order_id="T1-entry",
                broker_order_id="B1",
                quantity=quantity,
                cumulative_quantity=cumulative,
                price=5000.0,
                reference_ticks=20000,
                slippage=0.0,
                slippage_model="",
                liquidity=Liquidity.TAKER,
                time_ns=number,
            )
            for number, (quantity, cumulative) in enumerate(
                zip(quantities, accumulate(quantities), strict=True)
            )
        ]

    return make


@pytest.fixture(scope="session")
def charge_cents(
    make_fills: Callable[[Sequence[int]], list[Fill]],
) -> Callable[[CommissionFunction, Sequence[int]], list[int]]:
    """What a model charges each fill of one order, in whole cents."""

    def charge(model: CommissionFunction, quantities: Sequence[int]) -> list[int]:
        amounts = [model(fill, ES) for fill in make_fills(quantities)]
        cents = [round(amount * 100) for amount in amounts]
        assert amounts == [whole / 100 for whole in cents], "a charge is not whole cents"
        return cents

    return charge
