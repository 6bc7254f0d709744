"""Commission and fees by contract and side: ``per_contract``. A plugin module."""

from fractions import Fraction
from functools import lru_cache

import msgspec

from fillbridge_costs._amount import Amount
from fillbridge_hooks import (
    CommissionFunction,
    Fill,
    Instrument,
    RegisterModels,
    RegisterSettings,
    hookimpl,
)

_REMEMBERED_QUANTITIES = 4096


class CommissionSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The section ``backtest_settings.commission``; account currency."""

    type: str = "per_contract"
    """Name of the model to use, of this plugin or of another."""
    per_contract: Amount = 2.50
    """The broker's commission, per contract and side."""
    exchange_fees: Amount = 1.28
    """Per contract and side."""
    nfa_fees: Amount = 0.02
    """Per contract and side."""
    per_order: Amount = 0.0
    """Charged once, with the first fill of an order."""
    minimum_per_order: Amount = 0.0
    """The least that an order costs once any of it has filled."""


def per_contract(settings: CommissionSettings) -> CommissionFunction:
    """Rates per contract and side, a fee and a minimum per order.

    What an order of which ``n`` contracts have filled has cost so far is ``max(minimum_per_order,
    per_order + n * (per_contract + exchange_fees + nfa_fees))``, rounded to the cent, half a cent
    to the even one. A fill is charged what it adds to that, so the partial fills of an order cost
    exactly as much as one fill of their sum, in whatever order they arrive. Rates are taken as
    the decimal numbers they print as: 2.505 is 2.505.
    """
    rate = sum(
        map(_cents, (settings.per_contract, settings.exchange_fees, settings.nfa_fees)),
        start=Fraction(),
    )
    once = _cents(settings.per_order)
    minimum = _cents(settings.minimum_per_order)

    # Exact arithmetic takes microseconds, and orders of a run share a few quantities.
    @lru_cache(_REMEMBERED_QUANTITIES)
    def cents_so_far(filled: int) -> int:
        return round(max(minimum, once + rate * filled)) if filled else 0

    def commission(fill: Fill, instrument: Instrument) -> float:
        filled = fill.cumulative_quantity
        return (cents_so_far(filled) - cents_so_far(filled - fill.quantity)) / 100

    return commission


def _cents(amount: float) -> Fraction:
    return Fraction(repr(amount)) * 100


@hookimpl
def fillbridge_register_settings(register: RegisterSettings) -> None:
    """Claim ``backtest_settings.commission``."""
    register("backtest_settings.commission", CommissionSettings)


@hookimpl
def fillbridge_configure(settings: CommissionSettings, register: RegisterModels) -> None:
    """Offer ``per_contract``."""
    register.commission("per_contract", per_contract(settings))
