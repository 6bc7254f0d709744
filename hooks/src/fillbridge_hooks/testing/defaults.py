"""Terms to connect with where a test has no wishes of its own."""

from typing import Any

from fillbridge_hooks.clock import LiveClock
from fillbridge_hooks.driver import ConnectionTerms
from fillbridge_hooks.instrument import Instrument

ES = Instrument(symbol="ES", tick_size=0.25, point_value=50.0, exchange="CME")
"""The E-mini S&P 500 future."""


def connection_terms(clock: LiveClock, settings: Any = None) -> ConnectionTerms:
    """Terms for an account ``REHEARSAL`` that trades ES.

    :param settings: the Struct that the driver's plugin declared, ``None`` if it has none
    """
    return ConnectionTerms(
        account="REHEARSAL",
        instruments=(ES,),
        settings=settings,
        credentials={},
        clock=clock,
        heartbeat_interval_s=1.0,
    )
