"""Fixtures that every test may use."""

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

# A slow machine is no failure; what CI sets stays in force.
settings.register_profile("fillbridge", settings(), deadline=None)
settings.load_profile("fillbridge")

REPOSITORY = Path(__file__).resolve().parents[1]


def pytest_configure() -> None:
    # Hundreds of processes are started: each would compile all that it imports.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    # What a shell starts in its background ignores interrupts, and so would all that it starts.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """The event loop of an asynchronous test: each runs on both."""
    return str(request.param)


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Market data that stands beside the checkout on some machines only."""
    folder = REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the market data is absent: there is no ../shared/data beside the checkout")
    return folder
