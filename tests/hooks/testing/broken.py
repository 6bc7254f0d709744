"""All drivers with one defect each, and for each the requirement that catches it."""

from tests.hooks.testing import (
    broken_brackets,
    broken_changes,
    broken_fills,
    broken_links,
    broken_orders,
    broken_sessions,
)
from tests.hooks.testing.caught import CAUGHT_BY

__all__ = ("BROKEN", "CAUGHT_BY")

BROKEN = (
    broken_fills,
    broken_orders,
    broken_changes,
    broken_brackets,
    broken_links,
    broken_sessions,
)
"""The modules that fill the table."""
