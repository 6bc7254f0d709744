"""A short run of the power failures: what was acknowledged stands, and the harness has teeth."""

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).with_name("powerloss.py")


def cut(*options):
    done = subprocess.run(
        [sys.executable, SCRIPT, *options], capture_output=True, text=True, check=False
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout.splitlines()[-1])


def test_no_acknowledged_record_is_lost_at_any_cut():
    code, found = cut("--commits", "50", "--disks", "3")

    assert code == 0
    assert found["cuts"] > 200
    assert found["recovered"] == found["disks"] > 600
    assert (found["lost"], found["wrong"], found["quarantined"]) == (0, 0, 0)
    assert found["torn"] > 0


def test_a_disk_that_does_not_sync_is_caught():
    code, found = cut("--commits", "20", "--disks", "3", "--drop-syncs")

    assert code == 1
    assert found["lost"] > 0
    assert found["wrong"] == 0, "what is left is reported, or a part of what was written"
