"""Limits of a running handler: tighter at once, looser by two operators while nothing is open."""

from contextlib import asynccontextmanager

import anyio
import msgspec
import pytest

from fillbridge import OrderRefused
from fillbridge.limits import LimitsRefused
from fillbridge.limits.record import NOTE, PURPOSE
from fillbridge.management import make_request
from fillbridge.operators import ApprovalRefused, NotApproved, public_line, sign
from fillbridge_hooks import ExitReason, InvalidValue
from fillbridge_risk.settings import LIVE

pytestmark = pytest.mark.anyio
MINUTE_NS = 60_000_000_000
SIZE = "max_position_size"
FULL = f"risk_controls.{SIZE}"


def new_key():
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.generate()


KEYS = {name: new_key() for name in ("ann", "bob", "eve")}
OPERATORS = {name: public_line(KEYS[name]) for name in ("ann", "bob")}


def controls(**limits):
    """The section: nothing but these limits binds, in the profile ``live``."""
    off = dict.fromkeys(name for name in LIVE if name != "max_open_positions")
    return {"profile": "live", **off, **limits}


@pytest.fixture
def opens(desk):
    """Opens a handler for real money that holds five contracts at most, unless told otherwise."""

    @asynccontextmanager
    async def make(operators=OPERATORS, **limits):
        async with desk(
            live_settings={"operators": operators},
            performance={"max_open_positions": 10},
            risk_controls=controls(**{SIZE: 5, **limits}),
        ) as opened:
            await opened.trade(5000.0)
            yield opened

    return make


def approved(opened, name, value, limit=SIZE, **changes):
    """The approval of an operator of what setting a limit would change."""
    hashed = opened.handler.limits_change(limit, value)["hash"]
    made = sign(PURPOSE, hashed, name, KEYS[name], opened.clock.now_ns)
    return msgspec.structs.replace(made, **changes)


def set_by(opened, names, value, limit=SIZE):
    """What the last of these operators is answered."""
    for name in names:
        answer = opened.handler.set_limit(limit, value, name, approved(opened, name, value, limit))
    return answer


async def is_refused(opened, size, proposal, limit=SIZE):
    """Whether an entry of so many is refused for the limit; one that is not is withdrawn."""
    answers = []

    async def propose():
        try:
            answers.append(await opened.handler.execute_trade(proposal(position_size=size)))
        except OrderRefused as refusal:
            answers.append(refusal)

    async with anyio.create_task_group() as group:
        group.start_soon(propose)
        await opened.settle(0.1)
    if isinstance(answers[0], OrderRefused):
        assert limit in str(answers[0])
        return True
    opened.handler.cancel_entries()
    await opened.settle()
    assert answers[0] not in opened.handler.open_positions
    return False


def recorded(opened):
    return opened.notes(NOTE)[0]


# Tighter


@pytest.mark.parametrize("name", [SIZE, FULL])
async def test_a_tighter_limit_is_in_force_at_once_and_recorded(opens, name, proposal):
    async with opens() as opened:
        assert not await is_refused(opened, 5, proposal)
        answer = opened.handler.set_limit(name, 3, "ann")
        said = f"{FULL}: 5 -> 3 (tighter)"
        assert answer == {"said": said, "is_in_force": True, "approved_by": ()}
        assert await is_refused(opened, 4, proposal)
        assert not await is_refused(opened, 3, proposal)
        note = recorded(opened)
        (change,) = note["changes"]
        assert (change["path"], change["old"], change["new"]) == (FULL, 5, 3)
        assert (note["by"], note["approved_by"], note["sequence"]) == ("ann", [], 2)
        assert opened.handler.settings.plugin_sections["risk"].max_position_size == 3


async def test_it_is_in_force_while_a_position_is_held_and_an_entry_works(opens, proposal):
    async with opens() as opened:
        held, _ = await opened.open_both()
        opened.handler.set_limit(SIZE, 1, "ann")
        assert await is_refused(opened, 1, proposal)
        assert held in opened.handler.open_positions


async def test_a_watch_and_what_the_handler_looks_at_itself_are_changed_too(opens):
    async with opens() as opened:
        opened.handler.set_limit("max_memory_mb", 1, "ann")
        assert opened.handler._resources.limits.max_memory_bytes == 1 << 20
        opened.handler.set_limit("max_messages_per_fill", 1, "ann")
        assert [name for name, _ in opened.handler._watched] == ["max_messages_per_fill"]
        opened.handler.set_limit("max_move_ticks", 4, "ann")
        await opened.trade(5000.0)
        await opened.trade(5010.0)
        assert any("max_move_ticks" in one for one in opened.handler._trading.gate.reasons())


async def test_a_limit_outside_of_the_section_of_the_plugin_can_be_set(opens, proposal):
    async with opens() as opened:
        answer = opened.handler.set_limit("max_open_positions", 1, "ann")
        assert answer["said"] == "performance.max_open_positions: 10 -> 1 (tighter)"
        await opened.propose(position_size=1)
        assert await is_refused(opened, 1, proposal, "max_open_positions")


async def test_a_start_that_is_looser_than_what_was_set_is_refused(opens, proposal):
    async with opens() as opened:
        opened.handler.set_limit(SIZE, 3, "ann")
    with pytest.raises(LimitsRefused, match="max_position_size: 3 -> 5"):
        async with opens():
            pass
    async with opens(max_position_size=3) as opened:
        assert await is_refused(opened, 4, proposal)


async def test_without_a_journal_it_is_tightened_all_the_same(opens, monkeypatch):
    async with opens() as opened:
        opened.fill_the_disk(monkeypatch)
        assert opened.handler.set_limit(SIZE, 3, "ann")["is_in_force"]
        assert opened.handler.settings.plugin_sections["risk"].max_position_size == 3


# Looser


async def test_a_looser_limit_takes_two_and_is_recorded(opens, proposal):
    async with opens() as opened:
        with pytest.raises(NotApproved, match="approvals of two operators, approved by nobody"):
            opened.handler.set_limit(SIZE, 6, "ann")
        first = set_by(opened, ["ann"], 6)
        assert first["said"] == "approved by ann; two operators are needed"
        assert set_by(opened, ["ann"], 6) == first
        assert await is_refused(opened, 6, proposal)
        answer = set_by(opened, ["bob"], 6)
        assert answer["said"] == f"{FULL}: 5 -> 6 (looser)"
        assert (answer["is_in_force"], answer["approved_by"]) == (True, ("ann", "bob"))
        assert not await is_refused(opened, 6, proposal)
        assert await is_refused(opened, 7, proposal)
        assert recorded(opened)["approved_by"] == ["ann", "bob"]


async def test_while_a_trade_is_open_it_waits(opens, proposal):
    async with opens() as opened:
        held, resting = await opened.open_both()
        answer = set_by(opened, ["ann", "bob"], 9)
        assert not answer["is_in_force"]
        assert answer["said"].endswith("in force once no trade is open")
        await opened.settle(1)
        assert recorded(opened)["sequence"] == 1
        opened.handler.request_close(held, ExitReason.MANUAL_OVERRIDE)
        await opened.trade(5000.0)
        assert resting in opened.handler.open_positions
        assert recorded(opened)["sequence"] == 1
        opened.handler.cancel_entries()
        await opened.settle(1)
        assert not opened.handler.open_positions
        assert recorded(opened)["sequence"] == 2
        assert recorded(opened)["approved_by"] == ["ann", "bob"]
        assert not await is_refused(opened, 9, proposal)


async def test_what_waits_falls_with_another_change(opens):
    async with opens() as opened:
        await opened.open_both()
        set_by(opened, ["ann", "bob"], 9)
        answer = opened.handler.set_limit(SIZE, 4, "ann")
        assert answer["said"].endswith("; what waited for a flat account must be approved again")
        opened.handler.cancel_entries()
        for trade_id in tuple(opened.handler.open_positions):
            opened.handler.request_close(trade_id, ExitReason.MANUAL_OVERRIDE)
        await opened.trade(5000.0)
        assert not opened.handler.open_positions
        await opened.settle(1)
        assert opened.handler.settings.plugin_sections["risk"].max_position_size == 4


async def test_approvals_are_for_one_value_of_one_limit_once(opens, proposal):
    async with opens() as opened:
        given = approved(opened, "ann", 6)
        with pytest.raises(ApprovalRefused, match="has changed"):
            opened.handler.set_limit(SIZE, 7, "ann", given)
        with pytest.raises(ApprovalRefused, match="expected the signature of bob"):
            opened.handler.set_limit(SIZE, 6, "bob", approved(opened, "ann", 6, operator="bob"))
        with pytest.raises(ApprovalRefused, match="expected one of the operators ann, bob"):
            opened.handler.set_limit(SIZE, 6, "eve", approved(opened, "eve", 6))
        opened.handler.set_limit(SIZE, 6, "ann", given)
        with pytest.raises(ApprovalRefused, match="it was used before"):
            opened.handler.set_limit(SIZE, 6, "ann", given)
        set_by(opened, ["bob"], 6)
        opened.handler.set_limit(SIZE, 5, "ann")
        # The same again is another change, with a number of its own.
        with pytest.raises(NotApproved):
            opened.handler.set_limit(SIZE, 6, "ann")
        assert await is_refused(opened, 6, proposal)


async def test_approvals_count_for_a_quarter_of_an_hour(opens):
    async with opens() as opened:
        hashed, now_ns = opened.handler.limits_change(SIZE, 6)["hash"], opened.clock.now_ns
        old = sign(PURPOSE, hashed, "ann", KEYS["ann"], now_ns - 15 * MINUTE_NS - 1)
        with pytest.raises(ApprovalRefused, match="at most 15 minutes old"):
            opened.handler.set_limit(SIZE, 6, "ann", old)


async def test_where_nobody_is_configured_nobody_loosens(opens):
    async with opens(operators={}) as opened:
        with pytest.raises(NotApproved, match="none are configured"):
            opened.handler.set_limit(SIZE, 6, "ann")


async def test_without_a_journal_nothing_is_loosened(opens, monkeypatch):
    async with opens() as opened:
        set_by(opened, ["ann"], 6)
        approval = approved(opened, "bob", 6)
        opened.fill_the_disk(monkeypatch)
        answer = opened.handler.set_limit(SIZE, 6, "bob", approval)
        assert answer["said"] == "the journal has failed: nothing is loosened"
        assert opened.handler.settings.plugin_sections["risk"].max_position_size == 5


async def test_switching_a_limit_off_loosens(opens, proposal):
    async with opens() as opened:
        with pytest.raises(NotApproved):
            opened.handler.set_limit(SIZE, None, "ann")
        assert set_by(opened, ["ann", "bob"], None)["is_in_force"]
        assert not await is_refused(opened, 15, proposal)


async def test_in_the_profile_plain_nobody_is_asked_and_all_is_recorded(desk):
    async with desk(risk_controls={SIZE: 5}) as opened:
        await opened.open_both()
        assert opened.handler.set_limit(SIZE, 9, "ann")["is_in_force"]
        assert recorded(opened)["changes"][0]["new"] == 9


# What cannot be set


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (SIZE, 0, f"{FULL}: expected int >= 1, was 0"),
        (SIZE, "many", f"{FULL}: expected int >= 1, was 'many'"),
        (SIZE, True, f"{FULL}: expected int >= 1, was True"),
        ("max_order_quantity", 21, "max_order_quantity: expected int >= 1 and <= 20, was 21"),
        ("profile", "plain", "limit: expected one that fillbridge limits show lists"),
        ("mode", "backtest", "limit: expected one that fillbridge limits show lists"),
        ("live_settings.operators", {}, "limit: expected one that fillbridge limits show lists"),
        ("live_settings.account", "A2", "limit: expected one that fillbridge limits show lists"),
        ("max_postion_size", 1, "limit: expected one that fillbridge limits show lists"),
    ],
)
async def test_what_is_no_limit_or_no_value_of_it_is_invalid(opens, name, value, message):
    async with opens() as opened:
        with pytest.raises(InvalidValue) as caught:
            opened.handler.set_limit(name, value, "ann")
        assert message in str(caught.value)
        assert recorded(opened)["sequence"] == 1


async def test_what_a_plugin_cannot_be_set_up_with_is_not_recorded(opens, monkeypatch, proposal):
    async with opens() as opened:
        before = recorded(opened)

        def broken(sections):
            raise ValueError("broken")

        with monkeypatch.context() as patched:
            patched.setattr(opened.handler._plugins, "configure", broken)
            with pytest.raises(ValueError, match="broken"):
                opened.handler.set_limit(SIZE, 3, "ann")
        assert recorded(opened) == before
        # Asked for again, it is not taken for one that is in force already.
        assert opened.handler.set_limit(SIZE, 3, "ann")["said"] == f"{FULL}: 5 -> 3 (tighter)"
        assert await is_refused(opened, 4, proposal)


async def test_the_same_again_changes_nothing(opens):
    async with opens() as opened:
        answer = opened.handler.set_limit(SIZE, 5, "ann")
        assert answer["said"] == "nothing changes"
        assert recorded(opened)["sequence"] == 1


# By a request


async def test_by_requests_of_two_operators(served):
    sections = {
        "live_settings": {"operators": OPERATORS},
        "risk_controls": controls(**{SIZE: 5}),
    }
    async with served(**sections) as at:

        async def ask(name, **fields):
            return await at.client.ask(make_request(name, limit=SIZE, by="ann", **fields))

        assert (await ask("limits_set", value=3)).result["is_in_force"]
        assert (await ask("limits_set", value=4)).kind == "refused"
        for name in ("ann", "bob"):
            found = (await ask("limits_change", value=4)).result
            assert (found["needs_approval"], len(found["said"])) == (True, 1)
            approval = sign(PURPOSE, found["hash"], name, KEYS[name], at.desk.clock.now_ns)
            answer = await ask("limits_set", value=4, approval=approval)
        assert answer.result["approved_by"] == ["ann", "bob"]
        assert (await ask("limits_set", value=0)).kind == "invalid"
        assert [one["request"] for one in at.desk.notes("management")].count("limits") == 4
