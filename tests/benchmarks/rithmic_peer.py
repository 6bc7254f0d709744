"""Times ``submit_order`` of async_rithmic; run by an interpreter that has it.

Its arguments: where the gateway is, its CA file, how many orders, the pause before each in s, and
how far stop and target of each are from its price, in ticks: nothing for orders without them.
Prints the times in ms as JSON.
"""

import asyncio
import json
import ssl
import sys
import time

from async_rithmic import (  # type: ignore[import-not-found]
    OrderPlacement,
    OrderType,
    RithmicClient,
    TransactionType,
)

uri, ca_file, orders, pause_s, *ticks = sys.argv[1:]
legs = dict.fromkeys(("stop_ticks", "target_ticks"), int(ticks[0])) if ticks else {}


async def main():
    client = RithmicClient(
        user="rehearsal",
        password="rehearsal",  # noqa: S106
        system_name="Fillbridge Rehearsal",
        app_name="peer",
        app_version="1",
        url=uri,
        manual_or_auto=OrderPlacement.AUTO,
    )
    client.ssl_context = ssl.create_default_context(cafile=ca_file)
    await client.connect(plant_connect_delay=0)
    taken = []
    for number in range(int(orders)):
        name = f"peer{time.time_ns():x}-{number}"  # noqa: TID251
        await asyncio.sleep(float(pause_s))
        started = time.perf_counter_ns()
        answer = await client.submit_order(
            name,
            account_id="BENCH0",
            symbol="ES",
            exchange="CME",
            qty=1,
            transaction_type=TransactionType.BUY,
            order_type=OrderType.LIMIT,
            price=4900.0,
            **legs,
        )
        taken.append((time.perf_counter_ns() - started) / 1e6)
        assert answer, "rejected"
        await client.cancel_order(order_id=name, account_id="BENCH0")
    await client.disconnect()
    print(json.dumps(taken))


asyncio.run(main())
