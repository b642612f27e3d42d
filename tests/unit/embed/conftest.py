from __future__ import annotations

from collections.abc import Iterator

import pytest

from bridge import embed


@pytest.fixture(scope="module")
def play() -> Iterator[embed.Practice]:
    with embed.practice() as practice:
        yield practice
