"""The in-process bus delivers to every subscriber, in order."""

import pytest

from fillbridge.bus import EventBus, InProcessBus

pytestmark = pytest.mark.anyio


async def test_each_subscriber_of_a_type_gets_its_events_in_the_order_of_subscription():
    bus, seen = InProcessBus(), []
    bus.subscribe("A", lambda kind, payload: seen.append(("first", kind, payload)))
    bus.subscribe("A", lambda kind, payload: seen.append(("second", kind, payload)))
    bus.subscribe("B", lambda kind, payload: seen.append(("other", kind, payload)))
    await bus.publish("A", 1, priority="HIGH", timestamp=None, metadata={})
    assert seen == [("first", "A", 1), ("second", "A", 1)]


async def test_a_subscriber_may_wait():
    bus, seen = InProcessBus(), []

    async def wait(kind, payload):
        seen.append(payload)

    bus.subscribe("A", wait)
    await bus.publish("A", 1)
    assert seen == [1]


async def test_a_subscriber_that_raises_keeps_nobody_from_being_called():
    bus, seen = InProcessBus(), []

    def first(kind, payload):
        raise ValueError("one")

    async def second(kind, payload):
        raise KeyError("two")

    for handler in (first, second, lambda kind, payload: seen.append(payload)):
        bus.subscribe("A", handler)
    with pytest.raises(ExceptionGroup, match="subscribers of A failed") as caught:
        await bus.publish("A", 1)
    assert [type(error) for error in caught.value.exceptions] == [ValueError, KeyError]
    assert seen == [1]


async def test_who_subscribes_while_an_event_is_delivered_gets_the_next_one():
    bus, seen = InProcessBus(), []

    def late(kind, payload):
        seen.append(("late", payload))

    bus.subscribe("A", lambda kind, payload: bus.subscribe("A", late))
    await bus.publish("A", 1)
    assert seen == []
    await bus.publish("A", 2)
    assert seen == [("late", 2)]


async def test_an_event_that_nobody_wants_goes_nowhere():
    bus = InProcessBus()
    seen: list[object] = []
    bus.subscribe("B", lambda kind, payload: seen.append(payload))
    await bus.publish("A", 1)
    assert seen == []


async def test_the_bus_tells_what_is_wanted_of_what_fillbridge_publishes():
    bus = InProcessBus()
    assert not bus.interest.any
    bus.subscribe("EXECUTE_TRADE", print)
    assert not bus.interest.any
    bus.subscribe("TRADE_CLOSED", print)
    assert bus.interest.any
    assert bus.interest.types == {"TRADE_CLOSED"}


async def test_any_object_with_its_two_methods_is_a_bus():
    class Theirs:
        def subscribe(self, event_type, handler): ...

        async def publish(self, event_type, payload, **meta): ...

    assert isinstance(Theirs(), EventBus)
    assert not isinstance(object(), EventBus)
