"""``make mutants``: each mutant in a copy of the tree, the tests concerned, and which of them noticed nothing.

``python -m tests.mutants [--only WORDS] [--unit] [--list]``; exit code 1 where a mutant survives, or its text is gone.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.mutants.mutant import Mutant
from tests.mutants.mutants import MUTANTS

ROOT = Path(__file__).resolve().parents[2]
LONGEST = 900  # seconds for the tests of one mutant, and four times that for those of all
_LEFT_OUT = shutil.ignore_patterns(".git", ".venv", ".cache", "__pycache__", "*.pyc", "node_modules")


def main() -> int:
    """Run them; the survivors at the end."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--only", default="", help="those whose name has these words in it")
    parser.add_argument("--unit", action="store_true", help="those whose tests need no broker")
    parser.add_argument("--list", action="store_true", help="say which there are")
    given = parser.parse_args()
    chosen = [
        mutant
        for mutant in MUTANTS
        if given.only in mutant.name and not (given.unit and any("integration" in t for t in mutant.tests))
    ]
    if given.list:
        print("\n".join(f"{m.name}  ({m.file}; {' '.join(m.tests)})" for m in chosen))
        return 0
    with tempfile.TemporaryDirectory(prefix="mutants-") as directory:
        copy = Path(directory) / "tree"
        shutil.copytree(ROOT, copy, ignore=_LEFT_OUT, symlinks=True)
        for folder in (".cache", ".venv"):
            if (ROOT / folder).exists():
                (copy / folder).symlink_to((ROOT / folder).resolve())
        concerned = tuple(dict.fromkeys(test for mutant in chosen for test in mutant.tests))
        if (sound := _tested(copy, concerned, 4 * LONGEST)) != "survived":
            print(f"the tests do not pass without a mutant: {sound}")
            return 1
        told = {mutant.name: _told(copy, mutant) for mutant in chosen}
    survivors = [name for name, said in told.items() if said != "killed"]
    print(f"{len(told) - len(survivors)} of {len(told)} killed")
    for name in survivors:
        print(f"  {name}: {told[name]}")
    return 1 if survivors or not told else 0


def _told(copy: Path, mutant: Mutant) -> str:
    """What became of one: killed, survived, or why that cannot be said."""
    started = time.monotonic()
    file = copy / mutant.file
    text = file.read_text() if file.is_file() else ""
    if text.count(mutant.old) != 1:
        said = f"its text occurs {text.count(mutant.old)} times in {mutant.file}"
    else:
        file.write_text(text.replace(mutant.old, mutant.new))
        try:
            said = _tested(copy, mutant.tests)
        finally:
            file.write_text(text)
    print(f"{said:<10} {time.monotonic() - started:5.0f} s  {mutant.name}", flush=True)
    return said


def _tested(copy: Path, tests: tuple[str, ...], seconds: float = LONGEST) -> str:
    """What tests say of the copy as it is: they passed (survived), or one failed (killed)."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-n", "0", "-p", "no:cacheprovider", *tests]
    environ = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            command, cwd=copy, env=environ, capture_output=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        return "killed"  # it stands still where it did not before
    if done.returncode == 0:
        return "survived"
    # anything but a failed test (a wrong path, an error in the tests) proves nothing
    return "killed" if done.returncode == 1 else f"pytest ended with {done.returncode}"


if __name__ == "__main__":
    sys.exit(main())
