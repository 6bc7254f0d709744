"""The simulated broker traded live: accounts that outlive sessions, and a market of its own."""

from fillbridge_sim.live.account import Account
from fillbridge_sim.live.broker import LiveBroker
from fillbridge_sim.live.session import LiveSession

__all__ = ("Account", "LiveBroker", "LiveSession")
