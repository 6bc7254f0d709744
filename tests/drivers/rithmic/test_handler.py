"""A live handler that trades at the gateway, from the proposal to the closed trade."""

from contextlib import asynccontextmanager

import anyio
import pytest

from fillbridge import InProcessBus, LiveExecutionHandler, Risk_Proposal
from fillbridge.plugins import Plugins
from fillbridge_hooks import PUBLISHED, ExitReason, OrderType
from fillbridge_rithmic.gateway import GatewaySettings, serve_gateway
from fillbridge_rithmic.gateway.settings import Contract

pytestmark = pytest.mark.anyio

ACCOUNT, SYMBOL = "REHEARSAL", "ES"
PATIENCE_S = 8
_LOOK_S = 0.01


async def until(what, is_so, told=list):
    """Wait until something is so; what was ``told`` instead is said if it never is."""
    with anyio.move_on_after(PATIENCE_S):
        while not is_so():  # noqa: ASYNC110  # what happens at the gateway tells nobody
            await anyio.sleep(_LOOK_S)
        return
    pytest.fail(f"expected {what} within {PATIENCE_S} s, was {told()}")


class Floor:
    """A handler and the gateway that it trades at."""

    def __init__(self, gateway, handler, results, events):
        self.gateway = gateway
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
    def alarms(self):
        return [payload for kind, payload in self.events if kind == "EXECUTION_ERROR"]

    def stops(self):
        """What rests as stops."""
        return sum(order.left for order in self.working if order.ticket.leg == "stop")

    def trade(self, *prices, quantity=None):
        for price in prices:
            self.gateway.trade(SYMBOL, price, quantity)

    async def is_open(self):
        gate = self.handler._trading.gate
        await until("a gate that is open", lambda: not gate.reasons(), gate.reasons)

    async def propose(self, **fields):
        values = {
            "position_size": 3,
            "direction": "LONG",
            "entry_type": OrderType.LIMIT,
            "entry_limit_price": 4998.0,
            "stop_loss_price": 4990.0,
            "take_profit_price": 5010.0,
        } | fields
        return await self.handler.execute_trade(Risk_Proposal(**values))

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

    def told(self):
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
async def floor(tmp_path, monkeypatch, **offered):
    monkeypatch.setenv("RITHMIC_USERNAME", "rehearsal")
    monkeypatch.setenv("RITHMIC_PASSWORD", "rehearsal")
    settings = GatewaySettings(contracts=(Contract(symbol=SYMBOL, product_code=SYMBOL),), **offered)
    results, events = [], []

    async def hear(kind, payload):
        events.append((kind, payload))

    bus = InProcessBus()
    for kind in PUBLISHED:
        bus.subscribe(kind, hear)
    plugins = Plugins()
    plugins.load()
    async with serve_gateway(settings) as running:
        config = {
            "mode": "live",
            # A slow machine is no failure.
            "performance": {"max_execution_latency_ms": 60_000},
            "live_settings": {
                "provider": "rithmic",
                "account": ACCOUNT,
                "journal": str(tmp_path / "journal"),
                "durability": "process",
                "max_loop_lag_ms": 10_000,
                "credentials": {
                    "username": "${RITHMIC_USERNAME}",
                    "password": "${RITHMIC_PASSWORD}",
                },
                "rithmic": {
                    "uri": running.uri,
                    "ca_file": running.ca_file,
                    "system_name": settings.systems[0],
                    "login_gap_s": 0.0,
                    "settle_s": 0.05,
                },
            },
        }
        handler = LiveExecutionHandler(
            {"execution_handler": config}, bus, plugins=plugins, trade_sink=results.append
        )
        async with handler:
            here = Floor(running.gateway, handler, results, events)
            await here.is_open()
            here.trade(5000.0)
            await until("a price", lambda: handler._trading.market.view(SYMBOL).last is not None)
            yield here


async def test_a_trade_from_its_entry_to_its_target(tmp_path, monkeypatch):
    async with floor(tmp_path, monkeypatch) as here:
        await here.propose()
        await until("an entry", lambda: len(here.working) == 1)
        here.trade(4997.0, quantity=1)
        await here.is_protected(1)
        here.trade(4996.0)
        await here.is_protected(3)
        here.trade(5010.25)
        await here.is_over()
    (result,) = here.results
    assert result.exit_reason is ExitReason.TAKE_PROFIT
    assert here.alarms == []


async def test_a_trade_that_is_stopped(tmp_path, monkeypatch):
    async with floor(tmp_path, monkeypatch) as here:
        await here.propose()
        await until("an entry", lambda: len(here.working) == 1)
        here.trade(4997.0)
        await here.is_protected(3)
        here.trade(4989.0)
        await here.is_over()
    assert here.results[0].exit_reason is ExitReason.STOP_LOSS
    assert here.alarms == []


async def test_a_market_entry_in_a_bracket(tmp_path, monkeypatch):
    async with floor(tmp_path, monkeypatch) as here:
        await here.propose(entry_type=None, entry_limit_price=None, urgency="high")
        await here.is_protected(3)
        here.trade(5010.25)
        await here.is_over()
    assert here.alarms == []


async def test_a_position_in_parts_is_closed_once(tmp_path, monkeypatch):
    async with floor(tmp_path, monkeypatch) as here:
        trade_id = await here.propose()
        await until("an entry", lambda: len(here.working) == 1)
        here.trade(4997.0, quantity=1)
        here.trade(4996.0, quantity=1)
        await here.is_protected(2)
        assert await here.handler.close_position(trade_id)
        await here.is_over()
    sold = sum(fill.size for fill in here.gateway.fills(ACCOUNT) if fill.side == 2)
    assert sold == 2
    assert here.alarms == []


async def test_what_happened_while_the_link_was_cut_is_made_up_for(tmp_path, monkeypatch):
    async with floor(tmp_path, monkeypatch) as here:
        await here.propose()
        await until("an entry", lambda: len(here.working) == 1)
        await here.gateway.cut()
        here.trade(4997.0)
        assert here.stops() == 3
        await here.is_protected(3)
        await here.gateway.cut()
        here.trade(4989.0)
        await here.is_over()
    assert here.results[0].exit_reason is ExitReason.STOP_LOSS


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_the_stream_does_trades_end_flat(tmp_path, monkeypatch, seed):
    async with floor(tmp_path, monkeypatch) as here:
        here.gateway.faults.seed(seed, 0.2)
        for number in range(3):
            here.trade(5000.0)
            await here.propose()
            await until("an entry", lambda: len(here.working) == 1)
            here.trade(4997.0, quantity=1)
            here.trade(4996.0)
            await until("protection", lambda: here.stops() == 3 == here.held)
            here.trade(5010.25 if number % 2 else 4989.0)
            await until("its end", lambda n=number: len(here.results) == n + 1)
            await until("no order", lambda: not here.held and not here.working)
            await here.is_open()
