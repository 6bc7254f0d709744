"""From settings and plugins to a shell that trades on a simulated market."""

from collections.abc import Callable

from fillbridge.config import Settings
from fillbridge.engine.state import Trade
from fillbridge.metrics import ExecutionMetrics
from fillbridge.plugins import Models, Plugins
from fillbridge.publishing import Publisher
from fillbridge.shell import SimulationShell
from fillbridge.shell_hooks import ShellHooks
from fillbridge_hooks import (
    ConfigurationError,
    SimulationDriver,
    SlippageFunction,
    TradeResult,
    VirtualClock,
)


def simulation_shell(
    settings: Settings,
    plugins: Plugins,
    publisher: Publisher,
    metrics: ExecutionMetrics,
    on_trade_closed: Callable[[Trade, TradeResult], None],
    on_entry_failed: Callable[[Trade, str], None],
) -> SimulationShell:
    """A shell with every plugin resolved and the configured simulation driver's session open.

    :raises ConfigurationError: if a model or the driver is not installed, or is no simulation
    :raises PluginError: if a plugin breaks its contract
    """
    models = plugins.configure(settings.plugin_sections)
    backtest = settings.backtest_settings
    clock = VirtualClock()
    shell = SimulationShell(
        shell_hooks(settings, plugins, models),
        clock,
        publisher,
        metrics,
        on_trade_closed,
        on_entry_failed,
        next_data_ns=lambda: clock.heading_to_ns,
    )
    driver = plugins.driver(backtest.driver)
    if not isinstance(driver, SimulationDriver):
        raise ConfigurationError(
            f"backtest_settings.driver: expected a simulation driver, was '{backtest.driver}'"
        )
    session = driver.open_session(
        settings.plugin_sections.get(plugins.driver_plugin(backtest.driver)),
        shell.clock,
        slippage_model(settings, models),
        shell,
    )
    shell.attach(session)
    return shell


def shell_hooks(settings: Settings, plugins: Plugins, models: Models) -> ShellHooks:
    """The plugins that a shell asks, resolved.

    :raises ConfigurationError: if the commission model is not installed
    """
    commission = settings.backtest_settings.commission_type
    return ShellHooks(
        prepare_order=plugins.resolve("fillbridge_prepare_order"),
        risk_checks=models.risk_checks(),
        commission=None if commission is None else models.commission(commission),
        handle_fill=plugins.resolve("fillbridge_handle_fill"),
        score_execution=plugins.resolve("fillbridge_score_execution"),
    )


def slippage_model(settings: Settings, models: Models) -> tuple[str, SlippageFunction] | None:
    """The slippage model that the configuration chose, with its name.

    :raises ConfigurationError: if it is not installed
    """
    slippage = settings.backtest_settings.slippage_type
    return None if slippage is None else models.slippage(slippage)
