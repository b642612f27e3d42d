"""The simulated org with its Pub/Sub API, and a connector that uses it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.sandbox import samples
from bridge.sandbox.org import Org
from bridge.sandbox.org.pubsub import PubSub
from tests.contract.test_sources import Rig


@pytest.fixture
def org(tmp_path: Path) -> Iterator[Org]:
    with Org(samples.EVENTS, directory=tmp_path / "org") as org:
        yield org


@pytest.fixture
def rig(org: Org, monkeypatch: pytest.MonkeyPatch) -> Rig:
    monkeypatch.setattr("bridge.salesforce.pubsub.settings.SETTLED_NEW_ONLY", 0.3)
    return Rig(org, "pubsub")


@pytest.fixture
def api(org: Org) -> PubSub:
    org.serve_pubsub()
    assert org.pubsub is not None
    return org.pubsub
