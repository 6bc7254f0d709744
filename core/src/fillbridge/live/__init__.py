"""Trading live: the gate, what leaves, what the broker says, and what is done about faults.

Everything here but the handler's tasks is synchronous and takes its time from a clock, so that a
simulation of faults runs it in virtual time.
"""

from fillbridge.live.clock import SystemClock
from fillbridge.live.connection import Connection
from fillbridge.live.gate import Gate, GateState
from fillbridge.live.health import Health
from fillbridge.live.pump import OrderPump
from fillbridge.live.rules import LiveRules
from fillbridge.live.snapshot import BrokerSnapshot
from fillbridge.live.trading import LiveTrading

__all__ = (
    "BrokerSnapshot",
    "Connection",
    "Gate",
    "GateState",
    "Health",
    "LiveRules",
    "LiveTrading",
    "OrderPump",
    "SystemClock",
)
