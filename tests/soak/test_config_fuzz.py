"""The reading of the configuration survives its share of hostile bytes."""

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).with_name("config_fuzz.py")


def run(program: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *program], capture_output=True, text=True, check=False, cwd=SCRIPT.parent
    )


def test_nothing_is_more_than_refused() -> None:
    done = run([str(SCRIPT), "--engine", "dice", "--seconds", "2"])

    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["accepted"] > 0
    assert result["refused"] > 0
    assert result["inputs"] == result["accepted"] + result["refused"]


def test_what_is_more_than_refused_ends_it() -> None:
    broken = "import config_fuzz as f; f.Target._read = lambda *_: {}['x']; f.main()"
    done = run(["-c", broken, "--engine", "dice", "--seconds", "2"])

    assert done.returncode == 1
    assert "KeyError: 'x'" in done.stderr
