"""The benchmarks of what is live run and print their figures, which are not looked at here."""

import json
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def last_line(folder, script, *arguments):
    """What a benchmark found that had no reason to fail."""
    done = subprocess.run(
        [sys.executable, HERE / script, *arguments, "--json"],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )
    assert done.stdout, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_kills_are_timed_and_no_entry_leaves_after_the_latch(tmp_path):
    found = last_line(tmp_path, "kill.py", "--kills", "3")
    assert (found["kills"], found["entries_after_latch"], found["defects"]) == (3, 0, 0)
    assert 0 < found["pull_to_latch_ms"]["p50"] <= found["flat_ms"]["max"]


def test_the_chain_of_risk_checks_is_timed(tmp_path):
    found = last_line(tmp_path, "risk.py", "--orders", "200", "--rounds", "1")
    assert found["controls"] > 30
    assert found["yardstick_us"] > 0
    assert 0 < found["p50_us"] <= found["p99_us"]


def test_entries_are_timed(tmp_path):
    found = last_line(tmp_path, "live.py", "--brackets", "20")
    for durability in ("power", "process"):
        figures = found[durability]
        assert 0 < figures["p50_ms"] <= figures["p95_ms"] <= figures["p99_ms"]


def test_orders_to_the_gateway_are_timed(tmp_path):
    found = last_line(tmp_path, "rithmic.py", "--orders", "5", "--rounds", "1")
    for name in ("echo", "bare", "driver_acknowledged", "process_acknowledged"):
        assert 0 < found[name]["p50_ms"] <= found[name]["p95_ms"]
