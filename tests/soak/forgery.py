"""Throws proposals at a live handler that are not what they say, and genuine ones among them.

A handler with a real journal trades at the simulated broker. It is told proposals as its socket
would: replayed (at once, after restarts, and with the clock set back to when they were genuine),
forged, mutated (fields, and single bits on the wire), stale, of the future, signed with a wrong or
unknown key, for another account, for the strategy of another key, stripped, spliced. Now and then
one is genuine. In between the handler is ended, or killed, and starts anew on the same journal,
which is rotated and archived on the way.

What is accepted is told by the book of the broker, and by the answers. Every genuine proposal has
to be traded, once, and nothing else.

    uv run python tests/soak/forgery.py --proposals 100000
    uv run python tests/soak/forgery.py --proposals 2000 --without nonces

``--without`` switches a part of the defence off: then it has to find something. The last line is
one JSON object: ``proposals``, ``attacks`` by kind, ``accepted`` (attacks that were traded),
``genuine``, ``genuine_accepted``, ``entries`` (that the broker had), ``restarts``,
``archive_files``, ``journal_bytes``, ``security_notes``, ``seconds``.
"""

import argparse
import functools
import json
import logging
import random
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import anyio
import msgspec

from fillbridge import InProcessBus, LiveExecutionHandler, Plugins
from fillbridge.handlers import live
from fillbridge.journal import open_journal
from fillbridge.live import intake
from fillbridge.management import Management, Propose
from fillbridge.management.messages import decode_answer, encode_line
from fillbridge_hooks import RiskProposal, Secret
from fillbridge_hooks.signing import LONGEST_LIFE_NS, sign_proposal
from fillbridge_hooks.testing.clock import ManualClock

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
ACCOUNT = "default"
KEYS = {
    "desk": (Secret("the secret of the desk, which nobody else has"), ["one", "two"]),
    "lab": (Secret("the secret of the lab, which nobody else has"), ["three"]),
}
WRONG = Secret("a secret of the right length that is nobody's at all")
OPEN_AT_ONCE = 10
_SNAPSHOT_RECORDS = 500


class Attacker:
    """Makes proposals: genuine ones, and all that an attacker could make of what was seen."""

    def __init__(self, by: random.Random) -> None:
        self._by = by
        self._number = 0
        self.now_ns = START
        self.seen: deque[tuple[RiskProposal, int]] = deque(maxlen=2_000)
        """Genuine proposals that were taken, and when."""
        self.kinds: dict[str, Callable[[], tuple[RiskProposal | bytes, int]]] = {
            "replayed": self._replayed,
            "replayed long after": self._replayed_long_after,
            "replayed with the clock set back": self._replayed_in_the_past,
            "replayed under another nonce": self._renonced,
            "forged": self._forged,
            "mutated field": self._mutated,
            "mutated bit": self._mutated_bit,
            "stale": lambda: self._plain(ago_ns=by.randint(6, 10**6) * SECOND),
            "of the future": lambda: self._plain(ago_ns=-by.randint(1, 10**6) * SECOND),
            "wrong key": lambda: self._plain(secret=WRONG),
            "key of another": lambda: self._plain(secret=KEYS["lab"][0]),
            "unknown key": lambda: self._plain(key_id="none", secret=WRONG),
            "strategy of another key": lambda: self._plain(strategy="three"),
            "without strategy": lambda: self._plain(strategy=None),
            "another account": lambda: self._plain(account="other"),
            "stripped": self._stripped,
            "spliced": self._spliced,
        }

    def genuine(self) -> RiskProposal:
        # The account nets: one that is against what is open would be refused.
        proposal_id = self._id() if self._by.random() < 0.5 else None
        return self._signed(proposal_id=proposal_id, direction="LONG")

    def _id(self) -> str:
        self._number += 1
        return f"P{self._number}"

    def _signed(
        self,
        *,
        key_id: str = "desk",
        secret: Secret | None = None,
        account: str = ACCOUNT,
        ago_ns: int = 0,
        **fields: Any,
    ) -> RiskProposal:
        by = self._by
        made = {
            "position_size": by.randint(1, 3),
            "direction": by.choice(("LONG", "SHORT")),
            "urgency": "high",
            "stop_loss_ticks": by.randint(20, 80),
            "take_profit_ticks": by.randint(20, 80),
            "strategy": by.choice(("one", "two")),
            **fields,
        }
        return sign_proposal(
            RiskProposal(**made),
            key_id=key_id,
            secret=secret or KEYS[key_id][0],
            account=account,
            now_ns=self.now_ns - ago_ns,
            ttl_ns=by.choice((LONGEST_LIFE_NS, LONGEST_LIFE_NS // 2)),
        )

    def _plain(self, **changes: Any) -> tuple[RiskProposal, int]:
        return self._signed(**{"proposal_id": self._id(), **changes}), self.now_ns

    def _old(self) -> tuple[RiskProposal, int]:
        return self._by.choice(self.seen) if self.seen else self._plain(secret=WRONG)

    def _replayed(self) -> tuple[RiskProposal, int]:
        return self.seen[-1][0] if self.seen else self._old()[0], self.now_ns

    def _replayed_long_after(self) -> tuple[RiskProposal, int]:
        return self._old()[0], self.now_ns

    def _replayed_in_the_past(self) -> tuple[RiskProposal, int]:
        return self._old()

    def _resigned(self, proposal: RiskProposal, **changes: Any) -> RiskProposal:
        assert proposal.signature is not None
        signature = msgspec.structs.replace(proposal.signature, **changes)
        return msgspec.structs.replace(proposal, signature=signature)

    def _renonced(self) -> tuple[RiskProposal, int]:
        proposal, then_ns = self._old()
        fresh = {"nonce": self._by.randbytes(16)}
        if self._by.random() < 0.5:
            fresh["signed_at_ns"], then_ns = self.now_ns, self.now_ns  # type: ignore[assignment]
        return self._resigned(proposal, **fresh), then_ns

    def _forged(self) -> tuple[RiskProposal, int]:
        return self._resigned(self._plain()[0], value=self._by.randbytes(32)), self.now_ns

    def _mutated(self) -> tuple[RiskProposal, int]:
        proposal, by = self._plain()[0], self._by
        fields: dict[str, Any] = {
            "position_size": proposal.position_size + by.randint(1, 9),
            "direction": "SHORT" if proposal.direction == "LONG" else "LONG",
            "stop_loss_ticks": (proposal.stop_loss_ticks or 0) + 1,
            "take_profit_ticks": (proposal.take_profit_ticks or 0) + 1,
            "urgency": "low",
            "max_slippage": None,
            "timeout_seconds": 3_600.0,
            "proposal_id": self._id(),
            "symbol": "ES",
            "strategy": "two" if proposal.strategy == "one" else "one",
            "decided_at_ns": self.now_ns,
            "trailing_stop": True,
            "scale_in": True,
        }
        chosen = by.sample(sorted(fields), by.randint(1, 3))
        changes = {name: fields[name] for name in chosen}
        return msgspec.structs.replace(proposal, **changes), self.now_ns

    def _mutated_bit(self) -> tuple[RiskProposal | bytes, int]:
        """As bytes of JSON, of which one bit is turned: some are no proposal any more."""
        proposal = self._plain()[0]
        sent = bytearray(msgspec.json.encode(proposal))
        while True:
            place, bit = self._by.randrange(len(sent)), 1 << self._by.randrange(8)
            sent[place] ^= bit
            if b"\n" not in sent and not _is_same(bytes(sent), proposal):
                return bytes(sent), self.now_ns
            sent[place] ^= bit

    def _stripped(self) -> tuple[RiskProposal, int]:
        return msgspec.structs.replace(self._plain()[0], signature=None), self.now_ns

    def _spliced(self) -> tuple[RiskProposal, int]:
        signature = self._plain()[0].signature
        proposal = self._plain(position_size=9)[0]
        return msgspec.structs.replace(proposal, signature=signature), self.now_ns


def _is_same(sent: bytes, proposal: RiskProposal) -> bool:
    """Whether the bytes still say what was signed: base64 and names may be told in several ways."""
    try:
        return msgspec.json.decode(sent, type=RiskProposal) == proposal
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return False


class Siege:
    """One account, its journal and its broker, under attack."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.by = random.Random(seed)
        self.attacker = Attacker(self.by)
        self.clock = ManualClock(START)
        self.counts: Counter[str] = Counter()
        self.accepted: Counter[str] = Counter()
        self.genuine = self.genuine_accepted = self.restarts = self.security_notes = 0
        self.folder = folder
        self._plugins = Plugins()
        self._plugins.load()
        self._open: list[str] = []
        keys = {
            name: {"secret": secret.reveal(), "strategies": strategies}
            for name, (secret, strategies) in KEYS.items()
        }
        self._config = {
            "execution_handler": {
                "mode": "live",
                "live_settings": {
                    "provider": "sim",
                    "journal": str(folder),
                    "durability": "process",
                    "simulation": {"market": "manual"},
                    "proposal_keys": keys,
                },
            }
        }

    @property
    def entries(self) -> int:
        """How many entries the broker ever had."""
        ledger = self._plugins.driver("sim").broker.accounts[ACCOUNT].ledger  # type: ignore[union-attr]
        return sum(one.client_order_id.endswith("_ENTRY") for one in ledger.orders())

    async def run(self, proposals: int, between_restarts: int, genuine_share: float) -> None:
        done = 0
        while done < proposals:
            until = min(proposals, done + between_restarts)
            # The journal is not closed by a kill; the handler's tasks then find it so.
            handler = LiveExecutionHandler(
                self._config, InProcessBus(), plugins=self._plugins, clock=self.clock
            )
            async with handler:
                await self._until_open(handler)
                management = Management(handler)
                while done < until:
                    if self.by.random() < genuine_share:
                        await self._try_genuine(handler, management)
                    else:
                        await self._attack(handler, management)
                    done += 1
                await self._close(handler)
                self.security_notes = sum(1 for _ in handler._journal.notes("security"))
                if self.by.random() < 0.5:
                    self._kill(handler)
            self.restarts += 1

    async def _until_open(self, handler: LiveExecutionHandler) -> None:
        await self.clock.advance(2.0)
        await self._price()
        while handler._trading.gate.state != "open":
            await self.clock.advance(1.0)
        await handler.drain()

    async def _price(self) -> None:
        self._plugins.driver("sim").broker.trade("ES", 5_000.0)  # type: ignore[union-attr]
        await self.clock.advance(0.05)

    def _kill(self, handler: LiveExecutionHandler) -> None:
        """Let it do nothing any more, as if its process had been killed."""
        handler._pump.session = None
        handler._trading.outbox.ready.clear()
        handler._journal.close(clean=False)

    async def _tell(self, management: Management, proposal: RiskProposal | bytes) -> Any:
        if isinstance(proposal, bytes):
            line = b'{"request":"propose","by":"x","proposal":' + proposal + b"}"
        else:
            line = encode_line(Propose(by="x", proposal=proposal))
        return decode_answer(await management.answer_line(line))

    async def _try_genuine(self, handler: LiveExecutionHandler, management: Management) -> None:
        if len(self._open) >= OPEN_AT_ONCE:
            await self._close(handler)
        before = self.entries
        self.attacker.now_ns = self.clock.now_ns
        proposal = self.attacker.genuine()
        self.genuine += 1
        answer = await self._tell(management, proposal)
        if answer.kind == "done" and self.entries == before + 1:
            self.genuine_accepted += 1
            self._open.append(answer.result["trade_id"])
            self.attacker.seen.append((proposal, self.clock.now_ns))
        else:
            print(f"a genuine proposal was not traded: {answer}", file=sys.stderr)

    async def _attack(self, handler: LiveExecutionHandler, management: Management) -> None:
        kind = self.by.choice(sorted(self.attacker.kinds))
        self.attacker.now_ns = now_ns = self.clock.now_ns
        proposal, then_ns = self.attacker.kinds[kind]()
        self.counts[kind] += 1
        recorded = handler._trading._account.shell.recorded
        self.clock._timers.now_ns = then_ns
        try:
            answer = await self._tell(management, proposal)
        finally:
            self.clock._timers.now_ns = now_ns
        # An id that was answered is answered again, and nothing follows from it.
        if handler._trading._account.shell.recorded != recorded:
            self.accepted[kind] += 1
            print(f"{kind} was accepted: {answer}", file=sys.stderr)
            await self._close(handler)
        if self.by.random() < 0.01:
            await self.clock.advance(self.by.choice((0.1, 1.0, 10.0)))

    async def _close(self, handler: LiveExecutionHandler) -> None:
        for trade_id in list(handler.open_positions):
            handler.request_close(trade_id, _manual())
        self._open.clear()
        while handler.open_positions:
            await self._price()
        await handler.drain()


def _manual() -> Any:
    from fillbridge_hooks import ExitReason

    return ExitReason.MANUAL_OVERRIDE


WITHOUT: dict[str, Callable[[], list[Any]]] = {
    "signatures": lambda: [mock.patch.object(intake, "is_genuine", return_value=True)],
    "nonces": lambda: [
        mock.patch.dict("fillbridge.engine.fold._FOLDS", {_nonce_used(): lambda *_: None}),
    ],
    "times": lambda: [mock.patch.object(intake, "LARGEST_SKEW_NS", 10**30)],
}
"""Parts of the defence, and how each is switched off."""


def _nonce_used() -> type:
    from fillbridge.engine.proposal_events import NonceUsed

    return NonceUsed


@contextmanager
def _weakened(part: str | None) -> Iterator[None]:
    patches = WITHOUT[part]() if part else []
    for patch in patches:
        patch.start()
    try:
        yield
    finally:
        for patch in patches:
            patch.stop()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--proposals", type=int, default=100_000)
    parser.add_argument("--between-restarts", type=int, default=2_000)
    parser.add_argument("--genuine", type=float, default=0.02, help="their share")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--without", choices=sorted(WITHOUT), help="a part of the defence")
    given = parser.parse_args()
    logging.disable(logging.CRITICAL)
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, _weakened(given.without):
        siege = Siege(Path(folder), given.seed)
        small = functools.partial(open_journal, snapshot_records=_SNAPSHOT_RECORDS)
        with mock.patch.object(live, "open_journal", small):
            anyio.run(siege.run, given.proposals, given.between_restarts, given.genuine)
        files = [path for path in Path(folder).rglob("*") if path.is_file()]
        archived = [path for path in files if "archive" in str(path.parent)]
        found = {
            "proposals": given.proposals,
            "attacks": dict(sorted(siege.counts.items())),
            "accepted": sum(siege.accepted.values()),
            "genuine": siege.genuine,
            "genuine_accepted": siege.genuine_accepted,
            "entries": siege.entries,
            "restarts": siege.restarts,
            "archive_files": len(archived),
            "journal_bytes": sum(path.stat().st_size for path in files),
            "security_notes": siege.security_notes,
            "seconds": round(time.monotonic() - started, 1),
        }
    print(json.dumps(found))
    is_held = found["accepted"] == 0 and siege.genuine == siege.genuine_accepted == siege.entries
    return 0 if is_held and siege.genuine else 1


if __name__ == "__main__":
    sys.exit(main())
