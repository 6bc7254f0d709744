"""What tests of drivers and of live trading share; needs the extra ``testing``."""

from fillbridge_hooks.testing.clock import ManualClock

__all__ = ("ManualClock",)
