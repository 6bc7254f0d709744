"""The handler that is killed: trades without end, and kills itself at one named point.

Run by ``kill9.py``. It reads one JSON object from its first argument and speaks JSON lines.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import anyio
import anyio.lowlevel

from fillbridge import LiveExecutionHandler, Plugins, RiskProposal
from fillbridge.handlers import live
from fillbridge.journal import Journal
from fillbridge.live.pump import OrderPump
from fillbridge.live.trading import LiveTrading
from fillbridge.publishing import Publisher
from fillbridge_hooks import Accepted, Cancelled, Fill, FillbridgeError

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

MESSAGES = {"accepted": Accepted, "fill": Fill, "cancelled": Cancelled}
REQUESTS = ("entry", "stop", "target", "exit", "cancellation", "change")

POINTS = [
    f"{when} {what}" for what in (*WATCHED, *MESSAGES, *REQUESTS) for when in ("before", "after")
]
"""Every point at which a kill can be asked for."""


class Trap:
    """Kills this process the n-th time that its point is passed."""

    def __init__(self, point: str, count: int) -> None:
        self._point = point
        self._left = count

    def passes(self, point: str) -> None:
        if point == self._point:
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

        setattr(owner, name, watched)

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


def set_trap(point: str, count: int) -> None:
    trap = Trap(point, count)
    for what, (owner, name) in WATCHED.items():
        trap.watch(owner, name, lambda *_, what=what: what)
    kinds: dict[type, str] = {kind: what for what, kind in MESSAGES.items()}
    trap.watch(LiveTrading, "on_message", lambda _, message: kinds.get(type(message)))
    trap.watch_sends()


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


async def trade(handler: LiveExecutionHandler, number: int) -> None:
    """Propose one bracket after the other, the first perhaps for the second time."""
    while True:
        while handler.open_positions or handler._trading.gate.state != "open":  # noqa: ASYNC110
            await anyio.sleep(0.02)
        view = handler._trading.market.view("ES")
        if view.last is None:
            await anyio.sleep(0.02)
            continue
        proposal = RiskProposal(
            position_size=2,
            direction="LONG" if number % 2 else "SHORT",
            stop_loss_ticks=4,
            take_profit_ticks=4,
            urgency="high",
            timeout_seconds=60,
            proposal_id=f"P{number}",
        )
        say(proposing=number)
        try:
            say(proposed=number, trade_id=await handler.execute_trade(proposal))
        except FillbridgeError as error:
            say(refused=number, reason=str(error))
        number += 1


async def answer(handler: LiveExecutionHandler, given: dict[str, Any]) -> None:
    """Do what the harness asks for, a line at a time."""
    async with anyio.create_task_group() as group:
        async for line in anyio.wrap_file(sys.stdin):
            if line == "state\n":
                say(state=belief(handler))
            elif line == "go\n":
                if given["point"]:
                    set_trap(given["point"], given["count"])
                group.start_soon(trade, handler, given["first"])
            else:
                group.cancel_scope.cancel()


async def main(given: dict[str, Any]) -> None:
    if given["at_start"]:
        set_trap(given["point"], given["count"])
    plugins = Plugins()
    plugins.load()
    async with live.LiveExecutionHandler(given["configuration"], plugins=plugins) as handler:
        while handler._trading.gate.state != "open":  # noqa: ASYNC110  # what is killed may poll
            await anyio.sleep(0.005)
        say(open=handler._journal.recovery.status)
        await answer(handler, given)


if __name__ == "__main__":
    if sys.argv[1] == "--points":
        print(json.dumps(POINTS))
    else:
        anyio.run(main, json.loads(sys.argv[1]))
