"""Settings that librdkafka took are not tried again for the next connector, and others are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import confluent_kafka
import pytest

from bridge.config import Loaded, config_of
from bridge.kafka import settings


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was built."""
    built: list[str] = []
    monkeypatch.setattr(settings, "_sound", set())
    for kind in ("Producer", "Consumer"):
        real = getattr(confluent_kafka, kind)

        def make(given: Any, real: Any = real, kind: str = kind) -> Any:
            built.append(kind)
            return real(given)

        monkeypatch.setattr(confluent_kafka, kind, make)
    return built


def loaded(name: str, **worker: str) -> Loaded:
    given = {"bootstrap.servers": "localhost:9092", "security.protocol": "PLAINTEXT", "group.id": "g"}
    more = {key.replace("__", "."): value for key, value in worker.items()}
    return Loaded(config_of({"name": name}), config_of({**given, **more}))


def test_the_clients_of_equal_settings_are_built_once(clients: list[str]) -> None:
    for number in range(20):
        assert settings.examine(loaded(f"orders-{number}")) == ([], [])
    assert sorted(clients) == ["Consumer", "Producer", "Producer"]


def test_a_contradiction_is_said_to_everybody(clients: list[str]) -> None:
    for number in range(3):
        faults, _ = settings.examine(
            loaded(
                f"orders-{number}", producer__linger__ms="200000", producer__delivery__timeout__ms="100000"
            )
        )
        assert ["do not go together" in fault.message for fault in faults] == [True]


def test_a_file_that_changed_is_looked_at_again(clients: list[str], tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    counts = []
    for text in ("", "again"):
        ca.write_text(text)
        settings._contradiction("admin", {"ssl.ca.location": str(ca)})
        counts.append(len(settings._sound) + len(clients))
    assert counts[1] > counts[0]
