"""Orders as they stand and trades as they ended, as users are handed them."""

from datetime import UTC, datetime

import pytest

from fillbridge.results import order_info
from fillbridge_hooks import ExitReason, OrderStatus, OrderType, Rejected

SECOND = 1_000_000_000
START = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


@pytest.fixture
def info(account):
    """An account with an open trade, and the order of an id as it stands."""
    made = account()
    made.open(direction="SHORT", size=3)
    return made, lambda order_id: order_info(*made.state.orders[order_id])


def test_an_order_shows_its_terms_and_how_it_stands(info):
    made, of = info
    made.clock.advance_to(made.clock.now_ns + SECOND)
    made.broker.fill("T1_ENTRY", 4000.0, 1)
    made.broker.fill("T1_ENTRY", 3999.0, 1)
    entry, stop, target = of("T1_ENTRY"), of("T1_SL"), of("T1_TP")
    assert (entry.order_id, entry.internal_id) == ("B-T1_ENTRY", "T1_ENTRY")
    assert (entry.order_type, entry.status) == (OrderType.MARKET, OrderStatus.PARTIAL_FILLED)
    assert (entry.direction, entry.size, entry.price) == ("SHORT", 3, None)
    assert (entry.filled_size, entry.filled_price) == (2, 3999.5)
    assert (entry.timestamp_submitted, entry.timestamp_filled) == (
        START,
        START.replace(second=21),
    )
    assert (stop.direction, stop.price, stop.size) == ("BUY", 4010.0, 2)
    assert (target.direction, target.price, target.filled_price) == ("BUY", 3990.0, None)
    assert target.timestamp_filled is None
    assert target.symbol == "ES"


def test_an_order_is_known_by_our_id_until_the_broker_gives_its_own(account):
    made = account()
    made.broker.before_submit = lambda approved: ids.append(
        order_info(*made.state.orders[approved.order.client_order_id]).order_id
    )
    ids = []
    made.open()
    assert ids == ["T1_ENTRY"]


def test_an_order_that_ended_says_why(info):
    made, of = info
    made.broker.report(Rejected("T1_ENTRY", "no margin", made.broker.now))
    assert of("T1_ENTRY").broker_response == {"reason": "no margin"}
    assert of("T1_ENTRY").status is OrderStatus.REJECTED


def test_a_result_shows_the_trade(account):
    made = account(commission=lambda fill, instrument: 3.80 * fill.quantity)
    made.open(size=2, proposal_id="P1", strategy="breakout")
    made.clock.advance_to(made.clock.now_ns + SECOND)
    made.broker.fill("T1_ENTRY", 4000.0, slippage=0.25)
    made.clock.advance_to(made.clock.now_ns + 90 * SECOND + 1_500)
    made.broker.fill("T1_SL", 3990.0, slippage=0.5)
    (result,) = made.closed
    assert (result.trade_id, result.symbol) == ("T1", "ES")
    assert (result.proposal_id, result.strategy) == ("P1", "breakout")
    assert (result.direction, result.position_size) == ("LONG", 2)
    assert (result.entry_price, result.exit_price) == (4000.25, 3989.5)
    assert result.entry_timestamp == START.replace(second=21)
    assert result.exit_time_ns - result.entry_time_ns == 90 * SECOND + 1_500
    assert result.exit_timestamp.microsecond == 1
    assert result.duration_seconds == 90.0000015
    assert result.exit_reason is ExitReason.STOP_LOSS
    assert (result.pnl_gross, result.slippage, result.commission) == (-1000.0, 75.0, 15.2)
    assert result.pnl_net == -1090.2
    assert (result.max_favorable_excursion, result.max_adverse_excursion) == (0.0, -10.75)
    assert result.cost_complete
    assert not result.path_dependent
