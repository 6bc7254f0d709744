"""The way to the broker: found again after every loss, and left alone when a person must decide."""

from contextlib import asynccontextmanager

import anyio
import pytest

from fillbridge.live import Connection, GateState, LiveRules, LiveTrading, OrderPump
from fillbridge.metrics import ExecutionMetrics
from fillbridge.publishing import Publisher
from fillbridge.shell_hooks import ShellHooks
from fillbridge_hooks import (
    EXECUTION_ERROR,
    Accepted,
    Capabilities,
    ConnectionTerms,
    FatalError,
    ForcedLogout,
    RetryableError,
    TradeTick,
)
from fillbridge_hooks.testing.clock import ManualClock

pytestmark = pytest.mark.anyio

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND


class FakeSession:
    """A session at a broker where nothing ever happens."""

    def __init__(self, clock):
        self.clock = clock
        self.end = None
        """What receiving raises, once it is set."""
        self.answers_end = None
        """What each question raises, if it is set."""
        self.answer_s = 0
        """How long the orders of the trade date take."""
        self.asked = 0
        self.is_closed = False
        self._said = []
        self._woken = anyio.Event()

    def say(self, message):
        self._said.append(message)
        self._woken.set()

    def finish(self, error):
        self.end = error
        self._woken.set()

    async def receive(self):
        while True:
            if self._said:
                return self._said.pop(0)
            if self.end is not None:
                raise self.end
            self._woken = anyio.Event()
            await self._woken.wait()

    async def working_orders(self):
        self.asked += 1
        await anyio.lowlevel.checkpoint()
        if self.answers_end is not None:
            raise self.answers_end
        return ()

    async def orders_today(self):
        await self.clock.sleep_until(self.clock.now_ns + self.answer_s * SECOND)
        return ()

    async def fills(self, since_ns):
        return ()

    async def positions(self):
        return ()


class FakeDriver:
    """Makes one attempt after the other, each with what is planned for it, and notes when."""

    capabilities = Capabilities()

    def __init__(self, clock):
        self.clock = clock
        self.plan = []
        """For each attempt an error, or what a session is prepared with; empty: a session."""
        self.attempts = []
        self.sessions = []
        self.closing = None
        """What closing a session raises, if it is set."""

    @asynccontextmanager
    async def connect(self, terms):
        self.attempts.append(self.clock.now_ns)
        await anyio.lowlevel.checkpoint()
        planned = self.plan.pop(0) if self.plan else None
        if isinstance(planned, Exception):
            raise planned
        session = FakeSession(self.clock)
        if planned is not None:
            planned(session)
        self.sessions.append(session)
        try:
            yield session
        finally:
            session.is_closed = True
            if self.closing is not None:
                raise self.closing

    @property
    def session(self):
        return self.sessions[-1]

    @property
    def waits(self):
        """Seconds between the attempts."""
        pairs = zip(self.attempts, self.attempts[1:], strict=False)
        return [(later - earlier) / SECOND for earlier, later in pairs]


class Place:
    """Live trading with a connection that runs, on a clock that is moved by hand."""

    def __init__(self, instruments, recorder, rules=None, **settings):
        from fillbridge.bus import InProcessBus

        self.clock = ManualClock(START)
        self.driver = FakeDriver(self.clock)
        self.metrics = ExecutionMetrics()
        self.bus = InProcessBus()
        self.bus.interest.add(EXECUTION_ERROR)
        self.publisher = Publisher(self.bus, [])
        self.trading = LiveTrading(
            tag="FBtest-",
            hooks=ShellHooks(),
            clock=self.clock,
            journal=recorder(),
            publisher=self.publisher,
            metrics=self.metrics,
            capabilities=Capabilities(),
            find_instrument=lambda symbol: instruments[symbol],
            default_symbol="ES",
            rules=rules,
        )
        self.pump = OrderPump(self.trading, self.clock)
        terms = ConnectionTerms(
            account="A",
            instruments=(),
            settings=None,
            credentials={},
            clock=self.clock,
            heartbeat_interval_s=30,
        )
        self.connection = Connection(
            self.driver, terms, self.trading, self.pump, first_wait_s=1.0, **settings
        )

    @asynccontextmanager
    async def running(self):
        async with anyio.create_task_group() as group:
            group.start_soon(self.connection.run)
            await self.clock.settle()
            yield
            group.cancel_scope.cancel()

    @property
    def gate(self):
        return self.trading.gate.state

    async def come_to_trade(self):
        await self.clock.advance(1.5)
        assert self.gate is GateState.OPEN


@pytest.fixture
def place(instruments, recorder, monkeypatch):
    def make(rules=None, **settings):
        # Every wait is the longest that it may be.
        monkeypatch.setattr("tenacity.wait.random.uniform", lambda low, high: high)
        return Place(instruments, recorder, rules, **settings)

    return make


async def test_a_session_is_asked_until_the_gate_opens(place):
    here = place()
    async with here.running():
        assert here.trading.is_connected
        assert here.gate is GateState.RECOVERING
        await here.come_to_trade()
        assert here.driver.session.asked == 2
        await here.clock.advance(20)
        assert 5 <= here.driver.session.asked <= 7
        assert here.metrics.reconnects == 0


@pytest.mark.parametrize("seconds", [4, 9, 19])
async def test_answers_that_take_long_get_the_time(place, seconds):
    """Where a trade date has very many orders; else no entry would leave before it is over."""
    here = place()
    here.driver.plan = [lambda session: setattr(session, "answer_s", seconds)]
    async with here.running():
        await here.clock.advance(300)
        assert here.gate is GateState.OPEN
        asked = here.driver.session.asked
        await here.clock.advance(300)
        assert here.gate is GateState.OPEN
        assert here.driver.session.asked - asked >= 300 // (seconds + 10)


async def test_answers_that_never_come_are_asked_for_again_and_again(place):
    here = place()
    here.driver.plan = [lambda session: setattr(session, "answer_s", 10**6)]
    async with here.running():
        await here.clock.advance(600)
        assert here.gate is GateState.RECOVERING
        asked = here.driver.session.asked
        assert asked >= 10
        here.driver.session.answer_s = 0
        await here.clock.advance(63)
        assert here.gate is GateState.OPEN


async def test_what_is_heard_reaches_trading(place, instruments):
    here = place()
    async with here.running():
        here.driver.session.say(TradeTick(here.clock.now_ns, 4000.25, 1, "ES"))
        await here.clock.settle()
        assert here.trading.market.view("ES").last == 4000.25


async def test_requests_go_to_the_session_as_long_as_there_is_one(place):
    here = place()
    here.driver.plan = [None, RetryableError("down"), RetryableError("down")]
    async with here.running():
        assert here.pump.session is here.driver.session
        here.driver.session.finish(RetryableError("the line broke"))
        await here.clock.settle()
        assert here.pump.session is None
        assert not here.trading.is_connected
    assert here.driver.session.is_closed


async def test_a_session_is_what_plugins_make_of_it(place):
    wrapped = []

    def wrap(session):
        wrapped.append(session)
        return session

    here = place(wrap=wrap)
    async with here.running():
        assert wrapped == here.driver.sessions


# Attempts


async def test_an_attempt_that_fails_is_made_again_after_waits_that_double(place):
    here = place(max_wait_s=8.0)
    here.driver.plan = [RetryableError("down")] * 6
    async with here.running():
        await here.clock.advance(60)
        assert here.driver.waits == [1, 2, 4, 8, 8, 8]
        assert here.trading.is_connected


async def test_a_session_that_traded_is_replaced_at_once(place):
    here = place()
    async with here.running():
        await here.come_to_trade()
        here.driver.session.finish(RetryableError("the line broke"))
        await here.clock.settle()
        assert len(here.driver.sessions) == 2
        assert here.driver.attempts[1] == here.clock.now_ns
        assert here.gate is GateState.RECOVERING
        assert here.metrics.reconnects == 1


async def test_after_a_session_that_traded_the_waits_begin_again(place):
    here = place()
    down = RetryableError("down")
    here.driver.plan = [down, down, down, None, down, down]
    async with here.running():
        await here.clock.advance(7)
        assert here.driver.waits == [1, 2, 4]
        await here.come_to_trade()
        await here.clock.advance(60)
        here.driver.session.finish(RetryableError("the line broke"))
        await here.clock.settle()
        await here.clock.advance(3)
        assert here.driver.waits[4:] == [1, 2]
        assert here.trading.is_connected


async def test_only_the_first_session_that_did_not_last_is_replaced_at_once(place):
    here = place()
    async with here.running():
        for wait in (0, 2, 4, 8):
            await here.come_to_trade()
            here.driver.session.finish(RetryableError("dropped"))
            lost_ns = here.clock.now_ns
            await here.clock.advance(wait)
            assert here.trading.is_connected
            assert here.driver.attempts[-1] == lost_ns + wait * SECOND


async def test_after_one_that_lasted_the_next_that_did_not_has_to_wait(place):
    here = place()
    async with here.running():
        await here.come_to_trade()
        await here.clock.advance(60)
        here.driver.session.finish(RetryableError("the line broke"))
        await here.clock.settle()
        await here.come_to_trade()
        here.driver.session.finish(RetryableError("dropped"))
        await here.clock.settle()
        assert not here.trading.is_connected
        await here.clock.advance(1)
        assert here.trading.is_connected


# Too many logins


async def connected(here):
    """Wait until there is a session again."""
    while not here.trading.is_connected:
        assert here.gate is not GateState.STANDBY, "nobody connects any more"
        await here.clock.advance(0.5)


async def dropped(here, times):
    """Let the broker drop so many sessions, each right after it came to trade."""
    for _ in range(times):
        await connected(here)
        await here.come_to_trade()
        here.driver.session.finish(RetryableError("dropped"))
        await here.clock.settle()


@pytest.mark.parametrize("is_grouped", [False, True])
async def test_after_six_sessions_that_did_not_last_a_person_decides(place, is_grouped):
    here = place(max_wait_s=4.0)
    if is_grouped:
        here.driver.closing = ExceptionGroup("the driver's tasks", [RetryableError("dropped")])
    async with here.running():
        await dropped(here, 5)
        assert here.gate is GateState.RECOVERING
        await dropped(here, 1)
        reason = (
            "6 sessions within 600 s were lost before they had traded for 60 s,"
            " the last because: dropped"
        )
        assert here.gate is GateState.STANDBY
        assert f"standby: {reason}" in here.trading.gate.reasons()
        assert here.publisher.is_pending
        await here.clock.advance(3_600)
        assert len(here.driver.attempts) == 6
        assert here.connection.failure is None
        here.trading.resume("me")
        here.connection.resume()
        await here.clock.settle()
        await dropped(here, 5)
        assert len(here.driver.attempts) == 11
        assert here.gate is GateState.RECOVERING


async def test_sessions_that_did_not_last_are_forgotten_after_ten_minutes(place):
    here = place(max_wait_s=4.0)
    async with here.running():
        await dropped(here, 5)
        await connected(here)
        await here.clock.advance(600)
        here.driver.session.finish(RetryableError("the line broke"))
        await here.clock.settle()
        await dropped(here, 5)
        assert here.gate is GateState.RECOVERING


async def test_how_many_are_too_many_may_be_widened(place):
    rules = LiveRules(short_sessions=1, lasting_session_ns=1 * SECOND)
    here = place(rules)
    async with here.running():
        for _ in range(3):
            await here.come_to_trade()
            await here.clock.advance(1)
            here.driver.session.finish(RetryableError("dropped"))
            await here.clock.settle()
        assert here.trading.is_connected


async def test_a_session_that_never_came_to_trade_is_a_failed_attempt(place):
    here = place()
    here.driver.plan = [lambda session: session.finish(RetryableError("no"))] * 3
    async with here.running():
        await here.clock.advance(7)
        assert here.driver.waits == [1, 2, 4]
        assert here.metrics.reconnects == 3


async def test_one_that_never_traded_because_entries_are_halted_is_one_too(place):
    here = place()
    here.trading.halt("emergency stop", "me")
    here.driver.plan = [lambda session: session.finish(RetryableError("no"))] * 3
    async with here.running():
        await here.clock.advance(7)
        assert here.driver.waits == [1, 2, 4]


async def test_one_that_was_reconciled_while_entries_are_halted_is_replaced_at_once(place):
    here = place()
    here.trading.halt("emergency stop", "me")
    async with here.running():
        await here.clock.advance(1.5)
        here.driver.session.finish(RetryableError("the line broke"))
        await here.clock.settle()
        assert len(here.driver.sessions) == 2


async def test_many_losses_leave_nothing_behind(place):
    here = place(LiveRules(lasting_session_ns=SECOND))
    async with here.running():
        for _ in range(30):
            await here.come_to_trade()
            here.driver.session.finish(RetryableError("the line broke"))
            await here.clock.settle()
        assert len(here.driver.sessions) == 31
        assert [one.is_closed for one in here.driver.sessions] == [True] * 30 + [False]
        # One task waits for the clock: the one that asks.
        assert len(here.clock._sleepers) <= 2
    assert here.driver.session.is_closed


# Standby


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ForcedLogout("from Chicago"), "another login took the session: from Chicago"),
        (FatalError("the password is wrong"), "cannot connect: the password is wrong"),
    ],
)
async def test_an_attempt_that_cannot_succeed_is_not_made_again(place, error, reason):
    here = place()
    here.driver.plan = [error]
    async with here.running():
        await here.clock.advance(600)
        assert len(here.driver.attempts) == 1
        assert here.gate is GateState.STANDBY
        assert f"standby: {reason}" in here.trading.gate.reasons()


@pytest.mark.parametrize("error", [ForcedLogout("from Chicago"), FatalError("no data")])
async def test_a_session_that_ends_for_good_is_not_replaced_until_somebody_resumes(place, error):
    here = place()
    async with here.running():
        await here.come_to_trade()
        here.driver.session.finish(error)
        await here.clock.advance(600)
        assert len(here.driver.sessions) == 1
        assert here.gate is GateState.STANDBY
        assert here.driver.session.is_closed
        here.trading.resume("me")
        here.connection.resume()
        await here.clock.settle()
        assert len(here.driver.sessions) == 2
        await here.come_to_trade()


@pytest.mark.parametrize("error", [ForcedLogout("from Chicago"), FatalError("no permission")])
async def test_a_question_that_ends_it_for_good_is_a_standby_too(place, error):
    """Once another login took the session every question says so, perhaps before receiving."""
    here = place()
    async with here.running():
        await here.come_to_trade()
        here.driver.session.answers_end = error
        await here.clock.advance(60)
        assert here.gate is GateState.STANDBY
        assert len(here.driver.sessions) == 1


async def test_what_was_resumed_before_does_not_count(place):
    """An operator who resumed after a halt has not decided about a logout that came later."""
    here = place()
    async with here.running():
        await here.come_to_trade()
        here.trading.resume("me")
        here.connection.resume()
        here.driver.session.finish(ForcedLogout("from Chicago"))
        await here.clock.advance(60)
        assert len(here.driver.sessions) == 1
        assert here.gate is GateState.STANDBY


async def test_resuming_without_need_changes_nothing(place):
    here = place()
    async with here.running():
        here.connection.resume()
        await here.come_to_trade()
        assert len(here.driver.attempts) == 1


# Questions


async def test_without_a_clean_answer_the_gate_stays_shut_and_it_is_asked_again(place):
    here = place()
    here.driver.plan = [lambda session: setattr(session, "answers_end", RetryableError("later"))]
    async with here.running():
        await here.clock.advance(3.5)
        assert here.gate is GateState.RECOVERING
        assert here.driver.session.asked == 4
        here.driver.session.answers_end = None
        await here.clock.advance(2)
        assert here.gate is GateState.OPEN


async def test_a_question_that_nobody_answers_is_given_up(place):
    here = place()

    def silent(session):
        session.positions = anyio.sleep_forever

    here.driver.plan = [silent]
    async with here.running():
        await here.clock.advance(15.5)
        assert here.gate is GateState.RECOVERING
        # Five seconds for an answer, then ten, and one until it is asked again.
        assert here.driver.session.asked == 2
        await here.clock.advance(2)
        assert here.driver.session.asked == 3


# What nobody should raise

FOREIGN = [
    OSError("broken pipe"),
    KeyError("price"),
    ExceptionGroup("the driver's tasks", [OSError("broken pipe")]),
]
GROUPED = ExceptionGroup("the driver's tasks", [RetryableError("socket closed")])


@pytest.mark.parametrize(
    ("error", "where"),
    [
        (GROUPED, "receiving"),
        *((error, where) for error in FOREIGN for where in ("receiving", "a question")),
    ],
)
async def test_whatever_a_session_raises_is_a_loss(place, error, where):
    here = place()
    async with here.running():
        await here.come_to_trade()
        if where == "receiving":
            here.driver.session.finish(error)
        else:
            here.driver.session.answers_end = error
        await here.clock.advance(6)
        assert len(here.driver.sessions) == 2
        assert here.driver.sessions[0].is_closed
        assert here.gate is GateState.OPEN
        assert here.publisher.is_pending is (error is not GROUPED)


async def test_a_group_around_a_retryable_error_is_only_no_clean_answer(place):
    here = place()
    async with here.running():
        await here.come_to_trade()
        here.driver.session.answers_end = GROUPED
        await here.clock.advance(6)
        here.driver.session.answers_end = None
        assert len(here.driver.sessions) == 1


@pytest.mark.parametrize("error", [*FOREIGN, GROUPED])
async def test_whatever_connecting_raises_is_a_failed_attempt(place, error):
    here = place()
    here.driver.plan = [error, error]
    async with here.running():
        await here.clock.advance(10)
        assert here.driver.waits == [1, 2]
        assert here.gate is GateState.OPEN


@pytest.mark.parametrize("error", [FatalError("no"), ForcedLogout("from Chicago")])
async def test_a_group_around_an_end_is_an_end(place, error):
    here = place()
    async with here.running():
        await here.come_to_trade()
        here.driver.session.finish(ExceptionGroup("the driver's tasks", [error]))
        await here.clock.advance(60)
        assert len(here.driver.sessions) == 1
        assert here.gate is GateState.STANDBY


async def test_a_plugin_that_cannot_wrap_a_session_is_a_failed_attempt(place, caplog):
    failures = [ValueError("plugin")]

    def wrap(session):
        if failures:
            raise failures.pop()
        return session

    here = place(wrap=wrap)
    async with here.running():
        await here.clock.advance(3)
        assert len(here.driver.sessions) == 2
        assert here.driver.sessions[0].is_closed
        assert here.gate is GateState.OPEN
    assert "ValueError: plugin" in caplog.text
    assert "Traceback" in caplog.text


async def test_a_defect_of_ours_halts_entries_and_receiving_goes_on(place, monkeypatch, caplog):
    here = place()
    async with here.running():
        await here.come_to_trade()

        def breaks(report):
            raise ZeroDivisionError("ours")

        with monkeypatch.context() as patch:
            patch.setattr(here.trading._account, "report", breaks)
            here.driver.session.say(Accepted("A", "B", here.clock.now_ns))
            await here.clock.settle()
        assert here.gate is GateState.HALTED
        assert here.trading.gate.reasons() == ("halted: a defect: ZeroDivisionError: ours",)
        assert "Traceback" in caplog.text
        here.driver.session.say(TradeTick(here.clock.now_ns, 4000.25, 1, "ES"))
        await here.clock.settle()
        assert here.trading.market.view("ES").last == 4000.25
        assert len(here.driver.sessions) == 1
        here.trading.resume("me")
        assert here.gate is GateState.OPEN


async def test_a_defect_in_taking_answers_halts_entries_and_it_is_asked_again(place, monkeypatch):
    here = place()
    async with here.running():
        await here.come_to_trade()
        asked = here.driver.session.asked

        def breaks(snapshot):
            raise ZeroDivisionError("ours")

        monkeypatch.setattr(here.trading._standing, "on_snapshot", breaks)
        await here.clock.advance(8)
        assert here.gate is GateState.HALTED
        assert len(here.driver.sessions) == 1
        assert 2 <= here.driver.session.asked - asked <= 8
