"""What is recorded is read back as it was: every event there is, whatever it holds."""

import types
from collections.abc import Mapping
from enum import Enum
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillbridge.engine.messages import Event
from fillbridge.journal import Note, PositionChanged
from fillbridge.journal.records import count, decode, encode, pack, unpack
from fillbridge_hooks import Instrument, InvalidValue, ProposalSignature

_PLAIN = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text() | st.binary()
_STRATEGIES = {
    bool: st.booleans(),
    int: st.integers(-(2**63), 2**63 - 1),
    float: st.floats(allow_nan=False) | st.integers(-(2**53), 2**53),
    str: st.text(),
    bytes: st.binary(),
    types.NoneType: st.none(),
    Any: st.recursive(
        _PLAIN, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8
    ),
    Instrument: st.builds(
        Instrument,
        symbol=st.text(),
        tick_size=st.floats(1e-9, 1e9),
        point_value=st.floats(1e-9, 1e9),
        time_zone=st.text(),
    ),
    ProposalSignature: st.builds(
        ProposalSignature,
        key_id=st.text(min_size=1, max_size=64),
        signed_at_ns=st.integers(0, 2**62),
        ttl_ns=st.integers(1, 5_000_000_000),
        nonce=st.binary(min_size=16, max_size=16),
        value=st.binary(min_size=32, max_size=32),
    ),
}


def values_of(kind):
    """Any value that a field of this type may hold."""
    if kind in _STRATEGIES:
        return _STRATEGIES[kind]
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in {Union, types.UnionType}:
        return st.one_of(*map(values_of, arguments))
    if origin is tuple:
        assert arguments[1] is ...
        return st.lists(values_of(arguments[0]), max_size=3).map(tuple)
    if origin in {dict, Mapping}:
        return st.dictionaries(*map(values_of, arguments), max_size=3)
    if issubclass(kind, Enum):
        return st.sampled_from(kind)
    assert issubclass(kind, msgspec.Struct), f"no values for {kind}"
    hints = get_type_hints(kind)
    fields = {name: values_of(hints[name]) for name in kind.__struct_fields__}
    return st.builds(kind, **fields)


KINDS = (*get_args(Event), PositionChanged, Note)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_of_record_reads_back_as_it_was(kind):
    @given(values_of(kind))
    def reads_back(record):
        found = decode(encode(record))
        assert type(found) is kind
        assert found == record

    reads_back()


@given(st.lists(st.one_of(*map(values_of, KINDS)), min_size=1, max_size=4))
def test_a_payload_says_how_many_records_it_has(records):
    payload = pack(map(encode, records))

    assert count(payload) == len(records)
    assert unpack(payload) == records


@pytest.mark.parametrize("payload", [b"", b"\x90", b"\xdd\0\0\0", b"\xdc\0\1\xc0", b"text"])
def test_what_is_no_payload_has_no_records(payload):
    assert count(payload) == 0


@pytest.mark.parametrize("value", [object(), {1, object()}, 2**70, "\ud800"])
def test_what_cannot_be_written_is_named(value):
    with pytest.raises(InvalidValue, match="Note: expected plain values"):
        encode(Note("gate", {"value": value}, 0))


def test_fields_that_a_later_version_adds_are_passed_over():
    record = Note("gate", {"state": "OPEN"}, 5)
    later = {"type": "Note", **msgspec.structs.asdict(record), "zone": "north"}

    assert decode(msgspec.msgpack.encode(later)) == record
