"""The same seed and the same calls give the same faults."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fillbridge_chaos.dice import Dice
from fillbridge_chaos.faults import Fault

CONFTEST = Path(__file__).with_name("conftest.py")


@pytest.mark.parametrize("profile", ["calm", "bad_wifi", "fomc", "hell"])
def test_the_same_seed_gives_the_same_trace(tracing, profile):
    assert tracing(7, profile) == tracing(7, profile)


def test_both_event_loops_give_the_same_trace(tracing):
    assert tracing(7, backend="asyncio") == tracing(7, backend="trio")


def test_another_seed_gives_another_trace(tracing):
    assert tracing(7)[0] != tracing(8)[0]


def test_the_seed_of_python_changes_nothing(tracing):
    program = f"import runpy; print(runpy.run_path({str(CONFTEST)!r})['trace_of'](7)[0])"
    hashes = set()
    for seed in ("0", "1"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", program]
        ran = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
        hashes.add(ran.stdout.strip())
    assert hashes == {tracing(7)[0]}


def test_one_fault_does_not_shift_another():
    alone, beside = Dice(3), Dice(3)
    expected = [alone.happens(Fault.DUPLICATE, 0.5) for _ in range(50)]
    found = []
    for _ in range(50):
        beside.happens(Fault.REORDER, 0.5)
        found.append(beside.happens(Fault.DUPLICATE, 0.5))
    assert found == expected
    assert True in found
    assert False in found


def test_what_is_settled_hangs_on_seed_name_and_key_alone():
    dice = Dice(3)
    first = dice.settled("bust", "F1")
    dice.happens("bust", 0.5)
    assert dice.settled("bust", "F1") == first == Dice(3).settled("bust", "F1")
    assert len({first, dice.settled("bust", "F2"), Dice(4).settled("bust", "F1")}) == 3
    assert all(0 <= dice.settled("bust", str(key)) < 1 for key in range(100))
