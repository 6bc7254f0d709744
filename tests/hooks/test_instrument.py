import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillbridge_hooks import Instrument, InvalidValue

TICK_SIZES = (0.25, 0.1, 0.01, 0.3, 5.0, 1 / 32, 1 / 256, 0.0025, 0.0000005, 1e-8)

es = Instrument(symbol="ES", tick_size=0.25, point_value=50, exchange="CME")
tick_sizes = st.sampled_from(TICK_SIZES)
whole_ticks = st.integers(-(2**40), 2**40)


def instrument(tick_size: float, point_value: float = 1.0) -> Instrument:
    return Instrument(symbol="X", tick_size=tick_size, point_value=point_value)


@given(tick_sizes, whole_ticks)
def test_a_price_on_the_grid_survives_the_round_trip(tick_size: float, ticks: int) -> None:
    traded = instrument(tick_size)
    assert traded.to_ticks(traded.to_price(ticks)) == ticks


@given(tick_sizes, whole_ticks)
def test_a_price_is_the_float_nearest_to_its_decimal_value(tick_size: float, ticks: int) -> None:
    assert instrument(tick_size).to_price(ticks) == float(Fraction(repr(tick_size)) * ticks)


@given(tick_sizes, st.integers(-(2**25), 2**25))
def test_half_a_tick_has_a_price_but_is_not_on_the_grid(tick_size: float, ticks: int) -> None:
    traded = instrument(tick_size)
    mid = traded.to_price(ticks + 0.5)
    assert mid == float(Fraction(repr(tick_size)) * (2 * ticks + 1) / 2)
    with pytest.raises(InvalidValue, match=r"^price: expected a multiple of the tick size"):
        traded.to_ticks(mid)


@given(
    st.integers(-(2**20), 2**20),
    st.sampled_from([0.0, 1e-9, 0.9e-6, 1.1e-6, 1e-3, 0.49]),
    st.sampled_from([-1, 1]),
)
def test_a_price_is_on_a_tick_within_a_millionth_or_refused(
    ticks: int, distance: float, sign: int
) -> None:
    price = float(Fraction("0.1") * (ticks + sign * Fraction(distance)))
    if distance < 1e-6:
        assert instrument(0.1).to_ticks(price) == ticks
    else:
        with pytest.raises(InvalidValue):
            instrument(0.1).to_ticks(price)


@pytest.mark.parametrize(
    ("tick_size", "price", "ticks"),
    [
        (0.25, 4510.75, 18043),
        (0.1, 0.3, 3),
        (0.1, 0.1 + 0.2, 3),
        (1 / 32, 118.15625, 3781),
        (0.0000005, 0.0067885, 13577),
        (0.0000005, 65_000.0000005, 130_000_000_001),
        (0.01, -37.63, -3763),
        (5.0, 0, 0),
    ],
)
def test_prices_of_real_contracts(tick_size: float, price: float, ticks: int) -> None:
    found = instrument(tick_size).to_ticks(price)
    assert found == ticks
    assert type(found) is int


@pytest.mark.parametrize(
    "price", [math.nan, math.inf, -math.inf, float("1e400"), 10**400, "4510.25", None, [4510.25]]
)
def test_what_is_not_a_finite_number_is_refused_by_field_value_and_rule(price: float) -> None:
    with pytest.raises(InvalidValue) as caught:
        es.to_ticks(price, "stop_loss_price")
    assert str(caught.value) == f"stop_loss_price: expected a finite price, was {price!r}"


def test_a_price_off_the_grid_is_refused_by_field_value_and_rule() -> None:
    with pytest.raises(InvalidValue) as caught:
        es.to_ticks(4510.3, "stop_loss_price")
    assert (
        str(caught.value)
        == "stop_loss_price: expected a multiple of the tick size 0.25, was 4510.3"
    )


@pytest.mark.parametrize("field", ["tick_size", "point_value"])
@pytest.mark.parametrize("value", [0, -0.25, math.nan, math.inf, float("1e400"), "0.25", None])
def test_tick_and_point_must_be_finite_and_positive(field: str, value: float) -> None:
    sizes = {"tick_size": 0.25, "point_value": 50.0, field: value}
    with pytest.raises(InvalidValue) as caught:
        Instrument(symbol="ES", tick_size=sizes["tick_size"], point_value=sizes["point_value"])
    assert str(caught.value) == f"ES.{field}: expected a finite number > 0, was {value!r}"


@pytest.mark.parametrize(
    ("tick_size", "point_value", "cents"),
    [(0.25, 50, 1250.0), (0.1, 100, 1000.0), (1 / 32, 1000, 3125.0), (0.0000005, 12.5e6, 625.0)],
)
def test_money_of_a_tick_is_exact(tick_size: float, point_value: float, cents: float) -> None:
    assert instrument(tick_size, point_value).tick_value_cents == cents


def test_instruments_of_the_same_terms_are_equal_whatever_was_computed_from_them() -> None:
    other = Instrument(symbol="ES", tick_size=0.25, point_value=50, exchange="CME")
    assert es.tick_fraction == (1, 4)
    assert es == other
    assert hash(es) == hash(other)


def test_an_instrument_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        es.tick_size = 0.5  # type: ignore[misc]  # the point of the test


@pytest.mark.parametrize("text", ["2026-13-01", "20261218", "18.12.2026", "soon"])
def test_a_last_trade_date_is_a_date(text):
    terms = {"symbol": "X", "tick_size": 1, "point_value": 1}
    assert Instrument(**terms, last_trade_date="2026-12-18").last_trade_date == "2026-12-18"
    with pytest.raises(InvalidValue, match=r"X\.last_trade_date: expected a date YYYY-MM-DD"):
        Instrument(**terms, last_trade_date=text)
