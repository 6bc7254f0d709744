"""Whatever the link did: in the end reports and queries tell what the broker has."""

import random

import anyio
import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from fillbridge_chaos import PROFILES, Fault, Faults
from fillbridge_hooks import BrokerPosition, Fill, FillVoided, OrderStatus


def check(rig, read):
    """Compare what was told, by reports or by queries, with what the broker has."""
    broker = rig.broker
    working, orders, positions, fills = read
    said = [message for message in rig.messages if isinstance(message, Fill)]
    voided = {message.fill_id for message in rig.messages if isinstance(message, FillVoided)}
    known = {fill.fill_id: fill for fill in (*said, *fills)}
    assert all(known[fill.fill_id] == fill for fill in (*said, *fills)), "one id, one fill"

    # Every fill is told in full, but for parts that were taken back.
    answered = {fill.fill_id for fill in fills}
    gone = {name: fill for name, fill in known.items() if name not in answered}
    assert voided <= set(gone)
    told = {}
    for fill in known.values():
        told.setdefault(fill.fill_id.split(".")[0], []).append(fill.quantity)
    true = {fill.fill_id: fill.quantity for fill in broker.executions}
    assert set(told) <= set(true)
    unseen = {name: quantity - sum(told.get(name, ())) for name, quantity in true.items()}
    # A fill may be taken back before anybody heard of it: then only its order tells.
    by_order = {order.client_order_id: order for order in orders}
    for fill in broker.executions:
        if unseen[fill.fill_id]:
            assert by_order[fill.client_order_id].reason.startswith("the exchange took fill")

    # Orders, positions and fills say the same.
    assert working == broker.working()
    assert set(by_order) == set(broker.orders)
    filled = dict.fromkeys(by_order, 0)
    for fill in fills:
        filled[fill.client_order_id] += fill.quantity
    for name, order in by_order.items():
        assert order.filled == filled[name]
        if order != broker.orders[name]:
            assert broker.orders[name].status is OrderStatus.FILLED
            assert order.status is OrderStatus.CANCELLED
    held = sum(by_order[name].side.sign * quantity for name, quantity in filled.items())
    expected = (BrokerPosition(symbol="ES", quantity=held),) if held else ()
    assert positions == expected
    return len(gone)


def rehearse(make_rig, rehearsal, settling, faults, seed, backend="asyncio", steps=40):
    async def run():
        rig = make_rig(faults, seed)
        await rehearsal(rig, steps, random.Random(seed))
        return rig, check(rig, await settling(rig))

    return anyio.run(run, backend=backend)


# A smaller seed is no simpler one, so there is nothing to shrink.
PHASES = [Phase.explicit, Phase.reuse, Phase.generate]


@settings(max_examples=40, phases=PHASES, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 2**32),
    profile=st.sampled_from(sorted(PROFILES)),
    backend=st.sampled_from(["asyncio", "trio"]),
)
def test_in_the_end_the_truth_is_told(make_rig, rehearsal, settling, seed, profile, backend):
    rehearse(make_rig, rehearsal, settling, PROFILES[profile], seed, backend)


@settings(max_examples=20, phases=PHASES, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 2**32),
    rates=st.fixed_dictionaries(
        {
            fault.value: st.sampled_from([0.0, 0.1, 0.3])
            for fault in Fault
            if fault.value in Faults.__struct_fields__
        }
    ),
)
def test_with_any_mix_of_faults_too(make_rig, rehearsal, settling, seed, rates):
    # A link that breaks at every third exchange leaves no time for two whole passes.
    for name in ("disconnect_before_send", "disconnect_after_send", "half_open", "forced_logout"):
        rates[name] /= 10
    faults = msgspec.structs.replace(PROFILES["hell"], **rates)
    rehearse(make_rig, rehearsal, settling, faults, seed)


def test_every_fault_happens_in_hell(make_rig, rehearsal, settling):
    hell = PROFILES["hell"]
    often = {
        name: min(1.0, getattr(hell, name) * factor)
        for name, factor in (("bust", 40), ("forced_logout", 20), ("cancel_cross", 3))
    }
    faults = msgspec.structs.replace(hell, **often)
    counters = dict.fromkeys(map(str, Fault), 0)
    gone = 0
    for seed in range(6):
        rig, busted = rehearse(make_rig, rehearsal, settling, faults, seed, steps=150)
        gone += busted
        for name, count in rig.counters.items():
            counters[name] += count
    assert {name for name, count in counters.items() if not count} == set()
    assert gone > 0


def test_the_check_sees_a_fill_that_is_missing(make_rig, rehearsal, settling):
    async def run():
        rig = make_rig(Faults(), 1)
        await rehearsal(rig, 20, random.Random(1))
        working, orders, positions, fills = await settling(rig)
        check(rig, (working, orders, positions, fills))
        with pytest.raises(AssertionError):
            check(rig, (working, orders, positions, fills[1:]))
        with pytest.raises(AssertionError):
            check(rig, (working, orders[1:], positions, fills))

    anyio.run(run)
