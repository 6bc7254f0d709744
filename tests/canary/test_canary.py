"""A secret is put wherever one can be, and then looked for wherever one could be told."""

import base64
import json
import os
import signal
import subprocess
import sys
import sysconfig
import threading
from contextlib import chdir, contextmanager
from pathlib import Path
from urllib.parse import quote

import anyio
import msgspec
import pytest
from tests.core.plugins.wheels import build, unpack

from fillbridge import RiskProposal
from fillbridge.management import Propose, connect
from fillbridge.management.messages import Halt, Resume

CANARY = "CANARY-hunter2/+x"
PASSPHRASE = "PASSPHRASE-swordfish/+y"  # noqa: S105  # of a vault that lives as long as its test
FORMS = tuple(
    form.encode()
    for secret, part in ((CANARY, "hunter2"), (PASSPHRASE, "swordfish"))
    for form in (
        secret,
        quote(secret, safe=""),
        secret.encode().hex(),
        secret.encode().hex(" "),
        base64.b64encode(secret.encode()).decode().rstrip("="),
        part,
    )
)
KEYRING = """
import json, os, pathlib
from keyring.backend import KeyringBackend

class Keyring(KeyringBackend):
    priority = 1

    @property
    def kept(self):
        return pathlib.Path(os.environ["CANARY_KEYRING"])

    def get_password(self, service, username):
        return json.loads(self.kept.read_text()).get(f"{service}/{username}")

    def set_password(self, service, username, password):
        found = json.loads(self.kept.read_text())
        self.kept.write_text(json.dumps(found | {f"{service}/{username}": password}))

Keyring.__module__ = "keyring.backends.libsecret"  # which is trusted to encrypt
"""
COMMAND = str(Path(sysconfig.get_path("scripts")) / "fillbridge")
BOUND_S = 60
HERE = Path(__file__).parent
NEVER_SEARCHED = ("secrets/", "config.yaml", "ideas.jsonl", "site/", "canary")
"""Where the test itself has put it."""


class Place:
    """A folder with the configuration of a run, and all that anything there has said."""

    def __init__(self, folder, environment):
        self.folder = folder
        self.environment = environment
        self.said: dict[str, bytes] = {}

    def ask(self, *arguments, given=b""):
        """Let a command say something."""
        done = subprocess.run(
            [COMMAND, *arguments],
            cwd=self.folder,
            env=self.environment,
            input=given,
            capture_output=True,
            check=False,
            timeout=BOUND_S,
        )
        name = f"fillbridge {' '.join(arguments[:2])}"
        self.said[name] = self.said.get(name, b"") + done.stdout + done.stderr
        return done

    def hits(self):
        """The places that hold the secret, in whatever form."""
        places = dict(self.said)
        for path in self.folder.rglob("*"):
            name = str(path.relative_to(self.folder))
            if path.is_file() and not name.startswith(NEVER_SEARCHED):
                places[name] = path.read_bytes()
        return sorted(name for name, said in places.items() if any(one in said for one in FORMS))


@contextmanager
def running(place):
    """A run in that place; what it has said is kept once it has ended."""
    errors = (place.folder / "stderr.log").open("wb")
    process = subprocess.Popen(
        [COMMAND, "run", "--config", "config.yaml", "--json", "--log-json", "--log-level", "debug"],
        cwd=place.folder,
        env=place.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=errors,
    )
    errors.close()
    guard = threading.Timer(BOUND_S, process.kill)
    guard.start()
    heard = []

    def wait_for(is_so):
        for line in process.stdout:
            heard.append(line)
            if is_so(json.loads(line)):
                return
        raise AssertionError((b"".join(heard) + (place.folder / "stderr.log").read_bytes())[-3000:])

    try:
        yield process, wait_for
        process.send_signal(signal.SIGTERM)
        heard.extend(process.stdout)
        process.wait()
        place.said["standard output"] = b"".join(heard)
        assert process.returncode == 0
    finally:
        guard.cancel()
        process.kill()
        process.communicate()


@contextmanager
def gateway(folder):
    """A local gateway whose user has the secret as the password; what a driver needs for it."""
    password = folder / "canary-of-the-gateway"
    password.write_text(CANARY)
    password.chmod(0o600)
    tls = folder / "tls"
    code = "from fillbridge_rithmic.gateway.commands import gateway; gateway()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "--tls", tls, "--password-file", password, "--json"],
        stdout=subprocess.PIPE,
    )
    try:
        said = json.loads(process.stdout.readline())
        yield (
            (
                f"provider: rithmic, account: {said['accounts'][0]}, symbol: ESZ6,"
                f" rithmic: {{uri: '{said['uri']}', ca_file: {said['ca_file']},"
                f" system_name: {said['systems'][0]}, login_gap_s: 0.0}}"
            ),
            f"username: {said['users'][0]}, ",
        )
    finally:
        process.terminate()
        process.communicate()


@contextmanager
def simulated(folder):
    yield "provider: asking, account: a1", ""


REFERENCES = {
    "file": ("'${PASSWORD}'", "secrets: secrets,"),
    "environment": ("'${PASSWORD}'", ""),
    "literal": (f"'{CANARY}'", ""),
    "vault": ("'${PASSWORD}'", "secret_providers: [vault],"),
    "keyring": ("'${PASSWORD}'", "secret_providers: [keyring],"),
    "vault that the keyring opens": ("'${PASSWORD}'", "secret_providers: [vault],"),
}
STORES = {
    "vault": "file: vault.json, unlock: file, unlock_file: secrets/passphrase",
    "keyring": "keyring_service: ours",
    "vault that the keyring opens": "file: vault.json, unlock: keyring, keyring_service: ours",
}


@pytest.fixture
def make(tmp_path):
    """Makes the place of a run: at which broker, and where its password stands."""

    @contextmanager
    def make(broker, provider, **environment):
        folder = tmp_path / "run"
        folder.mkdir()
        site = folder / "site"
        source = (HERE / "plugin.py").read_text()
        unpack(build(tmp_path, "telling", {"telling.py": source}, {"telling": "telling"}), site)
        secrets = folder / "secrets"
        secrets.mkdir(mode=0o700)
        for name in ("PASSWORD", "canary") if provider == "file" else ("canary",):
            (secrets / name).write_text(CANARY)
            (secrets / name).chmod(0o600)
        environment |= {"PYTHONPATH": str(site), "CANARY_FILE": str(secrets / "canary")}
        if provider in STORES:
            (site / "canary_keyring.py").write_text(KEYRING)
            (secrets / "passphrase").write_text(PASSPHRASE)
            (secrets / "passphrase").chmod(0o600)
            (secrets / "keyring").write_text(json.dumps({"ours/vault-passphrase": PASSPHRASE}))
            environment |= {
                "PYTHON_KEYRING_BACKEND": "canary_keyring.Keyring",
                "CANARY_KEYRING": str(secrets / "keyring"),
                "PYTHONASYNCIODEBUG": "1",
            }
        if "vault" in provider:
            environment["CANARY_PASSPHRASE"] = str(secrets / "passphrase")
        if provider == "environment":
            environment["PASSWORD"] = CANARY
        password, where = REFERENCES[provider]
        with broker(tmp_path) as (live, user):
            (folder / "config.yaml").write_text(
                "execution_handler: {mode: live, performance: {max_execution_latency_ms: 60000},"
                f" live_settings: {{{live}, {where} credentials: {{{user}password: {password}}},"
                " durability: process, max_loop_lag_ms: 10000, reconnect_first: 0.01},"
                f" vault: {{{STORES.get(provider, '')}}}}}"
            )
            place = Place(folder, os.environ | environment)
            if provider in STORES:
                keep = ("secrets", "set", "PASSWORD", "--config", "config.yaml")
                assert place.ask(*keep, given=CANARY.encode()).returncode == 0, place.said
            yield place

    return make


def proposal(number, **fields):
    return json.dumps(
        {
            "proposal_id": f"p{number}",
            "direction": "LONG",
            "position_size": 1,
            "urgency": "high",
            "entry_type": "limit",
            "entry_limit_price": 4000.0,
            "stop_loss_ticks": 40,
            "take_profit_ticks": 40,
            **fields,
        }
    )


async def answers(path):
    """What the handler answers by itself to requests that hold the secret."""
    idea = RiskProposal(**json.loads(proposal(f"3-{CANARY}")))
    async with connect(path) as client:
        told = [
            await client.ask(Propose(by=f"ann {CANARY}", proposal=idea)),
            await client.ask(Halt(by=f"ann {CANARY}", reason=CANARY)),
            await client.ask(Resume(by=f"ann {CANARY}")),
        ]
    return msgspec.json.encode(told)


def live_through(place):
    """A run in which everything that can tell the secret has the occasion."""
    (place.folder / "ideas.jsonl").write_text(
        "\n".join(
            (
                proposal(1),
                proposal(2, strategy=f"the one of {CANARY}"),
            )
        )
    )
    of_it = ("--config", "config.yaml")
    with running(place) as (process, wait_for):
        wait_for(lambda event: event["event"] == "gate" and event["gate"] == "open")
        place.ask("propose", "--file", "ideas.jsonl", "--now", *of_it)
        with chdir(place.folder):  # the path of a socket is short
            (path,) = Path("fillbridge-journal").glob("*/handler.sock")
            place.said["answers"] = anyio.run(answers, path)
        place.ask("halt", "--reason", f"because of {CANARY}", *of_it)
        for question in ("status", "positions", "trades", "metrics"):
            place.ask(question, "--json", *of_it)
        place.ask("orders", "--all", *of_it)
        place.ask("orders", "--all", "--json", *of_it)
        wait_for(lambda event: "no margin" in json.dumps(event))
        for name in ("cmdline", "environ"):
            place.said[f"/proc/{name}"] = Path(f"/proc/{process.pid}/{name}").read_bytes()
        place.ask("doctor", "--json", *of_it)
    place.ask("config", "show", *of_it)
    place.ask("secrets", "check", *of_it)
    place.ask("secrets", "list", *of_it)
    place.ask("crash")
    place.ask("journal", "show", "fillbridge-journal", "--last", "1000", "--json")
    place.ask("journal", "show", "fillbridge-journal", "--last", "1000")
    place.ask("journal", "export", "fillbridge-journal")


# Wherever a password comes from, a driver is given the same.
CASES = [*((provider, simulated) for provider in REFERENCES), ("file", gateway)]


@pytest.mark.parametrize(("provider", "broker"), CASES)
def test_nothing_tells_the_secret(make, broker, provider):
    with make(broker, provider) as place:
        live_through(place)
        hits = place.hits()
    expected = ["/proc/environ"] if provider == "environment" else []
    assert hits == expected
    log = (place.folder / "stderr.log").read_text()
    # The occasions were there, and masked they are told.
    assert "sent ***" in log
    assert "ORDER_STATUS_CHANGE with ***" in log
    assert "in a thread ***" in log
    assert "while it went away ***" in log
    assert log.count("opened it with ***") == ("vault" in provider)
    assert "lost after ***" in log + place.said["standard output"].decode()
    orders = place.said["fillbridge orders --all"].decode()
    assert "no margin for ***" in orders + place.said["standard output"].decode()
    for name in ("fillbridge propose --file", "answers"):
        assert "text without a secret" in place.said[name].decode()
    assert "because of ***" in place.said["fillbridge journal show"].decode()
    assert "unexpected KeyError" in place.said["fillbridge crash"].decode()
    assert not any(b"\x1b[2J" in one for one in place.said.values())
    lines = [one for one in log.splitlines() if not one.startswith("Error: unexpected")]
    assert all(json.loads(one) for one in lines)


def test_without_what_masks_it_the_search_finds_it(make):
    with make(simulated, "file", CANARY_BARE="1") as place:
        live_through(place)
        hits = place.hits()
        assert place.said["fillbridge secrets check"]
    assert "stderr.log" in hits
    assert "standard output" in hits
    assert "fillbridge journal show" in hits
    assert any(name.endswith("journal.db") for name in hits)
