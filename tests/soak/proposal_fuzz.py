"""Throws broken proposals at what decodes and checks them, as the socket and files bring them.

Inputs come from atheris, which looks for those that reach new code, where it is installed;
otherwise from signed proposals that are mutated by the dice. Whatever comes in is refused with an
error that is meant for it, or it is one of those that were signed; what was read can be told again
as it was read.

The last line is one JSON object: ``engine`` (atheris or dice), ``seed``, ``inputs``, ``decoded``
(inputs that were a proposal), ``genuine`` (those that still said what was signed), ``crashes``
(inputs after which something else was raised, or accepted; the first is printed before),
``seconds`` and ``inputs_per_s``.

    uv run --with atheris python tests/soak/proposal_fuzz.py --inputs 1000000
    uv run python tests/soak/proposal_fuzz.py --engine dice --inputs 100000 --seed 7
"""

import random
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
from fuzzing import Fuzzed, main

from fillbridge_hooks import (
    ArrivalPrice,
    InvalidValue,
    OrderRefused,
    OrderType,
    RiskProposal,
    Secret,
    TimeInForce,
)

_NOW = 1_700_000_000_000_000_000
_ACCOUNT = "a1"
_FILES_IN = 16
_SECRETS = (
    Secret("the first secret, which is long enough"),
    Secret("the second secret, which is long enough"),
)
_PARTS = (
    b"null", b"true", b"-0.0", b"1e999", b"NaN", b"1" * 400, b'"', b"{}", b"[[[[", b"\\u0000",
    b'"signature":null', b'"scale_in":true', b'"position_size":9', b"\\ud800", b"\xff\xfe",
    b'"ttl_ns":0', b"==", b'"direction":"SHORT",',
)  # fmt: skip


class _Account:
    """What an intake asks of an account, and nothing behind it."""

    def __init__(self) -> None:
        from fillbridge.engine import EngineState
        from fillbridge.metrics import ExecutionMetrics

        self.now_ns = _NOW
        self.metrics = ExecutionMetrics()
        self.state = EngineState()
        self.shell = self

    def step(self, event: Any) -> None:
        """Forget it."""

    def note(self, kind: str, payload: Any) -> None:
        """See that it can be kept."""
        msgspec.msgpack.encode(payload)

    def alarm(self, message: str) -> None:
        """See that it is text of one line, which can be printed."""
        assert message.isprintable(), message
        message.encode()


class Targets:
    """What inputs are thrown at, and what came of it."""

    def __init__(self, folder: Path, lines: list[bytes]) -> None:
        """Take genuine proposals, each as JSON."""
        # Imported here so that atheris can watch what runs in them.
        from fillbridge.files import BadFile, read_proposal_lines
        from fillbridge.live import intake
        from fillbridge.management import messages
        from fillbridge_hooks import signing

        self.counts: Counter[str] = Counter()
        self.signed = [msgspec.json.decode(line, type=RiskProposal) for line in lines]
        self._messages, self._signing, self._intake = messages, signing, intake
        self._read, self._bad = read_proposal_lines, BadFile
        self._file = folder / "proposals.jsonl"
        keys = {
            f"k{number}": intake.KnownKey(secret=secret, strategies=frozenset({"s1", "s2"}))
            for number, secret in enumerate(_SECRETS)
        }
        rules = intake.IntakeRules(account=_ACCOUNT, keys=keys, unsigned_from=frozenset())
        self._taken = intake.Intake(_Account(), rules)  # type: ignore[arg-type]

    def throw(self, data: bytes) -> None:
        """One input.

        :raises AssertionError: if it was taken, and is none that was signed
        """
        self.counts["inputs"] += 1
        if self.counts["inputs"] % _FILES_IN == 0:
            self._file.write_bytes(data)
            with suppress(self._bad):
                self._read(self._file)
        line = b'{"request":"propose","proposal":' + data + b"}"
        try:
            request = self._messages.decode_request(line)
        except self._messages.RequestError:
            return
        proposal = getattr(request, "proposal", None)
        if not isinstance(proposal, RiskProposal):
            return
        self.counts["decoded"] += 1
        self._tell_again(proposal)
        try:
            taken = self._taken.check(proposal, self._intake.Source.SOCKET)
        except OrderRefused:
            return
        assert taken in self.signed, f"{taken} was taken"
        self.counts["genuine"] += 1

    def _tell_again(self, proposal: RiskProposal) -> None:
        try:
            normal = self._signing.normalised(proposal)
            if normal.signature is None:
                return
            form = self._signing.canonical_form(normal, _ACCOUNT)
        except InvalidValue:
            return
        assert self._signing.normalised(normal) == normal
        said = msgspec.convert(msgspec.msgpack.decode(form)["proposal"], RiskProposal)
        assert msgspec.structs.replace(said, signature=normal.signature) == normal


def signed_proposals() -> list[RiskProposal]:
    """Genuine ones of every kind."""
    from fillbridge_hooks.signing import sign_proposal

    kinds: list[dict[str, Any]] = [
        {"stop_loss_ticks": 4, "take_profit_ticks": 8},
        {"stop_loss_price": 4990.25, "take_profit_price": 5010.0, "symbol": "ES"},
        {"arrival": ArrivalPrice(4999.75, 5000.0, 5000.0), "decided_at_ns": _NOW},
        {"entry_type": OrderType.LIMIT, "entry_limit_price": 4999.0, "max_slippage": None},
        {"time_in_force": TimeInForce.DAY, "trailing_stop": True, "proposal_id": "P1"},
        {"scale_in": True, "timeout_seconds": None, "urgency": "high", "proposal_id": "\u00e9"},
    ]
    return [
        sign_proposal(
            RiskProposal(position_size=number + 1, direction="LONG", strategy="s1", **fields),
            key_id=f"k{number % 2}",
            secret=_SECRETS[number % 2],
            account=_ACCOUNT,
            now_ns=_NOW,
        )
        for number, fields in enumerate(kinds)
    ]


def seeds() -> list[bytes]:
    """What is mutated, as JSON."""
    return [msgspec.json.encode(one) for one in signed_proposals()]


def mutated(dice: random.Random, lines: list[bytes]) -> bytes:
    """An input by the dice."""
    data = bytearray(dice.choice(lines))
    for _ in range(dice.choice((0, 1, 1, 1, 2, 5))):
        at = dice.randrange(len(data) + 1)
        what = dice.randrange(6)
        if what == 0 and data:
            data[min(at, len(data) - 1)] ^= 1 << dice.randrange(8)
        elif what == 1:
            data[at:at] = dice.choice(_PARTS)
        elif what == 2:
            del data[at : at + dice.randint(1, 9)]
        elif what == 3:
            other = dice.choice(lines)
            data[at:] = other[min(at, len(other)) :]
        elif what == 4:
            data[at : at + 4] = dice.choice(_PARTS)
        elif data:
            data[min(at, len(data) - 1)] = dice.choice(b'0123456789+-.eE"{}[],:/=\\')
    return bytes(data)


FUZZED = Fuzzed(
    script=__file__,
    targets=Targets,
    seeds=seeds,
    mutated=mutated,
    watched=("fillbridge.live", "fillbridge_hooks"),
    told=("decoded", "genuine"),
)


if __name__ == "__main__":
    sys.exit(main(FUZZED, __doc__))
