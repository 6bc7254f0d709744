import pytest

from fillbridge.config import BUILT_IN, find_instrument
from fillbridge_hooks import Instrument, InvalidValue

# USD per tick and contract, as the exchange publishes them: the product of both numbers.
TICK_VALUES = {
    "ES": 12.5,
    "MES": 1.25,
    "NQ": 5.0,
    "MNQ": 0.5,
    "RTY": 5.0,
    "M2K": 0.5,
    "EMD": 10.0,
    "NKD": 25.0,
    "YM": 5.0,
    "MYM": 0.5,
    "GC": 10.0,
    "MGC": 1.0,
    "SI": 25.0,
    "SIL": 5.0,
    "HG": 12.5,
    "PL": 5.0,
    "CL": 10.0,
    "MCL": 1.0,
    "BZ": 10.0,
    "NG": 10.0,
    "HO": 4.2,
    "RB": 4.2,
    "ZB": 31.25,
    "UB": 31.25,
    "ZN": 15.625,
    "TN": 15.625,
    "ZF": 7.8125,
    "ZT": 7.8125,
    "6B": 6.25,
    "6C": 5.0,
    "6E": 6.25,
    "6J": 6.25,
    "ZC": 12.5,
    "ZS": 12.5,
    "ZW": 12.5,
    "ZM": 10.0,
    "ZL": 6.0,
}


@pytest.fixture
def bitcoin():
    return Instrument(symbol="BTCUSDT", tick_size=0.1, point_value=1.0, currency="USDT")


def test_every_built_in_contract_has_its_published_tick_value():
    assert {symbol: i.tick_value_cents / 100 for symbol, i in BUILT_IN.items()} == TICK_VALUES


@pytest.mark.parametrize(
    ("symbol", "price"), [("ES", 5000.25), ("ZN", 110.015625), ("6J", 0.0067345), ("SI", 31.005)]
)
def test_the_tick_sizes_fit_real_prices(symbol, price):
    assert BUILT_IN[symbol].to_price(BUILT_IN[symbol].to_ticks(price)) == price


def test_each_name_in_the_table_is_the_symbol_of_its_instrument():
    assert all(instrument.symbol == name for name, instrument in BUILT_IN.items())
    assert {instrument.currency for instrument in BUILT_IN.values()} == {"USD"}
    assert {i.exchange for i in BUILT_IN.values()} == {"CME", "CBOT", "COMEX", "NYMEX"}


@pytest.mark.parametrize(
    ("symbol", "root"),
    [
        ("ES", "ES"),
        ("ESM8", "ES"),
        ("ESZ24", "ES"),
        ("ESH2025", "ES"),
        ("GCZ3", "GC"),
        ("NGN4", "NG"),
        ("MNQU5", "MNQ"),
        ("M2KH25", "M2K"),
        ("6EZ24", "6E"),
        ("6EZ2024", "6E"),
    ],
)
def test_a_root_alone_or_with_month_and_year(symbol, root):
    found = find_instrument(symbol, {})
    assert found.symbol == symbol
    assert found.tick_size == BUILT_IN[root].tick_size
    assert found.point_value == BUILT_IN[root].point_value
    assert found.exchange == BUILT_IN[root].exchange


@pytest.mark.parametrize(
    "symbol", ["", "XYZ", "es", "ESA4", "ESM", "ESM123", "ESM\uff18", "MNU5", "ESM8 ", "ZESM8"]
)
def test_an_unknown_symbol_says_how_to_configure_it(symbol):
    with pytest.raises(InvalidValue) as raised:
        find_instrument(symbol, {})
    assert f"instruments.{symbol or 'SYMBOL'}" in str(raised.value)
    assert "--tick-size" in str(raised.value)
    assert "--point-value" in str(raised.value)
    assert raised.value.value == symbol


def test_a_configured_name_is_known_and_its_contracts_are(bitcoin):
    assert find_instrument("BTCUSDT", {"BTCUSDT": bitcoin}) == bitcoin
    assert find_instrument("BTCUSDTM5", {"BTCUSDT": bitcoin}).tick_size == 0.1


def test_what_is_configured_comes_before_what_is_built_in():
    special = Instrument(symbol="ES", tick_size=0.05, point_value=50.0)
    assert find_instrument("ES", {"ES": special}).tick_size == 0.05
    assert find_instrument("ESM8", {"ES": special}).tick_size == 0.05
    assert find_instrument("ESM8", {"ES": special, "ESM8": BUILT_IN["ES"]}).tick_size == 0.25
