from __future__ import annotations

import pytest

from bridge.log import forget_secrets


@pytest.fixture(autouse=True)
def _no_secrets_of_others() -> None:
    """A secret of a test before, the password "confluent" say, would be masked in what this one is told."""
    forget_secrets()
