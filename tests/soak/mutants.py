"""Breaks live trading on purpose, one way after the other, and lets the world of faults find it.

The last line is one JSON object: ``mutants``, ``killed``, ``survived`` (their names), ``seeds``
(the most that one needed).

    uv run python tests/soak/mutants.py [--seeds N] [--soon] [--only WORDS]
"""

import argparse
import json
import logging
import sys

from world.mutations import HARD_TO_FIND, MUTATIONS, mutated
from world.runs import run


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3000, help="at most, for each mutant")
    parser.add_argument("--soon", action="store_true", help="only those that show soon")
    parser.add_argument("--only", default="", help="mutants whose name contains this")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    survived: list[str] = []
    most = count = 0
    for name in MUTATIONS:
        if options.only not in name or (options.soon and name in HARD_TO_FIND):
            continue
        count += 1
        found, seed = "", 0
        with mutated(name):
            for seed in range(1, options.seeds + 1):
                found = run(seed, "default").violation
                if found:
                    break
        # What crashes is a mutant that is out of date, and shows nothing.
        if not found or found.startswith("crash"):
            survived.append(name)
        most = max(most, seed)
        print(f"{name:48} {seed:6} {found[:70] or 'survived'}", flush=True)
    result = {"mutants": count, "killed": count - len(survived), "survived": survived}
    print(json.dumps({**result, "seeds": most}))
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
