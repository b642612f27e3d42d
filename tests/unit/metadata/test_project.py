"""Which files of a project count, as Salesforce's tools see it; the Metadata API's form of an object."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bridge.errors import Fatal
from bridge.metadata import source_files, source_format
from tests.support import sfdx

OBJECT = f"""{sfdx.HEAD}<CustomObject {sfdx.SPACE}>
    <label>A</label>
    <fields><fullName>Name__c</fullName><label>Name</label><length>80</length><type>Text</type>
        <complianceGroup>PII</complianceGroup></fields>
    <fields><fullName>Born__c</fullName><label>Born</label><type>Date</type></fields>
</CustomObject>
"""


def field(path: Path, name: str, type_: str = "Text") -> None:
    folder = path / "objects" / "A__e" / "fields"
    folder.mkdir(parents=True, exist_ok=True)
    inside = f"<fullName>{name}</fullName><label>x</label><length>80</length><type>{type_}</type>"
    (folder / f"{name}.field-meta.xml").write_text(
        f"{sfdx.HEAD}<CustomField {sfdx.SPACE}>{inside}</CustomField>"
    )


def own_fields(root: Path) -> list[str]:
    return [f.name for f in source_files.from_sfdx(root, "A__e").event.fields if f.name.endswith("__c")]


def test_the_metadata_apis_form(tmp_path: Path) -> None:
    objects = tmp_path / "src" / "objects"
    objects.mkdir(parents=True)
    (objects / "A__e.object").write_text(OBJECT)
    declared = source_files.from_sfdx(tmp_path, "A__e")
    assert own_fields(tmp_path) == ["Born__c", "Name__c"]
    assert declared.event.label == "A"
    assert declared.classified["Name__c"].compliance == ("PII",)
    assert source_format.events(tmp_path) == ["A__e"]


def test_only_the_packages_of_a_project_count(tmp_path: Path) -> None:
    for package, name in (("force-app", "In__c"), ("other", "Too__c"), ("scratch", "Out__c")):
        field(tmp_path / package / "main", name)
    assert own_fields(tmp_path) == ["In__c", "Out__c", "Too__c"]
    packages = {
        "packageDirectories": [{"path": "force-app", "default": True}, {"path": "./other"}, {"path": "gone"}]
    }
    (tmp_path / "sfdx-project.json").write_text(json.dumps(packages))
    assert own_fields(tmp_path) == ["In__c", "Too__c"]


def test_what_forceignore_leaves_out_does_not_count(tmp_path: Path) -> None:
    for name in ("Kept__c", "Left__c", "Back__c"):
        field(tmp_path / "force-app", name)
    (tmp_path / ".forceignore").write_text("# fields\n**/fields/Left__c*\n**/Back__c*\n!**/Back__c*\n")
    assert own_fields(tmp_path) == ["Back__c", "Kept__c"]
    (tmp_path / ".forceignore").write_text("force-app/\n")
    with pytest.raises(Fatal, match="has no objects/A__e"):
        own_fields(tmp_path)


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"packageDirectories": []}', '{"packageDirectories": [{"x": 1}]}']
)
def test_a_broken_project_file_is_named(tmp_path: Path, text: str) -> None:
    field(tmp_path, "Name__c")
    (tmp_path / "sfdx-project.json").write_text(text)
    with pytest.raises(Fatal, match=r"sfdx-project\.json"):
        own_fields(tmp_path)
