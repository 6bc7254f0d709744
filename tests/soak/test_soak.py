"""The soak runs; what it is for takes longer than a test may."""

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).with_name("soak.py")


def test_nothing_but_memory_grows_over_a_few_brackets(tmp_path):
    done = subprocess.run(
        [sys.executable, SCRIPT, "--brackets", "200", "--json"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["brackets"] == 200
    assert found["not_sent"] == 0
    assert found["tasks_constant"]
    assert found["descriptors_constant"]
    assert found["threads_constant"]
