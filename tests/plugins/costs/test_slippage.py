"""The slippage models against the specification's numbers, and what holds for all of them."""

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillbridge_costs import SlippageSettings, fixed, impact, linear, slippage
from fillbridge_hooks import InvalidValue, Side

MODELS = (fixed, linear, impact)
PRICE = 5000.0

amounts = st.floats(min_value=0, max_value=1e6)
settings = st.builds(
    SlippageSettings, fixed_amount=amounts, linear_rate=amounts, impact_factor=amounts
)
quantities = st.integers(min_value=1, max_value=100_000)
prices = st.floats(min_value=-1e7, max_value=1e7)


@pytest.mark.parametrize(
    ("model", "quantity", "points"),
    [
        (fixed, 1, 0.25),
        (fixed, 9, 0.25),
        (linear, 1, 0.25 + 1 * 0.1),
        (linear, 5, 0.25 + 5 * 0.1),
        (impact, 1, 0.25 + 5000 * 0.001),
        (impact, 9, 0.25 + 5000 * 0.001 * 3),
        (impact, 2, 0.25 + PRICE * (0.001 * math.sqrt(2))),
    ],
)
@pytest.mark.parametrize("side", Side)
def test_defaults_give_the_numbers_of_the_specification(
    make_order, make_market, model, quantity, points, side
):
    slip = model(SlippageSettings())
    assert slip(make_order(quantity, side), make_market(PRICE)) == pytest.approx(points, abs=1e-12)


def test_every_number_comes_from_the_settings(make_order, make_market):
    chosen = SlippageSettings(fixed_amount=1.0, linear_rate=0.5, impact_factor=0.01)
    order, market = make_order(4), make_market(100.0)
    assert [model(chosen)(order, market) for model in MODELS] == [1.0, 3.0, 3.0]


def test_impact_without_a_last_price_says_so(make_order, make_market):
    slip = impact(SlippageSettings())
    with pytest.raises(InvalidValue, match=r"market\.last: expected a known price, was None"):
        slip(make_order(1), make_market(None))


@pytest.mark.parametrize("model", [fixed, linear])
def test_other_models_need_no_price(make_order, make_market, model):
    assert model(SlippageSettings())(make_order(1), make_market(None)) > 0


def test_impact_is_adverse_at_a_negative_price(make_order, make_market):
    slip = impact(SlippageSettings())
    order = make_order(3)
    assert slip(order, make_market(-37.63)) == slip(order, make_market(37.63)) > 0.25


@pytest.mark.parametrize("model", MODELS)
@given(chosen=settings, quantity=quantities, price=prices)
def test_slippage_is_finite_and_never_negative(
    make_order, make_market, model, chosen, quantity, price
):
    points = model(chosen)(make_order(quantity), make_market(price))
    assert math.isfinite(points)
    assert points >= 0


@pytest.mark.parametrize("model", MODELS)
@given(chosen=settings, smaller=quantities, more=st.integers(1, 100_000), price=prices)
def test_a_larger_order_never_slips_less(
    make_order, make_market, model, chosen, smaller, more, price
):
    slip, market = model(chosen), make_market(price)
    assert slip(make_order(smaller), market) <= slip(make_order(smaller + more), market)


def test_plugin_claims_its_section_and_offers_its_models(host, make_order, make_market):
    slippage.fillbridge_register_settings(host.settings)
    assert host.sections == {"backtest_settings.slippage": SlippageSettings}

    slippage.fillbridge_configure(SlippageSettings(fixed_amount=2.0), host)
    assert sorted(host.slippage_models) == ["fixed", "impact", "linear"]
    order, market = make_order(10), make_market(1000.0)
    assert host.slippage_models["fixed"](order, market) == 2.0
    assert host.slippage_models["linear"](order, market) == 3.0
    assert host.slippage_models["impact"](order, market) == pytest.approx(2 + math.sqrt(10))
    assert not host.commission_models


@pytest.mark.parametrize("field", ["fixed_amount", "linear_rate", "impact_factor"])
@pytest.mark.parametrize("value", [-0.01, math.inf, math.nan, "0.25"])
def test_settings_refuse_what_is_not_a_finite_amount(field, value):
    with pytest.raises(msgspec.ValidationError, match=rf"\$\.{field}"):
        msgspec.convert({field: value}, SlippageSettings)


def test_settings_refuse_an_unknown_field():
    with pytest.raises(msgspec.ValidationError, match="fixed_amonut"):
        msgspec.convert({"fixed_amonut": 0.25}, SlippageSettings)


def test_settings_take_the_name_of_another_plugins_model():
    assert msgspec.convert({"type": "quarter"}, SlippageSettings).type == "quarter"
