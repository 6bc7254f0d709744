import contextlib
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time

import pytest
from click.testing import CliRunner

from fillbridge_rithmic.gateway.commands import PASSWORD_VARIABLE, gateway
from fillbridge_rithmic.gateway.settings import REHEARSAL_USER, User

RUN = "from fillbridge_rithmic.gateway.commands import gateway; gateway()"
SECRET = "correct horse"  # noqa: S105


@contextlib.contextmanager
def gateway_process(*arguments, **environment):
    """The command as a process; it is ended with SIGTERM, and has to end well."""
    with subprocess.Popen(
        [sys.executable, "-c", RUN, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
    ) as process:
        try:
            yield process
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
        finally:
            process.kill()


def test_it_says_what_a_client_needs_is_controlled_and_ends_with_sigterm(tmp_path):
    control, tls = tmp_path / "control", tmp_path / "tls"
    arguments = ("--tls", str(tls), "--control", str(control), "--seed", "7", "--json")
    with gateway_process(*arguments) as process:
        said = json.loads(process.stdout.readline())
        assert said["uri"].startswith("wss://127.0.0.1:")
        assert said["ca_file"] == str(tls / "ca.pem")
        assert (said["users"], said["password"]) == (["rehearsal"], "rehearsal")
        assert said["accounts"] == ["REHEARSAL"]
        assert stat.S_IMODE(control.stat().st_mode) == 0o600
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(10)
            connection.connect(str(control))
            connection.sendall(b'{"do":"positions"}\n')
            assert json.loads(connection.recv(1000)) == {"ok": True, "positions": {}}
    assert not control.exists()


def test_a_password_comes_from_the_environment_or_a_file_and_is_not_printed(tmp_path):
    with gateway_process("--user", "u", **{PASSWORD_VARIABLE: SECRET}) as process:
        lines = [process.stdout.readline() for _ in range(6)]
        assert "Users: u\n" in lines
        assert SECRET not in "".join(lines)
    path = tmp_path / "password"
    path.write_text(f"{SECRET}\n")
    with gateway_process("--password-file", str(path), "--market", "manual") as process:
        assert SECRET not in "".join(process.stdout.readline() for _ in range(6))


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--ticks", "none.csv"], "none.csv, line 1: cannot be read: No such file"),
        (["--password-file", "none"], "none: cannot be read: No such file"),
        (["--contract", "ES:CME:0"], "expected SYMBOL:EXCHANGE:TICK_SIZE:POINT_VALUE:PRICE"),
        (["--contract", "ES:CME:0.25:50:nan"], "expected SYMBOL:EXCHANGE:TICK_SIZE"),
        (["--contract", "ES:CME:0.25:50:5000:-1"], "POINT_VALUE:PRICE[:MARGIN], was"),
        (["--contract", "ES:CME:0.25:50:5000:nan"], "POINT_VALUE:PRICE[:MARGIN], was"),
        (["--contract", "ES:CME:0.25:50:5000:1:2"], "POINT_VALUE:PRICE[:MARGIN], was"),
        (["--speed", "fast"], "expected a number >= 0, or max, was 'fast'"),
        (["--market", "dull"], "'dull' is not one of"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(arguments, error, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(gateway, arguments)
    assert result.exit_code == 2
    assert error in result.output


@pytest.mark.parametrize(("text", "margin"), [("", 0), (":0", 0), (":12500.5", 12500.5)])
def test_a_contract_may_have_a_margin(text, margin):
    arguments = ["--contract", f"ESZ6:CME:0.25:50:5000{text}"]
    with gateway.make_context("gateway", arguments) as context:
        (contract,) = context.params["contracts"]
    assert (contract.symbol, contract.price, contract.margin) == ("ESZ6", 5000, margin)


def test_an_empty_password_is_refused(tmp_path):
    path = tmp_path / "password"
    path.write_text("\n")
    result = CliRunner().invoke(gateway, ["--password-file", str(path)])
    assert result.exit_code == 2
    assert "expected a password, was empty" in result.output


def test_it_can_be_run_in_a_process_of_many_things(tmp_path):
    control = tmp_path / "control"
    arguments = ["--control", str(control), "--market", "manual", "--speed", "max"]
    arguments += ["--contract", "MNQ:CME:0.25:2:20000", "--account", "A", "--account", "B"]

    def end_it():
        while not control.exists():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    ending = threading.Thread(target=end_it, daemon=True)
    ending.start()
    result = CliRunner().invoke(gateway, arguments)
    ending.join(20)
    assert result.exit_code == 0
    assert "Users: rehearsal; password: rehearsal\n" in result.output
    assert "Accounts: A, B\n" in result.output
    assert "Contracts: MNQ.CME\n" in result.output
    assert f"Control socket: {control}\n" in result.output


def test_what_makes_certificates_has_to_be_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "trustme", None)
    result = CliRunner().invoke(gateway, [])
    assert result.exit_code == 2
    assert "install fillbridge-rithmic[gateway]" in result.output


def test_a_password_file_has_to_be_text(tmp_path):
    path = tmp_path / "password"
    path.write_bytes(b"\xff")
    result = CliRunner().invoke(gateway, ["--password-file", str(path)])
    assert "password: cannot be read: it is no text" in result.output


def test_a_password_is_in_no_representation():
    assert SECRET not in repr(User(name="u", password=SECRET))
    assert repr(REHEARSAL_USER) == "User(name='rehearsal', accounts=())"
