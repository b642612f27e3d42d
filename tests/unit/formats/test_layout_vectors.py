"""Every recorded file."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.vectors.layout import check

FILES = Path(__file__).parents[2] / "vectors" / "connect-layout"
WRITTEN = sorted(FILES.glob("*.json"))


def test_the_recordings_are_there() -> None:
    assert len(WRITTEN) == 69


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.stem)
def test_like_the_converters(path: Path) -> None:
    outcomes = list(check(path))
    assert len(outcomes) >= 3
    assert [(name, difference) for name, difference in outcomes if difference is not None] == []
