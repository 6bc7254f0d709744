"""Whatever the handler has Rithmic do with orders says that no person decided it."""

import pytest
from tests.drivers.rithmic.floor import floor
from tests.drivers.rithmic.ground import until

from fillbridge.live.protection import is_in_order
from fillbridge_hooks import KillLevel

pytestmark = pytest.mark.anyio

NEW_ORDER, MODIFY, CANCEL, BRACKET, CANCEL_ALL, EXIT_POSITION = 312, 314, 316, 330, 346, 3504
AUTO = 2
FLAGGED = (NEW_ORDER, MODIFY, CANCEL, BRACKET, CANCEL_ALL, EXIT_POSITION)


async def test_every_order_change_cancel_and_exit_is_flagged_as_automated(tmp_path, monkeypatch):
    async with floor(tmp_path, monkeypatch) as here:
        # An entry in a bracket that is moved, and then withdrawn.
        trade_id = await here.propose()
        await until("an entry", lambda: len(here.working) == 1)
        await here.handler.modify_order(f"{trade_id}_ENTRY", limit_price=4997.0)
        await here.handler.cancel_order(f"{trade_id}_ENTRY")
        await until("no order", lambda: not here.working)
        # One without: its legs follow as orders of their own.
        await here.propose(trailing_stop=True, stop_loss_price=None, stop_loss_ticks=40)
        await until("an entry", lambda: len(here.working) == 1)
        here.trade(4997.0)
        trades = here.handler._trading.state.trades
        await until(
            "a stop and a target",
            lambda: len(here.working) == 2 and all(is_in_order(one) for one in trades.values()),
        )
        # What is held is closed by turning the stop into the exit.
        here.handler.kill(KillLevel.FLATTEN, "enough", "ann")
        await until("a position that is closed", lambda: here.results and not here.held)
        flags = [
            (one.template, one.message.manual_or_auto)
            for one in here.gateway.received
            if one.template in FLAGGED
        ]
    assert {template for template, _ in flags} == {NEW_ORDER, MODIFY, CANCEL, BRACKET}
    assert {flag for _, flag in flags} == {AUTO}
