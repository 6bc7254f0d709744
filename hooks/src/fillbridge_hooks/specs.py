"""The hooks of Fillbridge. A plugin implements any of them with ``@hookimpl``.

An implementation is a synchronous function that takes the arguments it needs, by name, in any
order; keyword-only arguments and ``async def`` are refused when it is registered. Each docstring
says who calls the hook, how often, what the answer means and what an exception does.
"""

from typing import Any

from fillbridge_hooks._markers import hookspec
from fillbridge_hooks.driver import Driver, Session
from fillbridge_hooks.events import Event, PositionView, RunFiles, TradeExecution
from fillbridge_hooks.instrument import Instrument
from fillbridge_hooks.market import MarketView
from fillbridge_hooks.orders import Fill, Order
from fillbridge_hooks.registration import (
    RegisterDriver,
    RegisterModels,
    RegisterSecretProvider,
    RegisterSettings,
)
from fillbridge_hooks.risk import Exposure, Hold, Refuse, RiskContext


@hookspec
def fillbridge_register_settings(register: RegisterSettings) -> None:
    """Declare the plugin's section of the configuration.

    Called once for every plugin, before the configuration is decoded. A plugin has at most one
    section. An exception stops the start and names the plugin.

    :param register: call it with the section's path and its msgspec Struct

    .. versionadded:: 0.1
    """


@hookspec
def fillbridge_configure(settings: Any, register: RegisterModels) -> None:
    """Register configured cost models, risk checks and watches by name.

    Called once for every plugin, after the configuration was validated. An exception stops the
    start and names the plugin.

    :param settings: an instance of the Struct that this plugin declared, ``None`` if it has none
    :param register: takes slippage models, commission models, risk checks and watches

    .. versionadded:: 0.1
    """


@hookspec
def fillbridge_register_drivers(register: RegisterDriver) -> None:
    """Offer drivers by name.

    Called once for every plugin. Two drivers of one name, or an exception, stop the start.

    :param register: call it with a name and a driver

    .. versionadded:: 0.1
    """


@hookspec
def fillbridge_wrap_driver(driver: Driver, name: str, settings: Any) -> Driver | None:
    """Put something between the core and a broker: faults, a recording.

    Called once for the configured broker before it is connected, plugin after plugin in the order
    of their names; each sees what the one before it made. Answer another driver, or ``None`` to
    leave it alone. An exception stops the start and names the plugin.

    :param driver: the driver as it would be used
    :param name: the name under which it is configured
    :param settings: as for ``fillbridge_configure``: this plugin's own section

    .. versionadded:: 0.1
    """


@hookspec
def fillbridge_wrap_session(session: Session, broker: str) -> Session | None:
    """Batch, throttle or trace what goes to a broker.

    Called once for each connection, plugin after plugin in the order of their names. Answer
    another session, or ``None`` to leave it alone. An order cannot be changed on the way: its
    permit is for the order that was approved. An exception ends the start.

    :param session: the session as it would be used
    :param broker: the name under which its driver is configured

    .. versionadded:: 0.1
    """


@hookspec
def fillbridge_register_secret_providers(register: RegisterSecretProvider, settings: Any) -> None:
    """Offer ways to resolve references to secrets.

    Called once for every plugin whenever something is built that logs in. Two providers of one
    name, or an exception, stop the start. A provider may be more: see ``Unlockable``,
    ``ListsSecrets``, ``KeepsSecrets`` and ``RotatesKey``.

    :param register: call it with a name and a provider
    :param settings: as for ``fillbridge_configure``: this plugin's own section

    .. versionadded:: 0.1
    """


@hookspec
def fillbridge_register_commands(group: Any) -> None:
    """Add click commands to the command line.

    Called once for every plugin when ``fillbridge`` runs as a command. After an exception the
    plugin's commands are absent, and that is said; all others work.

    :param group: the ``click.Group`` of the command line

    .. versionadded:: 0.1
    """


@hookspec
def fillbridge_prepare_order(order: Order, market: MarketView) -> Order | None:
    """Change an entry before it is judged.

    Called for each entry, before the risk checks, plugin after plugin in the order of their
    names; each sees what the one before it made. Answer a changed copy, or ``None`` to leave the
    order alone. Trade, role, instrument and side must stay as they are. An exception refuses
    the order.

    :param order: the entry as it would be sent
    :param market: what is known of its market

    .. versionadded:: 0.1
    """


@hookspec
def fillbridge_check_risk(
    order: Order, exposure: Exposure, market: MarketView, context: RiskContext
) -> Refuse | Hold | None:
    """Object to an order that can increase exposure.

    Called for each such order before it is recorded, and again right before it is handed to the
    driver if anything happened in between. Must be pure: same arguments, same answer. All checks
    run; one objection refuses the order. An exception counts as an objection. Orders that only
    reduce exposure never come here.

    :param order: the order under judgement
    :param exposure: contracts at stake without it
    :param market: what is known of its market
    :param context: the proposal and the counters of the trade date

    .. versionadded:: 0.1
    """


@hookspec
def fillbridge_slippage(  # type: ignore[empty-body]  # a spec has no body
    order: Order, market: MarketView
) -> float:
    """Points per contract that a simulated fill is worse than its reference price.

    Called for the model that the configuration names, once for each simulated fill that takes
    liquidity. Must be finite and >= 0. An exception, or another value, stops the simulation and
    names the plugin. The core bounds what it answers by the order's limit.

    :param order: the order that fills
    :param market: the market it fills in

    .. versionadded:: 0.1
    """


@hookspec
def fillbridge_commission(  # type: ignore[empty-body]  # a spec has no body
    fill: Fill, instrument: Instrument
) -> float:
    """What a fill costs, in account currency.

    Called for the model that the configuration names, once for each fill. A minimum per order is
    charged against ``fill.cumulative_quantity``. After an exception the fill stands, its cost is
    marked unknown and an alarm is raised.

    :param fill: the fill to charge
    :param instrument: what was traded

    .. versionadded:: 0.1
    """


@hookspec
def fillbridge_handle_fill(fill: Fill, order: Order, position: PositionView) -> None:
    """Observe a fill.

    Called for each fill once it is recorded, every plugin in the order of names. An exception is
    logged with the plugin's name; the others still run.

    :param fill: what traded
    :param order: the order it belongs to
    :param position: the trade's position after it

    .. versionadded:: 0.1
    """


@hookspec(firstresult=True)
def fillbridge_score_execution(trade: TradeExecution) -> float | None:
    """Score how well a trade was executed, 0 (worst) to 1.

    Called for each closed trade. The first answer that is not ``None`` counts; without one, and
    after an exception (which is logged), the default score does.

    :param trade: prices, quantities and times of the execution

    .. versionadded:: 0.1
    """


@hookspec
def fillbridge_handle_event(event: Event) -> None:
    """Observe every published event.

    Called off the order path, every plugin in the order of names. An exception is logged with
    the plugin's name; the others still run.

    :param event: type, payload, priority, time and metadata

    .. versionadded:: 0.1
    """


@hookspec
def fillbridge_write_report(  # type: ignore[empty-body]  # a spec has no body
    run: RunFiles,
) -> list[str]:
    """Write further files about a finished run.

    Called once at the end of ``fillbridge backtest`` and ``fillbridge demo``, every plugin in
    the order of names, before the output becomes visible. Answer the names of the files written
    in ``run.directory``. An exception fails the command and names the plugin.

    :param run: the directory and what already stands in it

    .. versionadded:: 0.1
    """
