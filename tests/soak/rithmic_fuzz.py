"""Throws broken frames at the Rithmic driver's link, and after each a good one that must be heard.

Three in four inputs are messages as they come out of the websocket, the others are bytes of the
websocket itself. Inputs come from atheris, which looks for those that reach new code, where it is
installed; otherwise from valid messages of every template that are mutated by the dice.

The last line is one JSON object: ``engine`` (atheris or dice), ``seed``, ``inputs``, ``heard``
(messages that were made of them, apart from the good ones), ``passed_over`` (what was no message),
``crashes`` (inputs after which something was raised or not heard; the first is printed before),
``seconds`` and ``inputs_per_s``.

    uv run --with atheris python tests/soak/rithmic_fuzz.py --inputs 1000000
    uv run python tests/soak/rithmic_fuzz.py --engine dice --inputs 100000 --seed 7
"""

import random
import sys
from collections import Counter
from contextlib import suppress
from typing import Any

import anyio
from fuzzing import Fuzzed, main
from websockets.client import ClientProtocol
from websockets.protocol import State
from websockets.uri import parse_uri

from fillbridge_hooks import DriverError, ForcedLogout

_STREAM_IN = 4
_TAG = "the good one"
_VALUES: dict[str, list[Any]] = {
    "str": ["", "A1", "0", "7", "no data", "x" * 300],
    "i32": [0, 1, -1, 2**31 - 1],
    "u32": [0, 1, 2**32 - 1],
    "f64": [0.0, -1.0, 5000.25, float("nan"), float("inf")],
    "bool": [True, False],
    "enum": [0, 1, 5, 15, 99],
}


class Targets:
    """What inputs are thrown at, and what came of it."""

    def __init__(self) -> None:
        # Imported here so that atheris can watch what runs in them.
        from fillbridge_rithmic.link.plant import Plant
        from fillbridge_rithmic.link.websocket import LinkLost, WebSocket
        from fillbridge_rithmic.wire import codes, messages

        self.counts: Counter[str] = Counter()
        self._messages = messages
        self._plant, self._order = Plant, codes.Plant.ORDER
        self._websocket, self._lost = WebSocket, LinkLost
        self._good = messages.encode(messages.make(351, user_tag=_TAG, notify_type=13))

    def throw(self, data: bytes) -> None:
        """One input.

        :raises AssertionError: if the good message after it was not heard, or what was heard is odd
        """
        self.counts["inputs"] += 1
        if data[:1] and data[0] % _STREAM_IN == 0:
            self.read_stream(data[1:])
        else:
            self.take_message(data[1:])

    def take_message(self, data: bytes) -> None:
        """Bytes that came as one message of the websocket."""
        heard: list[Any] = []
        plant = self._plant(self._order, None, 1, heard.append)  # type: ignore[arg-type]
        waiter = plant._waiters.add(None)
        plant._take(data)
        if waiter.is_over.is_set():
            with suppress(DriverError):
                waiter.answer()
        before = len(heard)
        plant._take(self._good)
        if not isinstance(plant.end, ForcedLogout):
            assert plant.end is None, plant.end
            assert len(heard) == before + 1, "the good message was not heard"
            assert heard[-1].user_tag == _TAG
        for message in heard[:before]:
            self._check_texts(message)
        assert len(plant._waiters) == 1
        self.counts["heard"] += before
        self.counts["passed_over"] += plant.passed_over

    def read_stream(self, data: bytes) -> None:
        """Bytes that came after the websocket was opened."""

        async def read() -> None:
            protocol = ClientProtocol(parse_uri("wss://x:1"), state=State.OPEN, max_size=1 << 20)
            websocket = self._websocket(_Canned(data), protocol)  # type: ignore[arg-type]
            with suppress(self._lost):
                while True:
                    self.take_message(await websocket.receive())

        anyio.run(read)

    def _check_texts(self, message: Any) -> None:
        for field, value in message.ListFields():
            values = value if field.is_repeated else [value]
            assert not any(isinstance(one, bytes) for one in values), field.name


class _Canned:
    """A stream that gives what it has in pieces, and ends."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    async def receive(self, max_bytes: int) -> bytes:
        if not self._data:
            raise anyio.EndOfStream
        size = 1 + self._data[0] % 64
        piece, self._data = self._data[:size], self._data[size:]
        return piece

    async def send(self, data: bytes) -> None:
        """Take it."""

    async def aclose(self) -> None:
        """Nothing to close."""


def seeds() -> list[bytes]:
    """A valid message of every template, with values at the edges."""
    from fillbridge_rithmic.wire.messages import encode, field_specs, make

    dice = random.Random(0)
    found = []
    for template, (_, fields) in field_specs().items():
        for _ in range(3):
            given = {}
            for name, _, kind in fields:
                values = _VALUES[kind.rstrip("*")]
                picked = dice.choice(values)
                given[name] = [picked] if kind.endswith("*") else picked
            if dice.random() < 0.5 and "user_msg" in given:
                given["user_msg"] = ["fillbridge-1"]  # what the waiting request is called
            found.append(encode(make(template, **given)))
    return found


def mutated(dice: random.Random, frames: list[bytes]) -> bytes:
    """An input by the dice."""
    data = bytearray(dice.choice(frames))
    for _ in range(dice.choice((0, 1, 1, 2, 3, 8))):
        at = dice.randrange(len(data) + 1)
        what = dice.randrange(6)
        if what == 0 and data:
            data[min(at, len(data) - 1)] ^= 1 << dice.randrange(8)
        elif what == 1:
            data[at:at] = dice.randbytes(dice.randint(1, 9))
        elif what == 2:
            del data[at : at + dice.randint(1, 9)]
        elif what == 3:
            data += dice.choice(frames)
        elif what == 4:
            data[at:at] = data[at : at + 20]
        elif data:
            data[min(at, len(data) - 1)] = dice.choice((0, 1, 0x7F, 0x80, 0xFF))
    if dice.random() < 0.6:  # so that the body is reached, whatever became of the length
        data[:4] = max(len(data) - 4, 0).to_bytes(4, "big")
    if dice.randrange(_STREAM_IN):
        return b"\x01" + bytes(data)
    length = len(data)
    header = bytes((dice.choice((0x82, 0x02, 0x80, 0x89, 0x88, 0x81)),))
    header += bytes((length,)) if length < 126 else b"\x7e" + (length % 65536).to_bytes(2, "big")
    return b"\x00" + header + bytes(data) + header + bytes(data)


FUZZED = Fuzzed(
    script=__file__,
    targets=lambda folder, valid: Targets(),
    seeds=seeds,
    mutated=mutated,
    watched=("fillbridge_rithmic",),
    told=("heard", "passed_over"),
    prefix=b"\x01",
)


if __name__ == "__main__":
    sys.exit(main(FUZZED, __doc__))
