"""From settings and plugins to a shell that trades on a simulated market."""

from collections.abc import Callable

from fillbridge.config import Settings
from fillbridge.engine.state import Trade
from fillbridge.metrics import ExecutionMetrics
from fillbridge.plugins import Plugins
from fillbridge.publishing import Publisher
from fillbridge.shell import ShellHooks, SimulationShell
from fillbridge_hooks import ConfigurationError, SimulationDriver, TradeResult, VirtualClock


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
    backtest = settings.backtest_settings
    models = plugins.configure(settings.plugin_sections)
    commission, slippage = backtest.commission_type, backtest.slippage_type
    hooks = ShellHooks(
        prepare_order=plugins.resolve("fillbridge_prepare_order"),
        risk_checks=models.risk_checks(),
        commission=None if commission is None else models.commission(commission),
        handle_fill=plugins.resolve("fillbridge_handle_fill"),
        score_execution=plugins.resolve("fillbridge_score_execution"),
    )
    clock = VirtualClock()
    shell = SimulationShell(
        hooks,
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
        None if slippage is None else models.slippage(slippage),
        shell,
    )
    shell.attach(session)
    return shell
