"""``python -m tests.vectors RUNNER FILE…``: the last line is ``N passed, M failed``; exit 1 when M > 0."""

from __future__ import annotations

import fnmatch
import importlib
import sys
from collections.abc import Iterable
from pathlib import Path

import yaml
from attrs import define, frozen

RUNNERS = {
    "connect_rest": "tests.vectors.connect_rest",
    "csfle": "tests.vectors.csfle",
    "layout": "tests.vectors.layout",
    "registry": "tests.vectors.registry",
    "smt": "tests.vectors.smt",
}


@frozen
class Rule:
    """A wanted difference."""

    runner: str
    path: str
    field: str
    reason: str


@define
class Tally:
    """Counts of one run."""

    passed: int = 0
    failed: int = 0
    set_aside: int = 0


def rules(runner: str) -> list[Rule]:
    """The rules of ``deviations.yaml`` for a runner."""
    entries = yaml.safe_load((Path(__file__).parent / "deviations.yaml").read_text()) or []
    return [rule for rule in (Rule(**entry) for entry in entries) if rule.runner == runner]


def run(runner: str, files: Iterable[Path]) -> Tally:
    """Check every file; print what differs."""
    check, wanted, tally = importlib.import_module(RUNNERS[runner]).check, rules(runner), Tally()
    for path in files:
        for name, difference in check(path):
            if difference is None:
                tally.passed += 1
            elif any(
                fnmatch.fnmatch(path.name, rule.path) and fnmatch.fnmatch(name, rule.field) for rule in wanted
            ):
                tally.set_aside += 1
            else:
                tally.failed += 1
                print(f"{path.name}: {name}: {difference}")
    return tally


def main(arguments: list[str]) -> int:
    """Exit code."""
    if len(arguments) < 2 or arguments[0] not in RUNNERS:
        print(f"usage: python -m tests.vectors {'|'.join(RUNNERS)} FILE…", file=sys.stderr)
        return 2
    tally = run(arguments[0], map(Path, arguments[1:]))
    print(f"{tally.set_aside} set aside by deviations.yaml")
    print(f"{tally.passed} passed, {tally.failed} failed")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
