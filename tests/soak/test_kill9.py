"""The harness of kills runs, and finds nothing in a few of them; long runs are commands."""

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).with_name("kill9.py")


def test_a_few_kills_lose_nothing():
    done = subprocess.run(
        [sys.executable, SCRIPT, "--kills", "4", "--workers", "2", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["kills"] == 4
    assert found["lost"] == found["duplicated"] == found["unprotected"] == 0
