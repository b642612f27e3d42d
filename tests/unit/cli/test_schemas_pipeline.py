"""The job in docs/schemas.md does what the page says: run as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import yaml

from bridge.sandbox import samples
from bridge.sandbox.definition import EventDefinition, FieldDefinition
from tests.support import sfdx

PAGE = Path(__file__).parents[3] / "docs" / "schemas.md"
EVENT = samples.SHIPMENT_UPDATED


def script() -> str:
    (block,) = (b for b in re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL) if "jobs:" in b)
    steps = yaml.safe_load(block)["jobs"]["compatible"]["steps"]
    return next(str(step["run"]) for step in steps if step.get("name"))


@pytest.mark.parametrize(
    ("new", "code", "words"),
    [
        (EVENT, 0, "nothing changed"),
        (EVENT.with_field(FieldDefinition("Aaa__c", "string")), 0, "Aaa__c (string) is new"),
        (EVENT.without_field("Carrier__c"), 1, "breaks consumers that use Carrier__c"),
        (
            EVENT.with_field(FieldDefinition("Weight_Kg__c", "string")),
            1,
            "Weight_Kg__c was double and is string",
        ),
        (None, 1, "Shipment_Updated__e is gone"),
        (EVENT.with_field(FieldDefinition("Carrier__c", "picklist")), 0, ""),
    ],
)
def test_the_job_of_the_page(tmp_path: Path, new: EventDefinition | None, code: int, words: str) -> None:
    sfdx.write(tmp_path / "old", EVENT)
    sfdx.write(tmp_path / "new", samples.ORDER_PLACED)
    if new is not None:
        sfdx.write(tmp_path / "new", new)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-e", "-c", textwrap.dedent(script())],
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert words in done.stdout
