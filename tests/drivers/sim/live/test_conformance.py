"""The simulated broker, held to everything that is demanded of a driver."""

from fillbridge_hooks.testing import DriverConformance
from fillbridge_sim import SimDriver


class TestSim(DriverConformance):
    def rehearse(self):
        return SimDriver().conformance(None)


class TestSimWithBrackets(DriverConformance):
    def rehearse(self):
        return SimDriver(bracket=True).conformance(None)
