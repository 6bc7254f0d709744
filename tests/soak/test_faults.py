"""Live trading survives its share of the worlds of faults, and every world that it once did not."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("faults.py")
MUTANTS = Path(__file__).with_name("mutants.py")
REGRESSIONS = Path(__file__).with_name("regressions.txt")


def run(script, *arguments, hash_seed="random"):
    """Run a script of this folder; what it printed, and its last line."""
    done = subprocess.run(
        [sys.executable, str(script), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
    )
    assert done.stdout, done.stderr
    return done, json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    ("profile", "seeds", "cells"),
    [
        ("calm", 200, 0),
        ("default", 7_500, 300),
        ("hell", 1_500, 250),
        ("journal", 300, 120),
        ("kills", 500, 130),
    ],
)
def test_no_world_breaks_an_invariant(profile, seeds, cells, request):
    done, result = run(SCRIPT, "--profile", profile, "--seeds", str(seeds), "--no-keep")
    assert result["violations"] == 0, done.stdout
    assert done.returncode == 0
    assert result["seeds"] == seeds
    assert result["cells_covered"] >= cells
    assert result["filled"] > seeds / 4


@pytest.mark.parametrize(
    ("mutation", "found"),
    [
        ("the switch leaves the gate open", "I7: "),
        ("the switch closes nothing", "after it was pulled: "),
        ("the latch is forgotten by a restart", "by a restart"),
    ],
)
def test_a_switch_that_does_not_work_is_noticed(mutation, found):
    done, result = run(
        SCRIPT, "--profile", "kills", "--seeds", "200", "--mutation", mutation, "--no-keep"
    )
    assert result["violations"] > 0
    assert found in done.stdout


def kept():
    lines = REGRESSIONS.read_text().splitlines()
    return [tuple(line.split()) for line in lines if not line.startswith("#")]


@pytest.mark.parametrize(("seed", "profile"), kept())
def test_what_once_broke_an_invariant_does_not_any_more(seed, profile):
    done, result = run(
        SCRIPT, "--first-seed", seed, "--seeds", "1", "--profile", profile, "--no-keep"
    )
    assert result["violations"] == 0, done.stdout


def told(seed, hash_seed):
    done, _ = run(
        SCRIPT, "--first-seed", str(seed), "--seeds", "3", "--profile", "hell", "--tell",
        "--no-keep", hash_seed=hash_seed,
    )  # fmt: skip
    return [line for line in done.stdout.splitlines() if not line.startswith("{")]


def test_a_seed_tells_the_same_story_every_time():
    assert told(7, "0") == told(7, "1") == told(7, "4711")
    assert told(7, "0") != told(8, "0")


def test_a_world_that_breaks_is_told_and_kept(tmp_path):
    kept_in = tmp_path / "kept.txt"
    done, result = run(SCRIPT, "--seeds", "40", "--mutation", "no watchdog", "--keep", str(kept_in))
    assert result["violations"] > 0
    assert done.returncode == 1
    assert "I3: " in done.stdout
    assert "submit FB0000-1-1_ENTRY" in done.stdout
    seed, profile = kept_in.read_text().splitlines()[0].split()
    assert f"seed {seed} ({profile})" in done.stdout


@pytest.mark.parametrize("option", ["--seeds", "--processes"])
def test_numbers_that_make_no_sense_are_refused(option):
    done = subprocess.run(
        [sys.executable, str(SCRIPT), option, "0"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "expected a whole number of at least 1" in done.stderr


def test_mutants_that_die_soon_die():
    done, result = run(MUTANTS, "--seeds", "150", "--soon")
    assert result["survived"] == [], done.stdout
    assert result["killed"] == result["mutants"] >= 12
