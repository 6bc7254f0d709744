"""A state reads back as it was, with everything shared that was shared."""

import msgspec
import pytest

from fillbridge.engine import EngineState, fold
from fillbridge.engine.state import OrderState, Trade
from fillbridge.journal.contents import Contents, LastNote, copy_state, state_bytes
from fillbridge.journal.positions import Holding
from fillbridge.journal.records import Note
from fillbridge.journal.states import plain, rebuilt


def test_what_was_shared_is_shared_again(busy):
    state = copy_state(busy.state)

    assert len(state.trades) == len(busy.state.trades) == 2
    assert set(state.orders) == set(busy.state.orders)
    for order_id, (trade, order) in state.orders.items():
        assert any(order is other for other in trade.orders)
        assert order.order.client_order_id == order_id
    for trade_id, trade in state.trades.items():
        assert trade.entry is trade.orders[0]
        assert state.orders[f"{trade_id}_ENTRY"] == (trade, trade.entry)
        assert state.orders[f"{trade_id}_ENTRY"][0] is trade
    filled = state.trades["T4"]
    assert filled.stop is filled.orders[1]
    assert filled.target is filled.orders[2]


def test_a_copy_shares_nothing_that_changes(busy):
    state = copy_state(busy.state)
    before = state_bytes(state)

    busy.broker.fill("T4_TP", 4010.25, quantity=1)

    assert state_bytes(state) == before
    assert state_bytes(copy_state(busy.state)) != before


def test_a_copy_goes_on_as_the_original_does(busy):
    state = copy_state(busy.state)
    known = len(busy.recorded)

    busy.broker.fill("T4_SL", 3990.25)
    busy.broker.fill("T5_ENTRY", 2000.0)
    for event in busy.recorded[known:]:
        fold(state, event)

    assert state_bytes(copy_state(state)) == state_bytes(copy_state(busy.state))


def test_equal_states_have_equal_bytes(busy):
    folded = EngineState()
    for event in busy.recorded:
        fold(folded, event)

    assert state_bytes(folded) == state_bytes(busy.state)


def test_every_field_of_the_state_is_kept(busy):
    stored = msgspec.msgpack.decode(state_bytes(busy.state))

    assert stored.keys() - {"known"} == set(EngineState.__struct_fields__)
    assert stored["known"][0].keys() == set(Trade.__struct_fields__)
    assert stored["known"][0]["orders"][0].keys() == set(OrderState.__struct_fields__)


def test_contents_read_back_as_they_were(busy):
    note = LastNote(7, Note("gate", {"state": "OPEN"}, 5))
    contents = Contents(copy_state(busy.state), {"ES": Holding(3, 4000.25)}, {"gate": note})

    found = Contents.decode(contents.encode())

    assert found.encode() == contents.encode()
    assert found.holdings == {"ES": Holding(3, 4000.25)}
    assert found.notes == {"gate": note}


def test_an_order_of_another_trade_is_a_defect(busy):
    trades = list(busy.state.trades.values())
    trades[0].stop = trades[1].entry

    with pytest.raises(ValueError, match="T5_ENTRY is no order of T4"):
        state_bytes(busy.state)


def test_what_has_no_place_in_a_state_is_refused():
    with pytest.raises(NotImplementedError, match="object has no place"):
        plain(object())
    with pytest.raises(NotImplementedError, match="has no place"):
        rebuilt(set, [])
