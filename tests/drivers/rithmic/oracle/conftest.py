"""The oracle: a published client of R|Protocol, in an environment of its own."""

import os

import pytest

_VARIABLE = "RITHMIC_ORACLE"
_HOW = "uv venv ORACLE && uv pip install --python ORACLE async_rithmic==1.6.6"


@pytest.fixture(scope="session")
def oracle() -> str:
    """The interpreter that has the oracle."""
    interpreter = os.environ.get(_VARIABLE)
    if not interpreter:
        pytest.skip(f"{_VARIABLE} names no interpreter that has the oracle; to make one: {_HOW}")
    return interpreter
