"""What the protocol leaves open, the kit leaves open: other honest drivers pass too."""

from functools import partial

import anyio
import pytest
from tests.hooks.testing.honest import Broker, HonestDriver, HonestSession, rehearse

from fillbridge_hooks import NotSent, QuoteTick, TradeTick
from fillbridge_hooks.testing import certify


class RepeatsEverything(Broker):
    """Says everything twice, as the protocol allows."""

    def report(self, message):
        super().report(message)
        super().report(message)


class SaysTheLatestFirst(Broker):
    """Says what one trade leads to in the reverse order."""

    held_back = None

    def report(self, message):
        if self.held_back is None:
            super().report(message)
        else:
            self.held_back.append(message)

    def trade(self, symbol, price, quantity):
        self.held_back = []
        super().trade(symbol, price, quantity)
        held_back, self.held_back = self.held_back, None
        for message in reversed(held_back):
            self.report(message)


class SendsQuotes(Broker):
    """Sends quotes where others send trades."""

    def report(self, message):
        if isinstance(message, TradeTick):
            price = message.price
            message = QuoteTick(message.timestamp, price, 10, price + 0.25, 10, message.symbol)
        super().report(message)


class KnowsItsOrders(HonestSession):
    """Refuses by itself what the broker would refuse."""

    async def submit(self, approved):
        objection = self.broker.objection(approved.order)
        if objection:
            approved.permit.spend()
            return NotSent(approved.order.client_order_id, objection, 0)
        return await super().submit(approved)

    async def cancel(self, client_order_id):
        if self.link.alive and not self.works(client_order_id):
            return NotSent(client_order_id, "no working order", 0)
        return await super().cancel(client_order_id)

    async def replace(self, change):
        entry = self.broker.find(change.client_order_id)
        if self.link.alive and not (
            self.works(change.client_order_id) and entry.filled < change.quantity
        ):
            return NotSent(change.client_order_id, "no such order works", 0)
        return await super().replace(change)

    def works(self, client_order_id):
        entry = self.broker.find(client_order_id)
        return entry is not None and entry.works


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize(
    "variant", [RepeatsEverything, SaysTheLatestFirst, SendsQuotes, KnowsItsOrders]
)
def test_an_honest_variant_passes(variant, backend):
    name = "broker_class" if issubclass(variant, Broker) else "session_class"
    driver = type("Variant", (HonestDriver,), {name: variant})

    certificate = anyio.run(certify, "variant", partial(rehearse, driver), backend=backend)

    failed = {test.id: test.reason for test in certificate.tests if test.outcome == "failed"}
    assert failed == {}
    assert certificate.skipped == 0


def test_a_driver_that_fails_in_several_tasks_says_why():
    class Bursting(HonestSession):
        async def positions(self):
            async def fail(number):
                raise ValueError(f"defect {number}")

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(fail, 1)
                tasks.start_soon(fail, 2)

    driver = type("Variant", (HonestDriver,), {"session_class": Bursting})

    certificate = anyio.run(certify, "bursting", partial(rehearse, driver))

    (reason,) = [test.reason for test in certificate.tests if test.id == "EX-260"]
    assert reason.startswith(("ExceptionGroup: ", "ValueError: defect"))
