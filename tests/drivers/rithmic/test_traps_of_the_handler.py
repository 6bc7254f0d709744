"""The traps of a known client of Rithmic that need a handler which trades; see test_traps.py."""

from contextlib import suppress

import anyio
import pytest
from tests.drivers.rithmic.floor import floor
from tests.drivers.rithmic.ground import BRACKET, LOGIN, NEW_ORDER, PASSWORD, PATIENCE_S, until
from tests.drivers.rithmic.secrecy import logged, says_password

from fillbridge_hooks import (
    ORDER_STATUS_CHANGE,
    POSITION_UPDATE,
    TRADE_CLOSED,
    FillbridgeError,
    hookimpl,
)
from fillbridge_rithmic import RithmicDriver

pytestmark = pytest.mark.anyio

HASTY = {"reconnect_first": 0.01, "reconnect_max": 0.02, "reconnect_lasting": 0.01}


class Observer:
    """A plugin that keeps what it is told, and may fail each time."""

    def __init__(self, fails=False):
        self.fails = fails
        self.events = []

    @hookimpl
    def fillbridge_handle_event(self, event):
        self.events.append((event.event_type, event.payload))
        if self.fails:
            raise RuntimeError("this observer fails")


async def is_held(here, quantity):
    """The handler knows of so many contracts, as the gateway does."""

    def held():
        trades = here.handler._trading.state.trades.values()
        return sum(trade.held * trade.plan.direction.sign for trade in trades)

    await until(f"{quantity} held", lambda: held() == quantity == here.held, held)


# R1


async def test_r1_no_proposal_while_the_link_is_down_becomes_an_order_later(tmp_path, monkeypatch):
    async with floor(tmp_path, monkeypatch, live=HASTY | {"reconnect_limit": 1000}) as here:
        here.proxy.refuses = True
        await here.proxy.reset()
        await until("a gate that is shut", lambda: here.gate.reasons())
        refused = 0
        for _ in range(1000):
            with suppress(FillbridgeError):
                await here.propose(entry_type=None, entry_limit_price=None, urgency="high")
                continue
            refused += 1
        assert refused == 1000
        here.proxy.heal()
        await here.is_open()
        assert here.gateway.orders() == []
        assert not [one for one in here.gateway.received if one.template in (NEW_ORDER, BRACKET)]


# R3


async def test_r3_a_subscriber_that_awaits_when_the_link_drops_hears_of_every_fill(
    tmp_path, monkeypatch
):
    is_busy, may_go_on, heard = anyio.Event(), anyio.Event(), []

    async def listen(kind, payload):
        if kind != POSITION_UPDATE:
            return
        if not heard:
            is_busy.set()
            await may_go_on.wait()
        heard.append(payload.quantity)

    live = HASTY | {"reconnect_limit": 1000}
    async with floor(tmp_path, monkeypatch, live=live, hears=(listen,)) as here:
        await here.propose()
        await until("an entry", lambda: len(here.working) == 1)
        here.trade(4997.0, quantity=1)
        with anyio.fail_after(PATIENCE_S):
            await is_busy.wait()
        here.trade(4997.0, quantity=1)
        await here.proxy.reset()
        here.trade(4997.0, quantity=1)
        await is_held(here, 3)
        may_go_on.set()
        await until("every fill", lambda: heard == [1, 2, 3], lambda: heard)
        here.trade(5010.25)
        await here.is_over()
        assert here.alarms == []


# R4


async def test_r4_whoever_fails_hides_nothing_from_the_others(tmp_path, monkeypatch):
    first, second = Observer(fails=True), Observer()
    told = []

    async def fail(kind, payload):
        told.append((kind, payload))
        raise RuntimeError("this subscriber fails")

    async with floor(
        tmp_path, monkeypatch, observers={"a_first": first, "z_second": second}, hears=(fail,)
    ) as here:
        await here.propose()
        await until("an entry", lambda: len(here.working) == 1)
        here.trade(4997.0, quantity=1)
        here.trade(4996.0)
        await here.is_protected(3)
        here.trade(5010.25)
        await here.is_over()
        await until(
            "the end to be told",
            lambda: any(kind == TRADE_CLOSED for kind, _ in here.events),
        )
        events = here.events
    kinds = {kind for kind, _ in events}
    assert kinds >= {TRADE_CLOSED, POSITION_UPDATE, ORDER_STATUS_CHANGE}
    assert [payload.quantity for kind, payload in events if kind == POSITION_UPDATE][:2] == [1, 3]
    assert first.events == second.events == told == events


# R5


async def test_r5_no_logger_and_no_event_says_the_password(tmp_path, monkeypatch, everything):
    live = HASTY | {"reconnect_limit": 1000}
    async with floor(tmp_path, monkeypatch, live=live) as here:
        await here.propose()
        await until("an entry", lambda: len(here.working) == 1)
        here.trade(4997.0)
        await here.is_protected(3)
        await here.gateway.cut()
        await until("a gate that is shut", lambda: here.gate.reasons())
        await here.is_open()
        here.gateway.faults.arm("refused", template=LOGIN, code="13", text=f"not {PASSWORD}")
        await here.gateway.cut()
        await until("standby", lambda: here.gate.state == "standby")
        await until("an alarm", lambda: here.alarms)
        shown = [repr(here.events), repr(here.handler.settings), repr(vars(here.handler))]
    journal = b"".join(
        one.read_bytes() for one in (tmp_path / "journal").rglob("*") if one.is_file()
    )
    assert len(journal) > 1000
    assert says_password(*logged(everything), *shown, journal.decode("latin-1")) == []
    assert "refused the login" in everything.text + repr(shown)


# R7


async def test_r7_a_handler_that_was_logged_out_logs_in_when_it_is_told_to(tmp_path, monkeypatch):
    async with floor(tmp_path, monkeypatch, live=HASTY) as here:
        before = here.logins
        here.gateway.kick()
        await until("standby", lambda: here.gate.state == "standby")
        await until("an alarm", lambda: any("another login" in one["error"] for one in here.alarms))
        # Fifty times as long as it waits at most before it connects again.
        await anyio.sleep(1.0)
        assert (here.logins, here.gateway.sessions) == (before, [])
        assert here.gate.state == "standby"
        here.handler.resume("somebody")
        await here.is_open()
        assert here.logins == before + 3


async def test_r7_two_handlers_do_not_fight_for_the_session(tmp_path, monkeypatch):
    async with floor(tmp_path, monkeypatch, live=HASTY) as here:
        terms = here.handler._terms()
        before = here.logins
        async with RithmicDriver().connect(terms) as other:
            await until("standby", lambda: here.gate.state == "standby")
            await other.working_orders()
            await anyio.sleep(0.5)
            await other.working_orders()
            assert here.logins == before + 3


# R9


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_r9_the_default_settings_reconnect(tmp_path, monkeypatch, caplog):
    async with floor(tmp_path, monkeypatch, rithmic={}) as here:
        before, accepted = here.logins, here.proxy.accepted
        here.proxy.refuses = True
        await here.proxy.reset()
        await until("attempts that fail", lambda: here.proxy.accepted >= accepted + 3)
        here.proxy.heal()
        await here.is_open()
        assert here.logins == before + 3
        assert "attempt 2 to connect failed" in caplog.text
        await here.propose()
        await until("an entry", lambda: len(here.working) == 1)
