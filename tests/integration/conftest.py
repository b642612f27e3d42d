"""What most of these tests run against, beside the broker: a simulated org with the sample events, and a registry."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.sandbox import samples
from bridge.sandbox.org import Org
from bridge.sandbox.registry import Registry


@pytest.fixture
def org(tmp_path: Path) -> Iterator[Org]:
    """The sandbox's org, empty; a test with events of its own has a fixture of its own."""
    with Org(samples.EVENTS, directory=tmp_path / "org") as org:
        yield org


@pytest.fixture
def registry() -> Iterator[Registry]:
    """The embedded registry, empty."""
    with Registry() as registry:
        yield registry
