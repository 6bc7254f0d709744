"""Plugins that watch fills."""

import logging

from fillbridge_hooks import FillVoided


def test_observers_of_fills_see_fill_order_and_position_and_cannot_stop_one_another(
    account, caplog
):
    seen = []

    def breaks(fill, order, position):
        raise RuntimeError("broken")

    def watches(fill, order, position):
        seen.append((fill.fill_id, order.client_order_id, position.quantity, position.trade_id))

    made = account(handle_fill=[breaks, watches])
    with caplog.at_level(logging.ERROR):
        made.trade(direction="SHORT", exit_at=3990.0, size=3)
    assert seen == [("F3", "T1_ENTRY", -3, "T1"), ("F6", "T1_TP", 0, "T1")]
    assert len(made.closed) == 1
    assert "plugin breaks failed on fill F3" in caplog.text


def test_a_fill_after_the_entry_was_taken_back_is_told_with_the_price_it_opened_at(account):
    seen = []

    def watches(fill, order, position):
        seen.append((position.quantity, position.average_price))

    made = account(handle_fill=[watches])
    trade_id = made.open(size=1)
    fill = made.broker.fill(f"{trade_id}_ENTRY", 4000.0)
    made.broker.report(FillVoided(fill.client_order_id, fill.fill_id, "busted", made.clock.now_ns))
    made.broker.fill(f"{trade_id}_TP", 4010.0)
    assert seen[-1] == (-1, 4010.0)


def test_risk_checks_are_told_what_an_excess_is_worth_that_has_no_entry(account):
    worth = []

    def watches(order, exposure, market, context):
        worth.append(context.open_pnl)

    made = account(checks=[watches])
    trade_id = made.open(size=1)
    fill = made.broker.fill(f"{trade_id}_ENTRY", 4000.0)
    made.broker.report(FillVoided(fill.client_order_id, fill.fill_id, "busted", made.clock.now_ns))
    made.broker.fill(f"{trade_id}_TP", 4010.0)
    made.broker.last["ES"] = 4004.0
    made.open(size=1)
    assert worth[-1] == 6.0 * 50
