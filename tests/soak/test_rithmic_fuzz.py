"""The link to Rithmic survives its share of broken frames."""

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).with_name("rithmic_fuzz.py")


def test_no_broken_frame_stops_the_reading() -> None:
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
    assert result["heard"] > 1000
    assert result["passed_over"] > 1000
