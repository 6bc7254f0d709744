from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillbridge_rithmic.wire.framing import BadFrame, bodies, framed
from fillbridge_rithmic.wire.messages import decode, encode, field_specs, make, sent


def test_a_field_that_was_sent_as_zero_is_told_from_one_that_was_not():
    (message,) = decode(encode(make(312, price=0.0, user_msg=["7"])))
    assert sent(message, "price") == 0.0
    assert sent(message, "trigger_price") is None
    assert message.user_msg == ["7"]


def test_a_field_given_as_none_is_left_out():
    assert sent(make(312, price=None), "price") is None


def test_repeated_fields_are_not_packed():
    # 132760 of wire type 2, once for each element
    assert encode(make(18, user_msg=["a", "b"])).count(b"\xc2\xe9\x40") == 2


def test_several_messages_in_one_frame_are_all_read():
    data = encode(make(19)) + encode(make(77))
    assert [message.template_id for message in decode(data)] == [19, 77]


def test_templates_and_fields_nobody_knows_are_passed_over():
    unknown = make(312, quantity=1)
    unknown.template_id = 358
    strange = encode(make(19, ssboe=5))[4:] + bytes([0xF8, 0xFF, 0xFF, 0x03, 0x01])
    data = encode(unknown) + framed(strange)
    assert [(message.template_id, message.ssboe) for message in decode(data)] == [(19, 5)]


@pytest.mark.parametrize(
    "data", [b"\0\0", b"\0\0\0\x05abc", b"\xff\xff\xff\xff" + b"a", framed(b""), framed(b"\x0a")]
)
def test_what_is_no_message_is_a_bad_frame(data):
    with pytest.raises(BadFrame):
        list(decode(data))


def test_what_came_before_a_bad_body_is_still_read():
    read = decode(encode(make(19)) + framed(b"\x0a"))
    assert next(read).template_id == 19
    with pytest.raises(BadFrame):
        next(read)


@given(st.lists(st.binary(max_size=20), max_size=5))
def test_bodies_come_out_as_they_went_in(parts):
    assert list(bodies(b"".join(map(framed, parts)))) == parts


@given(st.binary(max_size=200))
def test_any_bytes_are_messages_or_a_bad_frame(data):
    with suppress(BadFrame):
        list(decode(data))


def test_every_field_of_a_template_has_a_number_of_its_own():
    for name, fields in field_specs().values():
        numbers = [number for _, number, _ in fields]
        assert len(set(numbers)) == len(numbers), name


def test_a_text_that_is_no_text_is_read_as_one():
    body = make(313, user_tag="A-tag", rp_code=["0", "words", "more"]).SerializeToString()
    broken = body.replace(b"A-tag", b"A\xfftag").replace(b"words", b"w\xe4rds")
    (message,) = decode(framed(broken))
    assert message.user_tag == "A\N{REPLACEMENT CHARACTER}tag"
    assert list(message.rp_code) == ["0", "w\N{REPLACEMENT CHARACTER}rds", "more"]
