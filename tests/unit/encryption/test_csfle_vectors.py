"""Every recorded message of the Java serializers, through the vector runner."""

from __future__ import annotations

import fnmatch
from pathlib import Path

import pytest

from tests.vectors.__main__ import rules
from tests.vectors.csfle import check

FILES = sorted((Path(__file__).parents[2] / "vectors" / "csfle").glob("*.json"))
WANTED = rules("csfle")


def test_the_files_are_there() -> None:
    assert len(FILES) == 95


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_vector(path: Path) -> None:
    differences = [
        f"{name}: {difference}"
        for name, difference in check(path)
        if difference is not None
        and not any(
            fnmatch.fnmatch(path.name, rule.path) and fnmatch.fnmatch(name, rule.field) for rule in WANTED
        )
    ]
    assert not differences
