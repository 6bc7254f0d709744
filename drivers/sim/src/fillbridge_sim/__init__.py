"""The simulated broker of Fillbridge: orders matched against bars, trades and quotes."""

from typing import Any

from fillbridge_hooks import RegisterDriver, RegisterSettings, hookimpl
from fillbridge_sim.driver import SimDriver
from fillbridge_sim.session import SimulatedBroker
from fillbridge_sim.settings import LiveMarket, SampledLatency, SimulationSettings

__all__ = ("LiveMarket", "SampledLatency", "SimDriver", "SimulatedBroker", "SimulationSettings")


@hookimpl
def fillbridge_register_settings(register: RegisterSettings) -> None:
    """Claim the sections with the rules of the simulation and the market of live trading."""
    register(
        "backtest_settings.simulation",
        SimulationSettings,
        aliases={"live": "live_settings.simulation"},
    )


@hookimpl
def fillbridge_register_drivers(register: RegisterDriver) -> None:
    """Offer ``sim``, and ``sim-bracket``, the same with brackets at the broker."""
    register("sim", SimDriver())
    register("sim-bracket", SimDriver(bracket=True))


@hookimpl
def fillbridge_register_commands(group: Any) -> None:
    """Add ``fillbridge sim``."""
    # Imported here because click is needed at the command line alone.
    from fillbridge_sim.commands import sim

    group.add_command(sim)
