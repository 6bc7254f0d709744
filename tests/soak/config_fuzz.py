"""Feeds hostile bytes to the reading of the configuration, guided by the code that they reach.

Whatever comes: settings or one sentence, within a second. It uses atheris, which is no dependency::

    uv run --with atheris python tests/soak/config_fuzz.py --seconds 60

Without atheris it draws at random, which reaches less, and says so. The last line is one JSON
object. Exits with 1 at the first input that is more than refused, which it keeps in a file.
"""

import argparse
import importlib
import json
import random
import sys
import tempfile
import time
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

from fillbridge_hooks import FillbridgeError

SLOWEST_S = 1.0
SEEDS = [
    b"yexecution_handler:\n  mode: live\n  live_settings: {symbol: ES, credentials: {a: '${B}'}}\n",
    b"yexecution_handler:\n  instruments: {ES: {tick_size: 0.25, session_roll: '17:00'}}\n",
    b"yexecution_handler: {risk_controls: {max_position_size: 5}, vault: {file: v.json}}\n",
    b"texecution_handler.backtest_settings.slippage = {type = 'fixed', fixed_amount = 0.25}\n",
    b"t[execution_handler.performance]\nposition_timeout_hours = 1e3\n",
    b"eLIVE_SETTINGS__SYMBOL\n@int 5",
    b"eBACKTEST_SETTINGS__BAR_SECONDS\n[1, {a = 2}]",
]
TOKENS = [
    *(b"execution_handler", b"live_settings", b"credentials", b"dynaconf_merge", b"@format "),
    *(b"@jinja ", b"@int ", b"!!python/name:os.system ", b"&a ", b"*a ", b"<<: ", b"---\n"),
    *(b"${", b"}", b"[", b"{", b"\0", b"\xff", b"1e999", b".nan", b"'''", b'"""', b"%YAML 1.1\n"),
]


class Target:
    """Reads one input as a file or a variable, and counts what came of it."""

    def __init__(self, folder: Path) -> None:
        # Imported here so that atheris can watch what runs in them.
        from fillbridge.config import load_settings
        from fillbridge.plugins import Plugins

        self._load = load_settings
        plugins = Plugins()
        plugins.load()
        self._sections = plugins.settings_sections()
        self._folder = folder
        self.started = time.monotonic()
        self.counts = {"inputs": 0, "refused": 0, "accepted": 0}
        self.slowest_s = 0.0

    def warm(self) -> None:
        """Import all that reading imports, which is slow where it is watched, and start anew."""
        for seed in SEEDS:
            self._read_if_it_can(seed)
        self.started = time.monotonic()

    def __call__(self, given: bytes) -> None:
        """Read it.

        :raises Exception: if it is more than refused
        """
        self.counts["inputs"] += 1
        began = time.process_time()  # whoever else runs here is not to blame
        try:
            self._read(given[:1], given[1:])
        except FillbridgeError as error:
            if "\n" in str(error):
                raise AssertionError("the sentence has several lines") from error
            self.counts["refused"] += 1
        else:
            self.counts["accepted"] += 1
        taken = time.process_time() - began
        self.slowest_s = max(self.slowest_s, taken)
        if taken > SLOWEST_S:
            raise AssertionError(f"it took {taken:.1f} s")

    def _read_if_it_can(self, given: bytes) -> None:
        with suppress(FillbridgeError):
            self._read(given[:1], given[1:])

    def _read(self, kind: bytes, content: bytes) -> None:
        if kind == b"e":
            name, _, value = content.decode("utf-8", "replace").partition("\n")
            environ = {f"FILLBRIDGE_EXECUTION_HANDLER__{name}": value}
            self._load(None, self._sections, environ)
            return
        path = self._folder / ("fuzz.toml" if kind == b"t" else "fuzz.yaml")
        path.write_bytes(content)
        self._load(path, self._sections, {})

    def report(self, engine: str) -> None:
        """Print the last line."""
        seconds = round(time.monotonic() - self.started, 1)
        slowest = round(self.slowest_s, 3)
        print(
            json.dumps({"engine": engine, **self.counts, "seconds": seconds, "slowest_s": slowest}),
            flush=True,
        )


def at_random(target: Target, seconds: float, seed: int) -> None:
    """Mutate the seeds without guidance, for that long."""
    draw = random.Random(seed)
    pool = list(SEEDS)
    while time.monotonic() - target.started < seconds:
        content = bytearray(draw.choice(pool))
        for _ in range(draw.randint(1, 6)):
            place = draw.randrange(len(content) + 1)
            if draw.random() < 0.5:
                content[place:place] = draw.choice(TOKENS)
            elif draw.random() < 0.5:
                content[place : place + draw.randint(1, 8)] = draw.randbytes(draw.randint(0, 4))
            else:
                other = draw.choice(pool)
                content[place:] = other[draw.randrange(len(other)) :]
        given = bytes(content[:4096])
        keep_if_it_breaks(target, given)
        if len(pool) < 500 and draw.random() < 0.02:
            pool.append(given)


def keep_if_it_breaks(target: Target, given: bytes) -> None:
    """Read it, and leave it in a file for whoever mends what it broke."""
    try:
        target(given)
    except Exception:
        path = Path(tempfile.gettempdir()) / "config-fuzz-input"
        path.write_bytes(given)
        print(f"broke: {given!r}; kept in {path}", file=sys.stderr)
        raise


def guided(target: Target, seconds: float, seed: int, atheris: Any) -> None:
    """Let libFuzzer choose, for that long."""
    with tempfile.TemporaryDirectory() as corpus:
        for number, given in enumerate(SEEDS):
            (Path(corpus) / str(number)).write_bytes(given)
        words = Path(corpus).with_suffix(".dict")
        words.write_text(
            "".join('"' + "".join(f"\\x{b:02x}" for b in token) + '"\n' for token in TOKENS)
        )
        options = [f"-seed={seed}", "-max_len=4096", f"-dict={words}", f"-max_total_time={seconds}"]

        def once(given: bytes) -> None:
            keep_if_it_breaks(target, given)
            if time.monotonic() - target.started > seconds - 1 and not reported:
                reported.append(True)  # libFuzzer ends the process by itself
                target.report("atheris")

        reported: list[bool] = []
        atheris.Setup([sys.argv[0], *options, corpus], once)
        atheris.Fuzz()


def main() -> None:
    """Run as a command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--engine", choices=["auto", "dice", "atheris"], default="auto")
    arguments = parser.parse_args()
    atheris = None
    if arguments.engine != "dice":
        try:
            atheris = importlib.import_module("atheris")
        except ImportError:
            if arguments.engine == "atheris":
                raise
            print("not guided: atheris is not installed", file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        watched = ["fillbridge.config", "tomllib", "dynaconf.vendor.ruamel"]
        with atheris.instrument_imports(include=watched) if atheris else nullcontext():
            target = Target(Path(folder))
            target.warm()
        if atheris is not None:
            guided(target, int(arguments.seconds), arguments.seed, atheris)
            return
        at_random(target, arguments.seconds, arguments.seed)
        target.report("dice")


if __name__ == "__main__":
    main()
