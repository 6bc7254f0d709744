"""The kill switch of a live handler: who pulls it, how, and who arms it again."""

import logging
import os

import msgspec
import pytest
from tests.core.management import conftest

from fillbridge import ExecutionHandlerAPI, OrderRefused
from fillbridge.limits import LimitsRefused
from fillbridge.limits.record import NOTE, PURPOSE, proposed_change, write_approval
from fillbridge.management import make_request
from fillbridge.operators import NotApproved, public_line, sign
from fillbridge_hooks import InvalidValue, KillLevel, OrderStatus

pytestmark = pytest.mark.anyio
PAUSE, CANCEL, FLATTEN = KillLevel


def new_key():
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.generate()


KEYS = {name: new_key() for name in ("ann", "bob", "eve")}
OPERATORS = {name: public_line(KEYS[name]) for name in ("ann", "bob")}


def approval(opened, name, **changes):
    """What an operator signs to let entries out again."""
    hashed = opened.handler.arming()["content_hash"]
    made = sign("arm", hashed, name, KEYS[name], opened.clock.now_ns)
    return msgspec.structs.replace(made, **changes)


def level_of(opened):
    return opened.handler.get_connection_status()["kill"]["level"]


def kill_file(opened):
    return opened.handler._places.kill


# How it is pulled


@pytest.mark.parametrize("level", KillLevel)
async def test_by_the_interface(desk, level):
    async with desk() as opened:
        held, resting = await opened.open_both()
        api = ExecutionHandlerAPI(opened.handler)
        assert api.kill(level, reason="news", by="ann")
        await opened.trade(5000.0)
        assert level_of(opened) == level
        is_over = api.get_order_status(f"{resting}_ENTRY").status is OrderStatus.CANCELLED
        assert is_over == (level is not PAUSE)
        assert (held in opened.handler.open_positions) == (level is not FLATTEN)
        (note,) = opened.notes("kill")
        assert (note["by"], note["reason"], note["via"]) == ("ann", "news", "api")
        assert {one["trade_id"] for one in note["open"]} == {held, resting}


@pytest.mark.parametrize("said", ["half of a character \ud800", None, 7])
async def test_whatever_is_said_it_stops(desk, said, caplog):
    # What is logged goes into the report, and pytest-xdist can send no half of a character.
    caplog.set_level(logging.CRITICAL + 1)
    async with desk() as opened:
        held, _ = await opened.open_both()
        assert ExecutionHandlerAPI(opened.handler).kill(FLATTEN, reason=said, by=said)
        await opened.trade(5000.0)
        assert level_of(opened) == FLATTEN
        assert held not in opened.handler.open_positions


@pytest.mark.parametrize("level", KillLevel)
async def test_by_a_request(served, level):
    async with served() as at:
        answer = await at.client.ask(make_request("kill", level=level, by="ann", reason="news"))
        assert answer.kind == "done"
        assert level_of(at.desk) == level


async def test_a_request_for_no_level_is_refused(served):
    async with served() as at:
        line = b'{"request": "kill", "level": "lunch"}'
        answer = msgspec.json.decode(await at.desk.management.answer_line(line))
        assert answer["kind"] == "invalid"


@pytest.mark.parametrize(
    ("text", "level", "reason"),
    [
        ("", FLATTEN, "the file default.kill"),
        ("pause\n", PAUSE, "the file default.kill"),
        ("CANCEL the feed is wrong", CANCEL, "the feed is wrong"),
        ("flatten now", FLATTEN, "now"),
        ("stop it", FLATTEN, "stop it"),
        ("\x00\x1b[31m", FLATTEN, "the file default.kill"),
    ],
)
async def test_by_a_file(desk, text, level, reason):
    async with desk() as opened:
        kill_file(opened).write_text(text)
        await opened.settle()
        assert level_of(opened) == level
        (note,) = opened.notes("kill")
        assert (note["reason"], note["via"]) == (reason, "file")
        await opened.settle(2)
        assert len(opened.notes("kill")) == 1


@pytest.mark.parametrize("kind", ["folder", "link", "pipe", "unreadable"])
async def test_whatever_has_the_name_of_the_file_stops_everything(desk, kind):
    async with desk() as opened:
        path = kill_file(opened)
        if kind == "folder":
            path.mkdir()
        elif kind == "link":
            path.symlink_to("nowhere")
        elif kind == "pipe":
            os.mkfifo(path)
        else:
            path.write_bytes(b"\xff\xfe pause")
        await opened.settle()
        assert level_of(opened) == FLATTEN


async def test_a_file_that_is_there_at_the_start_stops_it(desk):
    async with desk() as opened:
        path = kill_file(opened)
    path.write_text("pause")
    async with desk() as opened:
        assert level_of(opened) == PAUSE
        with pytest.raises(NotApproved, match="expected to be removed before the account is armed"):
            opened.handler.resume("ann")
        path.unlink()
        opened.handler.resume("ann")
        assert level_of(opened) is None


async def test_by_a_timer_that_nobody_answers(desk):
    async with desk(live_settings={"dead_man_s": 5.0}) as opened:
        _, resting = await opened.open_both()
        for _ in range(3):
            ExecutionHandlerAPI(opened.handler).alive(by="ann")
            await opened.settle(4)
        assert level_of(opened) is None
        await opened.settle(1.3)
        assert level_of(opened) == CANCEL
        assert opened.handler.order_status(f"{resting}_ENTRY").status is OrderStatus.CANCELLED
        (note,) = opened.notes("kill")
        assert (note["via"], note["reason"]) == ("dead man", "nobody was heard of for 5 s")
        opened.handler.resume("ann")
        await opened.settle(4)
        assert level_of(opened) is None
        await opened.settle(2)
        assert level_of(opened) == CANCEL


async def test_a_request_answers_the_timer(served):
    async with served(live_settings={"dead_man_s": 5.0, "dead_man_level": "flatten"}) as at:
        await at.desk.settle(3)
        assert (await at.client.ask(make_request("alive"))).kind == "done"
        await at.client.ask(make_request("status"))
        await at.desk.settle(4)
        assert level_of(at.desk) is None
        await at.desk.settle(2)
        assert level_of(at.desk) == FLATTEN


async def test_no_file_closes_positions_where_the_emergency_stop_is_off(desk):
    async with desk(risk_controls={"emergency_stop_enabled": False}) as opened:
        held, _ = await opened.open_both()
        assert not ExecutionHandlerAPI(opened.handler).kill(FLATTEN)
        assert level_of(opened) is None
        kill_file(opened).touch()
        await opened.trade(5001.0)
        assert level_of(opened) == CANCEL
        assert list(opened.handler.open_positions) == [held]


# What lasts


@pytest.mark.parametrize("damage", ["gone", "forged", "readable by others", "of another account"])
async def test_a_latch_that_cannot_be_relied_on_is_a_stop(desk, proposal, damage):
    async with desk() as opened:
        path = opened.handler._places.latch
    if damage == "gone":
        path.unlink()
    elif damage == "forged":
        path.write_bytes(path.read_bytes().replace(b'"sequence":1', b'"sequence":2'))
    elif damage == "readable by others":
        path.chmod(0o644)
    else:
        async with desk(live_settings={"account": "other"}) as opened:
            opened.handler.stop_entries("news")
            stopped = opened.handler._places.latch.read_bytes()
        path.write_bytes(stopped)
    async with desk() as opened:
        assert level_of(opened) == PAUSE
        with pytest.raises(OrderRefused, match="latch"):
            await opened.handler.execute_trade(proposal())
    async with desk() as opened:
        assert level_of(opened) == PAUSE
        opened.handler.resume("ann")
        assert level_of(opened) is None
    async with desk() as opened:
        assert level_of(opened) is None


async def test_a_latch_that_anybody_could_exchange_is_a_stop_and_keeps_nobody_from_one(desk):
    async with desk() as opened:
        held, resting = await opened.open_both()
        folder = opened.handler._places.folder
        folder.chmod(0o777)
        ExecutionHandlerAPI(opened.handler).kill(CANCEL, reason="news", by="ann")
        await opened.trade(5000.0)
        assert level_of(opened) == CANCEL
        api = ExecutionHandlerAPI(opened.handler)
        assert api.get_order_status(f"{resting}_ENTRY").status is OrderStatus.CANCELLED
        assert held in opened.handler.open_positions
        assert not opened.handler._places.latch.exists()
        folder.chmod(0o700)
    async with desk() as opened:
        assert level_of(opened) == CANCEL


async def test_an_older_latch_is_a_stop(desk):
    async with desk() as opened:
        armed = opened.handler._places.latch.read_bytes()
        opened.handler.stop_entries("news", "ann")
        opened.handler.resume("ann")
        path = opened.handler._places.latch
    path.write_bytes(armed)
    async with desk() as opened:
        assert level_of(opened) == PAUSE


# Arming


async def test_without_operators_one_is_enough_in_a_simulation(desk):
    async with desk() as opened:
        opened.handler.kill(FLATTEN, "fire", "ann")
        opened.handler.resume("bob (command line)")
        assert level_of(opened) is None
        assert opened.handler._trading.state.halted is None


async def test_without_operators_nobody_arms_a_real_account_that_was_flattened(desk):
    async with desk(live_settings={"environment": "prod"}) as opened:
        opened.handler.kill(CANCEL, "fire", "ann")
        opened.handler.resume("bob")
        opened.handler.kill(FLATTEN, "fire", "ann")
        with pytest.raises(NotApproved, match="two configured operators"):
            opened.handler.resume("bob")
        assert level_of(opened) == FLATTEN


async def test_after_flatten_two_operators_arm_it(served):
    async with served(live_settings={"operators": OPERATORS}) as at:
        opened = at.desk
        opened.handler.kill(FLATTEN, "fire", "ann")
        answer = await at.client.ask(make_request("arm", by="x"))
        assert (answer.kind, "two operators, approved by nobody" in answer.error) == (
            "refused",
            True,
        )
        assert (await at.client.ask(make_request("resume", by="x"))).kind == "refused"
        found = (await at.client.ask(make_request("arming"))).result
        assert (found["level"], found["needed"], found["signed"]) == ("flatten", 2, True)

        answer = await at.client.ask(make_request("arm", approval=approval(opened, "ann")))
        assert answer.result == {
            "armed": False,
            "said": "approved by ann; two operators are needed",
            "approved_by": ["ann"],
        }
        again = await at.client.ask(make_request("arm", approval=approval(opened, "ann")))
        assert not again.result["armed"]
        assert level_of(opened) == FLATTEN

        answer = await at.client.ask(make_request("arm", approval=approval(opened, "bob")))
        assert answer.result["armed"]
        assert level_of(opened) is None
        approved = [one for one in opened.notes("management") if one["request"] == "approve"]
        assert {one["by"] for one in approved} == {"ann", "bob"}


async def test_whoever_approves_while_the_file_is_there_is_told_of_the_file(served):
    async with served(live_settings={"operators": OPERATORS}) as at:
        path = kill_file(at.desk)
        path.write_text("cancel")
        await at.desk.settle()
        answer = await at.client.ask(make_request("arm", approval=approval(at.desk, "ann")))
        assert answer.kind == "refused"
        assert f"{path}: expected to be removed before the account is armed" in answer.error
        path.unlink()
        assert (await at.client.ask(make_request("arm", by="ann"))).result["armed"]


@pytest.mark.parametrize("level", [PAUSE, CANCEL])
async def test_after_less_one_operator_arms_it(served, level):
    async with served(live_settings={"operators": OPERATORS}) as at:
        at.handler.kill(level, "fire", "ann")
        assert (await at.client.ask(make_request("arm"))).kind == "refused"
        answer = await at.client.ask(make_request("arm", approval=approval(at.desk, "bob")))
        assert answer.result["armed"]


async def test_the_first_of_two_approvals_waits_over_a_restart(served):
    with_operators = {"live_settings": {"operators": OPERATORS}}
    async with served(**with_operators) as at:
        at.handler.kill(FLATTEN, "fire", "ann")
        await at.client.ask(make_request("arm", approval=approval(at.desk, "ann")))
    async with served(**with_operators) as at:
        assert at.handler.arming()["approved_by"] == ["ann"]
        again = await at.client.ask(make_request("arm", approval=approval(at.desk, "ann")))
        assert not again.result["armed"]
        assert level_of(at.desk) == FLATTEN
        answer = await at.client.ask(make_request("arm", approval=approval(at.desk, "bob")))
        assert answer.result["armed"]
        at.handler.kill(FLATTEN, "again", "ann")
        assert at.handler.arming()["approved_by"] == []  # they were for the stop before
    async with served(**with_operators) as at:
        assert at.handler.arming()["approved_by"] == []


@pytest.mark.parametrize("change", ["late", "no operator any more", "another key"])
async def test_one_that_waited_is_verified_anew_after_a_restart(served, monkeypatch, change):
    async with served(live_settings={"operators": OPERATORS}) as at:
        at.handler.kill(FLATTEN, "fire", "ann")
        hashed = at.handler.arming()["content_hash"]
        age_ns = 898_000_000_000 if change == "late" else 0
        early = sign("arm", hashed, "ann", KEYS["ann"], at.desk.clock.now_ns - age_ns)
        await at.client.ask(make_request("arm", approval=early))
        assert at.handler.arming()["approved_by"] == ["ann"]
    operators = {
        "late": OPERATORS,
        "no operator any more": {"bob": OPERATORS["bob"]},
        "another key": {**OPERATORS, "ann": public_line(KEYS["eve"])},
    }
    monkeypatch.setattr(
        conftest, "START_NS", conftest.START_NS + (30 if change == "late" else 1) * 1_000_000_000
    )
    async with served(live_settings={"operators": operators[change]}) as at:
        assert at.handler.arming()["approved_by"] == []


# Suspended strategies


def suspend(opened, strategy, reason="3 stop-outs"):
    """Suspend a strategy as a watch would."""
    trading = opened.handler._trading
    with trading._account.recorded():
        trading.watches._suspend("test", strategy, reason)


async def test_a_strategy_is_named_to_go_on(served):
    async with served() as at:
        for name in ("a", "b"):
            suspend(at.desk, name)
        status = (await at.client.ask(make_request("status"))).result
        assert status["suspended"] == {"a": "test: 3 stop-outs", "b": "test: 3 stop-outs"}
        answer = await at.client.ask(make_request("resume", by="ann"))
        assert answer.result["said"] == (
            "the gate is open; suspended: 'a', 'b' (fillbridge resume --strategy NAME)"
        )
        answer = await at.client.ask(make_request("resume", by="ann", strategy="a"))
        assert answer.result["said"].startswith("strategy 'a' goes on; the gate is open; ")
        (left,) = (await at.client.ask(make_request("suspended"))).result
        assert (left["strategy"], left["signed"]) == ("b", False)
        answer = await at.client.ask(make_request("resume", by="ann", strategy="a"))
        assert (answer.kind, answer.error) == (
            "invalid",
            "strategy: expected one that is suspended ('b'), was 'a'",
        )
        assert list(at.handler._journal._contents.state.activity.suspended) == ["b"]


async def test_a_strategy_that_an_older_version_suspended_goes_on(served):
    async with served() as at:
        suspend(at.desk, "a")
        for kept in (at.handler._state, at.handler._journal._contents.state):
            kept.activity.suspended_ns.clear()
        (found,) = (await at.client.ask(make_request("suspended"))).result
        assert found["time_ns"] == 0
        answer = await at.client.ask(make_request("resume", by="ann", strategy="a"))
        assert answer.result["said"].startswith("strategy 'a' goes on")


async def test_letting_a_strategy_go_on_lifts_no_stop(served):
    async with served() as at:
        suspend(at.desk, "a")
        at.handler.kill(PAUSE, "fire", "ann")
        answer = await at.client.ask(make_request("resume", by="ann", strategy="a"))
        assert "the gate is still shut: halted: fire" in answer.result["said"]
        assert level_of(at.desk) == PAUSE


async def test_where_there_are_operators_a_strategy_takes_one_of_them(served):
    async with served(live_settings={"operators": OPERATORS}) as at:

        def signed(name, purpose="resume", **changes):
            (found,) = at.handler.suspended()
            hashed = found["content_hash"]
            made = sign(purpose, hashed, name, KEYS[name], at.desk.clock.now_ns)
            return msgspec.structs.replace(made, **changes)

        async def ask(approval=None):
            return await at.client.ask(
                make_request("resume", by="x", strategy="a", approval=approval)
            )

        suspend(at.desk, "a")
        for wrong in (
            None,
            signed("ann", "arm"),
            signed("eve"),
            signed("ann", operator="bob"),
            signed("ann", content_hash="0" * 64),
        ):
            answer = await ask(wrong)
            assert answer.kind == "refused", answer
        used = signed("ann")
        assert (await ask(used)).kind == "done"
        assert at.handler.suspended() == []
        await at.desk.settle(1)
        suspend(at.desk, "a")  # for the same reason
        answer = await ask(used)
        assert "what it was given for has changed" in answer.error
        assert [one["strategy"] for one in at.handler.suspended()] == ["a"]


async def test_approvals_of_one_stop_are_not_for_the_next(served):
    async with served(live_settings={"operators": OPERATORS}) as at:
        at.handler.kill(PAUSE, "fire", "ann")
        old = approval(at.desk, "ann")
        await at.client.ask(make_request("arm", approval=old))
        at.handler.kill(PAUSE, "fire", "ann")
        answer = await at.client.ask(make_request("arm", approval=old))
        assert answer.kind == "refused"
        assert "what it was given for has changed" in answer.error
        assert level_of(at.desk) == PAUSE


@pytest.mark.parametrize(
    "change", [{"operator": "bob"}, {"operator": "eve"}, {"nonce": "1"}, {"time_ns": 0}]
)
async def test_a_forged_approval_is_refused(served, change):
    async with served(live_settings={"operators": OPERATORS}) as at:
        at.handler.kill(PAUSE, "fire", "ann")
        forged = approval(at.desk, "ann", **change)
        assert (await at.client.ask(make_request("arm", approval=forged))).kind == "refused"
        assert level_of(at.desk) == PAUSE


async def test_an_approval_is_not_kept_for_longer_than_a_quarter_of_an_hour(served):
    async with served(live_settings={"operators": OPERATORS}) as at:
        at.handler.kill(FLATTEN, "fire", "ann")
        at.clock = at.desk.clock
        hashed = at.handler.arming()["content_hash"]
        signed_ns = at.clock.now_ns - 895 * 1_000_000_000
        early = sign("arm", hashed, "ann", KEYS["ann"], signed_ns)
        assert (await at.client.ask(make_request("arm", approval=early))).kind == "done"
        await at.desk.settle(6)
        answer = await at.client.ask(make_request("arm", approval=approval(at.desk, "bob")))
        assert not answer.result["armed"]


async def test_operators_that_are_none_stop_the_start(desk):
    with pytest.raises(InvalidValue, match=r"live_settings\.operators\.ann: expected ed25519"):
        async with desk(live_settings={"operators": {"ann": "nonsense"}}):
            pass


# Limits


async def test_looser_limits_do_not_start_without_two_operators(desk):
    live = {"environment": "prod", "operators": OPERATORS}

    def limits(size):
        return {"max_position_size": size}

    async with desk(live_settings=dict(live), risk_controls=limits(5)) as opened:
        (note,) = opened.handler._journal.notes(NOTE)
        place = opened.handler._places
        assert note.payload["content"]["profile"] == "live"
    with pytest.raises(LimitsRefused, match="max_position_size: 5 -> 6"):
        async with desk(live_settings=dict(live), risk_controls=limits(6)):
            pass
    async with desk(live_settings=dict(live), risk_controls=limits(5)) as opened:
        assert opened.handler.recovery.status == "clean"
        (note,) = opened.handler._journal.notes(NOTE)
    looser = msgspec.json.decode(msgspec.json.encode(note.payload["content"]))
    looser["limits"]["risk_controls.max_position_size"] = 6
    hashed = proposed_change("default", note, looser).hash
    for name in ("ann", "bob"):
        write_approval(
            place.approvals, sign(PURPOSE, hashed, name, KEYS[name], opened.clock.now_ns)
        )
    async with desk(live_settings=dict(live), risk_controls=limits(6)) as opened:
        last = next(opened.handler._journal.notes(NOTE))
        assert last.payload["approved_by"] == ["ann", "bob"]
