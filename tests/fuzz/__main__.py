"""``make fuzz``: every parser of what comes from outside is fed broken inputs, ten minutes in all.

``--seconds`` bounds the whole run, ``--only`` names targets, ``--seed`` repeats a run. Inputs are seeds broken at
random: those of ``tests/fuzz/targets`` and the findings in ``tests/fuzz/found``. A finding is an exception that
the target does not allow, or an input that takes too long or too much memory; it is written to ``tests/fuzz/found``,
where a unit test replays it. Each target runs in a process of its own, which ends when one input stops it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from random import randrange

from tests.fuzz import corpus
from tests.fuzz.targets import TARGETS


def main() -> int:
    """1 when something was found."""
    parser = argparse.ArgumentParser(description="Feed every parser of what comes from outside.")
    parser.add_argument("--seconds", type=float, default=600, help="for all targets together")
    parser.add_argument("--only", default="", help="targets, comma-separated")
    parser.add_argument("--seed", type=int, default=None, help="repeat a run")
    parser.add_argument("--run", help=argparse.SUPPRESS)
    args = parser.parse_args()
    seed = randrange(2**32) if args.seed is None else args.seed
    if args.run:
        from tests.fuzz.run import run

        return run(TARGETS[args.run], args.seconds, seed)
    names = [name for name in args.only.split(",") if name] or list(TARGETS)
    if unknown := [name for name in names if name not in TARGETS]:
        parser.error(f"no such target: {', '.join(unknown)}; there are {', '.join(TARGETS)}")
    print(f"{len(names)} targets, seed {seed}", flush=True)
    share = args.seconds / len(names)
    failed = [name for name in names if not _one(name, share, seed)]
    print(f"found something in: {', '.join(failed)}" if failed else "nothing found")
    return 1 if failed else 0


def _one(name: str, seconds: float, seed: int) -> bool:
    """Whether the target held."""
    until, clean = time.monotonic() + seconds, True
    while (left := until - time.monotonic()) > 0.2:
        command = [
            sys.executable,
            "-m",
            "tests.fuzz",
            "--run",
            name,
            "--seconds",
            str(left),
            "--seed",
            str(seed),
        ]
        code = subprocess.run(command, check=False).returncode
        if code == 0:
            break
        clean = False
        stopped = corpus.stopped(name)
        if stopped is not None:
            print(f"{name}: this input stopped it: {corpus.keep(name, stopped)}", flush=True)
        if code == 3:  # as many findings as one run writes down
            break
        seed += 1
    return clean


if __name__ == "__main__":
    sys.exit(main())
