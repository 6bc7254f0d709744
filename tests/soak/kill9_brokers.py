"""The brokers that the handler is killed at: how each is started, and what stands in its book.

A book is one document: ``orders``, as the handler names them; ``exits``, the parts of them that the
broker keeps on their own; ``fills``, by id; ``held``, contracts, below 0 short; ``bare``, trades
whose stop the broker keeps and that hold more than it closes, be the handler there or not.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, Protocol

from fillbridge_sim.live.control import read_book

FILLBRIDGE = Path(sys.executable).with_name("fillbridge")
LEGS = {"stop": "_SL", "target": "_TP"}
TYPES = {"LIMIT": "limit", "MARKET": "market", "STOP_LIMIT": "stop_limit", "STOP_MARKET": "stop"}
PASSWORD_VARIABLE = "KILL9_PASSWORD"  # noqa: S105 (where it is, not what)
PATIENCE_S = 30.0

Document = dict[str, Any]


class Broker(Protocol):
    """A broker as a process of its own, which outlives whoever trades at it."""

    name: str
    kinds: str
    """Which trades are proposed: ``brackets`` that are all alike, or ``all`` kinds."""
    environment: dict[str, str]
    """What the handler needs in its environment."""
    live_settings: Document
    """How the handler comes to it."""

    def book(self) -> Document:
        """What it keeps."""

    def end(self) -> None:
        """Stop its process."""


class SimulatedBroker:
    """``fillbridge sim serve``."""

    name = "sim"
    kinds = "brackets"

    def __init__(self, folder: Path, seed: int) -> None:
        self._socket = str(folder / "broker.sock")
        self._account = f"kill{seed}"
        self.environment: dict[str, str] = {}
        self.live_settings = {
            "provider": "sim-remote",
            "account": self._account,
            "sim_remote": {"socket": self._socket},
        }
        self._process, _ = _started(
            *("sim", "serve", "--socket", self._socket, "--seed", str(seed)),
            *("--ticks-per-second", "40", "--volatility", "3", "--json"),
        )

    def book(self) -> Document:
        """What it keeps of the account."""
        empty: Document = {"orders": [], "fills": [], "positions": {}}
        found = read_book(self._socket)["accounts"].get(self._account, empty)
        return {
            "orders": found["orders"],
            "exits": found["orders"],
            "fills": [fill["fill_id"] for fill in found["fills"]],
            "held": sum(found["positions"].values()),
            "bare": [],
        }

    def end(self) -> None:
        """Stop its process."""
        _end(self._process)


class RithmicGateway:
    """``fillbridge rithmic gateway``, asked through its control socket.

    Market orders fill at once in every other gateway, at the next trade, and often in parts, in
    those between.
    """

    name = "rithmic"
    kinds = "all"

    def __init__(self, folder: Path, seed: int) -> None:
        self._control = str(folder / "control.sock")
        self._account = f"KILL{seed}"
        password = secrets.token_hex()
        self.environment = {PASSWORD_VARIABLE: password}
        self._process, ready = _started(
            *("rithmic", "gateway", "--port", "0", "--tls", str(folder / "certificates")),
            *("--control", self._control, "--seed", str(seed), "--json"),
            *("--contract", "ES:CME:0.25:50:5000", "--account", self._account),
            *("--trades-per-s", "40", "--volatility", "4"),
            *("--market-orders", "at-once" if seed % 2 else "next-trade"),
            environment={"RITHMIC_GATEWAY_PASSWORD": password},
        )
        self.live_settings = {
            "provider": "rithmic",
            "account": self._account,
            "credentials": {
                "username": ready["users"][0],
                "password": f"${{{PASSWORD_VARIABLE}}}",
                "system_name": ready["systems"][0],
            },
            "rithmic": {
                "uri": ready["uri"],
                "ca_file": ready["ca_file"],
                "login_gap_s": 0,
                "settle_s": 0.1,
            },
        }

    def book(self) -> Document:
        """What it keeps of the account, all of one moment."""
        while True:
            (before,) = self._shown("orders")
            fills, held, after = self._shown("fills", "positions", "orders")
            if before == after:
                break
        baskets = {order["basket_id"]: order for order in after["orders"]}
        positions = held["positions"].get(self._account, {})
        return {
            "orders": named_orders(baskets),
            "exits": [_as_order("", [basket]) for basket in baskets.values()],
            "fills": [fill["fill_id"] for fill in fills["fills"]],
            "held": sum(positions.values()),
            "bare": [name for name in brackets(baskets) if is_bare(name, baskets)],
        }

    def _shown(self, *names: str) -> list[Document]:
        """What it answers to these questions."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(PATIENCE_S)
            connection.connect(self._control)
            with connection.makefile("rwb") as stream:
                stream.write(b"".join(b'{"do":"%s"}\n' % name.encode() for name in names))
                stream.flush()
                answers = [json.loads(stream.readline()) for _ in names]
        assert all(answer["ok"] for answer in answers), answers
        return answers

    def end(self) -> None:
        """Stop its process."""
        _end(self._process)


def named_orders(baskets: dict[str, Document]) -> list[Document]:
    """The gateway's baskets as the orders that the handler speaks of.

    A leg has no tag, and one basket for each part that its entry filled in: what it is follows
    from the entry that its basket names.
    """
    parts: dict[tuple[str, str], list[Document]] = {}
    for basket_id, basket in baskets.items():
        name, part = basket["user_tag"], basket_id
        if basket["parent"] is not None:
            entry_id = baskets[basket["parent"]]["user_tag"] or "?"
            name, part = entry_id.removesuffix("_ENTRY") + LEGS[basket["leg"]], basket["parent"]
        parts.setdefault((name or f"without tag: {basket_id}", part), []).append(basket)
    return [_as_order(name, group) for (name, _), group in parts.items()]


def brackets(baskets: dict[str, Document]) -> set[str]:
    """The trades whose stop and target the gateway keeps."""
    parents = {basket["parent"] for basket in baskets.values() if basket["parent"] is not None}
    return {(baskets[parent]["user_tag"] or "?").removesuffix("_ENTRY") for parent in parents}


def is_bare(trade_id: str, baskets: dict[str, Document]) -> bool:
    """Whether a trade holds more than its stops and orders at the market would close."""
    held = covered = 0
    for basket in baskets.values():
        entry = basket if basket["parent"] is None else baskets[basket["parent"]]
        if not (entry["user_tag"] or "").startswith(f"{trade_id}_"):
            continue
        if basket["user_tag"] == f"{trade_id}_ENTRY":
            held += basket["filled"]
        else:
            held -= basket["filled"]
            covered += _left(basket) if basket["price_type"] in ("MARKET", "STOP_MARKET") else 0
    return held > covered


def _as_order(name: str, baskets: list[Document]) -> Document:
    """Baskets as one order; of those that have ended, only what they filled counts."""
    filled = sum(basket["filled"] for basket in baskets)
    types = {basket["price_type"] for basket in baskets if basket["works"]}
    return {
        "client_order_id": name,
        "status": _status(baskets, filled),
        "filled": filled,
        "quantity": filled + sum(_left(basket) for basket in baskets),
        "side": baskets[0]["side"],
        "order_type": TYPES[min(types)] if types else "",
    }


def _left(basket: Document) -> int:
    left: int = basket["quantity"] - basket["filled"] if basket["works"] else 0
    return left


def _status(baskets: list[Document], filled: int) -> str:
    if any(basket["works"] for basket in baskets):
        return "partial_filled" if filled else "submitted"
    reasons = {basket["reason"] for basket in baskets if basket["filled"] or not filled}
    if reasons == {"F"}:
        return "filled"
    return "cancelled" if filled or not reasons <= {"R", "FA"} else "rejected"


def _started(
    *arguments: str, environment: dict[str, str] | None = None
) -> tuple[subprocess.Popen[str], Document]:
    """A process of Fillbridge, and the document by which it says that it is ready."""
    process = subprocess.Popen(
        [FILLBRIDGE, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **(environment or {})},
    )
    assert process.stdout is not None
    ready: Document = json.loads(process.stdout.readline())
    return process, ready


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


BROKERS: dict[str, type[SimulatedBroker | RithmicGateway]] = {
    "sim": SimulatedBroker,
    "rithmic": RithmicGateway,
}
