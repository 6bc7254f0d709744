"""What a running handler answers to each request."""

import msgspec
import pytest

from fillbridge.management import (
    AnswerKind,
    CancelAll,
    CloseAll,
    Flatten,
    Halt,
    ListOrders,
    ListPositions,
    ListTrades,
    Propose,
    Resume,
    ShowMetrics,
    ShowStatus,
)

pytestmark = pytest.mark.anyio


async def done(client, request):
    answer = await client.ask(request)
    assert answer.kind is AnswerKind.DONE, answer.error
    return answer.result


async def test_the_status_says_whether_entries_may_leave_and_how_the_journal_was_found(served):
    async with served() as at:
        status = await done(at.client, ShowStatus())
        assert status["gate"] == "open"
        assert status["account"] == "default"
        assert status["recovery"]["status"] == "new"
        assert status["is_recording"] is True


async def test_positions_orders_trades_and_metrics_are_listed(served):
    async with served() as at:
        held, resting = await at.desk.open_both()
        positions = await done(at.client, ListPositions())
        assert [(one["trade_id"], one["size"]) for one in positions] == [(held, 2), (resting, 0)]
        orders = await done(at.client, ListOrders())
        assert {one["internal_id"] for one in orders} == {
            f"{held}_SL",
            f"{held}_TP",
            f"{resting}_ENTRY",
        }
        assert len(await done(at.client, ListOrders(ended=True))) == 4
        assert await done(at.client, ListTrades()) == []
        await done(at.client, CloseAll())
        await at.desk.trade(5001.0)
        assert [one["trade_id"] for one in await done(at.client, ListTrades())] == [held]
        assert await done(at.client, ListOrders()) == []
        metrics = await done(at.client, ShowMetrics())
        assert metrics["trades_closed"] == 1
        assert metrics["latency_ms"]["max"] is not None


async def test_only_so_many_trades_are_listed_as_asked_for(served):
    async with served() as at:
        await at.desk.trade(5000.0)
        made = []
        for _ in range(3):
            made.append(await at.desk.propose())
            await at.desk.trade(5000.0)
            await done(at.client, CloseAll())
            await at.desk.trade(5000.0)
        listed = await done(at.client, ListTrades(last=2))
        assert [one["trade_id"] for one in listed] == made[1:]


async def test_a_proposal_is_traded_once_and_who_proposed_it_is_recorded(served, proposal):
    async with served() as at:
        await at.desk.trade(5000.0)
        first = await done(at.client, Propose(by="ann", proposal=proposal(proposal_id="p")))
        again = await done(at.client, Propose(by="bob", proposal=proposal(proposal_id="p")))
        assert first == again == {"proposal_id": "p", "trade_id": first["trade_id"]}
        assert list(at.handler.open_positions) == [first["trade_id"]]
        await at.desk.settle()
        assert [note["by"] for note in at.desk.notes("management")] == ["bob", "ann"]


async def test_a_proposal_that_is_refused_or_invalid_is_answered_with_the_reason(served, proposal):
    async with served() as at:
        await at.desk.trade(5000.0)
        invalid = await at.client.ask(Propose(proposal=proposal(position_size=0)))
        assert (invalid.kind, invalid.error[:13]) == (AnswerKind.INVALID, "position_size")
        await done(at.client, Halt(reason="news", by="ann"))
        refused = await at.client.ask(Propose(proposal=proposal()))
        assert refused.kind is AnswerKind.REFUSED
        assert "halted (news)" in refused.error
        assert list(at.handler.open_positions) == []


async def test_a_halt_keeps_positions_and_resuming_lifts_it(served, proposal):
    async with served() as at:
        held, resting = await at.desk.open_both()
        await done(at.client, Halt(by="ann"))
        assert at.handler.get_connection_status()["gate"] == "halted"
        await at.desk.settle()
        assert list(at.handler.open_positions) == [held, resting]
        said = await done(at.client, Resume(by="ann"))
        assert said == {"said": "the gate is open"}


async def test_resuming_says_what_still_shuts_the_gate(served):
    async with served() as at:
        at.handler._trading.shut("lag", "tasks ran late")
        said = await done(at.client, Resume())
        assert said == {"said": "the gate is still shut: reduce_only: tasks ran late"}


async def test_cancelling_leaves_positions(served):
    async with served() as at:
        held, _ = await at.desk.open_both()
        await done(at.client, CancelAll(by="ann"))
        await at.desk.settle()
        assert list(at.handler.open_positions) == [held]


async def test_flattening_stops_everything(served):
    async with served() as at:
        await at.desk.open_both()
        said = await done(at.client, Flatten(by="ann", reason="fire"))
        assert said == {"said": "halted until somebody resumes, closing 2 trades"}
        await at.desk.trade(5001.0)
        assert list(at.handler.open_positions) == []
        assert at.handler.get_connection_status()["reasons"] == ["halted: fire"]
        (note,) = at.desk.notes("management")
        assert note == {"request": "emergency_stop", "by": "ann", "reason": "fire"}


async def test_flattening_is_refused_where_it_is_switched_off(served):
    async with served(risk_controls={"emergency_stop_enabled": False}) as at:
        answer = await at.client.ask(Flatten())
        assert answer.kind is AnswerKind.REFUSED
        assert answer.error.startswith("risk_controls.emergency_stop_enabled: expected")


async def test_a_change_that_the_journal_does_not_have_is_no_success(served, monkeypatch):
    async with served() as at:
        at.desk.fill_the_disk(monkeypatch)
        answer = await at.client.ask(Halt())
        assert answer.kind is AnswerKind.FAILED
        assert "the journal has failed" in answer.error
        assert at.handler.get_connection_status()["gate"] == "halted"


async def test_a_defect_is_answered_without_its_insides(served, monkeypatch, caplog):
    async with served() as at:
        monkeypatch.setattr(at.handler, "_closed_trades", None)
        answer = await at.client.ask(ListTrades())
        assert answer.kind is AnswerKind.FAILED
        assert answer.error == "the handler failed on this request; its log says why"
        assert "a request failed" in caplog.text
        assert (await at.client.ask(ShowStatus())).kind is AnswerKind.DONE


async def test_unknown_fields_of_a_request_are_passed_over_those_of_a_proposal_are_not(desk):
    async with desk() as opened:
        line = await opened.management.answer_line(b'{"request":"status","later":1}')
        assert msgspec.json.decode(line)["kind"] == "done"
        line = await opened.management.answer_line(
            b'{"request":"propose","proposal":{"position_size":1,"direction":"LONG","sise":2}}'
        )
        answer = msgspec.json.decode(line)
        assert answer["kind"] == "invalid"
        assert "unknown field `sise`" in answer["error"]
