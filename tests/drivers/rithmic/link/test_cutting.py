"""Frames are cut from what arrived, however it came."""

from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from fillbridge_rithmic.link.frames import Frames

payloads = st.binary(max_size=200) | st.integers(0, 70_000).map(bytes)
whole = st.tuples(st.sampled_from([Opcode.BINARY, Opcode.TEXT]), payloads, st.just(True))
parts = st.tuples(st.sampled_from([Opcode.BINARY, Opcode.CONT]), payloads, st.booleans())
control = st.tuples(
    st.sampled_from([Opcode.PING, Opcode.PONG]), st.binary(max_size=125), st.just(True)
)


def as_sent(opcode: Opcode, payload: bytes, fin: bool) -> bytes:
    return Frame(opcode, payload, fin).serialize(mask=False)


def taken(frames: Frames, *, is_within: bool = False) -> list[tuple[bytes, bool]]:
    found = []
    while (frame := frames.take(is_within=is_within)) is not None:
        found.append(frame)
    return found


@given(st.lists(whole | parts | control, max_size=6), st.lists(st.integers(1, 400), min_size=1))
def test_frames_are_the_same_however_they_arrive(sent, sizes):
    frames, found = Frames(), []
    data = b"".join(as_sent(*each) for each in sent)
    at = 0
    while at < len(data):
        size = sizes[at % len(sizes)]
        frames.add(data[at : at + size])
        found += taken(frames)
        at += size
    assert found == [
        (payload, True)
        if opcode is Opcode.BINARY and fin
        else (as_sent(opcode, payload, fin), False)
        for opcode, payload, fin in sent
    ]


def test_within_a_message_another_is_for_the_protocol():
    frames = Frames()
    frames.add(as_sent(Opcode.BINARY, b"whole", True))
    assert taken(frames, is_within=True) == [(as_sent(Opcode.BINARY, b"whole", True), False)]


def test_what_no_server_may_send_comes_with_all_behind_it():
    for first in (b"\x82\x85", b"\xc2\x05", b"\x83\x01", b"\x82\x7f" + b"\x00" * 4 + b"\x01" * 4):
        frames = Frames()
        frames.add(first + b"all behind it")
        assert taken(frames) == [(first + b"all behind it", False)]
