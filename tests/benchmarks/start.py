"""Times how long Fillbridge takes to start, each time in a fresh process.

The last line is one JSON object: medians in seconds, of the imports less what the interpreter
itself takes.

    uv run python tests/benchmarks/start.py [--rounds N] [--no-demo]
"""

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

STATEMENTS = {
    "python": "pass",
    "import": "import fillbridge",
    "handler": "from fillbridge import BacktestExecutionHandler",
}


def seconds(command: Sequence[str | Path]) -> float:
    """How long the command takes."""
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def time_imports(rounds: int) -> dict[str, float]:
    """Medians of the statements, run in turns after one round that fills the caches."""
    times: dict[str, list[float]] = {name: [] for name in STATEMENTS}
    for number in range(rounds + 1):
        for name, statement in STATEMENTS.items():
            took = seconds([sys.executable, "-c", statement])
            if number:
                times[name].append(took)
    return {name: median(found) for name, found in times.items()}


def time_demo() -> float:
    """How long ``fillbridge demo`` takes, start and report included."""
    command = Path(sys.executable).with_name("fillbridge")
    with tempfile.TemporaryDirectory() as folder:
        return seconds([command, "demo", "--out", Path(folder) / "demo"])


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=11, metavar="N", help="runs of each import")
    parser.add_argument("--no-demo", dest="demo", action="store_false", help="imports alone")
    options = parser.parse_args()
    times = time_imports(options.rounds)
    found = {
        "python_s": round(times["python"], 4),
        "import_s": round(times["import"] - times["python"], 4),
        "handler_s": round(times["handler"] - times["python"], 4),
        "demo_s": round(time_demo(), 3) if options.demo else None,
        "rounds": options.rounds,
        "python": platform.python_version(),
    }
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
