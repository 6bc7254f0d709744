"""What decodes and checks proposals survives its share of broken ones."""

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).with_name("proposal_fuzz.py")


def test_no_broken_proposal_is_taken_or_raises_what_it_should_not() -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--engine", "dice", "--inputs", "5000"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert (result["crashes"], done.returncode) == (0, 0), done.stdout
    assert result["inputs"] == 5000
    assert result["decoded"] > result["genuine"] > 500
