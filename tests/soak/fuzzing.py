"""Throws inputs at something, found by atheris or by the dice, and counts what came of it."""

import argparse
import json
import logging
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple, Protocol


class Targets(Protocol):
    """What inputs are thrown at."""

    counts: Counter[str]
    """``inputs``, ``crashes``, and what else is told of them."""

    def throw(self, data: bytes) -> None:
        """Throw one input; raises where something came of it that should not."""


class Fuzzed(NamedTuple):
    """What is fuzzed, and with what."""

    script: str
    """Which file is run again for atheris."""
    targets: Callable[[Path, list[bytes]], Targets]
    """Makes them, for a folder and valid inputs; what atheris watches is imported here."""
    seeds: Callable[[], list[bytes]]
    """Valid inputs."""
    mutated: Callable[[random.Random, list[bytes]], bytes]
    """One of them, changed by the dice."""
    watched: tuple[str, ...]
    """Packages in which atheris looks for new code."""
    told: tuple[str, ...]
    """The counts of the last line, beside ``inputs`` and ``crashes``."""
    prefix: bytes = b""
    """What stands before a valid input where atheris is given it."""


def _throw_dice(fuzzed: Fuzzed, inputs: int, seed: int) -> Counter[str]:
    with tempfile.TemporaryDirectory() as folder:
        valid, dice = fuzzed.seeds(), random.Random(seed)
        targets = fuzzed.targets(Path(folder), valid)
        for number in range(inputs):
            data = fuzzed.mutated(dice, valid)
            try:
                targets.throw(data)
            except Exception as error:  # noqa: BLE001  # whatever it is, it is what was sought
                targets.counts["crashes"] += 1
                if targets.counts["crashes"] == 1:
                    print(f"input {number}: {error!r}: {data!r}", flush=True)
    return targets.counts


def _throw_atheris(fuzzed: Fuzzed, inputs: int, seed: int) -> Counter[str]:
    """In a process of its own, which atheris ends itself."""
    with tempfile.TemporaryDirectory() as folder:
        corpus, counts = Path(folder, "corpus"), Path(folder, "counts.json")
        corpus.mkdir()
        for number, valid in enumerate(fuzzed.seeds()):
            (corpus / str(number)).write_bytes(fuzzed.prefix + valid)
        done = subprocess.run(
            [sys.executable, fuzzed.script, "--child", str(counts), "--inputs", str(inputs),
             "--seed", str(seed), "--corpus", str(corpus)],
            capture_output=True, text=True, errors="replace", check=False, cwd=folder,
        )  # fmt: skip
        found = Counter(json.loads(counts.read_text()) if counts.exists() else {})
        if done.returncode:
            found["crashes"] += 1
            print(done.stdout[-3000:], done.stderr[-3000:], sep="\n", flush=True)
    return found


def _be_child(fuzzed: Fuzzed, counts: Path, inputs: int, seed: int, corpus: Path) -> None:
    """Fuzz; does not return."""
    import atheris  # type: ignore[import-untyped,import-not-found,unused-ignore]

    with atheris.instrument_imports(include=list(fuzzed.watched)):
        valid = [path.read_bytes() for path in sorted(corpus.iterdir())]
        targets = fuzzed.targets(counts.parent, valid)

    def throw(data: bytes) -> None:
        try:
            targets.throw(data)
        finally:
            done = targets.counts["inputs"]
            if done % 1000 == 0 or done >= inputs:
                counts.write_text(json.dumps(targets.counts))

    options = [f"-runs={inputs}", f"-seed={seed}", "-max_len=2048", "-verbosity=0"]
    atheris.Setup([sys.argv[0], *options, str(corpus)], throw)
    atheris.Fuzz()


def main(fuzzed: Fuzzed, description: str | None) -> int:
    """The command; its exit code."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--engine", choices=("auto", "atheris", "dice"), default="auto")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--corpus", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    if options.child:
        _be_child(fuzzed, Path(options.child), options.inputs, options.seed, Path(options.corpus))
    engine = options.engine
    if engine == "auto":
        engine = "atheris" if find_spec("atheris") else "dice"
    began = time.monotonic()
    throw = _throw_atheris if engine == "atheris" else _throw_dice
    counts = throw(fuzzed, options.inputs, options.seed)
    seconds = time.monotonic() - began
    result = {"engine": engine, "seed": options.seed}
    result |= {name: counts[name] for name in ("inputs", *fuzzed.told, "crashes")}
    result |= {"seconds": round(seconds, 1), "inputs_per_s": round(counts["inputs"] / seconds)}
    print(json.dumps(result))
    return 1 if counts["crashes"] or not counts["inputs"] else 0
