"""What a driver is handed is counted, and what is too much stops the account."""

import anyio
import pytest

from fillbridge_hooks import OrderRefused, OrderType

pytestmark = pytest.mark.anyio
LIMIT = {"entry_type": OrderType.LIMIT, "entry_limit_price": 4990.0, "urgency": "high"}


async def until(place, condition):
    with anyio.fail_after(10):
        while not condition():
            await place.wait(0.1)


async def test_a_request_that_leaves_twice_stops_entries(floor, proposal):
    place = floor()
    async with place.running() as handler:
        session = place.wire.sessions[-1]

        async def stutter(client_order_id):
            await session._session.cancel(client_order_id)
            return await session._session.cancel(client_order_id)

        session.cancel = stutter
        order_id = await handler.execute_trade(proposal(**LIMIT)) + "_ENTRY"
        await place.wait(2)
        assert handler.arming()["level"] is None
        await handler.cancel_order(order_id)
        await until(place, lambda: handler.arming()["level"] == "pause")
        assert (
            f"{order_id}: expected to be cancelled at most 1 times, was 2"
            in (handler.arming()["reason"])
        )
        with pytest.raises(OrderRefused, match="more left than was decided"):
            await handler.execute_trade(proposal(**LIMIT))


async def test_requests_that_leave_once_stop_nothing(floor, proposal):
    place = floor()
    async with place.running() as handler:
        order_id = await handler.execute_trade(proposal(**LIMIT)) + "_ENTRY"
        await handler.modify_order(order_id, limit_price=4980.0)
        await place.wait(2)
        await handler.cancel_order(order_id)
        await place.wait(2)
        trade_id = await handler.execute_trade(proposal())
        await place.price(5000.0, 5000.0)
        await place.wait(2)
        await handler.close_position(trade_id)
        await place.price(5000.0, 5000.0)
        await place.wait(2)
        assert handler.arming()["level"] is None
        assert not handler.open_positions
