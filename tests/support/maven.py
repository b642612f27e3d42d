"""Artifacts of a Maven repository without Maven: ``python tests/support/maven.py FOLDER``, their coordinates on stdin.

A coordinate a line, ``group:artifact:version[:type[:classifier]]``. Run where the package jgo can be imported; what
is fetched is checked by whoever asked for it (``java.py``).
"""

from __future__ import annotations

import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

_SECONDS = 60
_AT_ONCE = 4


def main(folder: Path, coordinates: list[str]) -> None:
    """Fetch them into the folder, each under its usual name."""
    folder.mkdir()
    with TemporaryDirectory(dir=folder.parent) as cache, ThreadPoolExecutor(_AT_ONCE) as several:
        for path in several.map(partial(_fetch, Path(cache)), coordinates):
            shutil.move(path, folder / path.name)


def _fetch(cache: Path, coordinate: str) -> Path:
    from jgo.maven import MavenContext

    group, artifact, version, *rest = coordinate.split(":")
    packaging, classifier = (*rest, *("jar", "")[len(rest) :])
    context = MavenContext(repo_cache=cache, timeout=_SECONDS)
    component = context.project(group, artifact).at_version(version)
    return Path(component.artifact(classifier=classifier, packaging=packaging).resolve())


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.stdin.read().split())
