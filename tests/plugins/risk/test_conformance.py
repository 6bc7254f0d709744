"""The risk checks that Fillbridge comes with, held to what is demanded of all."""

from fillbridge_hooks.testing import RiskCheckConformance
from fillbridge_risk import max_daily_trades, max_open_positions, max_position_size


class TestMaxPositionSize(RiskCheckConformance):
    def check(self):
        return max_position_size(5)


class TestMaxOpenPositions(RiskCheckConformance):
    def check(self):
        return max_open_positions(3)


class TestMaxDailyTrades(RiskCheckConformance):
    def check(self):
        return max_daily_trades(20)
