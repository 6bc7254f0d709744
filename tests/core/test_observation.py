"""Plugins that watch fills."""

import logging


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
