"""An SFDX source tree out of an event's definition, as Salesforce's command line retrieves one."""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import escape

from bridge.sandbox.definition import EventDefinition, FieldDefinition

TYPES = {
    "boolean": "Checkbox",
    "currency": "Currency",
    "date": "Date",
    "datetime": "DateTime",
    "double": "Number",
    "email": "Email",
    "multipicklist": "MultiselectPicklist",
    "percent": "Percent",
    "phone": "Phone",
    "picklist": "Picklist",
    "reference": "Lookup",
    "string": "Text",
    "textarea": "LongTextArea",
    "time": "Time",
    "url": "Url",
}
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
SPACE = 'xmlns="http://soap.sforce.com/2006/04/metadata"'


def object_xml(definition: EventDefinition) -> str:
    label = escape(definition.label or definition.name)
    return (
        f"{HEAD}<CustomObject {SPACE}>\n    <deploymentStatus>Deployed</deploymentStatus>\n"
        f"    <eventType>HighVolume</eventType>\n    <label>{label}</label>\n"
        "    <publishBehavior>PublishAfterCommit</publishBehavior>\n</CustomObject>\n"
    )


def field_xml(field: FieldDefinition, *, repeated: bool = False) -> str:
    lines = [f"    <fullName>{field.name}</fullName>"]
    groups = (field.compliance_group or "").split(";") if field.compliance_group else []
    for group in groups if repeated else [";".join(groups)] if groups else []:
        lines.append(f"    <complianceGroup>{escape(group)}</complianceGroup>")
    described = field.describe()
    lines.append(f"    <label>{escape(described['label'])}</label>")
    for key in ("length", "precision", "scale"):
        if described[key] or (key == "scale" and described["precision"]):
            lines.append(f"    <{key}>{described[key]}</{key}>")
    if field.required:
        lines.append("    <required>true</required>")
    if field.security_classification:
        lines.append(f"    <securityClassification>{field.security_classification}</securityClassification>")
    lines.append(f"    <type>{TYPES[field.type]}</type>")
    return f"{HEAD}<CustomField {SPACE}>\n" + "\n".join(lines) + "\n</CustomField>\n"


def write(directory: Path, definition: EventDefinition, *, repeated: bool = False) -> Path:
    """The project's root; ``repeated``: several complianceGroup elements, as some tools write them."""
    home = directory / "force-app" / "main" / "default" / "objects" / definition.name
    (home / "fields").mkdir(parents=True, exist_ok=True)
    (home / f"{definition.name}.object-meta.xml").write_text(object_xml(definition), encoding="utf-8")
    for field in definition.fields:
        path = home / "fields" / f"{field.name}.field-meta.xml"
        path.write_text(field_xml(field, repeated=repeated), encoding="utf-8")
    return directory
