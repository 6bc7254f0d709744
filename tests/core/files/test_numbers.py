"""Numbers and prices as files hold them."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillbridge.files.numbers import read_number, read_size, read_whole
from fillbridge.files.prices import Prices, read_price
from fillbridge_hooks import Instrument, InvalidValue

GC = Instrument(symbol="GC", tick_size=0.1, point_value=100)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_read_as_it_was_written(value):
    assert read_number("x", repr(value)) == read_number("x", value) == value


@given(st.integers(0, 2**63))
def test_a_whole_number_is_exact(value):
    assert read_whole("x", str(value), 0) == read_whole("x", value, 0) == value


@pytest.mark.parametrize("cell", ["2", "2.0", 2, 2.0, Decimal("2.0"), " 2 "])
def test_forms_of_a_whole_number(cell):
    value = read_whole("x", cell, 1)
    assert (value, type(value)) == (2, int)


@pytest.mark.parametrize(
    ("read", "cell", "rule"),
    [
        (read_number, "", "a number"),
        (read_number, None, "a number"),
        (read_number, "1,5", "a number"),
        (read_number, "nan", "a finite number"),
        (read_number, float("inf"), "a finite number"),
        (read_number, "1e999", "a finite number"),
        (read_size, "-1", "a number >= 0"),
        (lambda field, cell: read_whole(field, cell, 1), "1.5", "a whole number"),
        (lambda field, cell: read_whole(field, cell, 1), Decimal("1.5"), "a whole number"),
        (lambda field, cell: read_whole(field, cell, 1), "0", "a whole number >= 1"),
        (lambda field, cell: read_whole(field, cell, 1), "nan", "a finite number"),
        (lambda field, cell: read_price(GC, field, cell), "inf", "a finite number"),
        (lambda field, cell: read_price(GC, field, cell), 1.25, "a multiple of the tick size 0.1"),
    ],
)
def test_a_bad_number_is_refused_by_its_rule(read, cell, rule):
    with pytest.raises(InvalidValue) as caught:
        read("x", cell)
    assert str(caught.value) == f"x: expected {rule}, was {cell!r}"


@given(st.integers(-(10**7), 10**7))
def test_a_price_stands_on_the_grid_whatever_arithmetic_made_it(ticks):
    price = float(Fraction(ticks, 10))
    assert Prices(GC)[repr(price)] == Prices(GC)[ticks * 0.1] == price


def test_only_so_many_prices_are_remembered(monkeypatch):
    monkeypatch.setattr("fillbridge.files.prices._REMEMBERED", 3)
    prices = Prices(GC)
    assert [prices[str(n)] for n in range(10)] == list(range(10))
    assert len(prices) <= 3
