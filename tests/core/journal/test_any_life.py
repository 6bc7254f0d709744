"""Whatever happens to trades, the journal folds into what the engine holds."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fillbridge.engine.messages import CloseRequested
from fillbridge.journal import open_journal
from fillbridge.journal.contents import copy_state, state_bytes
from fillbridge_hooks import (
    Cancelled,
    ExitReason,
    Expired,
    FillVoided,
    OutcomeUnknown,
    Rejected,
    VirtualClock,
)

_SECOND = 1_000_000_000
_REPORTS = (Cancelled, Expired, Rejected, OutcomeUnknown)
_places = st.integers(0, 50)


class Life:
    """An account that does what it is told, and remembers its fills."""

    def __init__(self, account):
        self.account = account
        self.fills = []

    def open(self, number, size):
        direction = "SHORT" if number % 2 else "LONG"
        self.account.open(size=size, direction=direction, symbol="GC" if number % 3 else "ES")

    def fill(self, number, size):
        order_id = self._order(number)
        if order_id is not None:
            price = 2000.0 + number
            self.fills.append(self.account.broker.fill(order_id, price, quantity=size))

    def void(self, number, size):
        if self.fills:
            fill = self.fills[number % len(self.fills)]
            now = self.account.clock.now_ns
            self.account.broker.report(FillVoided(fill.client_order_id, fill.fill_id, "bust", now))

    def end(self, number, size):
        order_id = self._order(number)
        if order_id is not None:
            report = _REPORTS[number % len(_REPORTS)]
            self.account.broker.report(report(order_id, "told", self.account.clock.now_ns))

    def close(self, number, size):
        trades = list(self.account.state.trades)
        if trades:
            now = self.account.clock.now_ns
            reason = ExitReason.TIMEOUT
            self.account.shell.step(CloseRequested(trades[number % len(trades)], reason, now))

    def wait(self, number, size):
        self.account.clock.advance_to(self.account.clock.now_ns + number * size * _SECOND)

    def _order(self, number):
        submitted = self.account.broker.submitted
        return submitted[number % len(submitted)] if submitted else None


_actions = st.sampled_from([Life.open, Life.fill, Life.fill, Life.void, Life.end, Life.close])
_steps = st.lists(st.tuples(_actions | st.just(Life.wait), _places, st.integers(1, 3)), max_size=30)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_steps)
def test_the_journal_folds_into_what_the_engine_holds(account, tmp_path_factory, steps):
    directory = tmp_path_factory.mktemp("state")
    made = account(commission=lambda fill, instrument: 2.25)
    life = Life(made)
    options = {"clock": VirtualClock(1), "durability": "process", "snapshot_records": 25}
    journal = open_journal(directory, "SIM", **options)
    kept = 0
    for action, number, size in steps:
        action(life, number, size)
        journal.append(made.recorded[kept:], made.clock.now_ns)
        journal.commit()
        kept = len(made.recorded)
        journal.check(made.state, always=True)
    journal.close(clean=False)

    again = open_journal(directory, "SIM", **options)
    assert again.recovery.status == "recovered"
    assert state_bytes(again.state) == state_bytes(copy_state(made.state))
    held = {}
    for trade in made.state.trades.values():
        symbol = trade.plan.instrument.symbol
        held[symbol] = held.get(symbol, 0) + trade.held * trade.plan.direction.sign
    found = {name: one.quantity for name, one in again._contents.holdings.items()}
    assert found == {symbol: quantity for symbol, quantity in held.items() if quantity}
    again.close(clean=False)


def test_a_life_has_something_in_it(account):
    made = account()
    life = Life(made)
    for action in (Life.open, Life.fill, Life.close, Life.void, Life.end, Life.wait):
        action(life, 2, 1)
    kinds = {type(event).__name__ for event in made.recorded}

    assert kinds >= {"TradeApproved", "FillBooked", "FillVoided", "CloseRequested"}


@pytest.mark.parametrize("action", [Life.fill, Life.void, Life.close, Life.end])
def test_nothing_happens_where_there_is_nothing(account, action):
    made = account()
    action(Life(made), 1, 1)
    assert made.recorded == []
