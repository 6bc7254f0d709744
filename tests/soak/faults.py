"""Live trading under faults, by seeds: a whole world in virtual time, judged by its broker.

uv run python tests/soak/faults.py --seeds 10000
uv run python tests/soak/faults.py --seeds 1 --first-seed 4711 --profile hell
"""

import argparse
import json
import logging
import sys
import time
from collections import Counter

from world.oracle import Violated
from world.plan import PROFILES
from world.world import World


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--profile", choices=PROFILES, default="default")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    started = time.perf_counter()
    violations = 0
    ended: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    prompt = loose = 0
    strikes: Counter[str] = Counter()
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        world = World(seed, options.profile)
        try:
            world.live()
        except Violated as error:
            violations += 1
            kinds[str(error).split(":")[0]] += 1
            print(f"seed {seed}: {error}   [{' '.join(world.points.struck)}]")
        except Exception as error:
            violations += 1
            kinds[type(error).__name__] += 1
            print(
                f"seed {seed}: {type(error).__name__} {error}   [{' '.join(world.points.struck)}]"
            )
            if options.seeds == 1:
                raise
        ended.update(world.ended_as)
        strikes.update(world.points.struck)
        prompt = max(prompt, world.oracle.longest_prompt_ns)
        loose = max(loose, world.oracle.longest_loose_ns)
        if options.seeds == 1:
            story: list[str] = []
            again = World(seed, options.profile, story)
            try:
                again.live()
            except Violated:
                pass
            print("\n".join(story))
    seconds = time.perf_counter() - started
    if options.json:
        print(sum(strikes.values()) / options.seeds, strikes)
    print(kinds, prompt / 1e9, loose / 1e9)
    print(
        json.dumps(
            {
                "seeds": options.seeds,
                "violations": violations,
                "seeds_per_s": round(options.seeds / seconds, 1),
                **ended,
            }
        )
    )
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
