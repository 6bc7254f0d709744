"""What a session hears, as it is written and read again."""

import pytest

from fillbridge_hooks import BrokerMargin, Cancelled, QuoteTick, TradeTick
from fillbridge_sim.live.wire import LENGTH_BYTES, frame, from_wire, read_reply, to_wire


@pytest.mark.parametrize(
    "message",
    [
        Cancelled("A", "asked", 7, 2),
        TradeTick(7, 5000.25, 1.0, "ES"),
        QuoteTick(7, 5000.0, 1.0, 5000.25, 2.0, "ES"),
        BrokerMargin(available=5.0, needed={"ES": 2.0}, time_ns=7),
    ],
    ids=lambda message: type(message).__name__,
)
def test_a_message_is_read_as_it_was_written(message):
    assert from_wire(read_reply(frame(to_wire(message))[LENGTH_BYTES:])) == message
