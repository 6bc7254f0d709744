"""A trade that is done is scored, by a plugin or by default."""

import logging

import pytest

from fillbridge_hooks import (
    Cancelled,
)


def test_the_first_answer_scores_and_a_plugin_that_fails_is_passed_over(account, caplog):
    def silent(trade):
        return None

    def fails(trade):
        raise RuntimeError("broken")

    def says(trade):
        return 1 / 4

    def never(trade):
        raise AssertionError("the first answer counts")

    made = account(score=[silent, fails, says, never])
    with caplog.at_level(logging.ERROR):
        result = made.trade()
    assert result.execution_quality_score == 0.25
    assert "plugin fails failed to score T1" in caplog.text


@pytest.mark.parametrize("answer", [1.5, -0.1, float("nan"), "good", [], 1j])
def test_a_score_that_is_none_falls_back_to_the_default(account, answer):
    def theirs(trade):
        return answer

    scored = account(score=[theirs]).trade()
    assert scored.execution_quality_score == account().trade().execution_quality_score


def test_a_scorer_sees_how_the_trade_was_executed(account):
    seen = []

    def theirs(trade):
        seen.append(trade)

    made = account(score=[theirs])
    made.open(size=3, direction="SHORT", max_slippage=1.0)
    made.broker.fill("T1_ENTRY", 3999.5, 1)
    made.broker.report(Cancelled("T1_ENTRY", "no more", made.broker.now))
    made.broker.fill("T1_TP", 3989.5)
    (trade,) = seen
    assert (trade.requested_quantity, trade.filled_quantity) == (3, 1)
    assert (trade.direction, trade.arrival_price, trade.entry_price) == ("SHORT", 4000.0, 3999.5)
    assert (trade.max_slippage, trade.tick_size) == (1.0, 0.25)
