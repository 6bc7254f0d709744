import pytest

pytestmark = pytest.mark.anyio


@pytest.fixture
def bracket(desk):
    """A broker with brackets, and a long entry at the market with a stop and a target."""

    class Bracket:
        def __init__(self, **settings):
            self.desk = desk(bracket=True, volume_share=1.0, **settings)

        async def enter(self, seat, quantity=3, limit=None):
            order = self.desk.order
            await seat.submit(
                order("E", quantity=quantity, limit=limit),
                order("S", "SELL", 99, stop=4990, role="stop"),
                order("T", "SELL", 99, limit=5010, role="target"),
            )

    return Bracket


async def working(seat):
    """Quantity and filled of each working order."""
    orders = await seat.session.working_orders()
    return {one.client_order_id: (one.quantity, one.filled) for one in orders}


async def test_legs_rest_for_what_the_entry_has_filled(bracket):
    bracket = bracket()
    async with bracket.desk.log_in() as seat:
        await bracket.enter(seat)
        assert await seat.story() == [("Accepted", "E")]
        assert set(await working(seat)) == {"E"}
        bracket.desk.trade(5000, 1)
        assert await seat.story() == [("Fill", "E"), ("Accepted", "S"), ("Accepted", "T")]
        assert await working(seat) == {"E": (3, 1), "S": (1, 0), "T": (1, 0)}
        bracket.desk.trade(5000, 2)
        assert await seat.story() == [("Fill", "E"), ("Replaced", "S"), ("Replaced", "T")]
        assert await working(seat) == {"S": (3, 0), "T": (3, 0)}


async def test_the_target_reduces_and_then_cancels_the_stop(bracket):
    bracket = bracket()
    async with bracket.desk.log_in() as seat:
        await bracket.enter(seat)
        bracket.desk.trade(5000, 3)
        await seat.reports()
        bracket.desk.trade(5010.25, 1)
        assert await seat.story() == [("Fill", "T"), ("Replaced", "S")]
        assert await working(seat) == {"S": (2, 0), "T": (3, 1)}
        bracket.desk.trade(5010.25, 2)
        assert await seat.story() == [("Fill", "T"), ("Cancelled", "S")]
        assert await working(seat) == {}
        assert await seat.held() == {}


async def test_the_stop_reduces_and_then_cancels_the_target(bracket):
    bracket = bracket()
    async with bracket.desk.log_in() as seat:
        await bracket.enter(seat)
        bracket.desk.trade(5000, 3)
        bracket.desk.trade(4990, 2)
        assert await working(seat) == {"S": (3, 2), "T": (1, 0)}
        bracket.desk.trade(4989, 2)
        assert await working(seat) == {}
        assert await seat.held() == {}


async def test_an_exit_of_all_that_is_held_withdraws_the_rest_of_the_entry(bracket):
    bracket = bracket()
    async with bracket.desk.log_in() as seat:
        bracket.desk.trade(5001)
        await bracket.enter(seat, limit=5000)
        bracket.desk.trade(4999.75, 2)
        await seat.reports()
        bracket.desk.trade(5010.25, 5)
        assert await seat.story() == [("Fill", "T"), ("Cancelled", "S"), ("Cancelled", "E")]
        assert await seat.held() == {}


async def test_an_entry_that_ends_unfilled_leaves_no_leg(bracket):
    bracket = bracket()
    async with bracket.desk.log_in() as seat:
        bracket.desk.trade(5001)
        await bracket.enter(seat, limit=4000)
        await seat.session.cancel("S")
        await seat.session.cancel("E")
        assert await seat.story() == [
            ("Accepted", "E"),
            ("CancelRejected", "S"),
            ("Cancelled", "E"),
        ]
        bracket.desk.trade(5020)
        assert len(await seat.session.orders_today()) == 1
        assert bracket.desk.driver.broker.accounts["A"]._brackets == {}


async def test_a_cancelled_remainder_leaves_the_filled_part_protected(bracket):
    bracket = bracket()
    async with bracket.desk.log_in() as seat:
        await bracket.enter(seat)
        bracket.desk.trade(5000, 1)
        await seat.session.cancel("E")
        assert await working(seat) == {"S": (1, 0), "T": (1, 0)}


async def test_a_leg_can_be_moved_but_its_quantity_is_the_brackets(bracket):
    bracket = bracket()
    async with bracket.desk.log_in() as seat:
        await bracket.enter(seat)
        bracket.desk.trade(5000, 1)
        await seat.reports()
        await seat.reprice("T", 7, 5005)
        (replaced,) = await seat.reports()
        assert (replaced.quantity, replaced.limit_ticks) == (1, 20_020)
        bracket.desk.trade(5000, 2)
        bracket.desk.trade(5005.25, 3)
        assert await seat.held() == {}
        assert {fill.price for fill in await seat.session.fills(0)} == {5000, 5005}


async def test_a_cancelled_leg_stays_away_and_the_other_works_on(bracket):
    bracket = bracket()
    async with bracket.desk.log_in() as seat:
        await bracket.enter(seat)
        bracket.desk.trade(5000, 1)
        await seat.session.cancel("T")
        bracket.desk.trade(5000, 2)
        assert await working(seat) == {"S": (3, 0)}
        bracket.desk.trade(4990, 3)
        assert await seat.held() == {}
        assert bracket.desk.driver.broker.accounts["A"]._brackets == {}


async def test_a_bracket_works_on_while_nobody_is_logged_in(bracket):
    bracket = bracket()
    async with bracket.desk.log_in() as seat:
        await bracket.enter(seat)
    bracket.desk.trade(5000, 3)
    bracket.desk.trade(4980, 3)
    async with bracket.desk.log_in() as seat:
        ended = {one.client_order_id: one.status for one in await seat.session.orders_today()}
        assert ended == {"E": "filled", "S": "filled", "T": "cancelled"}


async def test_two_brackets_of_one_client_order_id_are_two(bracket):
    bracket = bracket()
    async with bracket.desk.log_in() as seat:
        await bracket.enter(seat, 1)
        await bracket.enter(seat, 1)
        bracket.desk.trade(5000, 2)
        assert await seat.held() == {"ES": 2}
        assert len(await seat.session.working_orders()) == 4
        bracket.desk.trade(5010.25, 9)
        assert await seat.held() == {}
        assert await working(seat) == {}


async def test_a_target_that_trades_at_once_needs_no_stop(bracket):
    bracket = bracket()
    async with bracket.desk.log_in() as seat:
        order = bracket.desk.order
        await seat.submit(
            order("E", quantity=1),
            order("T", "SELL", limit=4999, role="target"),
            order("S", "SELL", stop=4990, role="stop"),
        )
        bracket.desk.trade(5000, 9)
        assert await seat.held() == {}
        assert await working(seat) == {}
        assert await seat.story() == [
            ("Accepted", "E"),
            ("Fill", "E"),
            ("Accepted", "T"),
            ("Fill", "T"),
        ]
