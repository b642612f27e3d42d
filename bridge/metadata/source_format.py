"""An event as an SFDX project declares it: ``objects/X__e/X__e.object-meta.xml`` and ``fields/*.field-meta.xml``, or in
the Metadata API's form, ``objects/X__e.object`` with its fields inside.

Element names and types are those of Salesforce's Metadata API (CustomObject, CustomField). The files know no order
of the fields, so they come by name. XML is read with the standard library's expat; a document type declaration is
refused, and with it every entity that is not XML's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from xml.parsers import expat

from attrs import define, field, frozen

from bridge.metadata.classification import Classification, split
from bridge.metadata.infer import described_field, metadata_fatal
from bridge.metadata.project import Project
from bridge.model.schema import EventField, EventType

_TYPES: Final = {
    "AutoNumber": "string",
    "Checkbox": "boolean",
    "Currency": "currency",
    "Date": "date",
    "DateTime": "datetime",
    "Email": "email",
    "EncryptedText": "encryptedstring",
    "ExternalLookup": "reference",
    "Hierarchy": "reference",
    "Html": "textarea",
    "IndirectLookup": "reference",
    "Location": "location",
    "LongTextArea": "textarea",
    "Lookup": "reference",
    "MasterDetail": "reference",
    "MetadataRelationship": "reference",
    "MultiselectPicklist": "multipicklist",
    "Number": "double",
    "Percent": "percent",
    "Phone": "phone",
    "Picklist": "picklist",
    "Text": "string",
    "TextArea": "textarea",
    "Time": "time",
    "Url": "url",
    "Address": "address",
}
"""The Metadata API's FieldType → describe's word."""

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,254}", re.ASCII)
_OBJECT, _FIELD, _OBJECT_API = ".object-meta.xml", ".field-meta.xml", ".object"
_LARGEST: Final = 8 << 20  # bytes; Salesforce's own files are far below
_DEEPEST: Final = 64


@frozen
class Declared:
    """An event's declaration and how its fields are classified."""

    event: EventType
    classified: dict[str, Classification] = field(factory=dict)


@define
class _Element:
    name: str
    text: str = ""
    children: list[_Element] = field(factory=list)

    def all(self, name: str) -> list[str]:
        return [child.text.strip() for child in self.children if child.name == name]

    def one(self, name: str) -> str | None:
        texts = self.all(name)
        return texts[0] if texts and texts[0] else None


def read(directory: Path, event: str) -> Declared:
    """The event of a project, whichever of its packages declare it. Fatal(stage=METADATA) naming file and field."""
    files = [path for path in Project.of(directory).walk() if _event_of(path) == event and path.is_file()]
    if not files:
        raise metadata_fatal(f"{directory} has no objects/{event}{_nearest(directory, event)}")
    fields: dict[str, tuple[Path, EventField, Classification]] = {}
    labels: list[str] = []
    for file in files:
        for path, element in _declarations(file, labels):
            name, declared, classified = _field(path, element, event)
            if name in fields and fields[name][1:] != (declared, classified):
                raise metadata_fatal(f"{path}: the field {name} is declared differently in {fields[name][0]}")
            fields[name] = (path, declared, classified)
    own = tuple(fields[name][1] for name in sorted(fields))
    return Declared(
        EventType(event, (*_STANDARD, *own), None, labels[0] if labels else None),
        {name: classified for name, (_, _, classified) in fields.items() if classified != Classification()},
    )


def events(directory: Path) -> list[str]:
    """The names of the platform events that a project declares."""
    names = {_event_of(path) for path in Project.of(directory).walk() if path.is_file()}
    return sorted(name for name in names if name is not None and name.endswith("__e"))


_STANDARD: Final = (
    EventField("CreatedDate", "datetime", label="Created Date", nillable=False),
    EventField("CreatedById", "reference", label="Created By ID", nillable=False),
)


def _event_of(path: Path) -> str | None:
    """The object that a file declares, or declares a field of, by its place below a folder ``objects``."""
    name = path.name
    if name.endswith(_OBJECT_API) and path.parent.name == "objects":
        return name.removesuffix(_OBJECT_API)
    is_field = path.parent.name == "fields" and name.endswith(_FIELD)
    home = path.parent.parent if is_field else path.parent
    return home.name if (is_field or name.endswith(_OBJECT)) and home.parent.name == "objects" else None


def _nearest(directory: Path, event: str) -> str:
    import difflib

    near = difflib.get_close_matches(event, events(directory), n=1, cutoff=0.5)
    return f"; there is objects/{near[0]}" if near else ""


def _declarations(path: Path, labels: list[str]) -> Iterator[tuple[Path, _Element]]:
    """The fields of a file: the one of a field's own file, or those inside an object's."""
    if not path.name.endswith(_FIELD):
        root = _parsed(path, "CustomObject")
        labels += root.all("label")
        yield from ((path, child) for child in root.children if child.name == "fields")
        return
    root = _parsed(path, "CustomField")
    stem = path.name.removesuffix(_FIELD)
    if root.one("fullName") not in (None, stem):
        raise metadata_fatal(
            f"{path}: it declares the field {root.one('fullName')}, and is named after {stem}"
        )
    root.children.append(_Element("fullName", stem))
    yield path, root


def _field(path: Path, element: _Element, event: str) -> tuple[str, EventField, Classification]:
    name, type_ = element.one("fullName"), element.one("type")
    if name is None or not _NAME.fullmatch(name):
        raise metadata_fatal(f"{path}: {name!r} is not an API name such as Order_Number__c")
    if type_ is None:
        raise metadata_fatal(f"{path}: the field {name} of {event} has no type")
    word = _TYPES.get(type_)
    if word is None:
        raise metadata_fatal(
            f"{path}: field {name} of {event} has the type {type_}, which has no place in a record; remove the "
            "field from the event"
        )
    entry = {
        "name": name,
        "type": word,
        "label": element.one("label"),
        "nillable": element.one("required") != "true" and word != "boolean",
        "length": _number(path, name, element, "length"),
        "precision": _number(path, name, element, "precision"),
        "scale": _number(path, name, element, "scale"),
    }
    compliance = split(";".join(element.all("complianceGroup")))
    return (
        name,
        described_field(event, entry),
        Classification(element.one("securityClassification"), compliance),
    )


def _number(path: Path, name: str, element: _Element, which: str) -> int | None:
    text = element.one(which)
    if text is None:
        return None
    if not text.isascii() or not text.isdigit():
        raise metadata_fatal(f"{path}: the {which} of the field {name} is no number")
    return int(text[:9])


def _parsed(path: Path, root_name: str) -> _Element:
    """The document's tree, without namespaces. Fatal for what is not such a document, or has a DOCTYPE."""
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        raise metadata_fatal(f"{path}: cannot be read ({error.strerror})") from None
    if len(content) > _LARGEST:
        raise metadata_fatal(f"{path}: is larger than any metadata file of Salesforce")
    top = _Element("")
    stack = [top]

    def start(name: str, _attributes: dict[str, str]) -> None:
        if len(stack) > _DEEPEST:
            raise metadata_fatal(f"{path}: is nested deeper than any metadata file of Salesforce")
        element = _Element(name.rpartition("}")[2])
        stack[-1].children.append(element)
        stack.append(element)

    def text(data: str) -> None:
        stack[-1].text += data

    def doctype(*_: object) -> None:
        raise metadata_fatal(
            f"{path}: has a document type declaration (DOCTYPE), which is refused: remove it"
        )

    parser = expat.ParserCreate(namespace_separator="}")
    parser.StartElementHandler, parser.CharacterDataHandler = start, text
    parser.EndElementHandler = lambda _name: stack.pop()
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = doctype
    parser.buffer_text = True
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        where = f" in line {error.lineno}" if isinstance(error, expat.ExpatError) else ""
        raise metadata_fatal(f"{path}: is no well-formed XML{where}") from None
    root = top.children[0]
    if root.name != root_name:
        raise metadata_fatal(f"{path}: is a {root.name} document and not a {root_name}")
    return root
