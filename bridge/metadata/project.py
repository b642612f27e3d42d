"""Which files of a Salesforce DX project count: those of its packages that ``.forceignore`` does not leave out.

``sfdx-project.json`` lists the package directories; without it the whole folder is one. ``.forceignore`` has the syntax
of ``.gitignore`` (Salesforce DX Developer Guide, "How to Exclude Source").
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from attrs import frozen
from pathspec import GitIgnoreSpec

from bridge.documents import Broken, json_of
from bridge.errors.words import words
from bridge.metadata.infer import metadata_fatal

PROJECT: Final = "sfdx-project.json"
IGNORED: Final = ".forceignore"
_SKIPPED: Final = frozenset({".git", ".sf", ".sfdx", "node_modules"})
_LARGEST: Final = 1 << 20
_LONGEST_PATTERN: Final = 500
_MOST_STARS: Final = 12
_MOST_PATTERNS: Final = 5000


@frozen
class Project:
    """A project's folders. ``ignored``: patterns by paths below ``root``."""

    root: Path
    packages: tuple[Path, ...]
    ignored: GitIgnoreSpec

    @classmethod
    def of(cls, root: Path) -> Project:
        """Fatal(stage=METADATA) for a folder that is not there, and for a broken ``sfdx-project.json``."""
        if not root.is_dir():
            raise metadata_fatal(f"{root} is not a folder")
        return cls(root, _packages(root), _ignored(root / IGNORED))

    def walk(self) -> Iterator[Path]:
        """Folders and files that count, each folder before what is in it."""
        seen: set[Path] = set()
        for package in self.packages:
            for path in _below(package):
                if path not in seen and not self._leaves_out(path):
                    seen.add(path)
                    yield path

    def _leaves_out(self, path: Path) -> bool:
        relative = path.relative_to(self.root).as_posix()
        return self.ignored.match_file(f"{relative}/" if path.is_dir() else relative)


def _ignored(path: Path) -> GitIgnoreSpec:
    """Patterns become regular expressions, whose time grows with every star: so their number is bounded."""
    lines = _text(path).splitlines() if path.is_file() else []
    for number, line in enumerate(lines, 1):
        if len(line) > _LONGEST_PATTERN or line.count("*") > _MOST_STARS:
            raise metadata_fatal(f"{path}: the pattern in line {number} is too long, or has too many stars")
    try:
        with warnings.catch_warnings(action="ignore", category=FutureWarning):
            return GitIgnoreSpec.from_lines(lines[:_MOST_PATTERNS])
    except (ValueError, re.error) as error:
        raise metadata_fatal(f"{path}: {words(error)}") from None


def _packages(root: Path) -> tuple[Path, ...]:
    path = root / PROJECT
    if not path.is_file():
        return (root,)
    try:
        document = json_of(_text(path).encode())
    except Broken as broken:
        raise metadata_fatal(f"{path}: {broken}") from None
    listed = document.get("packageDirectories") if isinstance(document, dict) else None
    names = (
        [each.get("path") for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    )
    packages = tuple(root / name for name in names if isinstance(name, str))
    if not packages:
        raise metadata_fatal(f"{path}: names no packageDirectories")
    try:
        inside = [package for package in packages if package.resolve().is_relative_to(root.resolve())]
        return tuple(package for package in inside if package.is_dir())
    except OSError as error:
        raise metadata_fatal(f"{path}: a package's path cannot be followed ({error.strerror})") from None


def _below(directory: Path) -> Iterator[Path]:
    yield directory
    for path in sorted(directory.iterdir()):
        if path.is_symlink() or path.name in _SKIPPED:
            continue
        if path.is_dir():
            yield from _below(path)
        else:
            yield path


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST).decode("utf-8-sig", "replace")
    except OSError as error:
        raise metadata_fatal(f"{path}: cannot be read ({error.strerror})") from None
