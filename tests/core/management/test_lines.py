"""Lines from bytes that arrive in any pieces, and requests from any line."""

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillbridge.management.lines import Lines, LineTooLong
from fillbridge.management.messages import (
    Halt,
    RequestError,
    decode_request,
    encode_line,
    make_request,
)

LONGEST = 8


class Pieces:
    """A stream of these pieces."""

    def __init__(self, pieces):
        self._pieces = iter(pieces)

    async def receive(self):
        try:
            return next(self._pieces)
        except StopIteration:
            raise anyio.EndOfStream from None


async def read(pieces):
    lines, found = Lines(Pieces(pieces), LONGEST), []
    try:
        while (line := await lines.next()) is not None:
            found.append(line)
    except LineTooLong:
        found.append(None)
    return found


def expected(text):
    found = []
    ended = text.split(b"\n")
    for line in ended[:-1] + [last for last in ended[-1:] if last]:
        if len(line) > LONGEST:
            return [*found, None]
        found.append(line)
    return found


@given(st.lists(st.binary(min_size=1, max_size=12).map(lambda b: b.replace(b"\x00", b"\n"))))
def test_lines_do_not_depend_on_how_they_arrive(pieces):
    assert anyio.run(read, pieces) == expected(b"".join(pieces))


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_line_is_a_request_or_refused_with_a_sentence(line):
    refused = ""
    try:
        decode_request(line)
    except RequestError as error:
        refused = str(error)
    assert refused.startswith("request: ") or b"request" in line


@pytest.mark.parametrize("depth", [10, 100_000])
def test_deep_nesting_is_refused(depth):
    with pytest.raises(RequestError):
        decode_request(b"[" * depth)


def test_a_request_is_made_by_its_name():
    halt = make_request("halt", by="ann", reason="news")
    assert halt == Halt(by="ann", reason="news")
    assert decode_request(encode_line(halt)) == halt
