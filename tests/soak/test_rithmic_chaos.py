"""The harness of broken networks runs, and finds nothing in a short run; long ones are commands."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).with_name("rithmic_chaos.py")


def run(*arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True, check=False
    )
    assert done.stdout, done.stderr
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_every_fill_is_booked_once_however_the_link_breaks(backend: str) -> None:
    found = run("--fills", "40", "--cuts", "2", "--seed", "3", "--backend", backend)
    assert found["fills"] == found["booked"] >= 40
    assert found["cuts"] == 2


def test_lost_sessions_leave_nothing_behind() -> None:
    found = run("--reconnects", "8")
    assert found["reconnects"] == 8
    assert found["leaked"] == 0


def test_links_that_fall_silent_are_noticed() -> None:
    # A busy machine is late; without pings it would take longer than a heartbeat's 30 s.
    found = run("--half-open", "6", "--within", "20")
    assert found["half_open"] == 6
    assert found["late"] == 0
