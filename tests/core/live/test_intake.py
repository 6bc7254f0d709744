"""What is not genuine, in time and new is refused, and nothing of it is remembered."""

import msgspec
import pytest

from fillbridge.engine.state import REMEMBERED_NONCES_NS
from fillbridge.live.intake import _NO_SECRET, LARGEST_SKEW_NS, IntakeRules, KnownKey, Source
from fillbridge_hooks import OrderRefused, Secret
from fillbridge_hooks.signing import LONGEST_LIFE_NS, sign_proposal

SECOND = 1_000_000_000
SECRET = Secret("the secret of the first key, 32 bytes and more")
OTHER = Secret("the secret of the second key, 32 bytes and more")
RULES = IntakeRules(
    account="a1",
    keys={
        "k1": KnownKey(secret=SECRET, strategies=frozenset({"s1"})),
        "k2": KnownKey(secret=OTHER, strategies=frozenset({"s2"})),
    },
    unsigned_from=frozenset(),
)
NOT_GENUINE = "signature: expected a genuine one, was not"


@pytest.fixture
def signing(new_world, propose):
    """An account that takes signed proposals, and signs them itself."""
    return Signing(new_world(intake=RULES), propose)


class Signing:
    def __init__(self, world, propose):
        self.world = world
        self.make = propose
        world.connect()

    def signed(self, *, ago_ns=0, key_id="k1", secret=SECRET, account="a1", ttl_ns=None, **fields):
        proposal = self.make(**{"strategy": "s1", **fields})
        return sign_proposal(
            proposal,
            key_id=key_id,
            secret=secret,
            account=account,
            now_ns=self.world.clock.now_ns - ago_ns,
            ttl_ns=ttl_ns or LONGEST_LIFE_NS,
        )

    def take(self, proposal, source=Source.SOCKET, by="ann"):
        try:
            return self.world.trading.propose(proposal, source, by)
        finally:
            self.world.exchange()

    def refusal(self, proposal, source=Source.SOCKET):
        before = len(self.world.state.proposed), self.world.state.counters.rejects
        sent = len(self.world.house.sent)
        with pytest.raises(OrderRefused) as caught:
            self.take(proposal, source)
        assert len(self.world.house.sent) == sent
        assert (len(self.world.state.proposed), self.world.state.counters.rejects) == before
        return str(caught.value)

    @property
    def notes(self):
        return [payload for kind, payload in self.world.journal.notes if kind == "security"]


def test_a_signed_proposal_is_taken_once(signing):
    proposal = signing.signed()
    trade_id = signing.take(proposal)

    assert signing.world.house.sent == [f"{trade_id}_ENTRY"]
    assert signing.refusal(proposal) == "signature: expected one that was not used before, was used"
    assert [note["what"] for note in signing.notes] == ["a replayed proposal"]


def test_what_is_traded_is_what_was_signed(signing):
    sent = signing.signed(stop_loss_ticks=None, stop_loss_price=3990)
    trade_id = signing.take(msgspec.structs.replace(sent, stop_loss_price=3990))

    assert type(signing.world.trade(trade_id).plan.proposal.stop_loss_price) is float


@pytest.mark.parametrize("source", Source)
def test_without_a_signature_it_is_refused_from_anywhere(signing, propose, source):
    expected = "signature: expected one by a key that this account knows, was none"

    assert signing.refusal(propose(strategy="s1"), source) == expected


@pytest.mark.parametrize(
    "changes",
    [
        {"key_id": "k9"},
        {"key_id": "k9", "secret": _NO_SECRET},
        {"secret": OTHER},
        {"key_id": "k2"},
        {"account": "a2"},
        {"key_id": "k9", "ago_ns": 99 * SECOND},
        {"secret": OTHER, "ago_ns": 99 * SECOND},
    ],
)
def test_a_forger_learns_no_more_than_that_it_failed(signing, changes):
    assert signing.refusal(signing.signed(**changes)) == NOT_GENUINE


@pytest.mark.parametrize(
    "fields",
    [{"position_size": 3}, {"direction": "SHORT"}, {"stop_loss_ticks": 400}, {"scale_in": True}],
)
def test_a_mutated_proposal_is_refused(signing, fields):
    assert signing.refusal(msgspec.structs.replace(signing.signed(), **fields)) == NOT_GENUINE


@pytest.mark.parametrize("fields", [{"position_size": "2"}, {"arrival": 1}, {"symbol": "\ud800"}])
def test_what_could_not_have_been_signed_is_not_genuine(signing, fields):
    assert signing.refusal(msgspec.structs.replace(signing.signed(), **fields)) == NOT_GENUINE


def test_it_is_taken_for_its_life_and_the_skew_of_clocks(signing):
    longest = LONGEST_LIFE_NS + LARGEST_SKEW_NS

    assert signing.take(signing.signed(ago_ns=longest))
    assert signing.take(signing.signed(ago_ns=-LARGEST_SKEW_NS))
    assert signing.refusal(signing.signed(ago_ns=longest + 1)) == (
        "signature: expected signed at most 5.0 s ago, was 5.500 s ago"
    )
    assert signing.refusal(signing.signed(ago_ns=SECOND, ttl_ns=SECOND // 10)) == (
        "signature: expected signed at most 0.1 s ago, was 1.000 s ago"
    )
    assert signing.refusal(signing.signed(ago_ns=-LARGEST_SKEW_NS - 1)) == (
        "signature: expected signed at most 0.5 s ahead of the clock here, was 0.500 s"
    )


@pytest.mark.parametrize("strategy", ["s2", None, ""])
def test_a_key_signs_for_its_strategies_only(signing, strategy):
    assert signing.refusal(signing.signed(strategy=strategy)) == (
        f"signature: expected one of a strategy that its key may sign for, was {strategy!r}"
    )


def test_an_id_that_was_answered_is_answered_again_to_its_key_alone(signing):
    proposal = signing.signed(proposal_id="P1")
    trade_id = signing.take(proposal)

    assert signing.take(proposal) == trade_id
    assert signing.take(signing.signed(proposal_id="P1")) == trade_id
    assert signing.refusal(signing.signed(proposal_id="P1", secret=OTHER)) == NOT_GENUINE


def test_a_forger_cannot_have_a_genuine_one_refused(signing):
    signing.refusal(signing.signed(proposal_id="P1", secret=OTHER))

    assert signing.take(signing.signed(proposal_id="P1"))


def test_a_proposal_that_the_gate_refused_is_used_up(signing):
    proposal = signing.signed()
    signing.world.cut()
    with pytest.raises(OrderRefused, match="gate: "):
        signing.take(proposal)
    signing.world.connect()

    assert "not used before" in signing.refusal(proposal)


def test_a_replay_is_refused_after_a_restart(signing):
    proposal = signing.signed()
    signing.take(proposal)
    signing.world.restart()
    signing.world.connect()

    assert "not used before" in signing.refusal(proposal)


def test_a_replay_is_refused_where_the_clock_went_back(signing):
    world = signing.world
    old = signing.signed()
    signing.take(old)
    key = next(iter(world.state.nonces))
    world.clock.advance_to(world.clock.now_ns + REMEMBERED_NONCES_NS + 10 * SECOND)
    signing.take(signing.signed())
    assert key not in world.state.nonces
    world.clock.now_ns = old.signature.signed_at_ns + SECOND

    assert "not used before" in signing.refusal(old)


# Without keys


def test_without_keys_only_what_has_no_signature_is_taken(new_world, propose):
    signing = Signing(new_world(intake=IntakeRules(account="a1")), propose)

    assert signing.take(propose())
    assert signing.refusal(signing.signed()) == NOT_GENUINE


def test_unsigned_ones_may_be_taken_from_the_process_alone(new_world, propose):
    rules = IntakeRules(unsigned_from=frozenset({Source.PROCESS}))
    signing = Signing(new_world(intake=rules), propose)

    assert signing.take(propose(), Source.PROCESS)
    for source in (Source.BUS, Source.SOCKET):
        assert "was none" in signing.refusal(propose(), source)


# What is told of it


def test_an_attack_is_recorded_and_alarmed_without_what_could_hurt(signing):
    signing.refusal(signing.signed(proposal_id="P\n\x1b[2J" + 100 * "x", secret=OTHER))

    assert signing.notes == [
        {
            "what": "a proposal that is not genuine",
            "source": "the socket",
            "by": "ann",
            "key": "k1",
            "strategy": "s1",
            "proposal_id": "P\\n\\x1b[2J" + 58 * "x" + "...",
        }
    ]
    assert signing.world.told()[-1].startswith("security: a proposal that is not genuine (source")
    assert SECRET.reveal() not in str(signing.world.told())


def test_who_asked_is_recorded_of_a_genuine_one_alone(signing):
    signing.refusal(signing.signed(secret=OTHER))
    signing.take(signing.signed(proposal_id="P1"))

    asked = [payload for kind, payload in signing.world.journal.notes if kind == "management"]
    assert asked == [{"request": "propose", "by": "ann", "proposal_id": "P1"}]


def test_a_flood_does_not_fill_the_disk(signing):
    world, forged = signing.world, signing.signed(secret=OTHER)
    for _ in range(1_000):
        signing.refusal(forged)
    assert len(signing.notes) == 20
    assert world.metrics.security_events == 1_000

    world.pass_time(31.0)
    assert len(signing.notes) == 21
    assert signing.notes[-1]["untold"] == {"a proposal that is not genuine": 980}
    assert world.told()[-1] == "security: 980 more events"
