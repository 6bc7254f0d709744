"""The specification's cost models as objects, with the specification's numbers."""

import math

import pytest

from fillbridge import CommissionModel, SlippageModel
from fillbridge.plugins import Plugins
from fillbridge_hooks import ConfigurationError, InvalidValue, hookimpl


@pytest.mark.parametrize(
    ("config", "size", "slippage"),
    [
        ({}, 4, 0.25),
        ({"type": "fixed", "fixed_amount": 0.5}, 4, 0.5),
        ({"type": "linear"}, 4, 0.25 + 4 * 0.1),
        ({"type": "linear", "linear_rate": 0.2, "fixed_amount": 0.0}, -3, 0.6),
        ({"type": "impact"}, 4, 0.25 + 4000.0 * 0.001 * 2),
    ],
)
@pytest.mark.parametrize("direction", ["LONG", "SHORT"])
def test_slippage_follows_the_specification(config, size, slippage, direction):
    model = SlippageModel(config)
    assert model.calculate_slippage(4000.0, size, direction) == pytest.approx(slippage)
    assert model.model_type == config.get("type", "fixed")


@pytest.mark.parametrize(
    ("config", "size", "commission"),
    [
        ({}, 1, 7.60),
        ({}, -3, 22.80),
        ({"per_contract": 1.0, "exchange_fees": 0.5, "nfa_fees": 0.0}, 2, 6.0),
        ({}, 0, 0.0),
    ],
)
def test_commission_is_for_the_round_trip(config, size, commission):
    assert CommissionModel(config).calculate_commission(size) == commission


@pytest.mark.parametrize("model", [SlippageModel, CommissionModel])
def test_an_unknown_key_is_an_error(model):
    with pytest.raises(ConfigurationError, match="rate"):
        model({"rate": 1})


@pytest.mark.parametrize("model", [SlippageModel, CommissionModel])
def test_a_model_that_nobody_offers_is_an_error(model):
    with pytest.raises(ConfigurationError, match="quadratic"):
        model({"type": "quadratic"})


def test_a_wrong_value_is_named():
    with pytest.raises(InvalidValue, match="fixed_amount"):
        SlippageModel({"fixed_amount": -1})


def test_any_plugin_can_offer_the_model():
    class Theirs:
        @hookimpl
        def fillbridge_slippage(self, order):
            return math.sqrt(order.quantity)

    plugins = Plugins()
    plugins.load()
    plugins.register(Theirs(), "root")
    assert SlippageModel({"type": "root"}, plugins).calculate_slippage(1.0, 9, "LONG") == 3.0
