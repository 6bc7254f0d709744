"""A calm chaos around the simulated broker, held to everything that is demanded of a driver."""

from contextlib import asynccontextmanager

import msgspec

from fillbridge_chaos import PROFILES, ChaosDriver
from fillbridge_hooks.testing import DriverConformance
from fillbridge_sim import SimDriver


class TestCalmChaos(DriverConformance):
    @asynccontextmanager
    async def rehearse(self):
        async with SimDriver().conformance(None) as rehearsal:
            chaos = ChaosDriver(rehearsal.driver, PROFILES["calm"], seed=1)
            yield msgspec.structs.replace(rehearsal, driver=chaos)
