"""Each broken cost model and risk check fails the requirement that is there to catch it."""

from decimal import Decimal
from itertools import count
from typing import cast

import msgspec
import pytest

from fillbridge_hooks import Hold, InvalidValue, Refuse
from fillbridge_hooks.testing import (
    COST_REQUIREMENTS,
    RISK_REQUIREMENTS,
    CostPromises,
    NotApplicable,
    RiskCase,
)
from fillbridge_hooks.testing.costs import CostModel
from fillbridge_hooks.testing.risks import JudgedCheck, extreme_cases

REFUSAL = Refuse(check="size", limit="<= 5", value="6")


def counting(answer):
    calls = count()
    return lambda *arguments: answer(next(calls))


def shrink(thing, field, value):
    """What a frozen message is meant to prevent, and does not."""
    msgspec.structs.force_setattr(thing, field, value)


def needs_last(order, market):
    return 0.25 if market.last is None else abs(market.last) * 1e-5


def no_last(order, market):
    if market.last is None:
        raise InvalidValue("market.last", "a known price", None)
    return 0.25


def minimum_per_fill(fill, instrument):
    return max(5.0, 2.0 * fill.quantity)


def by_what_filled(fill, instrument):
    def so_far(filled):
        return max(5.0, 2.0 * filled) if filled else 0.0

    return so_far(fill.cumulative_quantity) - so_far(fill.cumulative_quantity - fill.quantity)


SLIPPAGE = {
    "negative": (lambda order, market: -0.25, "CM-010"),
    "signed by side": (lambda order, market: 0.25 * order.side.sign, "CM-010"),
    "negative below zero": (lambda order, market: (market.last or 0) * 1e-4, "CM-010"),
    "infinite": (lambda order, market: float("inf"), "CM-010"),
    "nothing": (lambda order, market: None, "CM-010"),
    "a Decimal": (lambda order, market: Decimal("0.25"), "CM-010"),
    "counts its calls": (counting(lambda calls: 0.25 + calls), "CM-020"),
    "changes the order": (lambda order, market: shrink(order, "quantity", 7) or 0.25, "CM-030"),
    "stumbles over None": (lambda order, market: abs(market.last), "CM-040"),
    "falls with quantity": (lambda order, market: 1 / order.quantity, "CM-050"),
}
COMMISSION = {
    "negative": (lambda fill, instrument: -1.0, "CM-110"),
    "not a number": (lambda fill, instrument: float("nan"), "CM-110"),
    "counts its calls": (counting(float), "CM-120"),
    "changes the fill": (lambda fill, instrument: shrink(fill, "quantity", 7) or 1.0, "CM-130"),
    "a minimum for each fill": (minimum_per_fill, "CM-140"),
}
CHECKS = {
    "a truth value": (lambda *arguments: True, "RC-010"),
    "raises on a large order": (lambda order, *rest: 1 // (10**9 - order.quantity), "RC-020"),
    "stumbles over None": (lambda order, exposure, market, context: market.last > 0, "RC-020"),
    "names no limit": (lambda *arguments: Refuse(check="size", limit="", value="6"), "RC-030"),
    "a value that is no text": (
        lambda *_: Refuse(check="size", limit="5", value=cast("str", 6)),
        "RC-030",
    ),
    "held without a reason": (lambda *arguments: Hold(check="size", reason=""), "RC-030"),
    "never objects": (lambda *arguments: None, "RC-040"),
    "counts its calls": (counting(lambda calls: None if calls % 7 else REFUSAL), "RC-050"),
    "changes the order": (lambda order, *rest: shrink(order, "quantity", 7), "RC-060"),
}


def failed(requirements, examined):
    found = {}
    for requirement in requirements:
        try:
            requirement.check_applies(examined)
            requirement.function(examined)
        except NotApplicable:
            continue
        except Exception as error:  # noqa: BLE001  # whatever it is, it is caught
            found[requirement.id] = str(error)
    return found


def model(slippage=None, commission=None, **promises):
    return CostModel(slippage=slippage, commission=commission, promises=CostPromises(**promises))


@pytest.mark.parametrize(("slippage", "caught_by"), SLIPPAGE.values(), ids=SLIPPAGE)
def test_broken_slippage_is_caught(slippage, caught_by):
    assert caught_by in failed(COST_REQUIREMENTS, model(slippage, grows_with_quantity=True))


@pytest.mark.parametrize(("commission", "caught_by"), COMMISSION.values(), ids=COMMISSION)
def test_broken_commission_is_caught(commission, caught_by):
    assert caught_by in failed(COST_REQUIREMENTS, model(commission=commission))


@pytest.mark.parametrize(("check", "caught_by"), CHECKS.values(), ids=CHECKS)
def test_a_broken_check_is_caught(check, caught_by):
    assert caught_by in failed(RISK_REQUIREMENTS, JudgedCheck(check=check, refused=None))


def test_no_requirement_is_without_something_that_it_catches():
    tables = (SLIPPAGE, COMMISSION, CHECKS)
    caught = {requirement for table in tables for _, requirement in table.values()}

    assert {one.id for one in (*COST_REQUIREMENTS, *RISK_REQUIREMENTS)} == caught


@pytest.mark.parametrize(
    "examined",
    [
        model(needs_last),
        model(no_last),
        model(lambda order: 0.25),
        model(lambda market: 0.25),
        model(lambda: 0.25),
        model(commission=by_what_filled),
        model(commission=lambda fill: -0.5 * fill.quantity, pays_rebates=True),
        model(lambda order, market: 1 / order.quantity),
    ],
)
def test_what_keeps_to_the_contract_passes(examined):
    assert failed(COST_REQUIREMENTS, examined) == {}


def test_an_example_stands_for_what_the_kit_does_not_try():
    def check(order, market):
        return REFUSAL if order.quantity == 6 else None

    order, exposure, market, context = next(extreme_cases())
    other = RiskCase(order=order, exposure=exposure, market=market, context=context)
    example = msgspec.structs.replace(other, order=msgspec.structs.replace(order, quantity=6))

    assert failed(RISK_REQUIREMENTS, JudgedCheck(check=check, refused=example)) == {}
    assert [*failed(RISK_REQUIREMENTS, JudgedCheck(check=check, refused=None))] == ["RC-040"]
    assert [*failed(RISK_REQUIREMENTS, JudgedCheck(check=check, refused=other))] == ["RC-040"]
