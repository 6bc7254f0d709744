"""The start-up benchmark runs and prints its figures."""

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).with_name("start.py")


def test_imports_are_timed():
    done = subprocess.run(
        [sys.executable, SCRIPT, "--rounds", "1", "--no-demo"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["python_s"] > 0
    assert found["demo_s"] is None
