"""The commands that keep secrets."""

import json
import subprocess

import pytest
from click.testing import CliRunner

from fillbridge.cli.main import cli

CANARY = "hunter2-canary"
PASSPHRASE = "correct horse battery"  # noqa: S105  # of a vault that lives as long as its test


@pytest.fixture
def folder(inputs):
    (inputs / "pass").touch(mode=0o600)
    (inputs / "pass").write_text(PASSPHRASE)
    (inputs / "config.yaml").write_text(
        "execution_handler:\n"
        "  live_settings:\n"
        "    credentials: {username: me, password: '${PASSWORD}'}\n"
        "    secret_providers: [vault, file]\n"
        "  vault: {file: vault.json, unlock: file, unlock_file: ./pass}\n"
    )
    return inputs


@pytest.fixture
def secrets(folder):
    def run(*arguments, given=b"", config="config.yaml"):
        done = CliRunner().invoke(
            cli, ["secrets", *arguments, "--config", config], input=given, catch_exceptions=False
        )
        assert CANARY not in done.output
        assert PASSPHRASE not in done.output
        return done.exit_code, done.stdout, done.stderr

    return run


def test_a_secret_is_kept_found_rotated_and_never_shown(folder, secrets):
    code, out, _ = secrets("check", "--json")
    assert code == 1
    document = json.loads(out)
    assert not document["ok"]
    assert "expected a vault, was none" in document["providers"]["vault"]

    assert secrets("set", "PASSWORD", given=CANARY.encode() + b"\n")[0] == 0
    assert CANARY.encode() not in (folder / "vault.json").read_bytes()
    code, out, _ = secrets("check", "--json")
    assert code == 0
    assert json.loads(out) == {
        "ok": True,
        "providers": {"vault": "ready", "file": "ready"},
        "credentials": [
            {
                "credential": "password",
                "reference": "PASSWORD",
                "provider": "vault",
                "problem": None,
            },
            {"credential": "username", "reference": None, "provider": None, "problem": None},
        ],
        "proposal_keys": [],
    }
    code, out, _ = secrets("list", "--json")
    assert (code, json.loads(out)) == (0, {"providers": {"vault": ["PASSWORD"], "file": []}})

    (folder / "new").touch(mode=0o600)
    (folder / "new").write_text("an entirely new one\n")
    code, out, _ = secrets("rotate", "--passphrase-file", "new", "--json")
    assert (code, json.loads(out)) == (0, {"provider": "vault", "old_passphrases_open": False})
    assert secrets("check")[0] == 1
    (folder / "new").replace(folder / "pass")
    code, out, _ = secrets("check")
    assert code == 0
    assert out.splitlines() == [
        "provider vault: ready",
        "provider file: ready",
        "credentials.password ${PASSWORD}: from vault",
        "credentials.username: stands in the configuration itself",
    ]
    assert secrets("rotate", "--finish")[0] == 0
    assert secrets("check")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "given", "message"),
    [
        (["set", "A B"], b"x", "expected a reference like"),
        (["set", "A"], b"", "'A': expected some text, was none"),
        (["set", "A"], b"\xff", "expected text in UTF-8"),
        (["set", "A"], b"x" * 70_000, "expected at most 65,536 bytes"),
        (["set", "A", "--provider", "file"], b"x", "--provider: expected one that keeps secrets"),
        (["rotate"], b"", "--passphrase-file: missing, and there is no terminal"),
        (["rotate", "--finish", "--keep-old"], b"", "--finish: expected alone"),
        (["rotate", "--passphrase-file", "none"], b"", "none: the new passphrase cannot be read"),
        (["rotate", "--finish"], b"", "expected a vault, was none"),
        (["list"], b"", "expected a vault, was none"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(secrets, arguments, given, message):
    code, _, err = secrets(*arguments, given=given)

    assert code == 2
    assert message in err
    assert len(err.splitlines()) == 1


def test_the_secrets_of_proposal_keys_are_checked_as_well(folder, secrets):
    text = (folder / "config.yaml").read_text()
    keys = '{desk: {secret: "${DESK_KEY}", strategies: [fade]}}'
    keyed = text.replace("  live_settings:\n", f"  live_settings:\n    proposal_keys: {keys}\n")
    assert keyed != text
    (folder / "config.yaml").write_text(keyed)
    secrets("set", "PASSWORD", given=CANARY.encode())
    found = []
    for given in (None, b"short", b"CANARY" * 8):
        if given is not None:
            assert secrets("set", "DESK_KEY", given=given)[0] == 0
        code, out, _ = secrets("check")
        assert "CANARY" not in out
        found.append((code, out.splitlines()[-1]))

    assert found[0] == (1, "proposal_keys.desk ${DESK_KEY}: nobody has it")
    assert found[1][0] == 1
    assert "expected at least 32 bytes" in found[1][1]
    assert found[2] == (0, "proposal_keys.desk ${DESK_KEY}: from vault")


def test_without_a_vault_nothing_is_kept(folder, secrets):
    (folder / "plain.yaml").write_text("execution_handler: {mode: backtest}\n")

    code, _, err = secrets("set", "A", given=b"x", config="plain.yaml")

    assert code == 2
    assert "of none (set execution_handler.vault.file)" in err


def test_a_vault_that_others_may_read_is_refused(folder, secrets):
    secrets("set", "PASSWORD", given=CANARY.encode())
    (folder / "vault.json").chmod(0o644)

    for command in (["list"], ["set", "X"], ["rotate", "--finish"]):
        code, _, err = secrets(*command, given=b"x")
        assert code == 2
        assert "mode 0600, was 0644" in err
    code, out, _ = secrets("check")
    assert code == 1
    assert "provider vault: vault.json: expected the vault with mode 0600, was 0644" in out


def test_the_installed_command_takes_a_secret_from_a_pipe(folder, executable):
    def run(*arguments, given=None):
        command = [executable, "secrets", *arguments, "--config", "config.yaml"]
        return subprocess.run(
            command, cwd=folder, input=given, capture_output=True, text=True, check=True
        )

    kept = run("set", "PASSWORD", given=CANARY)
    assert kept.stdout == "PASSWORD is kept by vault\n"
    checked = run("check")
    assert "credentials.password ${PASSWORD}: from vault" in checked.stdout
    assert CANARY not in kept.stdout + kept.stderr + checked.stdout + checked.stderr
