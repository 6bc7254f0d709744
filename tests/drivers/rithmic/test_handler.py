"""A live handler that trades at the gateway, from the proposal to the closed trade."""

import pytest
from tests.drivers.rithmic.floor import floor
from tests.drivers.rithmic.ground import ACCOUNT, until

from fillbridge_hooks import ExitReason

pytestmark = pytest.mark.anyio


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


@pytest.mark.parametrize("parts", [{5001.0: 2}, {5001.0: 1, 5001.25: 1}], ids=["whole", "in parts"])
async def test_distances_from_the_fill_rest_at_the_broker(tmp_path, monkeypatch, parts):
    levels = {"stop_loss_price": None, "take_profit_price": None}
    async with floor(tmp_path, monkeypatch, market_orders="next-trade") as here:
        await here.propose(
            entry_type=None,
            entry_limit_price=None,
            urgency="high",
            position_size=2,
            stop_loss_ticks=12,
            take_profit_ticks=20,
            **levels,
        )
        await until("an entry", lambda: len(here.working) == 1)
        # The last of them is not where the entry was expected to fill.
        for price, quantity in parts.items():
            here.trade(price, quantity=quantity)
        await here.is_protected(2)
        placed = [one for one in here.gateway.received if one.template in (312, 330)]
        assert [(one.template, one.message.stop_ticks) for one in placed] == [(330, 12)]
        rest = sorted(one.trigger_price or one.price for one in here.working)
        assert rest == sorted(price + ticks / 4 for price in parts for ticks in (-12, 20))
        here.trade(5006.5)
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


async def test_a_close_that_had_not_left_when_the_link_broke_is_made_up_for(tmp_path, monkeypatch):
    async with floor(tmp_path, monkeypatch) as here:
        trade_id = await here.propose()
        await until("an entry", lambda: len(here.working) == 1)
        here.trade(4997.0)
        await here.is_protected(3)
        # Of the move nothing is heard: what follows has to wait for its answer.
        here.gateway.faults.arm("silence", template=314)
        assert await here.handler.modify_order(f"{trade_id}_SL", trigger_price=4991.0)
        await until("a move", lambda: here.gateway.faults.armed == [])
        assert await here.handler.close_position(trade_id)
        await until("that it was handed over", lambda: not here.handler._trading.outbox.ready)
        await here.gateway.cut()
        assert here.held == 3
        await here.is_over()
    sold = sum(fill.size for fill in here.gateway.fills(ACCOUNT) if fill.side == 2)
    assert sold == 3


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_fill_that_crosses_the_withdrawal_of_the_rest_leaves_no_leg_behind(
    tmp_path, monkeypatch
):
    async with floor(tmp_path, monkeypatch) as here:
        await here.propose()
        await until("an entry", lambda: len(here.working) == 1)
        here.trade(4997.0, quantity=1)
        await here.is_protected(1)
        # With the target the rest of the entry is withdrawn, of which one more fills meanwhile.
        here.gateway.faults.arm("fill_while_cancelling", size=1)
        here.trade(5010.25, quantity=1)
        here.trade(5000.0)
        await until("the fill", lambda: here.gateway.faults.happened)
        await here.is_over()
        await here.is_open()
    sold = sum(fill.size for fill in here.gateway.fills(ACCOUNT) if fill.side == 2)
    assert (sold, here.gateway.faults.happened.count("fill_while_cancelling")) == (2, 1)


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
