"""The handler that is killed: trades without end, and kills itself at one named point.

Run by ``kill9.py``. It reads one JSON object from its first argument and speaks JSON lines.
"""

import inspect
import json
import os
import random
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import anyio
import anyio.lowlevel

from fillbridge import LiveExecutionHandler, Plugins, RiskProposal
from fillbridge.bus import InProcessBus
from fillbridge.handlers import live
from fillbridge.journal import Journal
from fillbridge.live.pump import OrderPump
from fillbridge.live.trading import LiveTrading
from fillbridge.publishing import Publisher
from fillbridge_hooks import (
    ORDER_STATUS_CHANGE,
    POSITION_UPDATE,
    Accepted,
    Cancelled,
    Fill,
    FillbridgeError,
    OrderType,
    Replaced,
    UnknownOrder,
)
from fillbridge_rithmic.positions import PositionQueries
from fillbridge_rithmic.queries import OrderQueries
from fillbridge_rithmic.session import RithmicSession

WATCHED: dict[str, tuple[type, str]] = {
    "append": (Journal, "append"),
    "commit": (Journal, "commit"),
    "propose": (LiveTrading, "propose"),
    "outcome": (LiveTrading, "on_outcome"),
    "answers": (LiveTrading, "on_snapshot"),
    "link": (LiveTrading, "link_up"),
    "take up": (LiveTrading, "_take_up"),
    "publish": (Publisher, "drain"),
}
"""What is watched whatever it is called with."""

OF_RITHMIC: dict[str, tuple[type, str]] = {
    "hear": (RithmicSession, "hear_of_orders"),
    "deliver": (RithmicSession, "_deliver"),
    "working orders": (OrderQueries, "working"),
    "orders of today": (OrderQueries, "of_today"),
    "fills": (OrderQueries, "fills"),
    "positions": (PositionQueries, "positions"),
}
"""What is watched of the driver besides."""

MESSAGES = {"accepted": Accepted, "fill": Fill, "cancelled": Cancelled, "replaced": Replaced}
REQUESTS = ("entry", "stop", "target", "exit", "cancellation", "change")


def points(broker: str) -> list[str]:
    """Every point at which a kill can be asked for."""
    of_driver = OF_RITHMIC if broker == "rithmic" else {}
    named = (*WATCHED, *MESSAGES, *REQUESTS, *of_driver)
    return [f"{when} {what}" for what in named for when in ("before", "after")]


class Trap:
    """Kills this process the n-th time that its point is passed."""

    def __init__(self, point: str, count: int) -> None:
        self._point = point
        self._left = count
        self.is_armed = False

    def passes(self, point: str) -> None:
        if self.is_armed and point == self._point:
            self._left -= 1
            if self._left <= 0:
                os.kill(os.getpid(), signal.SIGKILL)

    def watch(self, owner: type, name: str, label: Callable[..., str | None]) -> None:
        """Pass ``before`` and ``after`` around a method, where ``label`` names it."""
        original = getattr(owner, name)

        def watched(*arguments: Any, **named: Any) -> Any:
            what = label(*arguments)
            if what is None:
                return original(*arguments, **named)
            self.passes(f"before {what}")
            result = original(*arguments, **named)
            self.passes(f"after {what}")
            return result

        async def watched_until_done(*arguments: Any, **named: Any) -> Any:
            self.passes(f"before {label(*arguments)}")
            result = await original(*arguments, **named)
            self.passes(f"after {label(*arguments)}")
            return result

        is_awaited = inspect.iscoroutinefunction(original)
        setattr(owner, name, watched_until_done if is_awaited else watched)

    def watch_sends(self) -> None:
        """The same around every request on its way into the session."""
        original = OrderPump._send

        async def watched(pump: OrderPump, command: Any) -> Any:
            approved = getattr(command, "approved", None)
            what = approved.order.role.value if approved else type(command).__name__.lower()
            self.passes(f"before {what}")
            result = await original(pump, command)
            self.passes(f"after {what}")
            return result

        OrderPump._send = watched  # type: ignore[method-assign, assignment]


def laid_trap(point: str, count: int) -> Trap:
    """A trap that is not armed yet: what is watched is watched from before anything is built."""
    trap = Trap(point, count)
    for what, (owner, name) in {**WATCHED, **OF_RITHMIC}.items():
        trap.watch(owner, name, lambda *_, what=what: what)
    kinds: dict[type, str] = {kind: what for what, kind in MESSAGES.items()}
    trap.watch(LiveTrading, "on_message", lambda _, message: kinds.get(type(message)))
    trap.watch_sends()
    return trap


def say(**facts: Any) -> None:
    print(json.dumps(facts), flush=True)


def belief(handler: LiveExecutionHandler) -> dict[str, Any]:
    """What the handler holds to be true."""
    state = handler._trading.state
    orders = {
        order_id: [order_state.status.value, order_state.filled, trade.held]
        for order_id, (trade, order_state) in state.orders.items()
    }
    held = sum(trade.held * trade.plan.direction.sign for trade in state.trades.values())
    fills = [
        fill_id
        for trade in (*state.trades.values(), *state.ended.values())
        for fill_id in trade.fills
    ]
    return {"orders": orders, "held": held, "fills": fills, "gate": handler._trading.gate.state}


def bracket(number: int) -> RiskProposal:
    """One whose stop and target are placed once the entry has filled."""
    return RiskProposal(
        position_size=2,
        direction="LONG" if number % 2 else "SHORT",
        stop_loss_ticks=4,
        take_profit_ticks=4,
        urgency="high",
        timeout_seconds=60,
        proposal_id=f"P{number}",
    )


def any_bracket(number: int, last: float, by: random.Random) -> RiskProposal:
    """One of every kind, most of which the broker keeps stop and target of.

    :param last: where the market trades, points
    """
    tick, sign = 0.25, 1 if number % 2 else -1
    kind = by.choice(("levels", "levels", "levels", "resting", "resting", "ticks", "trailing"))
    stop, target = by.randint(3, 6), by.randint(3, 6)
    proposal: dict[str, Any] = {
        "position_size": by.randint(1, 3),
        "direction": "LONG" if sign > 0 else "SHORT",
        "urgency": "high",
        "timeout_seconds": 60,
        "proposal_id": f"P{number}",
    }
    if kind == "resting":
        last -= sign * tick
        proposal["entry_type"], proposal["entry_limit_price"] = OrderType.LIMIT, last
        proposal["timeout_seconds"] = by.choice((0.3, 1.0, 3.0))
    if kind in ("levels", "resting"):
        proposal["stop_loss_price"] = last - sign * stop * tick
        proposal["take_profit_price"] = last + sign * target * tick
    else:
        proposal["stop_loss_ticks"], proposal["take_profit_ticks"] = stop, target
        proposal["trailing_stop"] = kind == "trailing"
    return RiskProposal(**proposal)


async def flat(handler: LiveExecutionHandler, close_after_s: float | None) -> None:
    """Wait until nothing is open; what is still open after so long is closed."""
    with anyio.move_on_after(close_after_s):
        while handler.open_positions or handler._trading.gate.state != "open":  # noqa: ASYNC110
            await anyio.sleep(0.02)
        return
    for trade_id in list(handler.open_positions):
        with suppress(UnknownOrder):
            await handler.close_position(trade_id)
    await flat(handler, None)


async def trade(handler: LiveExecutionHandler, given: dict[str, Any]) -> None:
    """Propose one bracket after the other, the first perhaps for the second time."""
    number: int = given["first"]
    by = random.Random(f"{given['seed']} {number}")
    while True:
        does_close = given["kinds"] == "all" and by.random() < 0.3
        # At once there is no stop yet that could be turned into the exit.
        close_after_s = by.choice((0.0, by.uniform(0.0, 1.5)))
        await flat(handler, close_after_s if does_close else None)
        view = handler._trading.market.view("ES")
        if view.last is None:
            await anyio.sleep(0.02)
            continue
        is_any = given["kinds"] == "all"
        proposal = any_bracket(number, view.last, by) if is_any else bracket(number)
        say(proposing=number)
        try:
            say(proposed=number, trade_id=await handler.execute_trade(proposal))
        except FillbridgeError as error:
            say(refused=number, reason=str(error))
        number += 1


async def answer(handler: LiveExecutionHandler, given: dict[str, Any], trap: Trap) -> None:
    """Do what the harness asks for, a line at a time."""
    async with anyio.create_task_group() as group:
        async for line in anyio.wrap_file(sys.stdin):
            if line == "state\n":
                say(state=belief(handler))
            elif line == "go\n":
                trap.is_armed = True
                group.start_soon(trade, handler, given)
            else:
                group.cancel_scope.cancel()


async def hear(event_type: str, payload: Any) -> None:
    """Take an event, without which nothing would be published."""


async def main(given: dict[str, Any]) -> None:
    trap = laid_trap(given["point"], given["count"])
    trap.is_armed = given["at_start"]
    plugins = Plugins()
    plugins.load()
    bus = InProcessBus()
    bus.subscribe(ORDER_STATUS_CHANGE, hear)
    bus.subscribe(POSITION_UPDATE, hear)
    async with live.LiveExecutionHandler(given["configuration"], bus, plugins=plugins) as handler:
        while handler._trading.gate.state != "open":  # noqa: ASYNC110  # what is killed may poll
            await anyio.sleep(0.005)
        say(open=handler._journal.recovery.status)
        await answer(handler, given, trap)


if __name__ == "__main__":
    if sys.argv[1] == "--points":
        print(json.dumps(points(sys.argv[2])))
    else:
        anyio.run(main, json.loads(sys.argv[1]))
