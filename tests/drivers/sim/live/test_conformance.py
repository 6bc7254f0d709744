"""The simulated broker, held to everything that is demanded of a driver."""

from fillbridge_hooks.testing import DriverConformance
from fillbridge_sim import SimDriver
from fillbridge_sim.remote import SimRemoteDriver


class TestSim(DriverConformance):
    def rehearse(self):
        return SimDriver().conformance(None)


class TestSimWithBrackets(DriverConformance):
    def rehearse(self):
        return SimDriver(bracket=True).conformance(None)


class TestSimRemote(DriverConformance):
    def rehearse(self):
        return SimRemoteDriver().conformance(None)


class TestSimRemoteWithBrackets(DriverConformance):
    def rehearse(self):
        return SimRemoteDriver(bracket=True).conformance(None)
