"""``fillbridge rithmic``, against a gateway over TLS."""

import json

import pytest
from anyio.from_thread import start_blocking_portal
from click.testing import CliRunner

from fillbridge_rithmic.commands import rithmic
from fillbridge_rithmic.gateway import Account, GatewaySettings, User, serve_gateway

SYSTEM = "Fillbridge Rehearsal"
PASSWORD = "a password with spaces"  # noqa: S105


@pytest.fixture(scope="module")
def running():
    settings = GatewaySettings(
        users=(
            User(name="ann", password=PASSWORD),
            User(name="bob", password="b", accounts=("X",)),  # noqa: S106
        ),
        accounts=(Account(account_id="A1"), Account(account_id="A2")),
    )
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(serve_gateway(settings)) as gateway,
    ):
        yield gateway


@pytest.fixture
def run(running, monkeypatch, tmp_path):
    """Run a command at the gateway; gives its exit code and what it wrote."""
    monkeypatch.setenv("RITHMIC_PASSWORD", PASSWORD)
    for name in ("RITHMIC_URI", "RITHMIC_USERNAME", "RITHMIC_SYSTEM"):
        monkeypatch.delenv(name, raising=False)

    def run_command(command, *more, user="ann", system=SYSTEM, uri=None, ca_file=None):
        arguments = [
            command, "--uri", uri or running.uri, "--ca-file", ca_file or running.ca_file,
            "--timeout", "5",
        ]  # fmt: skip
        if command != "systems":
            arguments += ["--user", user, "--system", system]
        result = CliRunner().invoke(rithmic, [*arguments, *more])
        assert PASSWORD not in result.stdout + result.stderr
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return run_command


def test_systems_are_listed_without_a_login(run):
    assert run("systems").stdout == f"{SYSTEM}\n"
    assert json.loads(run("systems", "--json").stdout) == {"systems": [SYSTEM]}


def test_accounts_are_listed(run):
    listed = json.loads(run("accounts", "--json").stdout)["accounts"]
    assert [one["account_id"] for one in listed] == ["A1", "A2"]
    assert {(one["fcm_id"], one["ib_id"]) for one in listed} == {("FCM", "IB")}
    assert run("accounts").stdout.startswith("A1 ")


def test_a_check_goes_through_all_that_trading_needs(run):
    result = run("check", "--json", "--account", "A2")
    document = json.loads(result.stdout)
    assert (result.exit_code, document["ok"]) == (0, True)
    assert [step["step"] for step in document["steps"]] == [
        "systems", "login order", "accounts", "trade routes", "login pnl", "login ticker",
    ]  # fmt: skip
    without = run("check", "--no-market-data")
    assert without.exit_code == 0
    assert "login ticker" not in without.stdout
    assert "ok      trade routes: CME simulator" in without.stdout


def test_an_account_that_is_not_there_is_bad_input(run):
    result = run("check", "--account", "A9", "--json")
    assert result.exit_code == 2
    assert result.stderr == "Error: account: expected one of A1, A2, was 'A9'\n"
    assert json.loads(result.stdout)["steps"][-1]["ok"] is False


def test_a_user_without_accounts_is_told(run, monkeypatch):
    monkeypatch.setenv("OTHER", "b")
    result = run("check", "--password-env", "OTHER", user="bob")
    assert result.exit_code == 1
    assert "FAILED" in result.stdout


def test_a_wrong_password_fails(run, monkeypatch):
    monkeypatch.setenv("RITHMIC_PASSWORD", "not it")
    result = run("accounts")
    assert result.exit_code == 1
    assert "check user name, password" in result.stderr
    assert "not it" not in result.stderr


def test_an_unknown_system_is_told_with_those_there_are(run):
    result = run("accounts", system="Rithmic 1")
    assert result.exit_code == 1
    assert f"expected one of {SYSTEM}, was 'Rithmic 1'" in result.stderr


def test_nobody_at_the_address_is_not_connected(run):
    result = run("systems", uri="wss://127.0.0.1:1")
    assert result.exit_code == 3
    assert result.stderr.startswith("Error: 127.0.0.1:1: cannot be reached")


@pytest.mark.parametrize("uri", ["ws://127.0.0.1:1", "http://x"])
def test_an_address_without_tls_is_bad_input(run, uri):
    assert run("systems", uri=uri).exit_code == 2


def test_a_file_of_authorities_that_is_none_is_bad_input(run, tmp_path):
    result = run("systems", ca_file=str(tmp_path / "none"))
    assert result.exit_code == 2
    assert "ca_file" in result.stderr


def test_a_password_comes_from_a_variable_or_a_private_file(run, monkeypatch, tmp_path):
    monkeypatch.delenv("RITHMIC_PASSWORD")
    missing = run("accounts")
    assert missing.exit_code == 2
    assert "RITHMIC_PASSWORD: missing" in missing.stderr
    file = tmp_path / "password"
    assert run("accounts", "--password-file", str(file)).exit_code == 2
    file.write_text(f"{PASSWORD}\n")
    file.chmod(0o644)
    open_to_all = run("accounts", "--password-file", str(file))
    assert open_to_all.exit_code == 2
    assert "with mode 0600, was 0644" in open_to_all.stderr
    file.chmod(0o600)
    assert run("accounts", "--password-file", str(file)).exit_code == 0
    file.write_text("\n")
    assert "is empty" in run("accounts", "--password-file", str(file)).stderr


def test_a_password_is_no_option(run):
    assert run("accounts", "--password", "x").exit_code == 2


def test_variables_stand_in_for_options(run, running, monkeypatch):
    monkeypatch.setenv("RITHMIC_URI", running.uri)
    monkeypatch.setenv("RITHMIC_USERNAME", "ann")
    monkeypatch.setenv("RITHMIC_SYSTEM", SYSTEM)
    result = CliRunner().invoke(rithmic, ["accounts", "--ca-file", running.ca_file])
    assert result.exit_code == 0
