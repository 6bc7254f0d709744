"""The simulated broker of Fillbridge: orders matched against bars, trades and quotes."""

from fillbridge_hooks import RegisterDriver, RegisterSettings, hookimpl
from fillbridge_sim.driver import SimDriver
from fillbridge_sim.session import SimulatedBroker
from fillbridge_sim.settings import SampledLatency, SimulationSettings

__all__ = ("SampledLatency", "SimDriver", "SimulatedBroker", "SimulationSettings")


@hookimpl
def fillbridge_register_settings(register: RegisterSettings) -> None:
    """Claim the section with the rules of the simulation."""
    register("backtest_settings.simulation", SimulationSettings)


@hookimpl
def fillbridge_register_drivers(register: RegisterDriver) -> None:
    """Offer the driver ``sim``."""
    register("sim", SimDriver())
