"""The siege of a handler runs, finds nothing, and would find something; long ones are commands."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("forgery.py")


def siege(*options: str) -> tuple[int, dict[str, int]]:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--between-restarts", "150", *options],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout.splitlines()[-1])


def test_no_proposal_is_taken_that_is_not_genuine_and_every_one_that_is() -> None:
    code, found = siege("--proposals", "600", "--genuine", "0.1")

    assert (code, found["accepted"]) == (0, 0)
    assert found["genuine"] == found["genuine_accepted"] == found["entries"] > 30
    assert found["restarts"] == 4
    assert len(found["attacks"]) == 17  # type: ignore[arg-type]


@pytest.mark.parametrize("part", ["signatures", "nonces", "times"])
def test_without_a_part_of_the_defence_it_finds_something(part: str) -> None:
    code, found = siege("--proposals", "300", "--genuine", "0.1", "--without", part)

    assert code == 1
    assert found["accepted"] > 0
