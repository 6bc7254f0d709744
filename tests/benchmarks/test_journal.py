"""The benchmark of the journal runs and prints its figures."""

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).with_name("journal.py")


def test_commits_and_recovery_are_timed(tmp_path):
    done = subprocess.run(
        [sys.executable, SCRIPT, "--commits", "40", "--orders", "90", "--directory", tmp_path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    for name in ("power", "process", "yardstick"):
        assert 0 < found[name]["p50_us"] <= found[name]["p95_us"]
    assert found["recovery"]["orders"] == 90
    assert found["recovery"]["is_same"] is True
    assert found["recovery"]["is_sound"] is True
