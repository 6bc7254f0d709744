"""``fillbridge sim``: the broker as a process, driven by hand."""

import json
import signal
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner

from fillbridge_hooks import (
    ApprovedOrder,
    ConnectionTerms,
    Fill,
    Instrument,
    Order,
    OrderRole,
    OrderType,
    Permit,
    RetryableError,
    Side,
    TradeTick,
)
from fillbridge_hooks.testing import ManualClock
from fillbridge_sim.commands import sim
from fillbridge_sim.remote import RemoteSettings, SimRemoteDriver

ES = Instrument(symbol="ES", tick_size=0.25, point_value=50)
COMMAND = str(Path(sys.executable).with_name("fillbridge"))


@pytest.fixture
def servers():
    """Start servers that end with the test."""
    running = []

    def start(path, *options):
        command = [COMMAND, "sim", "serve", "--socket", str(path), "--json", *options]
        server = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        running.append(server)
        line = server.stdout.readline()
        assert line, server.stderr.read()
        return server, json.loads(line)

    yield start
    for server in running:
        server.kill()
        server.communicate()


def run(*arguments):
    return CliRunner().invoke(sim, [str(one) for one in arguments])


def answer(*arguments):
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def sentence(result):
    """What standard error says of what is wrong."""
    assert "Traceback" not in result.stderr
    return result.stderr.splitlines()[-1]


def terms(path, account="A"):
    return ConnectionTerms(
        account=account,
        instruments=(ES,),
        settings=RemoteSettings(socket=str(path)),
        credentials={},
        clock=ManualClock(),
        heartbeat_interval_s=30,
    )


def market_order(name, quantity=1):
    order = Order(name, "T", OrderRole.ENTRY, ES, Side.BUY, quantity, OrderType.MARKET)
    return ApprovedOrder(order, Permit())


async def next_fill(session):
    while True:
        message = await session.receive()
        if isinstance(message, Fill):
            return message


@pytest.mark.anyio
async def test_a_broker_is_served_driven_by_hand_and_shown(servers, tmp_path):
    path = tmp_path / "b.sock"
    server, said = servers(path, "--market", "manual", "--volume-share", "0.5")
    assert said == {"socket": str(path), "process": server.pid}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert answer("book", "--socket", path)["accounts"] == {}
    async with SimRemoteDriver().connect(terms(path)) as session:
        await session.submit(market_order("E1", 2))
        await session.positions()  # so that it has been carried out
        said = answer("tick", "--socket", path, "--price", 5000.25, "--size", 2)
        assert (said["symbol"], said["price"], said["size"]) == ("ES", 5000.25, 2)
        fill = await next_fill(session)
        assert (fill.price, fill.quantity, fill.time_ns) == (5000.25, 1, said["time_ns"])
        answer("quote", "--socket", path, "--bid", 5000, "--ask", 5000.5, "--size", 100)
        assert (await next_fill(session)).price == 5000.5
    book = answer("book", "--socket", path)["accounts"]["A"]
    assert book["positions"] == {"ES": 2}
    assert [one["client_order_id"] for one in book["fills"]] == ["E1", "E1"]
    (order,) = book["orders"]
    assert (order["status"], order["filled"]) == ("filled", 2)
    shown = run("book", "--socket", path).stdout.splitlines()
    assert shown == ["A: ES +2; 2 fills", "  E1  BUY 2/2 ES market, filled"]
    assert run("tick", "--socket", path, "--price", 5000).stdout == "ES traded at 5000.0\n"


def test_sigterm_ends_it_and_takes_the_socket_away(servers, tmp_path):
    path = tmp_path / "b.sock"
    server, _ = servers(path)
    server.terminate()
    _, errors = server.communicate(timeout=60)
    assert (server.returncode, errors) == (0, "")
    assert not path.exists()
    result = run("book", "--socket", path)
    assert result.exit_code == 3
    assert sentence(result).startswith(f"Error: {path}: no simulated broker answers there")


@pytest.mark.anyio
async def test_sigterm_ends_the_sessions(servers, tmp_path):
    path = tmp_path / "b.sock"
    server, _ = servers(path, "--market", "manual")
    async with SimRemoteDriver().connect(terms(path)) as session:
        server.send_signal(signal.SIGTERM)
        with pytest.raises(RetryableError, match="the connection to the broker is lost"):
            await session.receive()
    _, errors = server.communicate(timeout=60)
    assert (server.returncode, errors) == (0, "")


def test_the_socket_of_a_dead_server_is_replaced_and_that_of_a_live_one_is_not(servers, tmp_path):
    path = tmp_path / "b.sock"
    first, _ = servers(path)
    refused = run("serve", "--socket", path)
    assert refused.exit_code == 2
    assert sentence(refused).endswith("expected no server there, was one that answers")
    assert answer("book", "--socket", path)["accounts"] == {}
    first.kill()
    first.wait()
    assert path.exists()
    assert run("book", "--socket", path).exit_code == 3
    servers(path)
    assert answer("book", "--socket", path)["accounts"] == {}


@pytest.mark.anyio
async def test_recorded_trades_are_replayed_by_the_real_clock(servers, tmp_path):
    ticks = tmp_path / "trades.csv"
    ticks.write_text("ts_event,price,size\n0,5000,1\n3600000000000,5001,1\n")
    servers(tmp_path / "b.sock", "--ticks", str(ticks), "--speed", "1e6")
    async with SimRemoteDriver().connect(terms(tmp_path / "b.sock")) as session:
        first, second = [await session.receive() for _ in range(2)]
        assert isinstance(first, TradeTick)
        assert second.timestamp - first.timestamp == 3_600_000
        assert (first.price, second.price) == (5000, 5001)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--speed", "x"], "expected a number >= 0, or max, was 'x'"),
        (["--speed", "-1"], "expected a number >= 0, or max, was '-1'"),
        (["--speed", "nan"], "expected a number >= 0, or max, was 'nan'"),
        (["--seed", "1.5"], "'1.5' is not a valid integer"),
        (["--market", "foo"], "'foo' is not one of 'seeded', 'manual'"),
        (["--volume-share", "3"], "3.0 is not in the range 0<x<=1"),
        (["--quotes", "q.csv"], "quotes: expected ticks to go with them, was none"),
        (["--ticks", "none.csv"], "none.csv: cannot be read: No such file or directory"),
        (["--ticks", "t.txt"], "t.txt: expected a name that ends in .csv or .csv.gz"),
        (["--ticks", "bad.csv"], "bad.csv: columns: expected ts_event, price, size, was 'a, b'"),
    ],
)
def test_options_that_cannot_be_used_start_nothing(tmp_path, monkeypatch, options, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.csv").write_text("a,b\n")
    result = run("serve", "--socket", "b.sock", *options)
    assert result.exit_code == 2
    assert message in sentence(result)
    assert not Path("b.sock").exists()


def test_a_socket_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    for path, message in (
        (tmp_path / "none" / "b.sock", "no socket can be made: No such file or directory"),
        (tmp_path / "file", "expected a socket or nothing, was another file"),
        (tmp_path / ("x" * 200), "no socket can be made"),
    ):
        result = run("serve", "--socket", path)
        assert result.exit_code == 2
        assert message in sentence(result)
    assert (tmp_path / "file").exists()


@pytest.mark.parametrize("command", ["book", "tick", "quote"])
def test_what_answers_but_is_no_broker_is_not_connected(tmp_path, command):
    path = tmp_path / "b.sock"
    prices = {"tick": ["--price", 1], "quote": ["--bid", 1, "--ask", 2]}.get(command, [])
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        for reply in (b"", b"\xff\xff\xff\xff", b"\0\0\0\x01\xc0", b"\0\0\0\x09abc"):

            def serve(reply=reply):
                connection, _ = listener.accept()
                with connection:
                    connection.recv(1000)
                    connection.sendall(reply)

            server = threading.Thread(target=serve)
            server.start()
            result = run(command, "--socket", path, *prices)
            server.join()
            assert result.exit_code == 3
            assert "no simulated broker answers there" in sentence(result)


@pytest.mark.anyio
async def test_what_the_broker_refuses_is_bad_input(servers, tmp_path):
    path = tmp_path / "b.sock"
    servers(path, "--market", "manual")
    result = run("tick", "--socket", path, "--price", 5000)
    assert result.exit_code == 2
    assert sentence(result) == (
        "Error: symbol: expected one that is traded here (none yet), was 'ES'"
    )
    async with SimRemoteDriver().connect(terms(path)):
        for wrong, message in (
            (["tick", "--price", 5000.1], "price: expected a multiple of the tick size 0.25"),
            (["tick", "--price", 5000, "--size", -1], "size: expected a number >= 0, was -1.0"),
            (["quote", "--bid", 1, "--ask", 1.1], "ask: expected a multiple of the tick size"),
            (["tick", "--symbol", "NQ", "--price", 1], "is traded here (ES), was 'NQ'"),
        ):
            result = run(*wrong, "--socket", path)
            assert result.exit_code == 2
            assert message in sentence(result)
