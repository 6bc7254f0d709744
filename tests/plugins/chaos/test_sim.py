"""The chaos around the simulated broker."""

import random

import anyio
import msgspec
import pytest

from fillbridge_chaos import PROFILES
from fillbridge_hooks import DriverError, OrderType, Side
from fillbridge_sim import SimDriver, SimulationSettings

MANUAL = msgspec.convert({"live": {"market": "manual"}}, SimulationSettings)


async def trade(rig, steps, rng):
    """Trade with a market that moves, connecting again whenever the link is lost."""
    price = 5000.0
    while steps:
        try:
            async with rig.connected() as session:
                while steps and rig.error is None:
                    steps -= 1
                    price += rng.choice([-0.5, 0, 0.5])
                    rig.inside.broker.quote("ES", price - 0.25, price + 0.25, 100, 100)
                    rig.inside.broker.trade("ES", price, 100)
                    kind = rng.choice([OrderType.MARKET, OrderType.LIMIT])
                    order = rig.order(rng.randint(1, 5), kind, rng.choice(list(Side)))
                    await session.submit(order)
                    if rng.random() < 0.4:
                        await session.cancel(order.order.client_order_id)
                    await rig.clock.advance(rng.choice([0.0, 0.1, 1.0]))
        except DriverError:
            await rig.clock.advance(1)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("profile", list(PROFILES))
def test_in_the_end_the_truth_is_told(make_rig, settling, profile, backend):
    async def run():
        # A bust is the one thing that the broker inside does not know of.
        faults = msgspec.structs.replace(PROFILES[profile], bust=0.0)
        rig = make_rig(faults, 5, SimDriver(), MANUAL)
        await trade(rig, 60, random.Random(5))
        working, orders, positions, fills = await settling(rig)
        async with rig.inside.connect(rig.terms) as honest:
            true_fills = await honest.fills(0)
            assert working == await honest.working_orders()
            assert orders == await honest.orders_today()
            assert positions == await honest.positions()
        assert len(true_fills) > 5
        assert sum(fill.quantity for fill in fills) == sum(fill.quantity for fill in true_fills)
        for true in true_fills:
            parts = [f for f in fills if f.fill_id in (true.fill_id, *_parts(true.fill_id))]
            assert sum(part.quantity for part in parts) == true.quantity
            assert parts[-1].cumulative_quantity == true.cumulative_quantity

    anyio.run(run, backend=backend)


def _parts(fill_id):
    return [f"{fill_id}.{number}" for number in range(1, 10)]
