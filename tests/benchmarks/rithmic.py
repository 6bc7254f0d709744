"""Times orders on their way to a Rithmic gateway, over TLS on loopback.

The gateway is a process of its own. An order is acknowledged when Rithmic's answer to its request
has been dealt with (313, 331), which is what the ``submit_order`` of other clients waits for; it
works when the driver has reported so (``Accepted``), several notifications later. Measured are
``execute_trade`` with the whole live handler, of either durability; the driver alone; and the
yardsticks: a bare websocket that has the same frame echoed, and a bare websocket that sends the
same order to the same gateway, so that what the gateway itself takes can be told apart: once as it
is, and once subscribed to orders, as every driver is, for then the gateway writes its answer only
with the notifications behind it. With RITHMIC_ORACLE naming an interpreter that has async_rithmic,
its ``submit_order`` is timed against the same gateway in the same run: with the same order, a limit
with stop and target, and with a limit alone. With a pause before every order, whoever sends it,
caches are cold, as for a trader who orders now and then. Each round measures all of them, one after
the other. The last line is one JSON object, times in ms.

    uv run python tests/benchmarks/rithmic.py [--orders N] [--rounds N] [--pause-ms MS] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import ssl
import subprocess
import sys
import tempfile
import time
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import anyio
from anyio.abc import SocketAttribute
from anyio.streams.tls import TLSStream
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from fillbridge import LiveExecutionHandler, Plugins, RiskProposal
from fillbridge.live.clock import SystemClock
from fillbridge_hooks import (
    Accepted,
    ApprovedOrder,
    Cancelled,
    ConnectionTerms,
    Instrument,
    Order,
    OrderRole,
    OrderType,
    Permit,
    Secret,
    Side,
    TradeTick,
    hookimpl,
)
from fillbridge_rithmic import RithmicDriver, RithmicSettings
from fillbridge_rithmic.gateway import Account, Gateway, GatewaySettings, serve_gateway
from fillbridge_rithmic.link.websocket import open_websocket
from fillbridge_rithmic.orders.desk import Desk
from fillbridge_rithmic.wire.messages import decode, encode, make

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from anyio.abc import SocketStream

    from fillbridge_hooks import Message, Session

ORACLE = "RITHMIC_ORACLE"
CLIENT = Path(__file__).with_name("rithmic_peer.py")
PRICE = 5000.0
FAR = 4900.0
LEG_TICKS = 40
"""From the price of an entry to its stop, and to its target."""

LEG_POINTS = 10.0
SYMBOL = "ES"
ACCOUNTS = [f"BENCH{number}" for number in range(100)]
"""Each measurement takes the next, for a new journal begins with the same order ids."""

ACCOUNT = ACCOUNTS[0]
SYSTEM = "Fillbridge Rehearsal"
USER = PASSWORD = "rehearsal"  # noqa: S105  # known to everyone
NANOSECONDS_PER_MS = 1e6
ORDERS, ANSWERS, SUBSCRIPTIONS = (312, 330), (313, 331), (308, 336)
COMPLETE = 15
"""``notify_type`` of an order that has ended."""

RISK_PROFILE = {"max_position_size": 5, "max_open_positions": 10, "max_daily_trades": 10_000_000}
"""The specification's limits, but for the daily trades, which would end the benchmark."""


def wall_ns() -> int:
    """The time that the gateway's process reads too."""
    return time.time_ns()  # noqa: TID251  # two processes are compared


# The other processes


async def serve() -> None:
    """The gateway and the echo, until standard input ends; says when orders came on request."""
    gateway = Gateway(
        GatewaySettings(
            received_kept=1_000_000,
            accounts=tuple(Account(account_id=account) for account in ACCOUNTS),
        )
    )
    async with serve_gateway(gateway=gateway) as running, anyio.create_task_group() as tasks:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        folder = Path(running.ca_file).parent
        load_server_certificate(context, folder)
        listener = await anyio.create_tcp_listener(local_host="127.0.0.1", reuse_port=False)
        port = listener.extra(SocketAttribute.local_port)  # noqa: S610
        tasks.start_soon(listener.serve, partial(echo, context))
        gateway.trade(SYMBOL, PRICE)
        print(
            json.dumps(
                {
                    "uri": running.uri,
                    "echo": f"wss://127.0.0.1:{port}",
                    "ca_file": running.ca_file,
                }
            ),
            flush=True,
        )
        async for line in anyio.wrap_file(sys.stdin):
            if line == "received\n":
                came = {
                    each.message.user_tag: each.time_ns
                    for each in gateway.received
                    if each.template in ORDERS
                }
                gateway.received.clear()
                print(json.dumps(came), flush=True)
            else:
                gateway.trade(SYMBOL, float(line))
        tasks.cancel_scope.cancel()


def load_server_certificate(context: ssl.SSLContext, folder: Path) -> None:
    """Take whatever certificate with its key stands beside the gateway's."""
    for path in sorted(folder.iterdir()):
        try:
            context.load_cert_chain(path)
        except (ssl.SSLError, OSError):
            continue
        return
    raise RuntimeError(f"{folder}: expected a certificate with its key")


async def echo(context: ssl.SSLContext, stream: SocketStream) -> None:
    """Send every message back."""
    secured = await TLSStream.wrap(
        stream, server_side=True, ssl_context=context, standard_compatible=False
    )
    protocol = ServerProtocol()
    while True:
        try:
            protocol.receive_data(await secured.receive())
        except (anyio.EndOfStream, anyio.BrokenResourceError):
            return
        for event in protocol.events_received():
            if isinstance(event, Request):
                protocol.send_response(protocol.accept(event))
            elif isinstance(event, Frame) and event.opcode is Opcode.BINARY:
                protocol.send_binary(bytes(event.data))
        with suppress(anyio.BrokenResourceError):
            for data in protocol.data_to_send():
                if data:
                    await secured.send(data)


class Other:
    """The process with the gateway and the echo."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        said = self._read()
        self.uri: str = said["uri"]
        self.echo: str = said["echo"]
        self.ca_file: str = said["ca_file"]

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        said: dict[str, Any] = json.loads(self._process.stdout.readline())
        return said

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def received(self) -> dict[str, int]:
        """When each order came, by its tag, ns UTC; only since this was asked last."""
        self._tell("received")
        return self._read()

    def trade(self, price: float) -> None:
        """Let the market trade."""
        self._tell(str(price))


@contextmanager
def other_process() -> Iterator[Other]:
    command = [sys.executable, __file__, "--serve"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Other(process)
        finally:
            process.terminate()


# The yardsticks


def bare_order(number: int) -> Any:
    """An order as the driver sends one."""
    return make(
        312,
        user_msg=[f"bare-{number}"],
        user_tag=f"bare{wall_ns():x}-{number}_ENTRY",
        window_name="fillbridge",
        fcm_id="FCM",
        ib_id="IB",
        account_id=ACCOUNT,
        symbol=SYMBOL,
        exchange="CME",
        quantity=1,
        price=FAR,
        transaction_type=1,
        duration=2,
        price_type=1,
        trade_route="simulator",
        manual_or_auto=2,
    )


def trust(other: Other) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=other.ca_file)


async def time_echo(other: Other, orders: int, pause_s: float) -> list[float]:
    """A frame of an order there and back, ms each."""
    frame = encode(bare_order(0))
    taken = []
    async with open_websocket(other.echo, trust(other), 10.0) as websocket:
        for _ in range(orders):
            await anyio.sleep(pause_s)
            started = time.perf_counter_ns()
            await websocket.send(frame)
            await websocket.receive()
            taken.append((time.perf_counter_ns() - started) / NANOSECONDS_PER_MS)
    return taken


async def time_bare(
    other: Other, orders: int, pause_s: float, *, listens: bool = False
) -> list[float]:
    """An order to the gateway and its acknowledgement back, without a driver, ms each.

    :param listens: whether it hears of orders, and brackets, as a driver does
    """
    taken = []
    house = {"fcm_id": "FCM", "ib_id": "IB", "account_id": ACCOUNT}
    async with open_websocket(other.uri, trust(other), 10.0) as websocket:
        login = {"template_version": "3.9", "user": USER, "password": PASSWORD}
        named = {"app_name": "bare", "app_version": "1", "system_name": SYSTEM, "infra_type": 2}
        await websocket.send(encode(make(10, **login, **named)))
        await websocket.receive()
        for subscription in SUBSCRIPTIONS if listens else ():
            await websocket.send(encode(make(subscription, **house)))
            await websocket.receive()
        for number in range(orders):
            frame = encode(bare_order(number))
            await anyio.sleep(pause_s)
            started = time.perf_counter_ns()
            await websocket.send(frame)
            basket = ""
            while not basket:
                for message in decode(await websocket.receive()):
                    if message.template_id == 313 and not basket:
                        taken.append((time.perf_counter_ns() - started) / NANOSECONDS_PER_MS)
                        basket = message.basket_id
            await websocket.send(encode(make(316, basket_id=basket, manual_or_auto=2, **house)))
            is_cancelled = False
            while not is_cancelled:
                for message in decode(await websocket.receive()):
                    is_cancelled = is_cancelled or is_last_of_cancel(message, listens=listens)
    return taken


def is_last_of_cancel(message: Any, *, listens: bool) -> bool:
    """Whether nothing more is said of a cancelled order."""
    if not listens:
        return bool(message.template_id == 317)
    return bool(message.template_id == 351 and message.notify_type == COMPLETE)


# The driver alone


@contextmanager
def answers() -> Iterator[dict[str, int]]:
    """When the answer to each order has been dealt with, on the performance counter."""
    came: dict[str, int] = {}
    original = Desk.answer

    def answer(desk: Desk, message: Any, now_ns: int) -> None:
        original(desk, message, now_ns)
        if message.template_id in ANSWERS and message.user_tag:
            came.setdefault(message.user_tag, time.perf_counter_ns())

    Desk.answer = answer  # type: ignore[method-assign, assignment]
    try:
        yield came
    finally:
        Desk.answer = original  # type: ignore[method-assign]


def settings(other: Other) -> dict[str, Any]:
    return {
        "uri": other.uri,
        "ca_file": other.ca_file,
        "system_name": SYSTEM,
        "login_gap_s": 0.0,
        "orders_per_second": 1e6,
    }


async def time_driver(other: Other, orders: int, pause_s: float) -> dict[str, list[float]]:
    """From ``submit`` to the gateway, to the answer, and until it works, ms each."""
    instrument = Instrument(symbol=SYMBOL, tick_size=0.25, point_value=50, exchange="CME")
    terms = ConnectionTerms(
        account=ACCOUNT,
        instruments=(instrument,),
        settings=RithmicSettings(**settings(other)),
        credentials={"username": Secret(USER), "password": Secret(PASSWORD)},
        clock=SystemClock(),
        heartbeat_interval_s=30.0,
    )
    begun: dict[str, int] = {}
    acknowledged, works = [], []
    with answers() as answered:
        async with RithmicDriver().connect(terms) as session:
            for number in range(orders):
                name = f"drv{wall_ns():x}-{number}_ENTRY"
                order = Order(
                    client_order_id=name,
                    trade_id=name,
                    role=OrderRole.ENTRY,
                    instrument=instrument,
                    side=Side.BUY,
                    quantity=1,
                    order_type=OrderType.LIMIT,
                    limit_ticks=instrument.to_ticks(FAR),
                )
                await anyio.sleep(pause_s)
                begun[name] = wall_ns()
                started = time.perf_counter_ns()
                await session.submit(ApprovedOrder(order, Permit()))
                await heard(session, name, Accepted)
                works.append((time.perf_counter_ns() - started) / NANOSECONDS_PER_MS)
                acknowledged.append((answered[name] - started) / NANOSECONDS_PER_MS)
                await session.cancel(name)
                await heard(session, name, Cancelled)
    came = other.received()
    to_gateway = [(came[name] - at) / NANOSECONDS_PER_MS for name, at in begun.items()]
    return {"to_gateway": to_gateway, "acknowledged": acknowledged, "works": works}


async def heard(session: Session, client_order_id: str, kind: type) -> None:
    while True:
        said = await session.receive()
        if isinstance(said, kind) and getattr(said, "client_order_id", "") == client_order_id:
            return


# The whole handler


class Watch:
    """Wraps the session: notes when reports reach the core."""

    def __init__(self) -> None:
        self.accepted_ns: dict[str, int] = {}
        self.ended: set[str] = set()
        self.has_market = anyio.Event()
        self._news = anyio.Event()

    async def wait_for(self, client_order_id: str, where: dict[str, int] | set[str]) -> None:
        """Wait as a user would: what turned the event loop meanwhile would keep it warm."""
        while client_order_id not in where:
            await self._news.wait()

    @hookimpl
    def fillbridge_wrap_session(self, session: Session, broker: str) -> Session:
        original = session.receive

        async def receive() -> Message:
            said = await original()
            if isinstance(said, Accepted):
                self.accepted_ns.setdefault(said.client_order_id, time.perf_counter_ns())
            elif isinstance(said, Cancelled):
                self.ended.add(said.client_order_id)
            elif isinstance(said, TradeTick):
                self.has_market.set()
            self._news.set()
            self._news = anyio.Event()
            return said

        session.receive = receive  # type: ignore[method-assign]
        return session


def configuration(other: Other, account: str, folder: str, durability: str) -> dict[str, Any]:
    return {
        "execution_handler": {
            "mode": "live",
            "live_settings": {
                "provider": "rithmic",
                "account": account,
                "credentials": {"username": "${BENCH_USER}", "password": "${BENCH_PASSWORD}"},
                "journal": folder,
                "durability": durability,
                "max_loop_lag_ms": 10_000,
                "rithmic": settings(other),
            },
            "performance": {"max_open_positions": RISK_PROFILE["max_open_positions"]},
            "risk_controls": {
                "max_position_size": RISK_PROFILE["max_position_size"],
                "max_daily_trades": RISK_PROFILE["max_daily_trades"],
            },
        }
    }


@asynccontextmanager
async def trading(
    other: Other, account: str, folder: str, durability: str, watch: Watch
) -> AsyncIterator[LiveExecutionHandler]:
    plugins = Plugins()
    plugins.load()
    plugins.register(watch, "benchmark")
    os.environ["BENCH_USER"], os.environ["BENCH_PASSWORD"] = USER, PASSWORD
    async with LiveExecutionHandler(
        configuration(other, account, folder, durability), plugins=plugins
    ) as handler:
        with anyio.fail_after(60):
            while handler.get_connection_status()["gate"] != "open":  # noqa: ASYNC110
                await anyio.sleep(0.01)
        yield handler


async def time_handler(
    other: Other, orders: int, pause_s: float, account: str, durability: str
) -> dict[str, list[float]]:
    """From ``execute_trade`` to the gateway, to the answer, and until it works, ms each."""
    watch = Watch()
    begun: dict[str, int] = {}
    acknowledged, works = [], []
    with tempfile.TemporaryDirectory(dir=".") as folder, answers() as answered:
        async with trading(other, account, folder, durability, watch) as handler:
            await watch.has_market.wait()
            for number in range(orders):
                proposal = RiskProposal(
                    position_size=1,
                    direction="LONG",
                    stop_loss_price=FAR - LEG_POINTS,
                    take_profit_price=FAR + LEG_POINTS,
                    entry_type=OrderType.LIMIT,
                    entry_limit_price=FAR,
                    proposal_id=f"P{wall_ns():x}-{number}",
                )
                await anyio.sleep(pause_s)
                before = wall_ns()
                started = time.perf_counter_ns()
                trade_id = await handler.execute_trade(proposal)
                name = f"{trade_id}_ENTRY"
                begun[name] = before
                await watch.wait_for(name, watch.accepted_ns)
                works.append((watch.accepted_ns[name] - started) / NANOSECONDS_PER_MS)
                acknowledged.append((answered[name] - started) / NANOSECONDS_PER_MS)
                await handler.cancel_order(name)
                await watch.wait_for(name, watch.ended)
    came = other.received()
    to_gateway = [(came[name] - at) / NANOSECONDS_PER_MS for name, at in begun.items()]
    return {"to_gateway": to_gateway, "acknowledged": acknowledged, "works": works}


def time_peer(other: Other, orders: int, pause_s: float, *, has_legs: bool) -> list[float]:
    """``submit_order`` of async_rithmic, ms each; none where it is not at hand.

    :param has_legs: whether it sends what the handler does, or a limit alone
    """
    interpreter = os.environ.get(ORACLE)
    if not interpreter:
        return []
    command = [interpreter, str(CLIENT), other.uri, other.ca_file, str(orders), str(pause_s)]
    if has_legs:
        command.append(str(LEG_TICKS))
    output = subprocess.check_output(command, text=True, timeout=300)
    taken: list[float] = json.loads(output.splitlines()[-1])
    other.received()
    return taken


# What is said of it


def figures(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)

    def at(share: float) -> float:
        return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 4)

    return {"p50_ms": at(0.5), "p95_ms": at(0.95), "p99_ms": at(0.99)}


def measure(
    orders: int, rounds: int, pause_s: float, advance: Callable[[str], None]
) -> dict[str, Any]:
    """All of it, in turns."""
    found: dict[str, list[float]] = {}

    def keep(name: str, values: list[float]) -> None:
        found.setdefault(name, []).extend(values)
        advance(name)

    with other_process() as other:
        accounts = iter(ACCOUNTS[1:])
        for _ in range(rounds):
            keep("echo", anyio.run(time_echo, other, orders, pause_s))
            keep("bare", anyio.run(time_bare, other, orders, pause_s))
            listening = partial(time_bare, listens=True)
            keep("bare_listening", anyio.run(listening, other, orders, pause_s))
            other.received()
            alone = anyio.run(time_driver, other, orders, pause_s)
            for what, values in alone.items():
                keep(f"driver_{what}", values)
            for durability in ("power", "process"):
                taken = anyio.run(time_handler, other, orders, pause_s, next(accounts), durability)
                for what, values in taken.items():
                    keep(f"{durability}_{what}", values)
            keep("async_rithmic", time_peer(other, orders, pause_s, has_legs=True))
            keep("async_rithmic_no_legs", time_peer(other, orders, pause_s, has_legs=False))
    return summarise(found)


def summarise(found: dict[str, list[float]]) -> dict[str, Any]:
    document: dict[str, Any] = {name: figures(values) for name, values in found.items() if values}
    p50 = {name: median(values) for name, values in found.items() if values}
    for bare, name in (("bare", ""), ("bare_listening", "_to_one_that_listens")):
        overhead = p50["driver_acknowledged"] - p50[bare]
        document[f"driver_overhead{name}_in_echoes"] = round(overhead / p50["echo"], 2)
    document["bare_in_echoes"] = round(p50["bare"] / p50["echo"], 2)
    for peer in ("async_rithmic", "async_rithmic_no_legs"):
        if peer in p50:
            ratio = p50["process_acknowledged"] / p50[peer]
            document[f"process_in_{peer}"] = round(ratio, 2)
    return document


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--orders", type=int, default=200, metavar="N", help="of each kind a round")
    parser.add_argument("--rounds", type=int, default=5, metavar="N")
    parser.add_argument(
        "--pause-ms", type=float, default=0.0, metavar="MS", help="before each order"
    )
    parser.add_argument("--json", action="store_true", help="print the JSON object alone")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        anyio.run(serve)
        return 0

    def advance(name: str) -> None:
        if not options.json:
            print(name, file=sys.stderr, flush=True)

    document = {
        "orders": options.orders * options.rounds,
        "pause_ms": options.pause_ms,
        **measure(options.orders, options.rounds, options.pause_ms / 1e3, advance),
        "risk_profile": RISK_PROFILE,
    }
    print(json.dumps(document))
    return 0


if __name__ == "__main__":
    sys.exit(main())
