"""Well-known contracts, and the way from a symbol to its instrument."""

import re
from collections.abc import Mapping

import msgspec

from fillbridge_hooks import Instrument, InvalidValue

_CONTRACT_MONTH = re.compile(r"(?P<root>.+)[FGHJKMNQUVXZ](?:[0-9]{1,2}|[0-9]{4})")
"""Root, month code, last digit, last two digits or all four of the year."""

# Exchange, tick size in points, USD per point and contract; minimum increment of outright trades
# on Globex. Contracts whose increment depends on the expiry or was changed lately are left out.
_SPECIFICATIONS: Mapping[str, tuple[str, float, float]] = {
    # Equity indices
    "ES": ("CME", 0.25, 50),
    "MES": ("CME", 0.25, 5),
    "NQ": ("CME", 0.25, 20),
    "MNQ": ("CME", 0.25, 2),
    "RTY": ("CME", 0.1, 50),
    "M2K": ("CME", 0.1, 5),
    "EMD": ("CME", 0.1, 100),
    "NKD": ("CME", 5, 5),
    "YM": ("CBOT", 1, 5),
    "MYM": ("CBOT", 1, 0.5),
    # Metals
    "GC": ("COMEX", 0.1, 100),
    "MGC": ("COMEX", 0.1, 10),
    "SI": ("COMEX", 0.005, 5000),
    "SIL": ("COMEX", 0.005, 1000),
    "HG": ("COMEX", 0.0005, 25000),
    "PL": ("NYMEX", 0.1, 50),
    # Energy
    "CL": ("NYMEX", 0.01, 1000),
    "MCL": ("NYMEX", 0.01, 100),
    "BZ": ("NYMEX", 0.01, 1000),
    "NG": ("NYMEX", 0.001, 10000),
    "HO": ("NYMEX", 0.0001, 42000),
    "RB": ("NYMEX", 0.0001, 42000),
    # US Treasuries: points are per cent of the face value, ticks fractions of 1/32
    "ZB": ("CBOT", 1 / 32, 1000),
    "UB": ("CBOT", 1 / 32, 1000),
    "ZN": ("CBOT", 1 / 64, 1000),
    "TN": ("CBOT", 1 / 64, 1000),
    "ZF": ("CBOT", 1 / 128, 1000),
    "ZT": ("CBOT", 1 / 256, 2000),
    # Currencies: points are USD per unit
    "6B": ("CME", 0.0001, 62500),
    "6C": ("CME", 0.00005, 100000),
    "6E": ("CME", 0.00005, 125000),
    "6J": ("CME", 0.0000005, 12500000),
    # Grains: points are cents per bushel; meal USD per short ton, oil cents per pound
    "ZC": ("CBOT", 0.25, 50),
    "ZS": ("CBOT", 0.25, 50),
    "ZW": ("CBOT", 0.25, 50),
    "ZM": ("CBOT", 0.1, 100),
    "ZL": ("CBOT", 0.01, 600),
}

BUILT_IN: Mapping[str, Instrument] = {
    symbol: Instrument(
        symbol=symbol,
        exchange=exchange,
        tick_size=float(tick_size),
        point_value=float(point_value),
    )
    for symbol, (exchange, tick_size, point_value) in _SPECIFICATIONS.items()
}
"""Contracts known without configuration, by root symbol."""


def find_instrument(symbol: str, configured: Mapping[str, Instrument]) -> Instrument:
    """The instrument of ``symbol``, from the configured ones or the built-in table.

    A name matches exactly, or as root + month code + digits of the year (ESM8, ESZ24, GCZ2023);
    what was configured comes before what is built in. The answer's symbol is ``symbol``.

    :raises InvalidValue: if no contract of that name is known
    """
    found = known_instrument(symbol, configured)
    if found is None:
        raise InvalidValue(
            "symbol",
            f"one of the built-in contracts ({', '.join(sorted(BUILT_IN))}), alone or with month"
            f" and year, or a symbol configured as instruments.{symbol or 'SYMBOL'} with"
            " tick_size and point_value (at the command line: --tick-size and --point-value)",
            symbol,
        )
    return found


def known_instrument(symbol: str, configured: Mapping[str, Instrument]) -> Instrument | None:
    """As :func:`find_instrument`, but ``None`` for an unknown symbol."""
    contract = _CONTRACT_MONTH.fullmatch(symbol)
    for name in (symbol, contract["root"] if contract else symbol):
        for table in (configured, BUILT_IN):
            if name in table:
                return msgspec.structs.replace(table[name], symbol=symbol)
    return None
