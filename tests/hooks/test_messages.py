"""What holds for every message: it cannot be changed, and its memory is managed as it may be."""

import inspect
import typing

import msgspec
import pytest

import fillbridge_hooks
from fillbridge_hooks import ArrivalPrice, Hold, Permit, PermitSpent, Refuse, RiskProposal

MESSAGES = sorted(
    (
        message
        for message in vars(fillbridge_hooks).values()
        if isinstance(message, type) and issubclass(message, msgspec.Struct)
    ),
    key=lambda message: message.__name__,
)
HOLDS_ANYTHING = (dict, list, set, typing.Any)

every_message = pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.__name__)


def by_position(message: type[msgspec.Struct]) -> bool:
    kinds = {field.kind for field in inspect.signature(message).parameters.values()}
    return inspect.Parameter.KEYWORD_ONLY not in kinds


def leaves(annotation: object) -> list[object]:
    if isinstance(annotation, list):  # the parameters of a callable
        return [leaf for argument in annotation for leaf in leaves(argument)]
    arguments = typing.get_args(annotation)
    found = [typing.get_origin(annotation) or annotation]
    return found + [leaf for argument in arguments for leaf in leaves(argument)]


def test_the_messages_are_found() -> None:
    assert len(MESSAGES) > 25


@every_message
def test_a_message_is_frozen(message: type[msgspec.Struct]) -> None:
    assert message.__struct_config__.frozen


@every_message
def test_only_what_is_made_in_numbers_is_made_by_position_and_left_to_reference_counts(
    message: type[msgspec.Struct],
) -> None:
    assert by_position(message) is not message.__struct_config__.gc


@every_message
def test_what_the_garbage_collector_leaves_alone_cannot_be_part_of_a_cycle(
    message: type[msgspec.Struct],
) -> None:
    hints = typing.get_type_hints(message, localns=vars(fillbridge_hooks))
    unbounded = [field for field, hint in hints.items() if set(leaves(hint)) & set(HOLDS_ANYTHING)]
    assert message.__struct_config__.gc or not unbounded


def test_a_frozen_message_refuses_a_change() -> None:
    arrival = ArrivalPrice(last=4510.25)
    with pytest.raises(AttributeError):
        arrival.last = 4510.5  # type: ignore[misc]  # the point of the test


@pytest.mark.parametrize(
    ("arrival", "price"),
    [
        (ArrivalPrice(bid=10.0, ask=10.5, last=9.0), 10.25),
        (ArrivalPrice(bid=10.0, last=9.0), 9.0),
        (ArrivalPrice(ask=10.0), None),
        (ArrivalPrice(), None),
        (ArrivalPrice(bid=0.0, ask=0.0, last=9.0), 0.0),
    ],
)
def test_the_arrival_price_is_the_mid_else_the_last(
    arrival: ArrivalPrice, price: float | None
) -> None:
    assert arrival.price == price


def test_a_proposal_needs_a_size_and_a_direction_and_has_the_defaults_of_the_specification() -> (
    None
):
    proposal = RiskProposal(position_size=2, direction="LONG")
    assert (proposal.urgency, proposal.max_slippage, proposal.timeout_seconds) == (
        "normal",
        0.5,
        300,
    )
    assert (proposal.proposal_id, proposal.symbol, proposal.arrival) == (None, None, None)
    with pytest.raises(TypeError, match="direction"):
        RiskProposal(position_size=2)  # type: ignore[call-arg]  # the point of the test


def test_a_proposal_is_read_from_its_fields() -> None:
    raw = b'{"position_size":2,"direction":"SHORT","stop_loss_ticks":8,"arrival":{"last":4510.25}}'
    assert msgspec.json.decode(raw, type=RiskProposal) == RiskProposal(
        position_size=2,
        direction="SHORT",
        stop_loss_ticks=8,
        arrival=ArrivalPrice(last=4510.25),
    )


@pytest.mark.parametrize(
    ("raw", "rule"),
    [
        (b'{"position_size":2,"direction":"LONG","stop_price":1}', "stop_price"),
        (b'{"direction":"LONG"}', "position_size"),
        (b'{"position_size":"2","direction":"LONG"}', r"\$\.position_size"),
        (b'{"position_size":2.5,"direction":"LONG"}', r"\$\.position_size"),
        (b'{"position_size":2,"direction":"LONG","entry_type":"iceberg"}', "iceberg"),
    ],
)
def test_a_proposal_with_an_unknown_missing_or_mistyped_field_is_refused(
    raw: bytes, rule: str
) -> None:
    with pytest.raises(msgspec.ValidationError, match=rule):
        msgspec.json.decode(raw, type=RiskProposal)


def test_a_permit_can_be_spent_once() -> None:
    permit = Permit()
    assert not permit.is_spent
    permit.spend()
    assert permit.is_spent
    with pytest.raises(PermitSpent, match="already used for a submission"):
        permit.spend()
    assert permit.is_spent


def test_an_objection_reads_as_a_sentence() -> None:
    refusal = Refuse(check="max_daily_trades", limit="at most 10 trades", value="11 trades")
    assert str(refusal) == "max_daily_trades: expected at most 10 trades, was 11 trades"
    assert str(Hold(check="desk", reason="too large")) == "desk: held for approval: too large"
