"""Trades with the oracle's client as it is published; run by the oracle's own interpreter.

Each step is written to standard output as a line of JSON; before the next one, a line is read
from standard input.
"""

import asyncio
import json
import ssl
import sys
from datetime import UTC, datetime, timedelta

from async_rithmic import (  # type: ignore[import-not-found]
    OrderPlacement,
    OrderType,
    RithmicClient,
    TransactionType,
)

uri, ca_file = sys.argv[1:]
WHERE = {"symbol": "ES", "exchange": "CME"}
BUY_LIMIT = {
    **WHERE,
    "transaction_type": TransactionType.BUY,
    "order_type": OrderType.LIMIT,
    "price": 4990.0,
}


async def step(name, **said):
    print(json.dumps({"step": name, **said}), flush=True)
    await asyncio.to_thread(sys.stdin.readline)


async def main():
    client = RithmicClient(
        user="rehearsal",
        password="rehearsal",  # noqa: S106
        system_name="Fillbridge Rehearsal",
        app_name="oracle",
        app_version="1",
        url=uri,
        manual_or_auto=OrderPlacement.AUTO,
    )
    client.ssl_context = ssl.create_default_context(cafile=ca_file)
    fills, ticks = [], []
    filled = asyncio.Event()  # noqa: TID251 (the oracle knows nothing else)

    async def on_notice(notice):
        if notice.fill_id and not notice.is_snapshot:
            fills.append(
                [
                    notice.basket_id,
                    notice.user_tag,
                    notice.fill_size,
                    notice.fill_price,
                    notice.ssboe,
                ]
            )
            filled.set()

    async def on_tick(tick):
        ticks.append(tick)

    client.on_exchange_order_notification += on_notice
    client.on_tick += on_tick
    await client.connect(plant_connect_delay=0)
    await client.subscribe_to_market_data("ES", "CME", 3)
    contract = await client.get_reference_data("ES", "CME")
    await step(
        "connected",
        accounts=[each.account_id for each in client.accounts],
        tick_size=contract.min_qprice_change,
    )

    (placed,) = (await client.submit_order("A1", qty=2, **BUY_LIMIT))[:1]
    listed = await client.list_orders()
    await step("placed", basket=placed.basket_id, listed=[each.user_tag for each in listed])

    await client.cancel_order(order_id="A1")
    await step("cancelled", listed=[each.user_tag for each in await client.list_orders()])

    (placed,) = (
        await client.submit_order("B1", qty=2, stop_ticks=20, target_ticks=40, **BUY_LIMIT)
    )[:1]
    ticks_of = await client.get_stop_and_target(placed.basket_id)
    await step("bracketed", basket=placed.basket_id, ticks=ticks_of)

    await client.modify_order(
        basket_id=placed.basket_id, stop_ticks=24, target_ticks=44, price=4989.0
    )
    await step("moved", ticks=await client.get_stop_and_target(placed.basket_id))

    await asyncio.wait_for(filled.wait(), 10)
    legs = await client.list_orders()
    positions = await client.list_positions()
    await step(
        "filled",
        fills=[fill[:4] for fill in fills],
        legs=[[each.original_basket_id, each.price, each.trigger_price] for each in legs],
        positions=[[each.symbol, each.net_quantity] for each in positions],
        ticks=len(ticks),
    )

    filled.clear()
    exited = await client.exit_position(**WHERE, window_name="exit")
    await asyncio.wait_for(filled.wait(), 10)
    now = datetime.fromtimestamp(fills[-1][4], UTC)
    history = await client.get_fill_history(now - timedelta(hours=1), now + timedelta(hours=1))
    await step(
        "exited",
        exited=[each.symbol for each in exited],
        listed=[each.user_tag for each in await client.list_orders()],
        positions=[each.net_quantity for each in await client.list_positions()],
        history=[[each.transaction_type, each.fill_size] for each in history],
    )
    await client.disconnect()


asyncio.run(main())
