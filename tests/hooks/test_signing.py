"""Whatever of a signed proposal is changed, its signature is not that of the secret any more."""

import hashlib
import hmac
import json

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fillbridge_hooks import (
    ArrivalPrice,
    InvalidValue,
    OrderType,
    ProposalSignature,
    RiskProposal,
    Secret,
    TimeInForce,
)
from fillbridge_hooks.signing import (
    LONGEST_LIFE_NS,
    canonical_form,
    is_genuine,
    normalised,
    sign_proposal,
)

SECRET = Secret("a secret of more than thirty-two bytes")
OTHER = Secret("another one of more than thirty-two bytes")
NOW = 1_700_000_000_000_000_000

prices = st.none() | st.floats(allow_nan=False, allow_infinity=False)
wholes = st.integers(-(2**63), 2**63 - 1)
texts = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
arrivals = st.none() | st.builds(ArrivalPrice, prices, prices, prices)
FIELDS = {
    "position_size": wholes,
    "direction": st.sampled_from(["LONG", "SHORT", ""]),
    "urgency": st.sampled_from(["low", "normal", "high"]),
    "stop_loss_price": prices,
    "take_profit_price": prices,
    "max_slippage": prices,
    "timeout_seconds": prices,
    "proposal_id": texts,
    "symbol": texts,
    "strategy": texts,
    "decided_at_ns": st.none() | wholes,
    "arrival": arrivals,
    "stop_loss_ticks": st.none() | wholes,
    "take_profit_ticks": st.none() | wholes,
    "trailing_stop": st.booleans(),
    "entry_type": st.none() | st.sampled_from(OrderType),
    "entry_limit_price": prices,
    "entry_trigger_price": prices,
    "time_in_force": st.none() | st.sampled_from(TimeInForce),
    "scale_in": st.booleans(),
}
proposals = st.builds(RiskProposal, **FIELDS)


def signed(proposal, **changes):
    terms = {"key_id": "k1", "secret": SECRET, "account": "a1", "now_ns": NOW, **changes}
    return sign_proposal(proposal, **terms)


def genuine(proposal, secret=SECRET, account="a1"):
    return is_genuine(normalised(proposal), secret=secret, account=account)


def test_every_field_of_a_proposal_is_tried_here():
    assert {*FIELDS, "signature"} == set(RiskProposal.__struct_fields__)


@given(proposals)
def test_a_signed_proposal_is_genuine_after_its_way_through_json(proposal):
    made = signed(proposal)
    sent = msgspec.json.decode(msgspec.json.encode(made), type=RiskProposal)

    assert genuine(made)
    assert genuine(sent)
    assert msgspec.structs.replace(sent, signature=None) == proposal


@given(proposals, st.sampled_from(sorted(FIELDS)), st.data())
def test_any_changed_field_is_noticed(proposal, field, data):
    value = data.draw(FIELDS[field])
    assume(value != getattr(proposal, field))

    assert not genuine(msgspec.structs.replace(signed(proposal), **{field: value}))


@given(proposals, st.data())
def test_any_changed_bit_is_noticed_or_no_proposal(proposal, data):
    made = signed(proposal)
    sent = bytearray(msgspec.msgpack.encode(made))
    sent[data.draw(st.integers(0, len(sent) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        changed = normalised(msgspec.msgpack.decode(bytes(sent), type=RiskProposal))
    except (msgspec.MsgspecError, UnicodeDecodeError, InvalidValue):
        return
    # A bit of the name of a field that is at its default, or of a zero's sign, changes nothing.
    assert changed == made or not genuine(changed)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("key_id", "k2"),
        ("signed_at_ns", NOW + 1),
        ("ttl_ns", LONGEST_LIFE_NS - 1),
        ("nonce", bytes(16)),
        ("value", bytes(32)),
    ],
)
def test_any_changed_part_of_the_signature_is_noticed(field, value):
    made = signed(RiskProposal(position_size=1, direction="LONG"))
    signature = msgspec.structs.replace(made.signature, **{field: value})

    assert not genuine(msgspec.structs.replace(made, signature=signature))


def test_another_secret_and_another_account_are_noticed():
    made = signed(RiskProposal(position_size=1, direction="LONG"))

    assert genuine(made)
    assert not genuine(made, secret=OTHER)
    assert not genuine(made, account="a2")


SIGNATURE = ProposalSignature(
    key_id="k1", signed_at_ns=NOW, ttl_ns=1, nonce=bytes(16), value=bytes(32)
)


@given(proposals, proposals)
def test_two_proposals_have_the_same_form_only_if_they_are_equal(one, other):
    forms = [
        canonical_form(normalised(msgspec.structs.replace(each, signature=SIGNATURE)), "a1")
        for each in (one, other)
    ]

    assert (forms[0] == forms[1]) == (one == other)


@given(proposals)
def test_the_form_says_all_of_the_proposal(proposal):
    made = signed(proposal)
    form = msgspec.msgpack.decode(canonical_form(made, "a1"))

    said = msgspec.convert(form.pop("proposal"), RiskProposal)
    signature = made.signature
    assert said == proposal
    assert form == {
        "v": 1,
        "account": "a1",
        "key_id": "k1",
        "nonce": signature.nonce,
        "signed_at_ns": NOW,
        "ttl_ns": LONGEST_LIFE_NS,
    }


def test_whole_numbers_where_fractions_belong_are_no_difference():
    made = signed(RiskProposal(position_size=1, direction="LONG", stop_loss_price=5000))
    zero = signed(RiskProposal(position_size=1, direction="LONG", stop_loss_price=-0.0))

    assert type(made.stop_loss_price) is float
    assert genuine(msgspec.structs.replace(made, stop_loss_price=5000))
    assert genuine(msgspec.structs.replace(zero, stop_loss_price=0.0))


def test_no_two_signatures_have_the_same_nonce():
    proposal = RiskProposal(position_size=1, direction="LONG")

    assert signed(proposal).signature.nonce != signed(proposal).signature.nonce


def test_it_can_be_made_by_anybody_who_has_msgpack_and_hmac():
    made = signed(RiskProposal(position_size=1, direction="LONG", symbol="ES"))
    signature = made.signature
    fields = json.loads(msgspec.json.encode(made))
    del fields["signature"]
    form = {
        "account": "a1",
        "key_id": "k1",
        "nonce": signature.nonce,
        "proposal": dict(sorted(fields.items())) | {"max_slippage": 0.5, "timeout_seconds": 300.0},
        "signed_at_ns": NOW,
        "ttl_ns": LONGEST_LIFE_NS,
        "v": 1,
    }

    value = hmac.digest(SECRET.reveal().encode(), msgspec.msgpack.encode(form), hashlib.sha256)
    assert value == signature.value


@pytest.mark.parametrize(
    "fields",
    [
        {"position_size": True},
        {"position_size": "1"},
        {"position_size": 2**70},
        {"position_size": 1, "stop_loss_price": float("nan")},
        {"position_size": 1, "max_slippage": float("inf")},
        {"position_size": 1, "symbol": "\ud800"},
        {"position_size": 1, "symbol": object()},
        {"position_size": 1, "arrival": "4000"},
    ],
)
def test_what_cannot_be_sent_is_not_signed(fields):
    with pytest.raises(InvalidValue, match="proposal: expected"):
        signed(RiskProposal(direction="LONG", **fields))


def test_a_short_secret_and_a_long_life_are_refused():
    proposal = RiskProposal(position_size=1, direction="LONG")

    with pytest.raises(InvalidValue, match="secret: expected at least 32 bytes, was '31 bytes'"):
        signed(proposal, secret=Secret("x" * 31))
    with pytest.raises(InvalidValue, match="proposal: expected"):
        signed(proposal, ttl_ns=LONGEST_LIFE_NS + 1)


def test_what_has_no_signature_is_not_checked():
    with pytest.raises(InvalidValue, match="signature: expected one, was None"):
        genuine(RiskProposal(position_size=1, direction="LONG"))
