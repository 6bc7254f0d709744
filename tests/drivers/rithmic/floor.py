"""A live handler that trades at a gateway of its own, over a proxy that can be broken."""

from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from tests.drivers.rithmic.ground import ACCOUNT, LOGIN, PASSWORD, until
from tests.drivers.rithmic.proxy import proxying

from fillbridge import InProcessBus, LiveExecutionHandler, Risk_Proposal
from fillbridge.plugins import Plugins
from fillbridge_hooks import PUBLISHED, OrderType
from fillbridge_rithmic.gateway import GatewaySettings, serve_gateway
from fillbridge_rithmic.gateway.settings import Contract, User

SYMBOL = "ES"
CREDENTIALS = {"RITHMIC_USERNAME": "rehearsal", "RITHMIC_PASSWORD": PASSWORD}


class Floor:
    """A handler and the gateway that it trades at."""

    def __init__(self, gateway, proxy, handler, results, events):
        self.gateway = gateway
        self.proxy = proxy
        self.handler = handler
        self.results = results
        self.events = events

    @property
    def held(self):
        return self.gateway.position(ACCOUNT, SYMBOL)

    @property
    def working(self):
        return self.gateway.orders(working=True)

    @property
    def gate(self):
        return self.handler._trading.gate

    def margin(self):
        return self.handler._trading._account.market.margin(SYMBOL)

    @property
    def logins(self):
        """How many there were so far."""
        return sum(one.template == LOGIN for one in self.gateway.received)

    @property
    def alarms(self):
        return [payload for kind, payload in self.events if kind == "EXECUTION_ERROR"]

    def stops(self):
        """What rests as stops."""
        return sum(order.left for order in self.working if order.ticket.leg == "stop")

    def trade(self, *prices: float, quantity: int | None = None) -> None:
        for price in prices:
            self.gateway.trade(SYMBOL, price, quantity)

    async def is_open(self):
        await until("a gate that is open", lambda: not self.gate.reasons(), self.gate.reasons)

    async def propose(self, **fields: Any) -> str:
        values: dict[str, Any] = {
            "position_size": 3,
            "direction": "LONG",
            "entry_type": OrderType.LIMIT,
            "entry_limit_price": 4998.0,
            "stop_loss_price": 4990.0,
            "take_profit_price": 5010.0,
        } | fields
        trade_id: str = await self.handler.execute_trade(Risk_Proposal(**values))
        return trade_id

    async def is_protected(self, quantity):
        await until(f"a stop for {quantity}", lambda: self.stops() == quantity == self.held)
        await until(
            "a handler that knows it",
            lambda: any(
                trade.stop is not None and trade.stop.order.quantity == quantity == trade.held
                for trade in self.handler._trading.state.trades.values()
            ),
        )

    async def is_over(self):
        await until(
            "a trade that is closed, a flat account and no order",
            lambda: self.results and not self.held and not self.working,
            self.told,
        )

    def told(self) -> dict[str, Any]:
        """What the gateway has, for whoever wonders."""
        orders = [
            (
                one.basket_id,
                one.ticket.user_tag,
                one.ticket.leg,
                one.quantity,
                one.filled,
                one.works,
            )
            for one in self.gateway.orders()
        ]
        return {"held": self.held, "orders": orders, "alarms": self.alarms}


@asynccontextmanager
async def floor(tmp_path, monkeypatch, **given):
    """A handler that has just begun to trade, of a test; ``given`` as for :func:`open_floor`."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    async with open_floor(tmp_path, **given) as here:
        yield here


@asynccontextmanager
async def open_floor(
    folder, *, live=None, rithmic=None, risk_controls=None, observers=None, hears=(), **offered
):
    """A handler that has just begun to trade; ``CREDENTIALS`` stand in the environment.

    :param folder: where the journal is kept
    :param live: further keys of ``live_settings``
    :param rithmic: further keys of ``live_settings.rithmic``
    :param risk_controls: of the handler
    :param observers: plugins by name
    :param hears: subscribers that hear of everything before the floor does
    :param offered: by the gateway
    """
    settings = GatewaySettings(
        **{
            "contracts": (Contract(symbol=SYMBOL, product_code=SYMBOL),),
            "users": (User(name="rehearsal", password=PASSWORD),),
        }
        | offered,
    )
    results, events = [], []

    async def hear(kind, payload):
        events.append((kind, payload))

    bus = InProcessBus()
    for kind in PUBLISHED:
        for one in (*hears, hear):
            bus.subscribe(kind, one)
    plugins = Plugins()
    plugins.load()
    for name, plugin in (observers or {}).items():
        plugins.register(plugin, name)
    async with (
        serve_gateway(settings) as running,
        proxying(urlsplit(running.uri).port) as proxy,
    ):
        places = {"uri": f"wss://127.0.0.1:{proxy.port}", "ca_file": running.ca_file}
        config = {
            "mode": "live",
            # A slow machine is no failure.
            "performance": {"max_execution_latency_ms": 60_000},
            "risk_controls": risk_controls or {},
            "live_settings": {
                "provider": "rithmic",
                "account": ACCOUNT,
                "journal": str(folder / "journal"),
                "durability": "process",
                "max_loop_lag_ms": 10_000,
                "credentials": {
                    "username": "${RITHMIC_USERNAME}",
                    "password": "${RITHMIC_PASSWORD}",
                },
                "rithmic": places
                | {"system_name": settings.systems[0]}
                | ({"login_gap_s": 0.0, "settle_s": 0.05} if rithmic is None else rithmic),
            }
            | (live or {}),
        }
        handler = LiveExecutionHandler(
            {"execution_handler": config}, bus, plugins=plugins, trade_sink=results.append
        )
        async with handler:
            here = Floor(running.gateway, proxy, handler, results, events)
            await here.is_open()
            here.trade(5000.0)
            await until("a price", lambda: handler._trading.market.view(SYMBOL).last is not None)
            yield here
