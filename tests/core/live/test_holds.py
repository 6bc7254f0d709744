"""What a check holds waits for a person, for a while, and is judged again before it is sent."""

import pytest

from fillbridge_hooks import Hold, InvalidValue, OrderRefused, ProposalHeld, Refuse, UnknownOrder


class Judge:
    """A risk check that answers as it is told."""

    __name__ = "judge"

    def __init__(self):
        self.verdict = None
        self.asked = []

    def __call__(self, order, exposure, market, context):
        self.asked.append(context)
        return self.verdict


def hold(reason="too large", check="size"):
    return Hold(check=check, reason=reason)


def refuse():
    return Refuse(check="limit", limit="<= 1", value="2")


@pytest.fixture
def judges():
    return Judge(), Judge()


@pytest.fixture
def held_world(new_world, judges):
    """An account whose checks are told what to answer, connected."""
    made = new_world(checks=judges)
    made.connect()
    return made


def held(world, **fields):
    """The id under which a proposal waits."""
    with pytest.raises(ProposalHeld) as caught:
        world.propose(**fields)
    world.exchange()
    return caught.value.hold_id


def answers(world):
    return dict(world.state.proposed)


def test_what_is_held_waits_and_nothing_is_sent(held_world, judges):
    judges[0].verdict = hold()
    hold_id = held(held_world, proposal_id="P1")

    assert hold_id == "H1-1"
    assert held_world.house.sent == []
    assert held_world.state.counters.rejects == 0
    (waiting,) = held_world.trading.holds.listed()
    assert waiting.proposal.proposal_id == "P1"
    assert waiting.reasons == ("size: held for approval: too large",)
    assert held_world.told()[-1] == (
        "proposal P1 (LONG 2 ES) waits for approval as H1-1 for 60 s: "
        "size: held for approval: too large"
    )


def test_an_approved_one_is_sent_and_its_id_answers_with_the_trade(held_world, judges):
    judges[0].verdict = hold()
    trade_id = held_world.trading.holds.approve(held(held_world, proposal_id="P1"), "ann")
    held_world.exchange()

    assert held_world.house.sent == [f"{trade_id}_ENTRY"]
    assert held_world.trade(trade_id).plan.approved_holds == ("size",)
    assert held_world.trading.holds.listed() == ()
    assert held_world.propose(proposal_id="P1") == trade_id


def test_an_id_that_waits_is_not_held_twice(held_world, judges):
    judges[0].verdict = hold()

    assert held(held_world, proposal_id="P1") == held(held_world, proposal_id="P1")
    assert len(held_world.trading.holds.listed()) == 1


def test_any_refusal_beside_a_hold_refuses(held_world, judges):
    judges[0].verdict, judges[1].verdict = hold(), refuse()
    with pytest.raises(OrderRefused, match="limit: expected <= 1, was 2") as caught:
        held_world.propose(proposal_id="P1")

    assert not isinstance(caught.value, ProposalHeld)
    assert held_world.trading.holds.listed() == ()


@pytest.mark.parametrize("verdict", [refuse(), hold("in the night", "hour")])
def test_an_approval_lets_pass_what_held_it_and_nothing_else(held_world, judges, verdict):
    judges[0].verdict = hold()
    hold_id = held(held_world, proposal_id="P1")
    judges[1].verdict = verdict
    with pytest.raises(OrderRefused, match=verdict.check):
        held_world.trading.holds.approve(hold_id, "ann")
    held_world.exchange()

    assert held_world.house.sent == []
    assert answers(held_world) == {"P1": (str(verdict),)}


def test_two_checks_that_hold_are_approved_as_one(held_world, judges):
    judges[0].verdict, judges[1].verdict = hold(), hold("in the night", "hour")

    assert held_world.trading.holds.approve(held(held_world), "ann")


def test_what_refuses_at_the_wire_is_asked_again_and_what_held_it_is_not(held_world, judges):
    judges[0].verdict = hold()
    hold_id = held(held_world)
    asked = len(judges[0].asked)
    held_world.trading.holds.approve(hold_id, "ann")

    assert len(judges[0].asked) > asked


def test_while_the_gate_is_shut_it_goes_on_waiting(held_world, judges):
    judges[0].verdict = hold()
    hold_id = held(held_world)
    held_world.trading.halt("news", "ann")
    with pytest.raises(OrderRefused, match="gate: "):
        held_world.trading.holds.approve(hold_id, "ann")
    held_world.trading.resume("ann")

    assert held_world.trading.holds.approve(hold_id, "ann")


def test_what_became_nonsense_while_it_waited_is_not_sent(held_world, judges):
    judges[0].verdict = hold()
    fields = {"stop_loss_ticks": None, "stop_loss_price": 3990.0, "urgency": "low"}
    hold_id = held(held_world, max_slippage=None, **fields)
    waiting = held_world.trading.holds.listed()[0].proposal
    assert waiting.arrival.price == 4000.0

    held_world.price(3900.0)
    trade_id = held_world.trading.holds.approve(hold_id, "ann")
    assert held_world.trade(trade_id).plan.entry.limit_ticks == 16_000


def test_a_rejected_one_is_refused_for_good(held_world, judges):
    judges[0].verdict = hold()
    held_world.trading.holds.reject(held(held_world, proposal_id="P1"), "ann", "no")
    judges[0].verdict = None

    assert answers(held_world)["P1"][-1] == "rejected by ann: no"
    with pytest.raises(OrderRefused, match="rejected by ann: no"):
        held_world.propose(proposal_id="P1")


def test_after_its_time_it_is_refused(held_world, judges):
    judges[0].verdict = hold()
    hold_id = held(held_world, proposal_id="P1")
    held_world.pass_time(59.8)
    assert held_world.trading.holds.listed()
    held_world.pass_time(0.3)

    assert held_world.trading.holds.listed() == ()
    assert answers(held_world)["P1"][-1] == "expired by the handler: nobody approved it in time"
    for act in (held_world.trading.holds.approve, held_world.trading.holds.reject):
        with pytest.raises(UnknownOrder, match="no held proposal with id 'H1-1'"):
            act(hold_id, "ann", *(("no",) if act.__name__ == "reject" else ()))


def test_at_its_last_moment_it_cannot_be_approved_any_more(held_world, judges):
    judges[0].verdict = hold()
    hold_id = held(held_world)
    held_world.clock.advance_to(held_world.trading.holds.listed()[0].expires_ns)

    with pytest.raises(UnknownOrder):
        held_world.trading.holds.approve(hold_id, "ann")


def test_after_a_restart_it_waits_as_before(held_world, judges):
    judges[0].verdict = hold()
    hold_id = held(held_world, proposal_id="P1", symbol="NQ")
    before = held_world.trading.holds.listed()
    held_world.pass_time(20)
    held_world.restart()

    assert held_world.trading.holds.listed() == before
    assert "NQ" in held_world.trading.market.instruments
    with pytest.raises(OrderRefused, match="gate"):  # nothing leaves before it is connected
        held_world.trading.holds.approve(hold_id, "ann")
    held_world.connect()
    assert held(held_world, proposal_id="P1") == hold_id  # its strategy gets the same answer
    assert held(held_world, proposal_id="P2") == "H2-1"
    trade_id = held_world.trading.holds.approve(hold_id, "ann")
    held_world.exchange()
    assert held_world.house.sent == [f"{trade_id}_ENTRY"]
    assert held_world.propose(proposal_id="P1") == trade_id


def test_what_was_approved_before_a_crash_does_not_wait_again(held_world, judges):
    judges[0].verdict = hold()
    hold_id = held(held_world, proposal_id="P1")
    trade_id = held_world.trading.holds.approve(hold_id, "ann")
    held_world.restart()

    assert held_world.trading.holds.listed() == ()
    assert held_world.propose(proposal_id="P1") == trade_id


@pytest.mark.parametrize("late_s", [0, 1, 1000])
def test_after_a_restart_too_late_it_is_refused(held_world, judges, late_s):
    judges[0].verdict = hold()
    held(held_world, proposal_id="P1")
    (waiting,) = held_world.trading.holds.listed()
    held_world.clock.advance_to(waiting.expires_ns + late_s * 1_000_000_000)
    held_world.restart()

    assert held_world.trading.holds.listed() == ()
    assert answers(held_world)["P1"][-1] == "expired by the handler: nobody approved it in time"
    assert held_world.told()[-1].startswith("proposal P1 (LONG 2 ES) is refused, which waited as")
    held_world.connect()
    with pytest.raises(OrderRefused, match="nobody approved it in time"):
        held_world.propose(proposal_id="P1")


def test_no_more_wait_than_a_person_may_look_at(held_world, judges):
    judges[0].verdict = hold()
    for _ in range(100):
        held(held_world)
    with pytest.raises(OrderRefused, match="holds: expected fewer than 100 that wait") as caught:
        held_world.propose()

    assert not isinstance(caught.value, ProposalHeld)


def test_an_entry_that_waited_too_long_for_its_own_life_is_refused(held_world, judges):
    judges[0].verdict = hold()
    hold_id = held(held_world, timeout_seconds=5)
    held_world.pass_time(6.0)

    with pytest.raises(OrderRefused, match="age: expected decided at most 5"):
        held_world.trading.holds.approve(hold_id, "ann")


def test_what_is_invalid_is_never_held(held_world, judges):
    judges[0].verdict = hold()

    with pytest.raises(InvalidValue):
        held_world.propose(position_size=0)
