from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.registry_server import RegistryServer


@pytest.fixture
def server() -> Iterator[RegistryServer]:
    made = RegistryServer()
    yield made
    made.close()
