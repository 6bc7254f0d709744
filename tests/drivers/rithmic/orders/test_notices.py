"""Notifications are read as they are: what is not said is not made up."""

from fillbridge_hooks import OrderType, Side
from fillbridge_rithmic.orders.notices import Phase, read_notice
from fillbridge_rithmic.wire.codes import ExchangeNotice, Notice, PriceType
from fillbridge_rithmic.wire.messages import make


def test_a_captured_fill():
    notice = read_notice(
        make(
            352,
            user_tag="Sell Market: Rithmic:S1Sep246906077, MNQ, 4",
            notify_type=ExchangeNotice.FILL,
            is_snapshot=True,
            status="complete",
            basket_id="234556404",
            quantity=1,
            transaction_type=2,
            price_type=PriceType.MARKET,
            orig_price_type=PriceType.MARKET,
            fill_price=20386.25,
            fill_size=1,
            fill_id="1606360",
            total_fill_size=1,
            total_unfilled_size=0,
            ssboe=1729218890,
            usecs=913270,
        )
    )
    assert notice.phase is Phase.FILLED
    assert notice.side is Side.SELL
    assert notice.order_type is OrderType.MARKET
    assert (notice.limit, notice.trigger) == (None, None)
    assert notice.execution.fill_id == "1606360"
    assert notice.execution.time_ns == 1729218890_913270_000
    assert (notice.filled, notice.unfilled) == (1, 0)


def test_a_row_without_a_quantity_has_what_is_filled_and_what_is_not():
    notice = read_notice(make(352, basket_id="1", total_fill_size=1, total_unfilled_size=2))
    assert notice.quantity == 3


def test_a_price_of_minus_one_is_none():
    notice = read_notice(
        make(351, basket_id="1", price_type=PriceType.STOP_MARKET, price=-1.0, trigger_price=4990.0)
    )
    assert (notice.limit, notice.trigger) == (None, 4990.0)


def test_an_unknown_type_of_notice_says_nothing():
    assert read_notice(make(351, basket_id="1", notify_type=99)).phase is Phase.OTHER
    assert read_notice(make(352, basket_id="1")).phase is Phase.OTHER


def test_a_fill_without_an_id_has_one_of_its_own():
    fields = {"basket_id": "1", "notify_type": ExchangeNotice.FILL, "fill_size": 1}
    first = read_notice(make(352, fill_price=1.0, ssboe=1, usecs=2, **fields))
    again = read_notice(make(352, fill_price=1.0, ssboe=1, usecs=2, **fields))
    other = read_notice(make(352, fill_price=1.0, ssboe=1, usecs=3, **fields))
    assert first.execution.fill_id == again.execution.fill_id != other.execution.fill_id


def test_what_is_listed_as_working_works():
    for status in ("open", "Trigger Pending", "partial", "modified, trigger pending"):
        row = make(
            351,
            basket_id="1",
            is_snapshot=True,
            notify_type=Notice.ORDER_RECEIVED_FROM_CLIENT,
            status=status,
        )
        assert read_notice(row).phase is Phase.WORKING


def test_a_cancel_of_a_part_is_no_end():
    part = make(
        352,
        basket_id="1",
        notify_type=ExchangeNotice.CANCEL,
        status="open",
        total_unfilled_size=2,
    )
    assert read_notice(part).phase is Phase.CHANGED
    assert read_notice(make(352, basket_id="1", notify_type=3)).phase is Phase.ENDED


def test_a_price_that_is_zero_is_a_price():
    notice = read_notice(make(351, basket_id="1", price_type=PriceType.LIMIT, price=0.0))
    assert notice.limit == 0.0


def test_a_stop_without_a_trigger_has_none():
    row = make(351, basket_id="1", price_type=PriceType.STOP_MARKET, price=-1.0, trigger_price=-1.0)
    assert read_notice(row).trigger is None


def test_a_cancel_of_a_part_leaves_what_is_filled_and_what_is_not():
    part = make(
        352,
        basket_id="1",
        notify_type=ExchangeNotice.CANCEL,
        status="partial",
        quantity=5,
        total_fill_size=1,
        total_unfilled_size=2,
    )
    assert read_notice(part).quantity == 3
