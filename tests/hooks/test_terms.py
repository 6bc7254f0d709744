import pytest

from fillbridge_hooks import (
    TERMINAL_STATUSES,
    Direction,
    ExitReason,
    OrderStatus,
    OrderType,
    Side,
    TimeInForce,
    Urgency,
)


@pytest.mark.parametrize(
    ("terms", "values"),
    [
        (OrderType, "market limit stop stop_limit trailing_stop"),
        (
            OrderStatus,
            "pending submitted partial_filled filled cancelled rejected unknown expired",
        ),
        (ExitReason, "TP SL MANUAL TIMEOUT SHUTDOWN"),
        (TimeInForce, "DAY GTC IOC FOK"),
        (Urgency, "low normal high"),
        (Side, "BUY SELL"),
        (Direction, "LONG SHORT"),
    ],
)
def test_values_are_the_ones_that_files_and_the_specification_use(
    terms: type[OrderStatus], values: str
) -> None:
    assert " ".join(terms) == values


def test_an_order_whose_outcome_is_not_known_is_not_at_its_end() -> None:
    assert {status for status in OrderStatus if status.is_terminal} == TERMINAL_STATUSES
    assert {OrderStatus.UNKNOWN, OrderStatus.PARTIAL_FILLED}.isdisjoint(TERMINAL_STATUSES)
    assert {OrderStatus.FILLED, OrderStatus.EXPIRED} <= TERMINAL_STATUSES


def test_signs_and_opposites() -> None:
    assert (Side.BUY.sign, Side.SELL.sign) == (1, -1)
    assert (Direction.LONG.sign, Direction.SHORT.sign) == (1, -1)
    assert (Side.BUY.opposite, Side.SELL.opposite) == (Side.SELL, Side.BUY)
