"""What every test around Kafka's clients needs."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _no_private_ca(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
