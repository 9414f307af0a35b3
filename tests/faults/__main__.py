"""`python -m tests.faults --seeds 300 --jobs 2`: every seed a trading session on a bad day; `--seed K` replays one."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter

from tests.faults.seed import run
from tests.faults.workers import results


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--seeds", type=int, default=300, help="how many seeds")
    parser.add_argument("--first", type=int, default=1, help="the first of them")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--seed", type=int, help="replay this one and print its timeline")
    args = parser.parse_args()
    if os.environ.get("PYTHONHASHSEED") != "0":
        # The order of a set of names must not differ between a failure and its replay.
        os.environ["PYTHONHASHSEED"] = "0"
        os.execv(sys.executable, [sys.executable, "-m", "tests.faults", *sys.argv[1:]])
    if args.seed is not None:
        return _replay(args.seed)
    return _all(range(args.first, args.first + args.seeds), args.jobs)


def _replay(seed: int) -> int:
    result = run(seed, kept=True)
    print("\n".join(result.timeline))
    print("\n".join(result.failures) or f"seed {seed}: nothing lost, nothing doubled, nothing unknown")
    return 1 if result.failures else 0


def _all(seeds: range, jobs: int) -> int:
    started = time.monotonic()
    counts: Counter[str] = Counter()
    failed: list[int] = []
    for done, result in enumerate(results(seeds, jobs), 1):
        counts.update(result.counts)
        if result.failures:
            failed.append(result.seed)
            print(f"seed {result.seed}: " + "\n    ".join(result.failures[:6]), flush=True)
        if done % 500 == 0:
            print(f"{done} seeds, {len(failed)} failed, {time.monotonic() - started:.0f} s", flush=True)
    print(_summary(counts, len(seeds), time.monotonic() - started))
    if failed:
        print(f"{len(failed)} FAILED; replay one alone: python -m tests.faults --seed {failed[0]}")
        return 1
    print("nothing lost, nothing doubled, nothing unknown")
    return 0


def _summary(counts: Counter[str], seeds: int, took_s: float) -> str:
    told = [f"{seeds} seeds in {took_s:.0f} s"]
    told += [f"{counts[kind]} {name}" for kind, name in _NAMES.items()]
    faults = sorted((kind.removeprefix("fault "), n) for kind, n in counts.items() if kind.startswith("fault "))
    return ", ".join(told) + "\nfaults: " + ", ".join(f"{name} {n}" for name, n in faults)


_NAMES = {
    "command": "commands",
    "outside": "orders and cancels outside",
    "orders": "orders",
    "fills": "fills",
    "dead": "kills",
    "power": "power losses",
    "lives": "lives",
    "disk": "disk errors",
    "ws >": "frames sent",
    "ws <": "frames received",
    "http >": "HTTP requests",
}


if __name__ == "__main__":
    raise SystemExit(main())
