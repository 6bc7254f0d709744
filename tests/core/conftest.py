"""An account: the shell around the engine, with a broker that does what a test tells it."""

import pytest

from fillbridge.bus import InProcessBus
from fillbridge.metrics import ExecutionMetrics
from fillbridge.planning import plan_trade
from fillbridge.plugins import Implementation
from fillbridge.publishing import Publisher
from fillbridge.shell import Shell
from fillbridge.shell_hooks import ShellHooks
from fillbridge_hooks import (
    Accepted,
    ApprovedOrder,
    ArrivalPrice,
    Cancelled,
    Fill,
    Instrument,
    Liquidity,
    MarketView,
    PriceWatch,
    Replaced,
    RiskProposal,
    VirtualClock,
)

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
INSTRUMENTS = {
    "ES": Instrument(symbol="ES", tick_size=0.25, point_value=50.0),
    "GC": Instrument(symbol="GC", tick_size=0.1, point_value=100.0),
}


class Broker:
    """Takes approved orders, acknowledges everything, and fills what it is told to."""

    def __init__(self):
        self.listener = None
        self.clock = None
        self.approved = {}
        self.cancelled = []
        self.changes = []
        self.last = {"ES": 4000.0, "GC": 2000.0}
        self.before_submit = lambda approved: None
        self.after_submit = lambda approved: None
        self._watches = {}
        self._quantity = {}
        self._filled = {}

    def submit(self, approved):
        assert type(approved) is ApprovedOrder, "only an approved order reaches a session"
        approved.permit.spend()
        self.before_submit(approved)
        order = approved.order
        self.approved[order.client_order_id] = approved
        self._quantity[order.client_order_id] = order.quantity
        self.report(Accepted(order.client_order_id, f"B-{order.client_order_id}", self.now))
        self.after_submit(approved)

    def cancel(self, client_order_id):
        self.cancelled.append(client_order_id)
        self.report(Cancelled(client_order_id, "cancelled", self.now))

    def replace(self, change):
        self.changes.append(change)
        self._quantity[change.client_order_id] = change.quantity
        terms = (change.quantity, change.order_type, change.limit_ticks, change.trigger_ticks)
        self.report(Replaced(change.client_order_id, *terms, self.now))

    def open_market(self, instrument):
        return self._watches.setdefault(instrument.symbol, PriceWatch())

    def market(self, symbol):
        return MarketView(symbol, None, None, None, self.last[symbol], None, self.now)

    # What a test tells it

    @property
    def now(self):
        return self.clock.now_ns

    @property
    def submitted(self):
        return list(self.approved)

    def report(self, message):
        self.listener.on_report(message)

    def fill(self, order_id, price, quantity=None, slippage=0.0):
        """Trade at ``price``, all of the order unless ``quantity`` says otherwise."""
        order = self.approved[order_id].order
        filled = self._filled.get(order_id, 0)
        quantity = self._quantity[order_id] - filled if quantity is None else quantity
        filled = self._filled[order_id] = filled + quantity
        number = sum(self._filled.values())
        reference = order.instrument.to_ticks(price)
        report = Fill(
            f"F{number}",
            order_id,
            f"B-{order_id}",
            quantity,
            filled,
            price + order.side.sign * slippage,
            reference,
            slippage,
            "fixed" if slippage else "",
            Liquidity.TAKER,
            self.now,
        )
        self.report(report)
        return report


class Account:
    """A shell with its broker, and everything that it handed over."""

    def __init__(
        self,
        *,
        checks=(),
        prepare=(),
        commission=None,
        handle_fill=(),
        score=(),
        observers=(),
        bus=None,
        on_closed=lambda result: None,
        **publishing,
    ):
        self.closed = []
        self.failed = []
        self.recorded = []
        self.clock = VirtualClock(START)
        self.metrics = ExecutionMetrics()
        self.bus = InProcessBus() if bus is None else bus
        self.publisher = Publisher(
            self.bus, _implementations("fillbridge_handle_event", observers), **publishing
        )
        self.broker = Broker()
        self.shell = Shell(
            ShellHooks(
                prepare_order=_implementations("fillbridge_prepare_order", prepare),
                risk_checks=tuple((check.__name__, check) for check in checks),
                commission=None if commission is None else ("theirs", commission),
                handle_fill=_implementations("fillbridge_handle_fill", handle_fill),
                score_execution=_implementations("fillbridge_score_execution", score),
            ),
            self.clock,
            self.publisher,
            self.metrics,
            lambda trade, result: (self.closed.append(result), on_closed(result)),
            lambda trade, reason: self.failed.append((trade.plan.trade_id, reason)),
            self.recorded.extend,
        )
        self.broker.listener = self.shell
        self.broker.clock = self.clock
        self.shell.attach(self.broker)
        self._trades = 0

    @property
    def state(self):
        return self.shell.state

    def plan(self, *, symbol="ES", size=2, direction="LONG", trade_id=None, life=None, **fields):
        """Forty ticks to the stop and to the target, a market order, unless told otherwise."""
        instrument = INSTRUMENTS[symbol]
        self._trades += 1
        values = {
            "position_size": size,
            "direction": direction,
            "symbol": symbol,
            "urgency": "high",
            "stop_loss_ticks": 40,
            "take_profit_ticks": 40,
            "timeout_seconds": None,
            **fields,
        }
        proposal = RiskProposal(**values)
        arrival = proposal.arrival or ArrivalPrice(last=self.broker.last[symbol])
        name = trade_id or f"T{self._trades}"
        return plan_trade(proposal, name, instrument, arrival, self.clock.now_ns, life)

    def open(self, **fields):
        """Send the entry of a trade; its id."""
        plan = self.plan(**fields)
        self.shell.open_trade(plan)
        return plan.trade_id

    def trade(self, entry=4000.0, exit_at=4010.0, leg="TP", **fields):
        """A trade from its entry to its exit; its result."""
        trade_id = self.open(**fields)
        self.broker.fill(f"{trade_id}_ENTRY", entry)
        self.broker.fill(f"{trade_id}_{leg}", exit_at)
        return self.closed[-1]


def _implementations(hook, functions):
    return tuple(
        Implementation(plugin=function.__name__, hook=hook, function=function)
        for function in functions
    )


@pytest.fixture
def account():
    """Makes an account with the plugins that a test gives it."""
    return Account


@pytest.fixture(scope="session")
def instruments():
    """Instruments by symbol."""
    return INSTRUMENTS
