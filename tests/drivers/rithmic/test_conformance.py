"""The Rithmic driver, held to everything that is demanded of a driver, against the gateway."""

from fillbridge_hooks.testing import DriverConformance
from fillbridge_rithmic import RithmicDriver


class TestRithmic(DriverConformance):
    def rehearse(self):
        return RithmicDriver().conformance(None)
