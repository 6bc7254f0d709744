"""Commission per contract against published vectors, and that partial fills cost the same."""

import math
import sys
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from itertools import accumulate

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fillbridge_costs import CommissionSettings, commission, per_contract

# Rates as people write them, and any float, which prints with up to 17 digits.
rates = st.one_of(st.decimals(0, 100, places=4).map(float), st.floats(min_value=0, max_value=1e6))
settings = st.builds(
    CommissionSettings,
    per_contract=rates,
    exchange_fees=rates,
    nfa_fees=rates,
    per_order=rates,
    minimum_per_order=rates,
)
partitions = st.lists(st.integers(min_value=1, max_value=5_000), min_size=1, max_size=12)


def rate(per_unit, **others):
    """One rate per unit and nothing else but ``others``."""
    return CommissionSettings(per_contract=per_unit, exchange_fees=0.0, nfa_fees=0.0, **others)


@pytest.mark.parametrize("contracts", [1, 5])
def test_defaults_cost_a_round_trip_what_the_specification_says(charge_cents, contracts):
    model = per_contract(CommissionSettings())
    round_trip = charge_cents(model, [contracts]) + charge_cents(model, [contracts])
    assert sum(round_trip) == contracts * (250 + 128 + 2) * 2


ZIPLINE = "zipline-reloaded, tests/finance/test_commissions.py: one order filled 230, 170, 100"


@pytest.mark.parametrize(
    ("chosen", "totals"),
    [
        # zipline does not round and says 1.725 after the first fill; half a cent goes to even.
        pytest.param(rate(0.0075), [172, 300, 375], id="share"),
        pytest.param(rate(0.0075, minimum_per_order=2.5), [250, 300, 375], id="share-min-2.5"),
        pytest.param(rate(0.0075, minimum_per_order=3.5), [350, 350, 375], id="share-min-3.5"),
        pytest.param(rate(0.0075, minimum_per_order=5.5), [550, 550, 550], id="share-min-5.5"),
        pytest.param(rate(0.01, per_order=0.3), [260, 430, 530], id="contract"),
        pytest.param(
            rate(0.01, per_order=0.3, minimum_per_order=3), [300, 430, 530], id="contract-min-3"
        ),
        pytest.param(
            rate(0.01, per_order=0.3, minimum_per_order=5), [500, 500, 530], id="contract-min-5"
        ),
        pytest.param(
            rate(0.01, per_order=0.3, minimum_per_order=7), [700, 700, 700], id="contract-min-7"
        ),
        pytest.param(rate(0.0, per_order=10.0), [1000, 1000, 1000], id="trade"),
    ],
)
def test_running_totals_of_zipline(charge_cents, chosen, totals):
    charged = charge_cents(per_contract(chosen), [230, 170, 100])
    assert list(accumulate(charged)) == totals, ZIPLINE


LEAN = "LEAN, Tests/Common/Orders/Fees/InteractiveBrokersFeeModelTests.cs"


@pytest.mark.parametrize(
    ("chosen", "quantity", "cents"),
    [
        pytest.param(
            CommissionSettings(per_contract=0.85, exchange_fees=1.28, nfa_fees=0.02),
            1000,
            215_000,
            id="ES",
        ),
        pytest.param(
            CommissionSettings(per_contract=0.25, exchange_fees=0.30, nfa_fees=0.02),
            1000,
            57_000,
            id="MES",
        ),
        pytest.param(rate(0.005, minimum_per_order=1.0), 1, 100, id="equity-minimum"),
        pytest.param(rate(0.005, minimum_per_order=1.0), 1000, 500, id="equity"),
    ],
)
def test_interactive_brokers_fees_of_lean(charge_cents, chosen, quantity, cents):
    assert charge_cents(per_contract(chosen), [quantity]) == [cents], LEAN


@pytest.mark.parametrize(
    ("quantity", "cents"),
    [(1, 250), (2, 501), (3, 752), (4, 1002), (5, 1252)],  # 250.5 and 751.5 and 1252.5 halve
)
def test_half_a_cent_of_the_total_goes_to_the_even_cent(charge_cents, quantity, cents):
    model = per_contract(rate(2.505))
    assert charge_cents(model, [quantity]) == [cents]
    assert sum(charge_cents(model, [1] * quantity)) == cents


@given(chosen=settings, parts=partitions, data=st.data())
def test_partial_fills_cost_what_one_fill_of_their_sum_costs(charge_cents, chosen, parts, data):
    model = per_contract(chosen)
    shuffled = data.draw(st.permutations(parts))
    whole = charge_cents(model, [sum(parts)])
    assert [sum(charge_cents(model, parts))] == whole
    assert [sum(charge_cents(model, shuffled))] == whole


@given(chosen=settings, parts=partitions)
def test_no_fill_earns_and_the_minimum_is_paid_with_the_first(charge_cents, chosen, parts):
    first, *later = charge_cents(per_contract(chosen), parts)
    assert first >= round(Decimal(repr(chosen.minimum_per_order)) * 100)
    assert first >= round(Decimal(repr(chosen.per_order)) * 100)
    assert all(charge >= 0 for charge in later)


@example(
    chosen=CommissionSettings(
        per_contract=0.0, exchange_fees=0.0012, nfa_fees=sys.float_info.min, per_order=0.0006
    ),
    quantity=65537,
)
@given(chosen=settings, quantity=st.integers(min_value=1, max_value=100_000))
def test_total_is_the_exact_decimal_sum_rounded_once(charge_cents, chosen, quantity):
    def exact(amount: float) -> Decimal:
        return Decimal(repr(amount))

    # As many digits as the smallest float has beside the largest sum: none is rounded away.
    with localcontext(prec=400):
        per_side = sum(map(exact, (chosen.per_contract, chosen.exchange_fees, chosen.nfa_fees)))
        total = max(
            exact(chosen.minimum_per_order), exact(chosen.per_order) + quantity * per_side
        ).quantize(Decimal("0.01"), rounding=ROUND_HALF_EVEN)
    assert charge_cents(per_contract(chosen), [quantity]) == [int(total * 100)]


def test_fills_may_be_charged_in_any_order(make_fills):
    model = per_contract(rate(0.0075, minimum_per_order=2.5))
    fills = make_fills([230, 170, 100])
    in_order = [model(fill, None) for fill in fills]
    backwards = [model(fill, None) for fill in reversed(fills)]
    assert in_order == backwards[::-1] == [2.5, 0.5, 0.75]


def test_plugin_claims_its_section_and_offers_its_model(host, make_fills):
    commission.fillbridge_register_settings(host.settings)
    assert host.sections == {"backtest_settings.commission": CommissionSettings}

    commission.fillbridge_configure(CommissionSettings(per_contract=1.0), host)
    assert list(host.commission_models) == ["per_contract"]
    (fill,) = make_fills([2])
    assert host.commission_models["per_contract"](fill, None) == 4.6
    assert not host.slippage_models


@pytest.mark.parametrize(
    "field", ["per_contract", "exchange_fees", "nfa_fees", "per_order", "minimum_per_order"]
)
@pytest.mark.parametrize("value", [-0.01, math.inf, math.nan, "2.50"])
def test_settings_refuse_what_is_not_a_finite_amount(field, value):
    with pytest.raises(msgspec.ValidationError, match=rf"\$\.{field}"):
        msgspec.convert({field: value}, CommissionSettings)


def test_settings_refuse_an_unknown_field():
    with pytest.raises(msgspec.ValidationError, match="exchange_fee"):
        msgspec.convert({"exchange_fee": 1.28}, CommissionSettings)
