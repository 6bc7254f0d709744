"""Whatever comes as a proposal is decoded to one that is checked, or refused with a sentence."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillbridge.management.messages import Propose, RequestError, decode_request, encode_line
from fillbridge_hooks import InvalidValue, ProposalSignature, RiskProposal, Secret
from fillbridge_hooks.signing import canonical_form, is_genuine, normalised, sign_proposal

SECRET = Secret("a secret of more than thirty-two bytes")
SIGNED = sign_proposal(
    RiskProposal(
        position_size=2, direction="LONG", stop_loss_price=4990.25, take_profit_ticks=9, symbol="ES"
    ),
    key_id="k1",
    secret=SECRET,
    account="a1",
    now_ns=1_700_000_000_000_000_000,
)
LINE = encode_line(Propose(proposal=SIGNED))
FIELDS = st.sampled_from(
    [*RiskProposal.__struct_fields__, *ProposalSignature.__struct_fields__, "other"]
)

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["LONG", "normal", "GTC", "LIMIT", "AAAAAAAAAAAAAAAAAAAAAA=="]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=4),
    max_leaves=6,
)


def decoded(line):
    """The proposal of a line, as it is checked; ``None`` where that is refused."""
    try:
        request = decode_request(line)
        proposal = getattr(request, "proposal", None)
        return None if proposal is None else normalised(proposal)
    except (RequestError, InvalidValue):
        return None


def is_as_signed_or_not_genuine(proposal):
    """Whether a proposal, if any, is genuine only as the one that was signed."""
    if proposal is None or proposal.signature is None:
        return True
    is_normal = normalised(proposal) == proposal and bool(canonical_form(proposal, "a1"))
    is_taken = is_genuine(proposal, secret=SECRET, account="a1")
    return is_normal and is_taken == (proposal == SIGNED)


def test_the_line_as_it_is_is_genuine():
    assert decoded(LINE) == SIGNED
    assert is_as_signed_or_not_genuine(decoded(LINE))


@given(st.binary(max_size=200))
def test_any_bytes(data):
    assert is_as_signed_or_not_genuine(decoded(data))


@given(st.integers(0, len(LINE) - 1), st.integers(1, 255))
def test_any_changed_byte(place, change):
    line = bytearray(LINE)
    line[place] ^= change
    assert is_as_signed_or_not_genuine(decoded(bytes(line)))


@given(st.integers(0, len(LINE)), st.integers(0, 30), st.binary(max_size=12))
def test_any_part_in_the_place_of_another(start, length, data):
    assert is_as_signed_or_not_genuine(decoded(LINE[:start] + data + LINE[start + length :]))


@given(st.dictionaries(FIELDS, values, max_size=6))
def test_any_fields(changes):
    fields = msgspec.json.decode(msgspec.json.encode(SIGNED)) | changes
    try:
        line = msgspec.json.encode({"request": "propose", "proposal": fields})
    except (ValueError, OverflowError):
        return
    assert is_as_signed_or_not_genuine(decoded(line))


@given(st.dictionaries(st.sampled_from(RiskProposal.__struct_fields__), values, max_size=4))
def test_any_values_from_within_the_process(changes):
    try:
        found = normalised(msgspec.structs.replace(SIGNED, **changes))
    except InvalidValue:
        return
    assert is_as_signed_or_not_genuine(found)


@pytest.mark.parametrize("depth", [10_000, 300_000])
def test_a_deep_one_is_refused(depth):
    nested = b"[" * depth
    line = b'{"request":"propose","proposal":{"arrival":' + nested + b"}}"

    assert decoded(line) is None
