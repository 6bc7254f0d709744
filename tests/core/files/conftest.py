"""Instruments and files for the tests of the readers."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from fillbridge_hooks import ConfigurationError, Instrument

INSTRUMENTS = {
    "ES": Instrument(symbol="ES", tick_size=0.25, point_value=50),
    "GC": Instrument(symbol="GC", tick_size=0.1, point_value=100),
}


@pytest.fixture(scope="session")
def instrument_of() -> Callable[[str], Instrument]:
    """The instruments ES and GC; any other symbol is unknown."""

    def look_up(symbol: str) -> Instrument:
        if symbol not in INSTRUMENTS:
            raise ConfigurationError(f"no instrument {symbol}")
        return INSTRUMENTS[symbol]

    return look_up


@pytest.fixture
def write(tmp_path) -> Callable[..., Path]:
    """Write text into a file and answer its path; a name that ends in gz is compressed."""

    def write_text(text: str, name: str = "data.csv") -> Path:
        path: Path = tmp_path / name
        data = text.encode()
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return write_text
