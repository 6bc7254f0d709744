"""A live handler at a simulated broker whose market and clock stand still, with its socket."""

from contextlib import asynccontextmanager
from types import SimpleNamespace

import anyio
import apsw
import pytest
from tests.core.locks import lock_of_what_is_installed

from fillbridge import LiveExecutionHandler, Plugins, RiskProposal
from fillbridge.management import Management, connect, serve_management, socket_path
from fillbridge_hooks.testing.clock import ManualClock

START_NS = 1_700_000_000_000_000_000


class Desk:
    """What a test holds: the handler, its broker and clock, and who answers for it."""

    def __init__(self, handler, clock):
        self.handler = handler
        self.clock = clock
        self.management = Management(handler)
        self.path = socket_path(handler.settings)

    @property
    def broker(self):
        return self.handler._plugins.driver("sim").broker

    async def settle(self, seconds=0.3):
        await self.clock.advance(seconds)

    async def trade(self, price, seconds=0.3):
        """Let a trade happen after all that is under way, and what follows from it."""
        await self.settle(0.05)
        self.broker.trade("ES", price)
        await self.settle(seconds)

    async def propose(self, **fields):
        """Propose a trade, and let its entry leave."""
        answers = []

        async def propose():
            answers.append(await self.handler.execute_trade(make_proposal(**fields)))

        async with anyio.create_task_group() as group:
            group.start_soon(propose)
            await self.settle(0.1)
        return answers[0]

    async def open_both(self):
        """A position, and an entry that rests below the market; their trade ids."""
        await self.trade(5000.0)
        held = await self.propose()
        await self.trade(5000.25)
        return held, await self.propose(entry_type="limit", entry_limit_price=4980.0)

    def fill_the_disk(self, monkeypatch):
        """From now on nothing can be recorded."""

        def write(*arguments, **named):
            raise apsw.FullError("database or disk is full")

        monkeypatch.setattr(self.handler._journal._upkeep, "write", write)

    def notes(self, kind):
        return [note.payload for note in self.handler._journal.notes(kind)]


def make_proposal(**fields):
    """A long of two contracts at the market, unless told otherwise."""
    values = {
        "position_size": 2,
        "direction": "LONG",
        "urgency": "high",
        "stop_loss_ticks": 400,
        "take_profit_ticks": 400,
        "timeout_seconds": None,
        **fields,
    }
    return RiskProposal(**values)


@pytest.fixture(scope="session")
def proposal():
    """Makes a proposal: a long of two contracts at the market, unless told otherwise."""
    return make_proposal


@pytest.fixture
def journal(tmp_path):
    return str(tmp_path / "j")


@pytest.fixture
def desk(journal):
    """Opens a handler on the journal of the test, connected and reconciled."""

    @asynccontextmanager
    async def open_desk(**sections):
        clock = ManualClock(START_NS)
        live = {
            "provider": "sim",
            "journal": journal,
            "durability": "process",
            "simulation": {"market": "manual"},
            **sections.pop("live_settings", {}),
        }
        plugins = Plugins()
        is_live = sections.get("risk_controls", {}).get("profile") == "live"
        needs_lock = is_live or live.get("environment") == "prod"
        plugins.load(lock=lock_of_what_is_installed() if needs_lock else None)
        handler = LiveExecutionHandler(
            {"mode": "live", "live_settings": live, **sections}, plugins=plugins, clock=clock
        )
        async with handler:
            await clock.advance(1.2)
            yield Desk(handler, clock)

    return open_desk


@pytest.fixture
def served(desk):
    """The same with its socket, and a client at it."""

    @asynccontextmanager
    async def open_served(**sections):
        async with (
            desk(**sections) as opened,
            serve_management(opened.management, opened.path),
            connect(opened.path) as client,
        ):
            yield SimpleNamespace(desk=opened, client=client, handler=opened.handler)

    return open_served
