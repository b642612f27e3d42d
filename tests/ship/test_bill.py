"""The bill of materials: CycloneDX, made from the lock, complete."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.ship.source import ROOT
from tests.ship.tools import environment, run

pytestmark = pytest.mark.ship


def test_every_locked_requirement_is_in_it(tmp_path: Path) -> None:
    target = tmp_path / "sbom.json"
    run(ROOT / "tools" / "sbom.sh", environment("release") / "cyclonedx-py", target)
    bill = json.loads(target.read_text())
    pinned = set(re.findall(r"^([\w.-]+)==", (ROOT / "requirements-all.txt").read_text(), re.M))
    listed = {component["name"] for component in bill["components"]}
    assert bill["bomFormat"] == "CycloneDX"
    assert pinned <= listed
    assert bill["metadata"]["component"]["name"] == "salesforce-kafka-bridge"
