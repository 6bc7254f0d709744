"""A live handler takes what was signed with a configured key, once, whatever happens to it."""

import base64

import anyio
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from fillbridge import LiveExecutionHandler
from fillbridge.handlers import live as live_module
from fillbridge.journal import open_journal
from fillbridge.live.intake import Source
from fillbridge.management import ApproveHold, ListHolds, Management, Propose, RejectHold
from fillbridge.management.messages import decode_answer, encode_line
from fillbridge.operators import sign
from fillbridge_hooks import (
    EXECUTE_TRADE,
    ConfigurationError,
    OrderRefused,
    ProposalHeld,
    Secret,
    UnknownOrder,
)
from fillbridge_hooks.signing import sign_proposal

pytestmark = pytest.mark.anyio

SIGNED_WITH = "the secret of the desk, 32 bytes and more"
KEYS = {"desk": {"secret": "${DESK}", "strategies": ["s1"]}}


@pytest.fixture(autouse=True)
def desk_secret(monkeypatch):
    monkeypatch.setenv("DESK", SIGNED_WITH)


@pytest.fixture
def signed(proposal):
    """Makes a signed proposal for a floor, as it is now there."""

    def make(here, **fields):
        return sign_proposal(
            proposal(**{"strategy": "s1", **fields}),
            key_id="desk",
            secret=Secret(SIGNED_WITH),
            account="default",
            now_ns=here.clock.now_ns,
        )

    return make


async def asked(handler, request):
    """The answer to a request, by way of its line."""
    return decode_answer(await Management(handler).answer_line(encode_line(request)))


async def proposed(here, proposal):
    """What becomes of a proposal that comes by the socket, once its entry could leave."""
    answers = []

    async def ask():
        answers.append(await asked(here.handler, Propose(by="ann", proposal=proposal)))

    async with anyio.create_task_group() as group:
        group.start_soon(ask)
        await here.wait(0.1)
    return answers[0]


async def test_a_signed_proposal_is_traded_by_way_of_the_socket(floor, signed):
    here = floor(proposal_keys=KEYS)
    async with here.running():
        answer = await proposed(here, signed(here, proposal_id="P1"))
        assert answer.kind == "done", answer.error
        assert here.sent("ENTRY") == 1


async def test_once_there_are_keys_nothing_comes_in_without_one(floor, proposal):
    here = floor(proposal_keys=KEYS)
    async with here.running() as handler:
        with pytest.raises(OrderRefused, match="signature: expected one by a key"):
            await handler.execute_trade(proposal(strategy="s1"))
        await here.handler.event_bus.publish(EXECUTE_TRADE, proposal(strategy="s1"))
        assert (await proposed(here, proposal(strategy="s1"))).kind == "refused"
        assert here.sent("ENTRY") == 0
        assert handler.metrics.security_events == 3


async def test_where_signatures_are_not_demanded_a_wrong_one_is_refused_still(
    floor, proposal, signed
):
    here = floor(proposal_keys=KEYS, signed_proposals=False)
    async with here.running():
        wrong = msgspec.structs.replace(signed(here), position_size=9)
        assert (await proposed(here, wrong)).kind == "refused"
        assert (await proposed(here, proposal())).kind == "done"


async def test_in_production_without_keys_only_the_process_itself_proposes(floor, proposal):
    here = floor(sections=UNLIMITED, environment="prod")
    async with here.running() as handler:
        assert (await proposed(here, proposal(proposal_id="P1"))).kind == "refused"
        with pytest.raises(OrderRefused, match="signature: "):
            await handler.execute_from(Source.BUS, proposal(proposal_id="P1"))
        assert here.sent("ENTRY") == 0
        await handler.event_bus.publish(EXECUTE_TRADE, proposal(proposal_id="P1"))
        await here.wait(0.1)
        assert here.sent("ENTRY") == 1


async def test_in_production_a_config_may_say_otherwise(floor, proposal):
    here = floor(sections=UNLIMITED, environment="prod", signed_proposals=False)
    async with here.running():
        assert (await proposed(here, proposal(proposal_id="P1"))).kind == "done"


@pytest.mark.parametrize("is_killed", [False, True])
async def test_a_replay_is_refused_in_the_next_lives_of_the_journal(
    floor, signed, monkeypatch, is_killed
):
    # So that it stands in a snapshot, and its record in the archive.
    monkeypatch.setattr(
        live_module,
        "open_journal",
        lambda *given, **named: open_journal(*given, **named, snapshot_records=5),
    )
    here = floor(proposal_keys=KEYS)
    async with here.running():
        seen = signed(here)
        then_ns = here.clock.now_ns
        assert (await proposed(here, seen)).kind == "done"
        await here.price(5000.0)
        if is_killed:
            here.kill()
    for _ in range(3):
        async with here.running() as handler:
            now_ns, here.clock._timers.now_ns = here.clock.now_ns, then_ns
            answer = await asked(handler, Propose(proposal=seen))
            here.clock._timers.now_ns = now_ns
            assert answer.error == "signature: expected one that was not used before, was used"
    assert here.sent("ENTRY") == 1


async def test_the_secret_shows_nowhere(floor, signed, caplog):
    here = floor(proposal_keys=KEYS)
    async with here.running() as handler:
        await proposed(here, msgspec.structs.replace(signed(here), position_size=9))
        shown = [handler.settings, handler._intake, vars(handler), here.events, caplog.text]
        assert SIGNED_WITH not in str(shown)
    assert not any(
        SIGNED_WITH.encode() in path.read_bytes()
        for path in here.folder.rglob("*")
        if path.is_file()
    )


def made(floor, **live):
    here = floor(**live)
    return LiveExecutionHandler(
        {"execution_handler": {"mode": "live", **here.config}}, plugins=here.plugins
    )


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize(
    ("live", "said"),
    [
        (
            {"proposal_keys": {"desk": {"secret": "${NONE}", "strategies": ["s1"]}}},
            r"\$\{NONE\}: expected a secret that one of",
        ),
        (
            {"proposal_keys": {"desk": {"secret": "${SHORT}", "strategies": ["s1"]}}},
            r"proposal_keys\.desk\.secret: expected at least 32 bytes, was '5 bytes'",
        ),
        ({"signed_proposals": True}, r"signed_proposals: expected proposal_keys beside it"),
        ({"proposal_keys": {"x" * 65: KEYS["desk"]}}, "expected an id of at most 64 characters"),
    ],
)
async def test_keys_that_cannot_be_used_stop_the_start(floor, monkeypatch, live, said):
    monkeypatch.setenv("SHORT", "short")
    with pytest.raises(ConfigurationError, match=said):
        made(floor, **live)


# Holds, through all layers

UNLIMITED = {"risk_controls": {"profile": "plain"}}
"""What binds in production would refuse any symbol that is not allowed."""
HOLDING = {"risk_controls": {"anomaly_hold": True}}


async def test_what_is_unusual_waits_until_somebody_approves_it(floor, proposal):
    here = floor(sections=HOLDING)
    async with here.running() as handler:
        answer = await proposed(here, proposal(proposal_id="P1", strategy="s1"))
        assert (answer.kind, answer.result["hold_id"]) == ("held", "H1-1")
        assert "has not entered ES in 30 days; it waits as H1-1" in answer.error
        (listed,) = (await asked(handler, ListHolds())).result
        assert (listed["hold_id"], listed["position_size"]) == ("H1-1", 2)
        assert here.sent("ENTRY") == 0

        async with anyio.create_task_group() as group:
            group.start_soon(asked, handler, ApproveHold(by="ann", hold_id="H1-1"))
            await here.wait(0.1)
        assert here.sent("ENTRY") == 1
        assert (await asked(handler, ListHolds())).result == []
        assert (await proposed(here, proposal(proposal_id="P2", strategy="s1"))).kind == "done"


async def test_what_is_rejected_is_refused_for_good(floor, proposal):
    here = floor(sections=HOLDING)
    async with here.running() as handler:
        with pytest.raises(ProposalHeld):
            await handler.execute_trade(proposal(proposal_id="P1"))
        answer = await asked(handler, RejectHold(by="ann", hold_id="H1-1", reason="no"))
        assert answer.result == {"said": "refused what waited as H1-1"}
        with pytest.raises(OrderRefused, match="rejected by ann: no"):
            await handler.execute_trade(proposal(proposal_id="P1"))
        with pytest.raises(UnknownOrder):
            await handler.approve_hold("H1-1")
        answer = await asked(handler, ApproveHold(by="ann", hold_id="H1-1"))
        assert answer.kind == "failed"


@pytest.mark.parametrize("is_killed", [True, False])
async def test_what_waited_waits_after_a_restart_and_is_approved_there(floor, proposal, is_killed):
    here = floor(sections=HOLDING)
    async with here.running() as handler:
        with pytest.raises(ProposalHeld):
            await handler.execute_trade(proposal(proposal_id="P1"))
        (before,) = handler.holds
        if is_killed:
            here.kill()
    async with here.running() as handler:
        (listed,) = (await asked(handler, ListHolds())).result
        assert (listed["hold_id"], handler.holds) == ("H1-1", (before,))
        async with anyio.create_task_group() as group:
            group.start_soon(asked, handler, ApproveHold(by="ann", hold_id="H1-1"))
            await here.wait(0.1)
        assert here.sent("ENTRY") == 1


async def test_what_waited_too_long_for_a_restart_is_refused(floor, proposal):
    here = floor(sections=HOLDING)
    async with here.running() as handler:
        with pytest.raises(ProposalHeld):
            await handler.execute_trade(proposal(proposal_id="P1"))
        here.kill()
    await here.wait(61)
    async with here.running() as handler:
        assert handler.holds == ()
        with pytest.raises(OrderRefused, match="expired by the handler: nobody approved it"):
            await handler.execute_trade(proposal(proposal_id="P1"))
        assert any("which waited as H1-1" in alarm for alarm in here.alarms)


async def test_what_is_approved_in_one_life_is_a_habit_in_the_next(floor, proposal):
    here = floor(sections=HOLDING)
    async with here.running() as handler:
        with pytest.raises(ProposalHeld):
            await handler.execute_trade(proposal(strategy="s1"))
        async with anyio.create_task_group() as group:
            group.start_soon(handler.approve_hold, "H1-1")
            await here.wait(0.1)
    async with here.running():
        assert (await proposed(here, proposal(strategy="s1"))).kind == "done"


# Holds where operators are configured


@pytest.fixture
def ann():
    """The key of an operator, and the line that the configuration has of it."""
    key = Ed25519PrivateKey.generate()
    raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return key, "ed25519:" + base64.b64encode(raw).decode()


async def test_it_takes_a_configured_operator_to_approve(floor, proposal, ann):
    key, line = ann
    here = floor(sections=HOLDING, operators={"ann": line})
    async with here.running() as handler:
        answers = []
        for name in ("P1", "P2"):
            with pytest.raises(ProposalHeld):
                await handler.execute_trade(proposal(proposal_id=name))
        first, second = (await asked(handler, ListHolds())).result

        def approval(held, by=key, name="ann"):
            return sign("release", held["content_hash"], name, by, here.clock.now_ns)

        other = Ed25519PrivateKey.generate()
        for wrong in (None, approval(second), approval(first, other), approval(first, key, "bob")):
            answer = await asked(handler, ApproveHold(hold_id="H1-1", approval=wrong))
            assert answer.kind == "refused"
            assert answer.error.startswith("release: expected approvals of one operator")
        assert here.sent("ENTRY") == 0

        async def approve():
            request = ApproveHold(hold_id="H1-1", approval=approval(first))
            answers.append(await asked(handler, request))

        async with anyio.create_task_group() as group:
            group.start_soon(approve)
            await here.wait(0.1)
        assert answers[0].kind == "done", answers[0].error
        assert here.sent("ENTRY") == 1
        assert len(handler.holds) == 1


async def test_anybody_at_the_socket_may_reject(floor, proposal, ann):
    here = floor(sections=HOLDING, operators={"ann": ann[1]})
    async with here.running() as handler:
        with pytest.raises(ProposalHeld):
            await handler.execute_trade(proposal())
        assert (await asked(handler, RejectHold(hold_id="H1-1"))).kind == "done"
