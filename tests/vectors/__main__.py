"""``python -m tests.vectors RUNNER FILE…``: the last line is ``N passed, M failed``; exit 1 when M > 0."""

from __future__ import annotations

import fnmatch
import importlib
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import yaml
from attrs import define, field, frozen

HERE = Path(__file__).parent
RUNNERS = {
    "connect_rest": "tests.vectors.connect_rest",
    "csfle": "tests.vectors.csfle",
    "layout": "tests.vectors.layout",
    "registry": "tests.vectors.registry",
    "smt": "tests.vectors.smt",
}
Outcome = tuple[str, str | None]
"""What was compared, and the difference in words or None."""


@frozen
class Rule:
    """A wanted difference. ``own``: in which of the project's own files it occurs, and at which comparisons."""

    runner: str
    path: str
    field: str
    reason: str
    own: dict[str, list[str]] = field(factory=dict)

    def meets(self, path: Path, name: str) -> bool:
        """Whether it sets a comparison aside."""
        return fnmatch.fnmatch(path.name, self.path) and fnmatch.fnmatch(name, self.field)

    def missed(self, path: Path, names: Iterable[str]) -> str | None:
        """What is wrong with what it set aside in one of the project's own files: it names each one there."""
        if HERE not in path.resolve().parents:
            return None
        expected, found = sorted(self.own.get(path.name, [])), sorted(names)
        if expected == found:
            return None
        return f"deviations.yaml names {expected or 'nothing'} for {self.field}, set aside were {found or 'none'}"


@define
class Tally:
    """Counts of one run."""

    passed: int = 0
    failed: int = 0
    set_aside: int = 0


def rules(runner: str) -> list[Rule]:
    """The rules of ``deviations.yaml`` for a runner."""
    entries = yaml.safe_load((HERE / "deviations.yaml").read_text()) or []
    return [rule for rule in (Rule(**entry) for entry in entries) if rule.runner == runner]


def run(runner: str, files: Iterable[Path]) -> Tally:
    """Check every file; print what differs and what is set aside. A file that cannot be read has failed."""
    check, wanted, tally = importlib.import_module(RUNNERS[runner]).check, rules(runner), Tally()
    for path in files:
        aside: dict[str, list[str]] = {rule.field: [] for rule in wanted}
        for name, difference in _outcomes(check, path):
            rule = next((rule for rule in wanted if rule.meets(path, name)), None)
            if difference is None:
                tally.passed += 1
            elif rule is not None:
                tally.set_aside += 1
                aside[rule.field].append(name)
                print(f"{path.name}: {name}: set aside, {rule.reason}")
            else:
                tally.failed += 1
                print(f"{path.name}: {name}: {difference}")
        for missed in filter(None, (rule.missed(path, aside[rule.field]) for rule in wanted)):
            tally.failed += 1
            print(f"{path.name}: {missed}")
    return tally


def _outcomes(check: Callable[[Path], Iterator[Outcome]], path: Path) -> Iterator[Outcome]:
    try:
        yield from check(path)
    except Exception as error:  # one broken file must not hide the others
        yield "the file", f"cannot be read to its end: {type(error).__name__}: {error}"


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
